"""The parts of a study without training: figures, presets, splits, starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from ml import checkpoint, networks
from ml.card import Calibration
from ml.data import Sample
from ml.errors import DataError
from ml.study import presets, protocols, units
from ml.study.figures import Answers, difference, figures
from ml.training import recipes
from ml.training.recipe import Recipe
from tests.ml.data.published import save, scan

CLASSES = ("benign", "malignant", "normal")
NONE = Calibration(method="none", temperature=1, bias=(0, 0, 0), fitted_on="")


def answers(seed: int, unit: str = "image", n: int = 90) -> Answers:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    said = rng.dirichlet(np.ones(3), n) + 0.4 * np.eye(3)[labels]
    names = tuple(map(str, range(n)))
    units = np.arange(n) if unit == "image" else np.arange(n) // 3
    return Answers(names, names, labels, said / said.sum(axis=1, keepdims=True), units, unit, 0.5, NONE)


@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_averages_over_classes_are_those_of_scikit_learn(average):
    given = answers(1)
    said = given.probabilities.argmax(axis=1)
    found = figures(given, CLASSES, average, 50, 0).values
    for name, theirs in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        assert found[name].value == pytest.approx(theirs(given.labels, said, average=average))
    if average == "weighted":
        assert found["recall"].value == pytest.approx(found["accuracy"].value)


def test_resampling_groups_gives_wider_intervals_than_resampling_their_like_images():
    one, groups = answers(2, n=30), np.arange(90) // 3
    alike = Answers(
        one.keys * 3,
        one.patients * 3,
        np.repeat(one.labels, 3),
        np.repeat(one.probabilities, 3, axis=0),
        groups,
        "group",
        0.5,
        NONE,
    )
    by_group = figures(alike, CLASSES, "macro", 400, 0).values["accuracy"]
    apart = Answers(*(getattr(alike, n) for n in alike.__slots__[:4]), np.arange(90), "image", 0.5, NONE)
    by_image = figures(apart, CLASSES, "macro", 400, 0).values["accuracy"]
    assert by_group.value == by_image.value
    assert by_group.high - by_group.low > 1.3 * (by_image.high - by_image.low)
    assert (by_group.n, by_image.n) == (30, 90)


def test_a_difference_has_the_interval_of_two_tests():
    one, other = (figures(answers(seed), CLASSES, "macro", 400, seed) for seed in (3, 4))
    gap = difference(one, other, "accuracy")
    widths = [f.values["accuracy"].high - f.values["accuracy"].low for f in (one, other)]
    assert gap.value == pytest.approx(one.values["accuracy"].value - other.values["accuracy"].value)
    assert max(widths) < gap.high - gap.low < sum(widths)
    assert difference(one, other, "none of these") is None


@pytest.mark.parametrize("name", recipes.names())
def test_full_changes_nothing_and_small_says_what_it_changes(name):
    paper = recipes.get(name)
    full, small = presets.get("full"), presets.get("small")
    assert presets.changes(paper, full) == ()
    assert presets.systems(paper, full) == paper.systems
    for system in paper.systems:
        assert presets.recipe(paper, system, full, paper.classes) == paper.recipe.model_copy(
            update={"network": system.network}
        )
    told = " ".join(presets.changes(paper, small))
    assert "64 pixels in place of 224" in told
    assert "2 folds in place of 5" in told
    for system in presets.systems(paper, small):
        recipe = presets.recipe(paper, system, small, paper.classes)
        assert (recipe.size, recipe.epochs) == (64, 4)
        assert bool(recipe.head_epochs) == bool(paper.recipe.head_epochs)


@pytest.mark.parametrize("preset", ["full", "small"])
def test_of_a_paper_some_systems_alone_can_be_run_and_the_others_are_told(preset):
    paper, chosen = recipes.get("zohra2025"), presets.get(preset)
    assert [each.name for each in presets.systems(paper, chosen, ["Hybrid"])] == ["Hybrid"]
    assert "not run: ResNet-50; ViT-B/16" in presets.changes(paper, chosen, ["Hybrid"])


def test_a_system_that_the_paper_has_not_is_named_with_those_it_has():
    with pytest.raises(DataError, match="ResNet-50; ViT-B/16; Hybrid"):
        presets.systems(recipes.get("zohra2025"), presets.get("small"), ["Hybird"])


def test_an_unknown_preset_is_named_with_those_there_are():
    with pytest.raises(DataError, match="full, small, smoke"):
        presets.get("large")


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    found = []
    for number in range(24):
        path = root / f"{number}.png"
        save(scan(number, (40, 40)), path)
        label = CLASSES[number % 2] if number < 20 else "normal"
        found.append(Sample(path, label, f"p{number // 2}", f"p{number // 2}", "busi"))
    return found


def test_copies_keep_label_and_patient_and_are_the_same_every_time(samples, tmp_path):
    how = recipes.get("luong2024").system("AEGANB3, simple").enlarged
    recipe = recipes.get("luong2024").recipe.model_copy(update={"size": 32})
    first, again = (
        protocols.enlarge(samples, how, recipe, tmp_path / name / "copies", seed=5) for name in "ab"
    )
    counts = {label: sum(s.label == label for s in first) for label in CLASSES}
    assert set(counts.values()) == {round(how.factor * 10)}
    made = [s for s in first if s.path.parent.name == "copies"]
    assert {s.patient for s in made} <= {s.patient for s in samples}
    assert [s.path.read_bytes() for s in first] == [s.path.read_bytes() for s in again]
    assert [s.key for s in first] == [s.key for s in again]
    assert len({s.key for s in first}) == len(first)


def test_a_split_by_image_has_the_papers_fractions_and_lets_patients_through(samples):
    parts = protocols.as_published(recipes.get("zourhri2025"), samples[:20], seed=1)
    assert [len(parts.train), len(parts.validation), len(parts.held)] == [14, 3, 3]
    assert protocols.leaks(parts).total > 0


def test_the_starting_file_is_used_only_where_most_of_it_fits(tmp_path):
    file = tmp_path / "tiny.safetensors"
    checkpoint.write_tensors(networks.build("tiny", 3), file)
    assert units._usable(Recipe(network="tiny"), str(file)) == str(file)
    assert units._usable(Recipe(network="resnet18"), str(file)) == "random"
    assert units._usable(Recipe(network="resnet18"), "imagenet") == "imagenet"


def test_the_first_of_several_processes_writes(monkeypatch):
    for name in ("RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert units.is_first()
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("RANK", "2")
    assert not units.is_first()


def test_a_unit_that_cannot_be_read_back_says_what_to_delete(samples, tmp_path):
    folder = tmp_path / "fold-1"
    folder.mkdir()
    (folder / "done.json").write_text("{")
    parts = protocols.Parts(tuple(samples), (), tuple(samples))
    with pytest.raises(DataError, match=r"fold-1 was done.*Delete that folder"):
        units.run(Recipe(), "random", parts, Path(folder))
