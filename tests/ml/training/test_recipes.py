"""The papers as data: whole, and their contradictions come out of arithmetic."""

from __future__ import annotations

import pytest

from ml.errors import DataError
from ml.training import recipes
from ml.training.recipes import arithmetic, babatunde2025

PAPERS = [recipes.get(name) for name in recipes.names()]


def test_there_are_the_five_papers():
    assert recipes.names() == ("akhi2024", "babatunde2025", "luong2024", "zohra2025", "zourhri2025")
    with pytest.raises(DataError, match="zohra2025"):
        recipes.get("nobody1999")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_a_paper_is_whole(paper):
    names = [system.name for system in paper.systems]
    assert len(set(names)) == len(names)
    assert set(paper.small) <= set(names)
    assert sum(paper.fractions) == pytest.approx(1)
    assert paper.recipe.classes == paper.classes
    assert "malignant" in paper.classes
    assert paper.contradictions
    assert paper.chosen
    assert all(0.5 < claim.value <= 1 and claim.where for claim in paper.claims)


@pytest.mark.parametrize(
    ("name", "system", "value"),
    [
        ("zohra2025", "Hybrid", 0.9867),
        ("zourhri2025", "VGG19 + EfficientNet-B0", 0.9844),
        ("akhi2024", "Hybrid", 0.9723),
        ("luong2024", "AEGANB3, none", 0.8846),
        ("luong2024", "AEGANB3, simple", 0.9531),
        ("luong2024", "AEGANB3, DCGAN", 0.9801),
        ("babatunde2025", "ResNet-50", 0.98),
    ],
)
def test_the_headline_claims_are_those_of_the_papers(name, system, value):
    found = [c.value for c in recipes.get(name).claims if (c.system, c.metric) == (system, "accuracy")]
    assert found == [value]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("akhi2024", ("95.76", "33.60", "44.98", "96.23", "98.98", "95.41", "69,381")),
        ("babatunde2025", ("98.5%", "89.3%", "4 times")),
        ("luong2024", ("402", "469", "is 78")),
        ("zohra2025", ("only 450 ", "833.3", "327.3", "417 MiB")),
        ("zourhri2025", ("1,804", "1,352", "99.11%", "1803", "6,312", "4,575")),
    ],
)
def test_what_follows_is_counted(name, words):
    told = " ".join(f"{c.said} {c.follows}" for c in recipes.get(name).contradictions)
    assert [word for word in words if word not in told] == []


def test_f1_lies_between_precision_and_recall():
    assert arithmetic.f1(80, 80) == pytest.approx(80)
    assert 50 < arithmetic.f1(50, 100) < 100


def test_possible_tests_are_those_whose_fractions_round_to_the_accuracies():
    assert arithmetic.possible_tests((33.33, 66.67), 9) == (3, 6, 9)
    assert arithmetic.possible_tests((50.0,), 4) == (2, 4)


def test_epochs_whose_three_figures_agree_are_not_counted_as_off():
    assert 1 not in babatunde2025.OFF
    assert {11, 15} <= set(babatunde2025.OFF)
