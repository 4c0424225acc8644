"""The named errors of the application. Services raise them; `webapp.error_pages` shows them.

`message` is for the person in front: what failed, why, what to do next. It never carries patient data.
"""

from __future__ import annotations

from typing import ClassVar


class AppError(Exception):
    """Parent of the errors that a person may see."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something failed on our side"
    default: ClassVar[str] = (
        "The server could not finish this. Nothing you typed was changed; please try again."
    )

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.default
        super().__init__(self.message)


class BadRequest(AppError):
    """The request itself makes no sense."""

    status, code, title = 400, "bad_request", "This request was not understood"
    default = "Something in the address or the form is not as expected. Go back, and try again."


class InvalidInput(AppError):
    """Values typed by a person do not pass. `problems` maps a field's name to what is wrong with it."""

    status, code, title = 422, "invalid_input", "Some values need another look"
    default = "Some of the values can't be used."

    def __init__(self, message: str | None = None, problems: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or {}


class SignInNeeded(AppError):
    """Nobody is signed in, or the session is over."""

    status, code, title = 401, "sign_in_needed", "Please sign in"
    default = "You are not signed in, or your session has ended. Sign in, then try again."


class Forbidden(AppError):
    """The person's role does not allow this."""

    status, code, title = 403, "forbidden", "Your role does not allow this"
    default = "Ask an administrator of your group if you need it."


class SecondFactorNeeded(Forbidden):
    """The person's role asks for a second factor, and none is set up yet."""

    code, title = "second_factor_needed", "Set up a second factor first"
    default = (
        "Your role asks for one. Nothing was changed: set it up on your account's page, then do this again."
    )


class NotFound(AppError):
    """There is no such object, or it is not for this person: the same answer, so that nothing leaks."""

    status, code, title = 404, "not_found", "Nothing here"
    default = "There is nothing at this address, or it belongs to another group."


class Conflict(AppError):
    """Somebody else changed the same thing meanwhile."""

    status, code, title = 409, "conflict", "This has changed meanwhile"
    default = "Load the page again to see how it stands now."


class TooLarge(AppError):
    """More bytes, pixels, frames or files than the limits allow."""

    status, code, title = 413, "too_large", "This is too large"
    default = "The upload is larger than this server takes. Send fewer or smaller files."


class TooMany(AppError):
    """Too many attempts in a short time."""

    status, code, title = 429, "too_many", "Too many attempts"
    default = "Please wait a minute, then try again."


class Unavailable(AppError):
    """A part that the answer needs (database, storage, queue) can't be reached."""

    status, code, title = 503, "unavailable", "Not available just now"
    default = "A part of the server is not ready. Try again in a moment."


class DatabaseUnavailable(Unavailable):
    """The database can't be reached, or its disk can't be read or written."""

    code = "database_unavailable"
    default = (
        "The database can't be reached just now, so this was not done. "
        "What was saved before is safe. Try again in a moment."
    )


class DatabaseBusy(Unavailable):
    """Something else holds the database, or a part of it, for longer than a page may wait."""

    code, title = "database_busy", "Busy just now"
    default = (
        "The database is busy with something else and did not get to this, so nothing was saved. "
        "What was saved before is safe. Try again in a moment."
    )


class DiskFull(Unavailable):
    """The database has no room left."""

    code, title = "disk_full", "The disk of the server is full"
    default = (
        "There is no room left to save anything, so this was not saved. What was saved before is safe. "
        "Tell your administrator, keep what you typed, and save it again once there is room."
    )


class ConfigurationError(AppError):
    """A setting has a value that can't work. Raised at the start, where only the operator sees it."""

    code = "configuration"
    title = "A setting is wrong"
    default = "A setting of the server is wrong. docs/configuration.md names them all."
