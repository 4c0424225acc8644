"""`python -m ml predict`."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ml.__main__ import main
from ml.card import CamScale, ModelCard
from ml.data import phantom
from tests.ml.conftest import write_weights

KEYS = ["file", "probabilities", "call", "out_of_scope", "reason", "warnings", "network", "timings_ms"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = write_weights(tmp_path_factory.mktemp("weights"))
    card = ModelCard.load(made)
    card.model_copy(update={"cam_scale": CamScale(strong=1e-3)}).save(made)
    return made


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("scans") / "scan.png"
    Image.fromarray(phantom.draw("cyst", seed=3).pixels).save(path)
    return path


def predict(capsys, folder, *arguments):
    code = main(["predict", "--weights", str(folder), *map(str, arguments)])
    return code, capsys.readouterr()


def test_json_is_one_array_with_an_object_a_file_and_nothing_else(capsys, folder, scan_file):
    code, said = predict(capsys, folder, scan_file, scan_file, "--json")
    answers = json.loads(said.out)
    assert code == 0
    assert [list(answer) for answer in answers] == [KEYS, KEYS]
    first = answers[0]
    assert first["file"] == str(scan_file)
    assert list(first["probabilities"]) == ["benign", "malignant", "normal"]
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert first["call"] in {"suspicious", "not_suspicious"}
    assert (first["out_of_scope"], first["reason"]) == (False, None)
    assert list(first["network"]) == ["name", "version", "checksum"]
    assert {"decode", "forward", "total"} <= first["timings_ms"].keys()


def test_a_bad_file_has_an_error_stops_no_other_and_fails_the_command(capsys, folder, scan_file, tmp_path):
    text = tmp_path / "letter.png"
    text.write_text("Dear colleague")
    files = [tmp_path / "missing.png", text, tmp_path, scan_file]
    code, said = predict(capsys, folder, *files, "--json")
    answers = json.loads(said.out)
    assert code == 1
    assert [list(answer) for answer in answers[:3]] == [["file", "error"]] * 3
    assert list(answers[3]) == KEYS
    assert [answer["file"] for answer in answers] == [str(path) for path in files]


def test_out_of_scope_gives_the_reason_and_shows_a_person_no_class(capsys, folder, tmp_path):
    blank = tmp_path / "blank.png"
    Image.new("L", (300, 200), 40).save(blank)
    code, said = predict(capsys, folder, blank, "--overlays", tmp_path / "out")
    assert code == 0
    assert "out of scope" in said.out
    assert "benign" not in said.out
    assert not list((tmp_path / "out").iterdir())
    _, said = predict(capsys, folder, blank, "--json")
    answer = json.loads(said.out)[0]
    assert answer["out_of_scope"] is True
    assert "blank" in answer["reason"]


def test_for_people_it_says_call_and_probabilities(capsys, folder, scan_file):
    _, said = predict(capsys, folder, scan_file)
    assert "suspicious" in said.out
    assert "malignant 0." in said.out
    assert "no test for images out of its scope" in said.out


def test_overlays_are_a_picture_a_class_and_files_of_one_name_do_not_collide(
    capsys, folder, scan_file, tmp_path
):
    predict(capsys, folder, scan_file, scan_file, "--json", "--overlays", tmp_path / "deep" / "out")
    names = sorted(path.name for path in (tmp_path / "deep" / "out").iterdir())
    assert names == [
        f"{n}-scan-{label}.png" for n in ("001", "002") for label in ("benign", "malignant", "normal")
    ]
    drawn = np.asarray(Image.open(tmp_path / "deep" / "out" / names[0]))
    assert drawn.shape[2] == 3
    assert drawn.shape[0] > 480


def test_a_frame_of_a_loop_may_be_chosen(capsys, folder, tmp_path):
    loop = tmp_path / "loop.tif"
    frames = [Image.fromarray(phantom.draw("normal", seed=seed, size=(120, 160)).pixels) for seed in (1, 2)]
    frames[0].save(loop, save_all=True, append_images=frames[1:])
    assert json.loads(predict(capsys, folder, loop, "--json", "--frame", 1)[1].out)[0]["warnings"]
    code, said = predict(capsys, folder, loop, "--json", "--frame", 2)
    assert (code, list(json.loads(said.out)[0])) == (1, ["file", "error"])


def test_a_folder_without_weights_says_so_on_standard_error(capsys, tmp_path, scan_file):
    code, said = predict(capsys, tmp_path, scan_file, "--json")
    assert code == 1
    assert said.out == ""
    assert "card_error" in said.err


def test_a_file_above_the_limit_is_refused_without_being_read_whole(capsys, folder, tmp_path):
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(10**11)
    code, said = predict(capsys, folder, huge, "--json")
    assert code == 1
    assert "large" in json.loads(said.out)[0]["error"]


@pytest.mark.slow
def test_as_a_program_nothing_but_json_reaches_standard_output(folder, scan_file, tmp_path):
    broken = tmp_path / "broken.jp2.dcm"
    broken.write_bytes(phantom.dicom(phantom.draw("cyst", seed=3))[:20_000])
    command = [sys.executable, "-m", "ml", "predict", "--json", "--weights", folder, scan_file, broken]
    done = subprocess.run(command, capture_output=True, check=False)
    answers = json.loads(done.stdout)
    assert done.returncode == 1
    assert [list(answer) for answer in answers] == [KEYS, ["file", "error"]]
