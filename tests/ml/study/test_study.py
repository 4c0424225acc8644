"""A smoke study over drawn images: what comes out, that nothing leaks, that it resumes and repeats."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from ml import checkpoint, data
from ml.__main__ import main
from ml.card import ModelCard
from ml.errors import WeightsUnavailableError
from ml.evaluation import overlap
from ml.study import report, trial
from ml.training import recipes
from tests.ml.data.published import write_busbra, write_busi

SYSTEM = "resnet-50"


def command(recipe: str, data: Path, out: Path, *more: str) -> list[str]:
    asked = ["study", recipe, "--data", f"busi={data}", "--out", str(out)]
    return [*asked, "--preset", "smoke", "--init", "random", *more]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def busi(tmp_path_factory):
    return write_busi(tmp_path_factory.mktemp("busi"), each=14)


@pytest.fixture(scope="module")
def done(busi, tmp_path_factory):
    out = tmp_path_factory.mktemp("study")
    assert main(command("babatunde2025", busi, out)) == 0
    return out


def test_out_come_report_results_cards_predictions_figures_and_splits(done):
    names = {str(path.relative_to(done)) for path in done.rglob("*") if path.is_file()}
    each = {"card.json", "predictions.csv", "roc.png", "reliability.png", "curves.png"}
    for protocol, unit in (("as-published", "split"), ("leak-free", "final")):
        assert {f"{protocol}/{SYSTEM}/{name}" for name in each} <= names
        assert f"{protocol}/{SYSTEM}/{unit}/split.csv" in names
    assert {"report.html", "results.json", "images.csv", "conflicts.csv", "study.json"} <= names
    assert not [name for name in names if "partial" in name or name.endswith((".ckpt", "~"))]
    assert not (done / "work").exists()


def test_the_leak_free_network_can_be_loaded_and_the_other_has_a_card_alone(done):
    _, card = checkpoint.load(done / "leak-free" / SYSTEM)
    assert card.classes == ("no cancer", "malignant")
    assert card.training["started_from"] == "random values"
    ModelCard.load(done / "as-published" / SYSTEM)
    with pytest.raises(WeightsUnavailableError):
        checkpoint.load(done / "as-published" / SYSTEM)


def test_an_evaluation_of_the_leak_free_network_knows_which_images_it_has_not_seen(done, busi):
    folder = done / "leak-free" / SYSTEM
    card = ModelCard.load(folder)
    judged = {row["key"] for row in rows_of(folder / "predictions.csv")}
    samples = [sample for sample in data.read_all(data.parse([f"busi={busi}"])) if sample.key in judged]
    assert samples
    found = overlap.find(samples, card, folder)
    assert found.said == overlap.UNSEEN


def test_without_leaks_no_group_stands_on_two_sides_and_the_test_is_in_no_fold(done):
    folder = done / "leak-free" / SYSTEM
    test = {row["group"] for row in rows_of(folder / "final" / "split.csv") if row["part"] == "held out"}
    for unit in ("fold-1", "fold-2", "final"):
        rows = rows_of(folder / unit / "split.csv")
        sides = [{r["group"] for r in rows if (r["part"] == "held out") is held} for held in (True, False)]
        assert not sides[0] & sides[1]
        if unit != "final":
            assert not test & (sides[0] | sides[1])


def test_groups_with_two_labels_are_listed_and_left_out_of_the_leak_free_protocol_alone(done):
    listed = {row["key"] for row in rows_of(done / "conflicts.csv")}
    assert listed == {"busi/malignant/malignant (3).png", "busi/normal/normal (3).png"}
    keys = {
        protocol: {row["key"] for path in (done / protocol).rglob("split.csv") for row in rows_of(path)}
        for protocol in ("as-published", "leak-free")
    }
    assert listed <= keys["as-published"]
    assert not listed & keys["leak-free"]


def test_altered_copies_are_judged_as_published_and_only_learned_from_without_leaks(done):
    def copies(protocol: str, unit: str, held: bool) -> int:
        rows = rows_of(done / protocol / SYSTEM / unit / "split.csv")
        return sum("~" in row["key"] for row in rows if (row["part"] == "held out") is held)

    assert copies("as-published", "split", held=True) > 0
    assert copies("leak-free", "final", held=False) > 0
    assert copies("leak-free", "final", held=True) == 0
    leaked = {t["protocol"]: t["leaked"] for t in json.loads((done / "results.json").read_text())["trials"]}
    assert leaked["as-published"] > 0
    assert leaked["leak-free"] == 0


def test_the_report_holds_everything_in_one_small_file_and_no_image_of_the_data(done, busi):
    text = (done / "report.html").read_text()
    assert len(text.encode()) < 2_000_000
    assert not re.search(r'(?:src|href)="(?!data:image/png|leak-free/|as-published/)', text)
    for words in (
        "98.00",
        "table 4, epoch 15",
        "As published − leak-free",
        "every network is replaced by `tiny`",
        "random values",
        "1 epochs in place of 15",
        "malignant (3).png",
        "12 cancers called non-cancerous",
        "--preset smoke",
    ):
        assert words in text, words
    assert str(done) not in text
    assert str(busi) not in text
    assert text.count("<img") == 6


def test_each_figure_has_an_interval_by_image_or_by_group_and_differences_are_theirs(done):
    told = json.loads((done / "results.json").read_text())
    for one in told["trials"]:
        figures = one["figures"]
        assert figures["accuracy"]["unit"] == ("image" if one["protocol"] == "as-published" else "group")
        assert all(f["low"] <= f["value"] <= f["high"] for f in figures.values())
    published, honest = (one["figures"]["accuracy"]["value"] for one in told["trials"])
    gap = next(d for d in told["differences"] if d["figure"] == "accuracy")
    assert gap["value"] == pytest.approx(published - honest)


@pytest.mark.slow
def test_typed_again_it_reads_back_what_is_done(done, busi, monkeypatch):
    before = (done / "results.json").read_bytes()
    monkeypatch.setattr(trial.units, "fit", lambda *_: pytest.fail("trained again"))
    assert main(command("babatunde2025", busi, done)) == 0
    assert (done / "results.json").read_bytes() == before


@pytest.mark.slow
def test_a_study_that_was_killed_goes_on_with_the_unit_that_was_not_done(busi, tmp_path, monkeypatch, capsys):
    trained = trial.units.fit
    calls: list[str] = []

    def killed(*given):
        calls.append(given[-1].parent.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return trained(*given)

    monkeypatch.setattr(trial.units, "fit", killed)
    asked = command("babatunde2025", busi, tmp_path, "--protocol", "leak-free")
    with pytest.raises(KeyboardInterrupt):
        main(asked)
    assert not (tmp_path / "report.html").exists()
    assert main(asked) == 0
    assert calls == ["fold-1", "fold-2", "fold-2", "final"]
    assert "[3/3] ResNet-50, leak-free: the test" in capsys.readouterr().err


def test_another_study_does_not_overwrite_this_one(done, busi, capsys):
    assert main(command("zohra2025", busi, done)) == 1
    assert "another study: its recipe differ" in capsys.readouterr().err


def test_the_list_names_every_recipe_with_its_systems_and_claims(capsys):
    assert main(["study", "--list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in recipes.names())
    assert "AEGANB3, none (efficientnet_b3_attention): accuracy 88.46" in told


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["study"], "needs a recipe, --data, --out"),
        (["study", "nobody1999", "--data", "busi=.", "--out", "x"], "No recipe is called"),
    ],
)
def test_a_wrong_command_says_what_to_type(asked, words, capsys):
    assert main(asked) == 1
    assert words in capsys.readouterr().err


def test_data_without_enough_patients_are_refused_before_anything_is_written(tmp_path, capsys):
    data = write_busbra(tmp_path / "data", patients=8)
    asked = ["study", "zohra2025", "--data", f"bus-bra={data}", "--out", str(tmp_path / "out")]
    assert main(asked) == 1
    assert "4 of benign, 4 of malignant" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_report_whose_pictures_would_be_too_large_links_them(done, monkeypatch, tmp_path):
    monkeypatch.setattr(report, "LIMIT", 0)
    folder = "leak-free/" + SYSTEM
    one = type("One", (), {"folder": folder, "pictures": {"roc": "roc.png"}})
    assert report._pictures(done, [one]) == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("recipe", recipes.names())
def test_every_recipe_runs(recipe, busi, tmp_path):
    assert main(command(recipe, busi, tmp_path)) == 0
    assert (tmp_path / "report.html").exists()
