import json
import shutil

import pytest

from ml import data
from ml.__main__ import main
from ml.attribution import METHODS, perturbations
from ml.data import splits
from ml.evaluation import overlap
from tests.ml.conftest import write_weights
from tests.ml.data.published import write_busbra, write_busi

QUICK = ("--method", "grad-cam", "--method", "layer-cam", "--images", "6")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    return write_busbra(root / "bus-bra"), write_busi(root / "busi")


@pytest.fixture
def explain_test(folders, tiny_weights, capsys):
    def call(*more, weights=tiny_weights):
        given = ["explain-test", "--data", f"bus-bra={folders[0]}", "--weights", str(weights), *more]
        return main(given), *capsys.readouterr()

    return call


def test_json_is_one_object_with_every_figure_and_its_interval(explain_test, folders):
    code, out, err = explain_test(*QUICK, "--data", f"busi={folders[1]}", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["published"] == {"hit": 0.77, "chance": 0.14, "images": 105}
    assert [(part["data"], part["resampled"]) for part in found["parts"]] == [
        ("bus-bra", "patient"),
        ("busi", "group"),
    ]
    for part in found["parts"]:
        assert [each["method"] for each in part["methods"]] == ["grad-cam", "layer-cam"]
        for each in part["methods"]:
            assert [step["stage"] for step in each["randomised"]] == ["fc", "layer2", "layer1", "stem"]
            pointed = [each["pointing"]["all"][name] for name in ("hit", "inside", "chance")]
            for figure in (*pointed, each["stability"], each["swap"], *each["randomised"]):
                assert figure["low"] <= figure["value"] <= figure["high"]
                assert figure["n"] == each["patients"]
            assert each["verdict"] in ("WORTHLESS", "says nothing", "passes")


@pytest.mark.slow
def test_all_methods_are_tested_by_default_the_slow_ones_on_a_share(explain_test, monkeypatch):
    monkeypatch.setattr(perturbations, "SAMPLES", 60)
    found = json.loads(explain_test("--images", "11", "--json")[1])["parts"][0]
    assert [each["method"] for each in found["methods"]] == [
        name for name in METHODS if name != "attention-rollout"
    ]
    assert [each["images"] for each in found["methods"]] == [11, 11, 11, 2, 2, 2, 2]


def test_a_method_that_the_network_has_nothing_for_is_refused_before_anything_is_drawn(explain_test):
    code, out, err = explain_test("--method", "attention-rollout")
    assert (code, out) == (1, "")
    assert "attention-rollout can't explain" in err


def test_the_table_says_what_was_measured_against_what(explain_test):
    code, out, _ = explain_test(*QUICK)
    assert code == 0
    for words in ("hottest point inside", "right", "wrong", "0.77 at chance 0.14 (105 images", "WORTHLESS"):
        assert words in out
    assert max(map(len, out.splitlines())) <= 115


def test_several_networks_stand_under_their_names(explain_test, tmp_path):
    other = write_weights(tmp_path / "other")
    code, out, _ = explain_test(*QUICK, "--weights", f"second={other}", "--json")
    assert code == 0
    assert [part["network"]["name"] for part in json.loads(out)["parts"]] == ["secondread-test", "second"]
    code, out, err = explain_test(*QUICK, "--weights", str(other))
    assert (code, out) == (1, "")
    assert "Two networks are called secondread-test" in err


def test_images_that_the_network_learned_from_are_no_test_and_it_says_so(
    explain_test, folders, tiny_weights, tmp_path
):
    weights = shutil.copytree(tiny_weights, tmp_path / "weights")
    samples = data.read("bus-bra", folders[0])
    splits.write_manifest({"fold-1": samples}, weights / overlap.MANIFEST)
    assert "NOT A TEST" in explain_test(*QUICK, weights=weights)[1]
    splits.write_manifest({"fold-1": samples[:8], "test": samples[8:]}, weights / overlap.MANIFEST)
    found = json.loads(explain_test(*QUICK, "--json", weights=weights)[1])["parts"][0]
    assert found["n_eligible"] == len(samples) - 8
    assert found["overlap"].startswith(overlap.UNSEEN)


def test_out_holds_the_figures_and_the_table_and_nothing_half_written(explain_test, tmp_path):
    code, out, _ = explain_test(*QUICK, "--json", "--out", str(tmp_path / "runs" / "out"))
    folder = tmp_path / "runs" / "out"
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["results.json", "table.md"]
    assert json.loads((folder / "results.json").read_text()) == json.loads(out)
    page = (folder / "table.md").read_text()
    assert "| layer-cam | all | 6 |" in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.endswith(" |") for line in rows)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--images", "0"), "Ask for 1 or more"),
        (("--seed", "-1"), "below 0"),
        (("--weights", "gone"), "card_error"),
        (("--data", "busi=gone"), "there is no folder"),
        (("--data", "nonsense"), "can't be used"),
    ],
)
def test_bad_input_is_a_named_error_and_leaves_no_file(explain_test, tmp_path, more, said):
    code, out, err = explain_test(*QUICK, *more, "--out", str(tmp_path / "out"))
    assert (code, out) == (1, "")
    assert said in err
    assert not (tmp_path / "out").exists()


def test_an_out_that_is_a_file_is_refused_before_anything_is_drawn(explain_test, tmp_path):
    (tmp_path / "file").write_text("mine")
    code, out, err = explain_test(*QUICK, "--out", str(tmp_path / "file"))
    assert (code, out) == (1, "")
    assert "is a file" in err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_method_that_there_is_not_is_refused_with_those_there_are(explain_test, capsys):
    with pytest.raises(SystemExit) as caught:
        explain_test("--method", "tea-leaves")
    assert caught.value.code == 2
    assert "kernel-shap" in capsys.readouterr().err
