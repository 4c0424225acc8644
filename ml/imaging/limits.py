"""How large a file, a frame and a loop may be. Asked before anything of that size is allocated."""

from __future__ import annotations

from dataclasses import dataclass

from ml.errors import (
    EmptyFileError,
    FileTooLargeError,
    FrameIndexError,
    TooManyFramesError,
    TooManyPixelsError,
    ZeroSizeError,
)

MIB = 2**20


@dataclass(frozen=True, slots=True)
class ImagingLimits:
    """Bounds on what is decoded.

    `max_bytes`: of a file, and of what a deflated DICOM file inflates to.
    `max_pixels`: width x height of one frame. `max_frames`: frames of a loop or pages of a TIFF.
    """

    max_bytes: int = 64 * MIB
    max_pixels: int = 50_000_000
    max_frames: int = 500

    def check_bytes(self, data: bytes) -> None:
        """Raises EmptyFileError or FileTooLargeError."""
        if not data:
            raise EmptyFileError("The file is empty.")
        if len(data) > self.max_bytes:
            raise FileTooLargeError(f"The file is larger than {self.max_bytes / MIB:g} MiB.")

    def check_size(self, width: int, height: int) -> None:
        """Raises ZeroSizeError or TooManyPixelsError for one frame of width x height pixels."""
        if width < 1 or height < 1:
            raise ZeroSizeError(f"The image is {width} x {height} pixels: there is nothing to read.")
        if width * height > self.max_pixels:
            raise TooManyPixelsError(
                f"The image announces {width} x {height} pixels; "
                f"at most {self.max_pixels / 1e6:g} megapixels a frame are read."
            )

    def check_frames(self, frames: int) -> None:
        """Raises TooManyFramesError."""
        if frames > self.max_frames:
            raise TooManyFramesError(f"The file holds more than {self.max_frames} frames.")


def check_index(frame: int, frames: int) -> None:
    """Raises FrameIndexError where `frame` isn't one of 0..frames-1."""
    if not 0 <= frame < frames:
        raise FrameIndexError(f"Frame {frame} was asked for; the file has frames 0 to {frames - 1}.")
