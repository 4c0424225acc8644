"""How services wake the workers without knowing the queue: `webapp.jobs` leaves its handle in the app."""

from __future__ import annotations

from typing import Protocol, cast

from flask import current_app


class Waker(Protocol):
    """Whatever can wake workers."""

    def wake(self, times: int = 1) -> None:
        """Ask for `times` jobs to be taken up. Never fails: the job rows are the truth."""


def wake(times: int = 1) -> None:
    """Tell the workers of the running application that `times` jobs wait."""
    cast(Waker, current_app.extensions["queue"]).wake(times)
