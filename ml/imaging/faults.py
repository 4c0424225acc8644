"""One place where whatever a decoder raises on bad bytes becomes a named error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from ml.errors import DecoderMemoryError, ImageError, TruncatedImageError, UnsupportedImageError

_TOO_MUCH = "Reading this file needs more memory than a file may take."


@contextmanager
def named_errors(what: str) -> Iterator[None]:
    """Run foreign parsers inside; `what` names the data, e.g. "The PNG image data".

    Raises:
        DecoderMemoryError: the memory that is left, or that the process may take, isn't enough.
        UnsupportedImageError: the library says that it doesn't do this kind of data.
        TruncatedImageError: anything else that isn't a named error already.

    The cause is left out on purpose: the text of a library's error may quote header values of a
    patient, and what is logged with a traceback would hold them.
    """
    try:
        yield
    except ImageError:
        raise
    except MemoryError:
        raise DecoderMemoryError(_TOO_MUCH) from None
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise DecoderMemoryError(_TOO_MUCH) from None
        raise TruncatedImageError(f"{what} is damaged or incomplete.") from None
    except NotImplementedError:
        raise UnsupportedImageError(f"{what} is of a kind that can't be read here.") from None
    except Exception:  # noqa: BLE001  parsers of foreign bytes raise whatever the bytes lead them to
        raise TruncatedImageError(f"{what} is damaged or incomplete.") from None
