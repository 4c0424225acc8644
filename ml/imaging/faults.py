"""One place where whatever a decoder raises on bad bytes becomes a named error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ml.errors import ImageError, TruncatedImageError, UnsupportedImageError


@contextmanager
def named_errors(what: str) -> Iterator[None]:
    """Run foreign parsers inside; `what` names the data, e.g. "The PNG image data".

    Raises:
        UnsupportedImageError: the library says that it doesn't do this kind of data.
        TruncatedImageError: anything else that isn't a named error already.

    The cause is left out on purpose: the text of a library's error may quote header values of a
    patient, and what is logged with a traceback would hold them.
    """
    try:
        yield
    except ImageError:
        raise
    except NotImplementedError:
        raise UnsupportedImageError(f"{what} is of a kind that can't be read here.") from None
    except Exception:  # noqa: BLE001  parsers of foreign bytes raise whatever the bytes lead them to
        raise TruncatedImageError(f"{what} is damaged or incomplete.") from None
