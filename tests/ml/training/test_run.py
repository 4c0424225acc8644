from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ml import Predictor, checkpoint, data
from ml.__main__ import main
from ml.card import ModelCard
from ml.errors import LeakError
from ml.training import judge, run
from ml.training.augment import WIDE
from ml.training.recipe import Recipe
from tests.ml.data.published import write_busbra, write_busi

QUICK = ["--network", "tiny", "--init", "random", "--size", "48", "--epochs", "1", "--batch-size", "8"]
PLOTS = {f"{plot}-{data}.png" for plot in ("roc", "reliability", "confusion") for data in ("bus-bra", "busi")}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    root = tmp_path_factory.mktemp("published")
    busbra, busi = write_busbra(root / "BUSBRA", patients=24), write_busi(root / "BUSI", each=16)
    return ["--data", f"bus-bra={busbra}", "--data", f"busi={busi}"]


@pytest.fixture(scope="module")
def trained(sources, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert main(["train", *QUICK, *sources, "--cross-validate", "4", "--out", str(out)]) == 0
    return out


def test_out_come_weights_card_manifest_predictions_and_plots(trained):
    names = {path.name for path in trained.iterdir()}
    assert {"weights.safetensors", "card.json", "split.csv", "predictions.csv", "curves.png"} | PLOTS <= names
    assert not [name for name in names if name.endswith(".partial")]


def test_the_trained_folder_predicts(trained, sources):
    folder = Path(sources[3].partition("=")[2])
    prediction = Predictor(trained).predict((folder / "normal" / "normal (1).png").read_bytes())
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.network.checksum == ModelCard.load(trained).checksum


def test_every_image_is_predicted_once_by_a_network_that_had_not_seen_its_patient(trained):
    rows = rows_of(trained / "predictions.csv")
    split = {row["key"]: row for row in rows_of(trained / "split.csv")}
    assert len(rows) == len({row["key"] for row in rows}) == len(split)
    for row in rows:
        assert split[row["key"]]["part"] == f"fold-{row['fold']}"
    folds_of: dict[str, set[str]] = {}
    for row in rows:
        folds_of.setdefault(row["patient"], set()).add(row["fold"])
    assert all(len(folds) == 1 for folds in folds_of.values())


def test_the_card_says_how_its_figures_were_made_and_names_no_folder(trained, sources):
    text = (trained / "card.json").read_text()
    card = json.loads(text)
    assert card["training"]["started_from"] == "random values"
    assert "--cross-validate 4" in card["training"]["command"]
    assert set(card["training"]["data"]) == {"bus-bra", "busi"}
    assert str(trained) not in text
    assert sources[1].partition("=")[2] not in text
    levels = {(table["data"], table["level"]) for table in card["metrics"]}
    assert levels == {("bus-bra", "image"), ("bus-bra", "patient"), ("busi", "image")}
    auc = card["metrics"][0]["figures"]["auc"]
    assert auc["low"] <= auc["value"] <= auc["high"]
    assert auc["n"] == 24


def test_the_operating_point_reaches_the_wanted_sensitivity_on_held_out_images(trained):
    figures = {(m.data, m.level): m.figures for m in ModelCard.load(trained).metrics}
    assert figures["bus-bra", "image"]["sensitivity"].value >= run.SENSITIVITY


@pytest.mark.slow
def test_typed_again_it_reads_back_instead_of_training_again(trained, sources, capsys):
    before = {path: path.stat().st_mtime_ns for path in trained.glob("*/network.safetensors")}
    assert len(before) == 5
    assert main(["train", *QUICK, *sources, "--cross-validate", "4", "--out", str(trained)]) == 0
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert "bus-bra, by patient" in capsys.readouterr().out


def test_one_split_holds_out_validation_and_test(sources, tmp_path):
    assert main(["train", *QUICK, *sources, "--views", "wide", "--out", str(tmp_path)]) == 0
    parts = {row["part"] for row in rows_of(tmp_path / "split.csv")}
    assert parts == {"train", "validation", "test"}
    _, card = checkpoint.load(tmp_path)
    assert Recipe(**card.training["recipe"]).augmentation == WIDE


def test_a_fold_that_is_not_there_is_named(sources, tmp_path, capsys):
    asked = [
        *QUICK,
        *sources,
        "--cross-validate",
        "4",
        "--folds",
        "7",
        "--folds-only",
        "--out",
        str(tmp_path),
    ]
    assert main(["train", *asked]) == 1
    assert "no fold 7" in capsys.readouterr().err


@pytest.mark.slow
def test_folds_may_be_judged_alone_but_not_one_by_itself(sources, trained, tmp_path, capsys):
    for fold in (2, 3):
        shutil.copytree(trained / f"fold-{fold}", tmp_path / f"fold-{fold}")
    asked = [*QUICK, *sources, "--cross-validate", "4", "--out", str(tmp_path)]
    assert main(["train", *asked, "--folds", "2"]) == 1
    assert "Name two" in capsys.readouterr().err
    assert main(["train", *asked, "--folds", "2,3"]) == 0
    assert {row["fold"] for row in rows_of(tmp_path / "predictions.csv")} == {"2", "3"}
    assert "folds 2, 3 held out" in ModelCard.load(tmp_path).metrics[0].split
    assert main(["train", *asked, "--folds", "two"]) == 1


@pytest.mark.slow
def test_two_classes_leave_out_images_of_the_third(sources, tmp_path):
    busi = sources[2:]
    asked = ["train", *QUICK, *busi, "--classes", "benign,malignant", "--out", str(tmp_path)]
    assert main(asked) == 0
    assert ModelCard.load(tmp_path).classes == ("benign", "malignant")
    assert {row["label"] for row in rows_of(tmp_path / "split.csv")} == {"benign", "malignant"}


@pytest.mark.parametrize(
    "classes", ["malignant", "benign,normal", "benign,malignant,cyst", "malignant,malignant"]
)
def test_classes_that_cannot_be_told_apart_are_refused(classes, sources, tmp_path, capsys):
    asked = ["train", *QUICK, *sources, "--classes", classes, "--out", str(tmp_path / "out")]
    assert main(asked) == 1
    assert "Name malignant and others of benign, malignant, normal" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_wrong_command_says_what_to_type(tmp_path, capsys):
    assert main(["train", *QUICK, "--data", "kitti=.", "--out", str(tmp_path)]) == 1
    assert "--data NAME=DIR" in capsys.readouterr().err


def test_held_out_samples_know_their_labels_and_data_sets(sources):
    samples = data.read_all(data.parse([sources[1], sources[3]]))
    held = judge.Held(
        tuple(samples), np.zeros((len(samples), 3), np.float32), np.zeros(len(samples), np.int64)
    )
    assert held.datasets == ["bus-bra", "busi"]
    assert (held.labels(data.CLASSES)[held.of("bus-bra")] < 2).all()


def test_a_leak_stops_the_run_before_training(sources, tmp_path, monkeypatch):
    monkeypatch.setattr(run.splits, "hold_out", lambda samples, share, seed: (list(samples), list(samples)))
    samples = tuple(data.read_all(data.parse([sources[1]])))
    job = run.Job(Recipe(network="tiny"), "random", samples, tmp_path, "1", "test")
    with pytest.raises(LeakError):
        run.single(job)
    assert not list(tmp_path.iterdir())
