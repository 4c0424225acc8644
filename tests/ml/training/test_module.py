"""Where the further tasks are fastened to networks that branch: shapes alone, on torch's "meta" device."""

from __future__ import annotations

import pytest
import torch

from ml import networks
from ml.training.module import Classifier
from ml.training.recipe import Recipe


@pytest.mark.parametrize(
    ("name", "drawn_from", "graded_from"),
    [
        ("vgg19_efficientnet_b0", 512 + 1280, 512 + 1280),
        ("vit_b_32", 2 * 768, 768),
        ("alexnet", 256, 256 * 36),
    ],
)
def test_lesions_are_drawn_from_a_map_and_grades_given_from_a_vector(name, drawn_from, graded_from):
    recipe = Recipe(network=name, size=64, mask_weight=0.5, grade_weight=0.3)
    with torch.device("meta"):
        classifier = Classifier(recipe, networks.build(name, 3))
    assert classifier.draw[0].in_channels == drawn_from
    assert classifier.grade.in_features == graded_from
