"""The Image Pixel Module (PS3.3 C.7.6.3), checked as a whole before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from ml.errors import InconsistentHeaderError, UnsupportedImageError
from ml.imaging.limits import ImagingLimits

GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
PALETTE = "PALETTE COLOR"
_ONE_SAMPLE = GREY | {PALETTE}
_THREE_SAMPLES = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})


@dataclass(frozen=True, slots=True)
class PixelHeader:
    """Sizes in pixels, bits a sample, and what the samples mean; consistent in itself."""

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    allocated: int
    stored: int
    signed: bool
    planar: int

    @property
    def frame_bits(self) -> int:
        """Bits of one uncompressed frame."""
        shared = self.photometric == "YBR_FULL_422"  # two chroma samples for two pixels
        return self.rows * self.columns * (2 if shared else self.samples) * self.allocated

    def options(self) -> dict[str, int | str]:
        """One frame of it, in the words of pydicom's decoders."""
        return {
            "rows": self.rows,
            "columns": self.columns,
            "number_of_frames": 1,
            "samples_per_pixel": self.samples,
            "photometric_interpretation": self.photometric,
            "bits_allocated": self.allocated,
            "bits_stored": self.stored,
            "pixel_representation": int(self.signed),
            "planar_configuration": self.planar,
            "pixel_keyword": "PixelData",
            "pixel_vr": "OB",
        }


def pixel_header(header: Dataset, limits: ImagingLimits) -> PixelHeader:
    """Read and check the module.

    Raises:
        InconsistentHeaderError: an element is missing, isn't a number, or contradicts another.
        UnsupportedImageError: a photometric interpretation or depth that isn't read.
        ZeroSizeError, TooManyPixelsError, TooManyFramesError: the limits.
    """
    stored = _integer(header, "BitsStored", _integer(header, "BitsAllocated"))
    pixels = PixelHeader(
        rows=_integer(header, "Rows"),
        columns=_integer(header, "Columns"),
        frames=_integer(header, "NumberOfFrames", 1) or 1,
        samples=_integer(header, "SamplesPerPixel", 1),
        photometric=str(header.get("PhotometricInterpretation", "")).strip(),
        allocated=_integer(header, "BitsAllocated"),
        stored=stored,
        signed=_integer(header, "PixelRepresentation", 0) == 1,
        planar=_integer(header, "PlanarConfiguration", 0),
    )
    limits.check_size(pixels.columns, pixels.rows)
    limits.check_frames(pixels.frames)
    _check_samples(pixels)
    return pixels


def _check_samples(pixels: PixelHeader) -> None:
    if pixels.photometric not in _ONE_SAMPLE | _THREE_SAMPLES:
        raise UnsupportedImageError("The photometric interpretation of this DICOM file isn't read.")
    if pixels.samples != (1 if pixels.photometric in _ONE_SAMPLE else 3):
        raise InconsistentHeaderError(
            f"The DICOM header says {pixels.photometric} with {pixels.samples} samples per pixel."
        )
    if pixels.allocated not in (1, 8, 16, 32):
        raise UnsupportedImageError(f"Samples of {pixels.allocated} bits aren't read.")
    if not 1 <= pixels.stored <= pixels.allocated:
        raise InconsistentHeaderError(
            f"The DICOM header says {pixels.stored} bits stored of {pixels.allocated} allocated."
        )
    if pixels.frames < 0 or pixels.planar not in (0, 1):
        raise InconsistentHeaderError(
            "The DICOM header has a negative frame count or an unknown plane order."
        )


def _integer(header: Dataset, keyword: str, default: int | None = None) -> int:
    """The value of an element as an integer; messages name the element and never its value."""
    value = header.get(keyword)
    if value is None or value == "":
        if default is None:
            raise InconsistentHeaderError(f"The DICOM header lacks {keyword}.")
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        raise InconsistentHeaderError(f"The DICOM header has a {keyword} that isn't a number.") from None
