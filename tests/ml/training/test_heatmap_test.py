"""Heatmaps are tested on held-out images with a drawn lesion, and the card keeps what came of it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ml import networks
from ml.data import Sample
from ml.evaluation.pointing import Pointing
from ml.training import heatmap_test
from ml.training.dataset import preprocessing
from ml.training.heatmap_test import Looked
from ml.training.recipe import Recipe

CLASSES = ("benign", "malignant", "normal")


def _sample(folder: Path, number: int, label: str, drawn: bool = True) -> Sample:
    """Black, with one bright square that is the lesion."""
    row, column = 8 + 12 * (number % 3), 8 + 10 * (number % 4)
    pixels = np.zeros((64, 64), np.uint8)
    pixels[row : row + 16, column : column + 16] = 255
    path, mask = folder / f"{number}.png", folder / f"{number}-mask.png"
    cv2.imwrite(str(path), pixels)
    cv2.imwrite(str(mask), pixels)
    return Sample(path, label, f"p{number}", f"p{number}", "drawn", masks=(mask,) if drawn else ())


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    labels = ["benign", "malignant"] * 5
    return [
        *(_sample(tmp_path, number, label) for number, label in enumerate(labels)),
        _sample(tmp_path, 10, "benign", drawn=False),
        _sample(tmp_path, 11, "normal"),
    ]


def _looked(samples: list[Sample]) -> list[Looked]:
    torch.manual_seed(3)
    recipe = Recipe(network="tiny", size=64)
    network = networks.build("tiny", 3).eval()
    return heatmap_test.look(network, "tiny", preprocessing(recipe), CLASSES, samples, samples)


def test_images_without_a_drawn_lesion_and_maps_for_normal_take_no_part(samples):
    looked = _looked(samples)
    assert looked
    assert {one.label for one in looked} <= {"benign", "malignant"}
    assert not {one.sample.key for one in looked} & {samples[10].key, samples[11].key}


def test_without_drawn_lesions_there_is_no_test(samples):
    assert _looked([samples[10], samples[11]]) == []
    assert heatmap_test.summarise([], {}) is None


def _row(sample: Sample, label: str, strength: str | None, hit: bool) -> Looked:
    return Looked(sample, label, strength, Pointing(hit, 0.5, 0.1))


def _all(rows: list[Looked], answer: str = "malignant") -> dict[str, str]:
    return {row.sample.key: answer for row in rows}


def test_of_the_heatmaps_shown_first_right_and_wrong_answers_are_counted_apart(samples):
    drawn = samples[:10]
    rows = [_row(sample, "malignant", "weak", number % 2 == 1) for number, sample in enumerate(drawn)]
    rows += [_row(sample, "benign", "weak", True) for sample in drawn]
    found = heatmap_test.summarise(rows, _all(rows))
    assert found.images == 10
    assert {name: share.value for name, share in found.shown.items()} == {"all": 0.5, "right": 1, "wrong": 0}


def test_a_map_of_no_evidence_shown_first_is_a_miss_and_of_no_strength(samples):
    rows = [_row(sample, "malignant", None, True) for sample in samples[:10]]
    found = heatmap_test.summarise(rows, _all(rows))
    assert found.shown["all"].value == 0
    assert found.pointed == ()


def test_an_answer_of_normal_shows_no_heatmap_that_could_hit(samples):
    rows = [_row(sample, "malignant", "weak", True) for sample in samples[:10]]
    found = heatmap_test.summarise(rows, _all(rows, "normal"))
    assert found.images == 0
    assert found.shown == {}


def test_hits_are_counted_by_class_and_strength(samples):
    rows = [_row(sample, "malignant", "weak", number < 3) for number, sample in enumerate(samples[:10])]
    rows += [_row(sample, "malignant", "strong", True) for sample in samples[:10]]
    found = {(one.label, one.strength): one for one in heatmap_test.summarise(rows, _all(rows)).pointed}
    assert found["malignant", "weak"].hits.value == pytest.approx(0.3)
    assert found["malignant", "weak"].hits.low < 0.3 < found["malignant", "weak"].hits.high
    assert found["malignant", "strong"].hits.value == 1
    assert found["malignant", "weak"].maps == 10
    assert found["malignant", "weak"].chance == pytest.approx(0.1)


def test_each_heatmap_is_a_row_of_the_table(samples, tmp_path):
    rows = [_row(samples[0], "malignant", "weak", True), _row(samples[1], "benign", "strong", False)]
    heatmap_test.write(rows, tmp_path / heatmap_test.FILE)
    lines = (tmp_path / heatmap_test.FILE).read_text().splitlines()
    assert lines[0] == "key,label,patient,heatmap,strength,hit,inside,chance"
    assert lines[1].endswith("malignant,weak,1,0.5,0.1")
    assert len(lines) == 3
