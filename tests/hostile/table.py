"""One row of the tables of hostile files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file that means no good, or only looks like it.

    `codes`: the verdicts that the server must give, one a file: of a zip, one for each of its members.
    `shape`: (width, height, frames) of what was accepted; None where nothing is. `shown`: the name that
    people see. `filename`: what is sent as its name, in bytes because some names are no text. `heavy`: more
    than a second of work.
    """

    make: Callable[[], bytes]
    codes: tuple[str, ...]
    shape: tuple[int, int, int] | None = None
    filename: bytes = b"scan.bin"
    shown: str | None = None
    heavy: bool = False

    @property
    def verdicts(self) -> tuple[tuple[str, ...], ...]:
        """What may be answered: a heavy file may reach the time limit first where the machine is busy."""
        return (self.codes, ("decoder_timeout",)) if self.heavy else (self.codes,)


def refused(code: str, make: Callable[[], bytes], *, heavy: bool = False) -> Hostile:
    """A file that is turned away by the name of its fault."""
    return Hostile(make, (code,), heavy=heavy)


def read(width: int, height: int, make: Callable[[], bytes], *, heavy: bool = False) -> Hostile:
    """A strange file that is nevertheless a scan, of this size."""
    return Hostile(make, ("accepted",), (width, height, 1), heavy=heavy)
