"""The figures of README are those of the shipped network's card, to the digit."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.card import SHIPPED, ModelCard

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = {
    ("bus-bra", "image"): ("auc", "sensitivity", "specificity", "ece"),
    ("bus-bra", "patient"): ("auc", "sensitivity", "specificity"),
    ("busi", "image"): ("auc", "sensitivity", "specificity", "class_accuracy", "class_ece", "ece"),
}
TABLES = {(table.data, table.level): table for table in ModelCard.load(SHIPPED).metrics}


@pytest.mark.parametrize(("table", "name"), [(t, n) for t, names in SHOWN.items() for n in names])
def test_every_figure_of_readme_is_the_one_of_the_card(table, name):
    figure = TABLES[table].figures[name]
    assert f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})" in README


def test_readme_says_how_many_images_and_patients_each_figure_stands_on():
    for table in TABLES.values():
        assert f"{table.n_images:,} images" in README
        assert f"{table.n_patients:,} " in README


def test_readme_names_the_command_that_makes_the_figures_again():
    assert "--cross-validate 4" in README


def test_every_picture_and_page_that_readme_links_to_is_there():
    links = [part.partition(")")[0] for part in README.split("](")[1:]]
    assert links
    assert not [link for link in links if "://" not in link and not (ROOT / link).exists()]
