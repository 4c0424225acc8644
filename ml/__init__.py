"""The door of `ml`. What `webapp` may use is named here; everything else is inside.

Importing this package is cheap: torch is loaded when the first `Predictor` is asked for, so that a
web process, which only asks for files to be looked at and draws pictures, never pays for it. Files are
decoded through `IsolatedDecoder` alone: no door leads to a codec that runs in the caller's own process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml.errors import DecoderUnavailableError, ImageError, MlError, NetworkError
from ml.types import (
    Call,
    DicomFacts,
    Finding,
    HeaderIdentity,
    Heatmap,
    NetworkId,
    Prediction,
    Reliability,
    Scan,
    ScanInfo,
    UltrasoundRegion,
)

if TYPE_CHECKING:
    from ml.card import SHIPPED, Metrics, ModelCard
    from ml.data import copy_keys, likeness, phantom
    from ml.decoding import IsolatedDecoder, ProcessLimits
    from ml.evaluation import agreement, held_out
    from ml.imaging import ImagingLimits, identity, sniff
    from ml.overlay import heat_png, scan_png
    from ml.predictor import Predictor
    from ml.trial import try_out

_MODULES = {
    "agreement": "ml.evaluation.agreement",
    "copy_keys": "ml.data.copy_keys",
    "held_out": "ml.evaluation.held_out",
    "likeness": "ml.data.likeness",
    "phantom": "ml.data.phantom",
}
_LAZY = {
    "ImagingLimits": "ml.imaging",
    "IsolatedDecoder": "ml.decoding",
    "ProcessLimits": "ml.decoding",
    "identity": "ml.imaging",
    "sniff": "ml.imaging",
    "heat_png": "ml.overlay",
    "scan_png": "ml.overlay",
    "Predictor": "ml.predictor",
    "Metrics": "ml.card",
    "ModelCard": "ml.card",
    "SHIPPED": "ml.card",
    "try_out": "ml.trial",
}

__all__ = [
    "SHIPPED",
    "Call",
    "DecoderUnavailableError",
    "DicomFacts",
    "Finding",
    "HeaderIdentity",
    "Heatmap",
    "ImageError",
    "ImagingLimits",
    "IsolatedDecoder",
    "Metrics",
    "MlError",
    "ModelCard",
    "NetworkError",
    "NetworkId",
    "Prediction",
    "Predictor",
    "ProcessLimits",
    "Reliability",
    "Scan",
    "ScanInfo",
    "UltrasoundRegion",
    "agreement",
    "copy_keys",
    "heat_png",
    "held_out",
    "identity",
    "likeness",
    "phantom",
    "scan_png",
    "sniff",
    "try_out",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'ml' has no attribute {name!r}")
