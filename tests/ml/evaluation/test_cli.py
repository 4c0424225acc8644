import json
import shutil

import numpy as np
import pytest

from ml import data
from ml.__main__ import main
from ml.data import splits
from ml.evaluation import overlap, reading, report
from ml.predictor import Predictor
from tests.ml.data.published import write_busbra, write_busi

PATIENTS = 16


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    return write_busbra(root / "bus-bra", PATIENTS), write_busi(root / "busi")


@pytest.fixture
def evaluate(folders, tiny_weights, capsys):
    def run(*more, weights=tiny_weights):
        arguments = ["evaluate", "--data", f"bus-bra={folders[0]}", "--weights", str(weights), *more]
        code = main(arguments)
        return code, *capsys.readouterr()

    return run


def test_json_is_one_object_with_every_figure_by_image_and_by_patient(evaluate, folders):
    code, out, err = evaluate("--data", f"busi={folders[1]}", "--json")
    given = json.loads(out)
    assert (code, err) == (0, "")
    assert [part["data"] for part in given["tables"]] == ["bus-bra", "busi"]
    for part in given["tables"]:
        for level in ("image", "patient"):
            judged = part["by"][level]
            for name in ("auc", "sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "ece", "brier"):
                assert (name in judged["figures"]) != (name in judged["undefined"])
            for figure in judged["figures"].values():
                assert figure["low"] <= figure["value"] <= figure["high"]
    assert [part["resampled"] for part in given["tables"]] == ["patient", "group"]


def test_json_counts_the_images_and_names_the_network(evaluate, tiny_weights):
    given = json.loads(evaluate("--json")[1])
    part = given["tables"][0]
    predictor = Predictor(tiny_weights)
    assert given["network"]["checksum"] == predictor.card.checksum
    assert (part["n_images"], part["n_patients"]) == (2 * PATIENTS, PATIENTS)
    assert np.sum(part["by"]["image"]["confusion_matrix"]["counts"]) == 2 * PATIENTS
    assert np.sum(part["by"]["patient"]["confusion_matrix"]["counts"]) == PATIENTS


def test_images_left_out_for_copies_of_another_label_are_counted(evaluate, folders):
    assert json.loads(evaluate("--data", f"busi={folders[1]}", "--json")[1])["left_out"] == {
        "bus-bra": 0,
        "busi": 2,
    }
    assert "busi: 2 images left out" in evaluate("--data", f"busi={folders[1]}")[1]


def test_the_answers_are_those_of_the_clinic(folders, tiny_weights):
    predictor = Predictor(tiny_weights)
    samples = data.read("bus-bra", folders[0])
    answers = reading.read(predictor, samples)
    for sample, row, flagged in zip(samples, answers.probabilities, answers.flagged, strict=True):
        alone = predictor.predict(sample.path.read_bytes())
        np.testing.assert_allclose(row, list(alone.probabilities.values()), atol=1e-5)
        assert flagged == alone.out_of_scope


def test_the_table_names_figures_intervals_and_counts(evaluate):
    _, out, _ = evaluate()
    assert f"bus-bra, all images: {2 * PATIENTS} images of {PATIENTS} patients" in out
    assert "AUC, malignant against the rest" in out
    assert "with 95% intervals" in out
    assert "images: true, answered" in out
    assert max(map(len, out.splitlines())) <= 110


def test_images_that_the_network_learned_from_are_said_and_the_others_judged_apart(
    evaluate, folders, tiny_weights, tmp_path
):
    weights = shutil.copytree(tiny_weights, tmp_path / "weights")
    samples = data.read("bus-bra", folders[0])
    splits.write_manifest({"fold-1": samples[: 2 * PATIENTS - 8]}, weights / overlap.MANIFEST)
    given = json.loads(evaluate("--json", weights=weights)[1])["tables"]
    assert [part["part"] for part in given] == ["all images", "images not seen in training"]
    assert [part["n_images"] for part in given] == [2 * PATIENTS, 8]
    assert [part["n_seen_in_training"] for part in given] == [2 * PATIENTS - 8, 0]
    assert given[0]["overlap"].startswith("NOT A TEST")
    assert given[1]["overlap"] == overlap.UNSEEN
    assert "NOT A TEST" in evaluate(weights=weights)[1]


def test_images_that_cannot_be_read_are_all_listed(folders, tmp_path, tiny_weights):
    broken = shutil.copytree(folders[0], tmp_path / "broken")
    for name in ("bus_0001-l", "bus_0003-r"):
        (broken / "Images" / f"{name}.png").write_bytes(b"no image")
    samples = data.read("bus-bra", broken)
    with pytest.raises(reading.DataError) as caught:
        reading.read(Predictor(tiny_weights), samples)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "bus-bra/Images/bus_0001-l.png",
        "bus-bra/Images/bus_0003-r.png",
    ]


def test_weights_that_are_not_there_fail_with_a_named_error_and_an_empty_output(evaluate, tmp_path):
    code, out, err = evaluate("--json", weights=tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith("card_error:")


def test_a_class_that_the_network_does_not_know_is_a_named_error(folders, tiny_weights):
    predictor = Predictor(tiny_weights)
    samples = data.read("bus-bra", folders[0])
    answers = reading.read(predictor, samples[:4])
    card = predictor.card.model_copy(update={"classes": ("malignant", "normal", "other")})
    found = overlap.find(samples[:4], card, tiny_weights)
    with pytest.raises(reading.DataError, match="has no class benign"):
        report.parts(card, samples[:4], answers, found)


def test_a_call_without_data_is_refused_with_the_usage():
    with pytest.raises(SystemExit) as caught:
        main(["evaluate"])
    assert caught.value.code == 2
