"""The values that `ml` hands out: frozen, with shapes, dtypes, ranges and units in the docstrings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Call = Literal["suspicious", "not_suspicious"]
Gray = NDArray[np.uint8]
"""uint8 (H, W), 0 black, 255 white, as a reader would see it (MONOCHROME1 already inverted)."""


@dataclass(frozen=True, slots=True)
class UltrasoundRegion:
    """One item of Sequence of Ultrasound Regions (0018,6011), DICOM PS3.3 C.8.5.5.

    The rectangle is in pixels of the frame, half open: columns x0..x1-1, rows y0..y1-1.
    `spacing_mm` is (row, column) in mm per pixel, or None where the region's units are not lengths.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    spacing_mm: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class DicomFacts:
    """What a DICOM header says that the upload form may be filled from. Empty strings are None."""

    modality: str | None = None
    patient_id: str | None = None
    accession: str | None = None
    study_uid: str | None = None
    sop_uid: str | None = None
    laterality: Literal["L", "R", "B"] | None = None
    view: str | None = None
    study_date: str | None = None
    """ISO 8601, YYYY-MM-DD."""


@dataclass(frozen=True, slots=True)
class HeaderIdentity:
    """What of a DICOM header can identify a patient. Names only, never a value.

    `attributes`: keywords (or "(gggg,eeee)" where the dictionary has none) of the attributes that are
    filled in and stand in the table of PS3.15 Annex E, in order of their numbers. `private`: how many
    attributes of vendors are filled in; what they hold is not known. `burned_in`: what Burned In
    Annotation (0028,0301) says; None where it says nothing.
    """

    attributes: tuple[str, ...]
    private: int
    burned_in: bool | None


@dataclass(frozen=True, slots=True)
class ScanInfo:
    """What is known of a file without keeping its pixels.

    `width` and `height` are those of one frame as shown (EXIF orientation applied), in pixels.
    `spacing_mm` is (row, column) in mm per pixel for the whole frame, or None where unknown.
    """

    format: Literal["png", "jpeg", "tiff", "bmp", "webp", "dicom"]
    width: int
    height: int
    frames: int
    spacing_mm: tuple[float, float] | None = None
    regions: tuple[UltrasoundRegion, ...] = ()
    dicom: DicomFacts | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """One decoded frame.

    `pixels`: uint8 (H, W), 0..255.
    `colour`: uint8 (H, W, 3) where the source frame is in colour, else None. Shown to people; networks
    read `pixels`.
    `colour_share`: share of pixels, 0..1, whose largest and smallest channel differ by more than 40.
    """

    info: ScanInfo
    frame: int
    pixels: Gray
    colour: NDArray[np.uint8] | None = None
    colour_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far heatmaps like this one can be trusted, by their test on held-out scans with drawn lesions.

    `verdict`: "unreliable" below the bar that the card keeps; "untested" where the card has no test of
    such maps. `words`: why, one sentence with the figure, its 95% interval and its n.
    """

    verdict: Literal["reliable", "unreliable", "untested"]
    words: str


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Grad-CAM of one class on the network's own grid.

    `values`: float32 (h, w), >= 0, absolute strength: 1.0 is the strength that the card calls strong
    (`CamScale`), so that maps of different scans and classes compare; values above 1 are kept.
    `peak`: (row, column) of the strongest evidence as shares of height and width, 0..1, or None where
    the map is empty. `area`: share of the image, 0..1, above half of the peak (0 where empty).
    `words`: size and position in words, e.g. "moderate evidence, upper left, about 6% of the image".
    `reliability`: None where the map is empty, or was kept before there were such tests.
    """

    label: str
    values: NDArray[np.float32]
    peak: tuple[float, float] | None
    area: float
    words: str
    reliability: Reliability | None = None


@dataclass(frozen=True, slots=True)
class NetworkId:
    """Which network spoke. `checksum` is the SHA-256 of the weights file, in hex."""

    name: str
    version: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One class: its calibrated probability, 0..1, and the evidence for it."""

    label: str
    probability: float
    heatmap: Heatmap


@dataclass(frozen=True, slots=True)
class Prediction:
    """The second read of one frame.

    `findings` stand in the card's class order and their probabilities sum to 1.
    `call` is that of the card's operating point on P(malignant). Where `out_of_scope` is True the
    figures are kept for the log but must not be shown as a read; `reason` says why in one sentence.
    `timings_ms` holds decode, check, preprocess, forward, explain and total, in milliseconds.
    """

    findings: tuple[Finding, ...]
    call: Call
    out_of_scope: bool
    reason: str | None
    warnings: tuple[str, ...]
    network: NetworkId
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def probabilities(self) -> dict[str, float]:
        """Class name -> probability, in the card's class order."""
        return {finding.label: finding.probability for finding in self.findings}

    def finding(self, label: str) -> Finding:
        """The finding of one class; KeyError where the network has no such class."""
        for finding in self.findings:
            if finding.label == label:
                return finding
        raise KeyError(label)
