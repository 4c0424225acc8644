"""The way back: to the page that was left, and to what was begun before the password was asked for again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import urlsplit

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from webapp.permissions import SAFE_METHODS
from webapp.signin import is_fresh

P = ParamSpec("P")


def page_left() -> str:
    """The address that the request says it came from, where that is ours; else the account page."""
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc != request.host or came_from.path.startswith(("//", "/\\")):
        return url_for("account.show")
    return (came_from.path or "/") + (f"?{came_from.query}" if came_from.query else "")


def fresh(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Ask for the password first where it was not given just now, then come back: to the page asked for, or
    to the one with the form that was sent."""

    @wraps(view)
    def asked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if is_fresh():
            return view(*args, **kwargs)
        flash("Give your password once more first: this decides who can sign in.", "info")
        back = request.path if request.method in SAFE_METHODS else page_left()
        return redirect(url_for("security.verify", next=back), 303)

    return asked
