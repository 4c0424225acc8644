"""The door of `ml`. What `webapp` may use is named here; everything else is inside.

Importing this package is cheap: torch is loaded when the first `Predictor` is asked for, so that a
web process, which only looks at files and draws pictures, never pays for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml.errors import ImageError, MlError, NetworkError
from ml.types import (
    Call,
    DicomFacts,
    Finding,
    Heatmap,
    NetworkId,
    Prediction,
    Scan,
    ScanInfo,
    UltrasoundRegion,
)

if TYPE_CHECKING:
    from ml.data import phantom
    from ml.imaging import ImagingLimits, decode, inspect, sniff
    from ml.overlay import heat_png, scan_png
    from ml.predictor import Predictor

_LAZY = {
    "ImagingLimits": "ml.imaging",
    "decode": "ml.imaging",
    "inspect": "ml.imaging",
    "sniff": "ml.imaging",
    "heat_png": "ml.overlay",
    "scan_png": "ml.overlay",
    "Predictor": "ml.predictor",
}

__all__ = [
    "Call",
    "DicomFacts",
    "Finding",
    "Heatmap",
    "ImageError",
    "ImagingLimits",
    "MlError",
    "NetworkError",
    "NetworkId",
    "Prediction",
    "Predictor",
    "Scan",
    "ScanInfo",
    "UltrasoundRegion",
    "decode",
    "heat_png",
    "inspect",
    "phantom",
    "scan_png",
    "sniff",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "phantom":
        return import_module("ml.data.phantom")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'ml' has no attribute {name!r}")
