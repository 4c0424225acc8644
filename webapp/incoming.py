"""What comes in with a request is refused here where no page could make sense of it."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from threading import Timer
from time import monotonic
from typing import Any

from flask import Flask, Request, Response, request
from werkzeug.formparser import FormDataParser

from webapp.errors import BadRequest

_UNREADABLE = (
    "The form could not be read: it was cut off on the way, or the name of a file is not UTF-8. "
    "Nothing was saved. Send it again, or give the file a plain name."
)
_LINGER, _STALL = 5.0, 1.0
"""Seconds that the rest of a body is waited for in all, and for its next piece."""

_PIECE = 64 * 1024

_NUL = "A value holds the character NUL, which no text has. Nothing was saved. Type it again."


class StrictFormParser(FormDataParser):
    """Says so where a form can't be read. Werkzeug would take it for an empty one, and whoever sent it would
    be told that a field is missing.
    """

    def parse(self, *args: Any, **more: Any) -> Any:
        """As the parent's. Raises BadRequest."""
        self.silent = False
        try:
            return super().parse(*args, **more)
        except ValueError as error:
            raise BadRequest(_UNREADABLE) from error


class IncomingRequest(Request):
    """A request whose form is readable or refused."""

    form_data_parser_class = StrictFormParser


def init_app(app: Flask) -> None:
    """Look at every request of `app`, behind the gate: a stranger's form is not read."""
    app.request_class = IncomingRequest
    app.before_request(_refuse_nul)
    app.after_request(_take_in_the_rest)


def _refuse_nul() -> None:
    """Postgres takes no NUL in a text, SQLite does: neither is to find one."""
    if any("\0" in value for value in _texts()):
        raise BadRequest(_NUL)


def _texts() -> Iterable[str]:
    yield from (value for value in (request.view_args or {}).values() if isinstance(value, str))
    for source in (request.args, request.form):
        for name, values in source.lists():
            yield from (name, *values)


def _take_in_the_rest(response: Response) -> Response:
    """Read what nobody has read of the body, for a while, before the answer goes out.

    Gunicorn closes a connection on which more than 64 KiB were left unread, and the sender, which is still
    sending, sees the connection break instead of the answer: nginx would say 502 in the place of "sign in".
    """
    body = request.environ.get("wsgi.input_terminated") and request.environ["wsgi.input"]
    if not body or response.status_code < 400:  # only a terminated one ends where the body does
        return response
    until, connection = monotonic() + _LINGER, request.environ.get("gunicorn.socket")
    before = connection.gettimeout() if connection else None
    # One read waits for a whole piece, however slowly it drips in: this ends it.
    end = Timer(_LINGER, _stop_reading, [connection])
    end.start()
    try:
        if connection:
            connection.settimeout(_STALL)
        while monotonic() < until and body.read(_PIECE):
            pass
    except OSError:  # it is gone, or slow
        pass
    finally:
        end.cancel()
        if connection:
            connection.settimeout(before)
    return response


def _stop_reading(connection: socket.socket | None) -> None:
    """What waits for bytes of it gets none; answers can still be sent."""
    if connection:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RD)
