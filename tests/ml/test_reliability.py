"""What is said of a heatmap's worth comes from the card's test of heatmaps like it."""

from __future__ import annotations

import numpy as np
import pytest

from ml.card import CamScale, HeatmapTest, Interval, Pointed
from ml.evidence import heatmap
from ml.reliability import reliability


def _pointed(label: str, strength: str, hits: float, maps: int = 200) -> Pointed:
    found = Interval(value=hits, low=hits - 0.05, high=hits + 0.05, n=150, unit="patient")
    return Pointed(label=label, strength=strength, maps=maps, hits=found, chance=0.14)


TEST = HeatmapTest(
    data="bus-bra",
    images=0,
    chance=0.14,
    shown={},
    bar=0.5,
    fewest=30,
    pointed=(
        _pointed("malignant", "strong", 0.86),
        _pointed("malignant", "weak", 0.41),
        _pointed("benign", "strong", 0.5),
        _pointed("benign", "weak", 0.9, maps=29),
    ),
)


@pytest.mark.parametrize(
    ("label", "strength", "verdict"),
    [
        ("malignant", "strong", "reliable"),
        ("malignant", "weak", "unreliable"),
        ("benign", "strong", "reliable"),
        ("benign", "weak", "untested"),
        ("malignant", "moderate", "untested"),
        ("normal", "strong", "untested"),
    ],
)
def test_below_the_bar_is_unreliable_and_too_few_are_untested(label, strength, verdict):
    assert reliability(label, strength, TEST).verdict == verdict


def test_why_is_told_with_figure_interval_chance_and_number():
    words = reliability("malignant", "weak", TEST).words
    for part in ("200 weak heatmaps for malignant", "41%", "36% to 46%", "by chance 14%"):
        assert part in words


def test_a_network_whose_heatmaps_were_never_tested_says_so():
    assert reliability("malignant", "strong", None).verdict == "untested"


def test_a_heatmap_is_judged_by_its_own_class_and_strength():
    raw = np.zeros((6, 6), np.float32)
    raw[2, 3] = 0.2
    assert heatmap("malignant", raw, CamScale(strong=1.0), TEST).reliability.verdict == "unreliable"
    assert heatmap("malignant", raw, CamScale(strong=0.2), TEST).reliability.verdict == "reliable"


def test_a_map_of_no_evidence_is_neither():
    assert heatmap("malignant", np.zeros((6, 6), np.float32), CamScale(strong=1.0), TEST).reliability is None
