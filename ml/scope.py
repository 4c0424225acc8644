"""Is this image what the network was trained on? Asked before a class is shown.

First what can be said plainly: another modality in the DICOM header, a blank image, colour. Then the
distance of the image's features (`ml.engine.Outputs`) from those of the training scans, under a
Gaussian with a covariance of low rank plus a constant: probabilistic principal components (Tipping and
Bishop 1999, J. R. Stat. Soc. B 61:611). The statistics lie in `scope.safetensors` beside the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from_bytes
from safetensors.numpy import save as arrays_to_bytes

from ml.card import ModelCard
from ml.checkpoint import checksum
from ml.errors import WeightsMismatchError, WeightsUnavailableError
from ml.types import Scan

SCOPE_NAME = "scope.safetensors"
COLOUR_SHARE = 0.02
"""A colour Doppler box with little flow colours about 3% of a frame; marks on a B-mode image less."""

_BLANK = 12
"""Grey levels between the darkest and the brightest hundredth; the least among the training scans is 70."""

_NAMES = {"US": "breast ultrasound", "MG": "mammograms"}
_SILENT = {"OT", "SC", "XC"}
"""DICOM modalities (PS3.3 C.7.3.1.1.1) that don't say what the image shows: other, screen capture, camera."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """A Gaussian over F features, of rank k plus a constant.

    `centre` and `spread` (F,) standardise; `basis` (k, F) holds the principal directions, `power` (k,)
    their variances, `rest` () the mean variance of the directions left out. All float32.
    """

    centre: NDArray[np.float32]
    spread: NDArray[np.float32]
    basis: NDArray[np.float32]
    power: NDArray[np.float32]
    rest: NDArray[np.float32]

    def distance(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mahalanobis distance squared over F, (N,): about 1 for a training scan. `features` is (N, F)."""
        standard = (features - self.centre) / self.spread
        along = standard @ self.basis.T
        left = (standard**2).sum(axis=1) - (along**2).sum(axis=1)
        squared = (along**2 / self.power).sum(axis=1) + left / self.rest
        return np.asarray(squared / len(self.centre), dtype=np.float32)

    def save(self, directory: Path) -> str:
        """Write `scope.safetensors`, beside then renamed; returns its SHA-256."""
        data = arrays_to_bytes({name: np.ascontiguousarray(getattr(self, name)) for name in self.__slots__})
        path = directory / SCOPE_NAME
        path.with_suffix(".partial").write_bytes(data)
        path.with_suffix(".partial").replace(path)
        return checksum(data)

    @classmethod
    def load(cls, directory: Path, expected: str) -> Statistics:
        """Raises WeightsUnavailableError (no file) or WeightsMismatchError (not the card's file)."""
        try:
            data = (directory / SCOPE_NAME).read_bytes()
        except OSError as error:
            raise WeightsUnavailableError(
                f"No {SCOPE_NAME} beside the weights, though the card names one.",
                "Copy the whole folder again.",
            ) from error
        if checksum(data) != expected:
            raise WeightsMismatchError(f"{SCOPE_NAME} is not the card's.", "Copy the whole folder again.")
        try:
            return cls(**arrays_from_bytes(data))
        except (SafetensorError, TypeError) as error:
            raise WeightsMismatchError(f"{SCOPE_NAME} holds something else.", "Fit it again.") from error


class ScopeTest:
    """The test that belongs to a card; a card without one leaves only what can be said plainly."""

    def __init__(self, card: ModelCard, statistics: Statistics | None) -> None:
        self._card = card
        self._statistics = statistics

    @classmethod
    def load(cls, directory: Path, card: ModelCard) -> ScopeTest:
        """Read the statistics that the card names; see `Statistics.load` for the errors."""
        return cls(card, Statistics.load(directory, card.scope.checksum) if card.scope else None)

    def reason(self, scan: Scan, features: NDArray[np.float32]) -> str | None:
        """Why this frame is out of scope, in one sentence for a radiologist, or None. `features` is (F,)."""
        return (
            _other_modality(scan, self._card.modality)
            or _blank(scan)
            or self._coloured(scan)
            or self._strange(features)
        )

    def _coloured(self, scan: Scan) -> str | None:
        allowed = self._card.scope.colour_share if self._card.scope else COLOUR_SHARE
        if scan.colour_share <= allowed:
            return None
        covers = f"Colour covers {scan.colour_share:.0%} of the image, as in a Doppler frame or a photo"
        return f"{covers}; the network was trained on grey scans."

    def _strange(self, features: NDArray[np.float32]) -> str | None:
        if self._statistics is None or self._card.scope is None:
            return None
        if float(self._statistics.distance(features[None])[0]) <= self._card.scope.threshold:
            return None
        trained_on = f"the {_NAMES[self._card.modality]} that the network was trained on"
        return f"The image does not look like {trained_on}; a screen capture must be cropped to the scan."


def _other_modality(scan: Scan, own: str) -> str | None:
    said = scan.info.dicom.modality if scan.info.dicom else None
    if said is None or said in _SILENT or said == own:
        return None
    what = "This is a mammogram" if said == "MG" else f"The file says modality {said}"
    return f"{what}; the network was trained on {_NAMES[own]}."


def _blank(scan: Scan) -> str | None:
    shades = scan.pixels[::8, ::8].ravel()
    dark, bright = len(shades) // 100, len(shades) - 1 - len(shades) // 100
    ordered = np.partition(shades, (dark, bright))
    spread = int(ordered[bright]) - int(ordered[dark])
    return "The image is blank: it holds hardly more than one shade." if spread < _BLANK else None
