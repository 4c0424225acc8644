"""The gate in front of every endpoint: nobody passes who is not let through by `webapp.permissions`."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from werkzeug.exceptions import MethodNotAllowed

from webapp.error_pages import wants_json
from webapp.errors import Forbidden, SecondFactorNeeded, SignInNeeded
from webapp.permissions import OPEN_ENDPOINTS, SAFE_METHODS, SET_UP_FACTORS, may_call
from webapp.presentation import start_page
from webapp.services import audit, factors, sessions
from webapp.signin import current_session

ASKED_BY_PAGES = frozenset({"worklist.news", "cases.result"})
"""What an open page asks by itself while an answer is pending: no sign of a person."""


def init_app(app: Flask) -> None:
    """Put the gate in front of `app`. It comes before the CSRF check: an ended session is told as one."""
    app.before_request_funcs.setdefault(None, []).insert(0, guard)


def guard() -> ResponseReturnValue | None:
    """Let the request through (None), send to sign-in or to the set-up of a second factor, or raise
    SignInNeeded, SecondFactorNeeded or Forbidden.

    The root of the site leads those who have no worklist to the page that their day starts with.
    """
    audit.came_from(request.remote_addr)
    if request.endpoint in OPEN_ENDPOINTS or isinstance(request.routing_exception, MethodNotAllowed):
        return None
    if not current_user.is_authenticated:
        return _to_sign_in()
    g.user_id = current_user.id  # for the log, which must not ask the database again
    if request.endpoint not in SET_UP_FACTORS and factors.are_missing(current_user):
        return _to_set_up()
    if request.endpoint is not None and not may_call(current_user, request.endpoint, request.method):
        if request.path == "/":
            return redirect(start_page())
        raise Forbidden()
    if request.endpoint not in ASKED_BY_PAGES:
        sessions.seen(current_session())
    return None


def _to_sign_in() -> Response:
    """A page to the sign-in page, what a page asks for to a plain refusal. That begins no session: a late
    one of a page that was left would take the place of the one whose sign-in form is on the screen."""
    if request.headers.get("HX-Request") == "true":
        page = urlsplit(request.headers.get("HX-Current-URL", "/"))
        answer = make_response(SignInNeeded.default, SignInNeeded.status)
        answer.headers["HX-Redirect"] = _sign_in_url(page.path, page.query)
        return answer
    if request.method not in SAFE_METHODS or wants_json():
        raise SignInNeeded()
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        return make_response(SignInNeeded.default, SignInNeeded.status)
    return make_response(redirect(_sign_in_url(request.path, request.query_string.decode())))


def _to_set_up() -> Response:
    if request.method in SAFE_METHODS and not wants_json() and "HX-Request" not in request.headers:
        return make_response(redirect(url_for("factors.index")))
    raise SecondFactorNeeded()


def _sign_in_url(path: str, query: str) -> str:
    """The sign-in page, to come back from to `path`: one of this site, whatever the request claimed."""
    back = "/" + path.lstrip("/\\") + (f"?{query}" if query else "")
    return url_for("security.login", next=None if back == "/" else back)
