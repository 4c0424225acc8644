"""The gate in front of every endpoint: nobody passes who is not let through by `webapp.permissions`."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from flask import Flask, Response, g, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user, logout_user
from werkzeug.exceptions import MethodNotAllowed

from webapp import config
from webapp.error_pages import wants_json
from webapp.errors import Forbidden, SignInNeeded
from webapp.permissions import OPEN_ENDPOINTS, SAFE_METHODS, may_call


def init_app(app: Flask) -> None:
    """Put the gate in front of `app`. It comes before the CSRF check: an ended session is told as one."""
    app.before_request_funcs.setdefault(None, []).insert(0, guard)


def guard() -> ResponseReturnValue | None:
    """Let the request through (None), send to sign-in, or raise SignInNeeded or Forbidden."""
    if request.endpoint in OPEN_ENDPOINTS or isinstance(request.routing_exception, MethodNotAllowed):
        return None
    if not current_user.is_authenticated or _session_is_over():
        return _to_sign_in()
    if request.endpoint is not None and not may_call(current_user, request.endpoint, request.method):
        raise Forbidden()
    g.user_id = current_user.id  # for the log, which must not ask the database again
    return None


def _session_is_over() -> bool:
    """Sessions end SESSION_HOURS after sign-in, whatever the cookie says: a stolen one is of no use then."""
    age = time.time() - session.get("fs_paa", 0)
    if age <= config.current().session_hours * 3600:
        return False
    logout_user()
    return True


def _to_sign_in() -> Response:
    if request.headers.get("HX-Request") == "true":
        page = urlsplit(request.headers.get("HX-Current-URL", "/"))
        answer = make_response(SignInNeeded.default, SignInNeeded.status)
        answer.headers["HX-Redirect"] = _sign_in_url(page.path, page.query)
        return answer
    if request.method in SAFE_METHODS and not wants_json():
        return make_response(redirect(_sign_in_url(request.path, request.query_string.decode())))
    raise SignInNeeded()


def _sign_in_url(path: str, query: str) -> str:
    """The sign-in page, to come back from to `path`: one of this site, whatever the request claimed."""
    back = "/" + path.lstrip("/\\") + (f"?{query}" if query else "")
    return url_for("security.login", next=None if back == "/" else back)
