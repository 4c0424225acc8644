"""How errors look: a page for people, JSON for programs, the same words in both."""

from __future__ import annotations

from contextlib import suppress

from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError
from werkzeug.exceptions import HTTPException

from webapp import database_faults, errors
from webapp.errors import AppError
from webapp.extensions import db
from webapp.logs import log

_BY_STATUS = {
    kind.status: kind
    for kind in (
        errors.BadRequest,
        errors.SignInNeeded,
        errors.Forbidden,
        errors.NotFound,
        errors.Conflict,
        errors.TooLarge,
        errors.TooMany,
        errors.Unavailable,
    )
}
_RETRY_SECONDS = "10"


class FormExpired(AppError):
    """The token of the form is not that of the session: signed out meanwhile, or sent from elsewhere."""

    status, code, title = 400, "form_expired", "This page is out of date"
    default = (
        "You signed in again, or your session ended, since this page was opened, so nothing was saved. "
        "Go back: what you typed is still there. Copy it, load the page again, and save."
    )


def init_app(app: Flask) -> None:
    """Register the handlers: ours, Werkzeug's, CSRF's, and the last resort."""
    app.register_error_handler(AppError, answer)
    app.register_error_handler(CSRFError, _expired)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(TimeoutError, _database)
    app.register_error_handler(Exception, _unexpected)


def wants_json() -> bool:
    """Whether the caller prefers JSON to a page; who prefers nothing gets a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def answer(error: AppError) -> Response:
    """`error` as the caller wants it, with its status and the request's identifier."""
    request_id = g.get("request_id")
    if error.status >= 500:
        _undo()
    if wants_json():
        response = jsonify(code=error.code, message=error.message, request_id=request_id)
    else:
        response = make_response(_page(error, request_id))
    response.status_code = error.status
    return response


def _undo() -> None:
    """Whatever failed, nothing half done may be committed by what still runs after the request."""
    with suppress(SQLAlchemyError):
        db.session.rollback()


def _page(error: AppError, request_id: str | None) -> str:
    """The usual frame asks the database who is signed in: it is left out where that may have failed."""
    if error.status < 500:
        return render_template("errors/error.html", error=error, request_id=request_id)
    template = current_app.jinja_env.get_template("errors/plain.html")
    return template.render(error=error, request_id=request_id)


def _expired(error: CSRFError) -> Response:
    return answer(FormExpired())


def _http(error: HTTPException) -> Response:
    """Werkzeug's errors in our words; redirects pass."""
    ready = error.get_response()
    if error.code is None or error.code < 400:
        return make_response(ready)
    kind = _BY_STATUS.get(error.code)
    response = answer(kind() if kind else _unnamed(error))
    for name in ("Allow", "Retry-After"):
        if name in ready.headers:
            response.headers[name] = ready.headers[name]
    return response


def _unnamed(error: HTTPException) -> AppError:
    kind = type("Unnamed", (AppError,), {"status": error.code, "code": "http_error", "title": error.name})
    named: AppError = kind(error.description)
    return named


def _database(error: DBAPIError | TimeoutError) -> Response:
    """A database that is away, busy or full is said to be so; what we asked wrongly is unexpected."""
    named = database_faults.named(error)
    if named is None:
        return _unexpected(error)
    log.error("%s (%s)", named.code, type(error).__name__)
    response = answer(named)
    response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected %s", type(error).__name__, exc_info=error)
    return answer(AppError())
