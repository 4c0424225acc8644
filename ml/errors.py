"""The named errors of `ml`. Each says what failed, why, and what to do next.

`code` is stable and fit for logs and JSON; `str(error)` is one line for a person. No error message
holds pixel data, header values of a patient or a path of the machine it runs on.
"""

from __future__ import annotations

from typing import ClassVar


class MlError(Exception):
    """Base of every error that `ml` raises on purpose.

    `what` is what failed and why; `remedy` is the next step. Both are short sentences.
    """

    code: ClassVar[str] = "ml_error"
    default_remedy: ClassVar[str] = ""

    def __init__(self, what: str, remedy: str | None = None) -> None:
        self.what = what
        self.remedy = self.default_remedy if remedy is None else remedy
        super().__init__(f"{self.what} {self.remedy}".strip())


# --- what is wrong with an uploaded file ---------------------------------------------------------


class ImageError(MlError):
    """The bytes can't be read as a scan."""

    code = "image_error"


class EmptyFileError(ImageError):
    code = "empty_file"
    default_remedy = "Export the image again and upload the new file."


class NotAnImageError(ImageError):
    code = "not_an_image"
    default_remedy = "Upload PNG, JPEG, TIFF, BMP, WebP or DICOM."


class TruncatedImageError(ImageError):
    """The file announces more data than it holds, or its data can't be decoded."""

    code = "truncated"
    default_remedy = "Copy or export the file again; the transfer was probably cut."


class FileTooLargeError(ImageError):
    code = "file_too_large"
    default_remedy = "Upload a smaller export, or ask the administrator to raise the limit."


class TooManyPixelsError(ImageError):
    code = "too_many_pixels"
    default_remedy = "Upload a smaller export, or ask the administrator to raise the limit."


class TooManyFramesError(ImageError):
    code = "too_many_frames"
    default_remedy = "Export a shorter loop or single frames."


class FrameIndexError(ImageError):
    code = "no_such_frame"
    default_remedy = "Choose a frame within the loop."


class ZeroSizeError(ImageError):
    code = "zero_size"
    default_remedy = "Export the image again and upload the new file."


class UnsupportedImageError(ImageError):
    """The container is known, but this transfer syntax, depth or photometric interpretation isn't."""

    code = "unsupported"
    default_remedy = "Export as uncompressed DICOM or as PNG."


class InconsistentHeaderError(ImageError):
    """Required header values are missing or contradict each other or the pixel data."""

    code = "inconsistent_header"
    default_remedy = "Export the image again, or send it as PNG."


# --- what a file does to the process that decodes it ----------------------------------------------


class DecoderCrashedError(ImageError):
    """A codec died of the file (a signal, an abort) or answered nonsense; its process is replaced."""

    code = "decoder_crashed"
    default_remedy = "Export the image again, or send it as PNG."


class DecoderTimeoutError(ImageError):
    """Decoding was broken off at its time limit."""

    code = "decoder_timeout"
    default_remedy = "Upload a smaller export, or send it as PNG."


class DecoderMemoryError(ImageError):
    """Decoding needs more memory than it may have."""

    code = "decoder_memory"
    default_remedy = "Upload a smaller export, or ask the administrator to raise the limit."


class DecoderUnavailableError(MlError):
    """No decoding process can be started. It says nothing about the file."""

    code = "decoder_unavailable"
    default_remedy = "Try again in a moment."


# --- networks, weights and cards -----------------------------------------------------------------


class NetworkError(MlError):
    code = "network_error"


class UnknownNetworkError(NetworkError):
    code = "unknown_network"


class InputSizeError(NetworkError):
    """A network can't read inputs of this size."""

    code = "input_size"


class WeightsUnavailableError(NetworkError):
    """The asked-for starting weights can't be had here."""

    code = "weights_unavailable"


class WeightsMismatchError(NetworkError):
    """The weights don't fit the network, or their checksum differs from the card's."""

    code = "weights_mismatch"


class CardError(NetworkError):
    """A model card is missing, unreadable or contradicts itself."""

    code = "card_error"


# --- data sets, splits and training --------------------------------------------------------------


class DataError(MlError):
    """A data set can't be read as announced; `problems` lists every fault found."""

    code = "data_error"

    def __init__(self, what: str, remedy: str | None = None, problems: tuple[str, ...] = ()) -> None:
        self.problems = problems
        super().__init__(what, remedy)


class LeakError(DataError):
    """A patient or a group of near copies stands on both sides of a split."""

    code = "leak"


class EvaluationError(MlError):
    """A figure can't be computed from what was given (one class only, no rows, shapes that differ)."""

    code = "evaluation_error"
