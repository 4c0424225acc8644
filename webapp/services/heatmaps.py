"""Heatmaps as the `heatmaps` column of an analysis keeps them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

import ml


def to_json(heatmap: ml.Heatmap) -> dict[str, Any]:
    """A heatmap as the `heatmaps` column keeps it, strengths to 5 decimals."""
    return {
        "values": np.round(heatmap.values.astype(float), 5).tolist(),
        "peak": heatmap.peak,
        "area": heatmap.area,
        "words": heatmap.words,
        "reliability": heatmap.reliability and asdict(heatmap.reliability),
    }


def from_json(label: str, kept: dict[str, Any]) -> ml.Heatmap:
    """The heatmap that `to_json` kept."""
    peak, reliability = kept["peak"], kept.get("reliability")
    return ml.Heatmap(
        label=label,
        values=np.asarray(kept["values"], dtype=np.float32),
        peak=None if peak is None else (peak[0], peak[1]),
        area=kept["area"],
        words=kept["words"],
        reliability=reliability and ml.Reliability(**reliability),
    )
