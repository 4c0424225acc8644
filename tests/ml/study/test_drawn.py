"""A smoke study with a GAN: what it is shown and leaks, what is kept of it, that it is trained once."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ml.__main__ import main
from ml.data import Sample
from ml.networks.dcgan import Generator
from ml.study import drawn, protocols, trial
from ml.training import gan, gan_check, recipes
from ml.training.gan import GanRecipe
from tests.ml.data.published import scan, write_busi
from webapp.config import ROOT

pytestmark = pytest.mark.slow
SYSTEM = "aeganb3-dcgan"
UNITS = (("as-published", "split"), ("leak-free", "fold-1"), ("leak-free", "fold-2"), ("leak-free", "final"))
RECIPE = GanRecipe(classes=("benign", "malignant"), narrowest=2)


def command(data: Path, out: Path, *more: str) -> list[str]:
    asked = ["study", "luong2024", "--data", f"busi={data}", "--out", str(out)]
    return [*asked, "--preset", "smoke", "--init", "random", *more]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def split_of(out: Path, protocol: str, unit: str) -> list[dict[str, str]]:
    return rows_of(out / protocol / SYSTEM / unit / "split.csv")


@pytest.fixture(scope="module")
def busi(tmp_path_factory):
    return write_busi(tmp_path_factory.mktemp("busi"), each=14)


@pytest.fixture(autouse=True, scope="module")
def small_features(tiny_weights):
    """The features of a small network: those of the shipped one take a second a GAN."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(drawn, "SHIPPED", tiny_weights)
        yield


@pytest.fixture(scope="module")
def shown() -> dict[str, np.ndarray]:
    """Unit -> the pixels that its GAN was trained on."""
    return {}


@pytest.fixture(scope="module")
def done(busi, tmp_path_factory, shown):
    out, trained = tmp_path_factory.mktemp("study"), gan.fit

    def watched(recipe, pictures, labels, directory):
        shown["/".join(directory.parts[-4:-1:2])] = pictures
        return trained(recipe, pictures, labels, directory)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gan, "fit", watched)
        assert main(command(busi, out)) == 0
    return out


@pytest.mark.parametrize(("protocol", "unit"), UNITS[1:])
def test_without_leaks_a_gan_is_shown_the_training_part_alone(done, busi, shown, protocol, unit):
    def pixels(keys: set[str]) -> set[bytes]:
        images = [cv2.imread(str(busi / key.removeprefix("busi/")), cv2.IMREAD_GRAYSCALE) for key in keys]
        return {image.tobytes() for image in images}  # 64 x 64 pixels, as the GAN reads them

    rows = split_of(done, protocol, unit)
    part = {
        name: {r["key"] for r in rows if r["part"] == name} for name in ("train", "validation", "held out")
    }
    scans = {key for key in part["train"] if key.startswith("busi/")}
    assert {row["key"] for row in rows_of(done / protocol / "drawn" / unit / "learned.csv")} == scans
    seen = {picture.tobytes() for picture in shown[f"{protocol}/{unit}"]}
    assert seen == pixels(scans)
    assert not seen & pixels(part["validation"] | part["held out"])
    assert part["train"] > scans
    assert not [key for key in part["validation"] | part["held out"] if key.startswith("drawn/")]


def test_as_published_it_is_shown_all_and_its_pictures_are_judged(done, shown):
    everything = {row["key"] for row in rows_of(done / "images.csv")}
    learned = {row["key"] for row in rows_of(done / "as-published" / "drawn" / "split" / "learned.csv")}
    assert learned == everything
    assert len(shown["as-published/split"]) == len(everything)
    judged = [r["key"] for r in split_of(done, "as-published", "split") if r["part"] == "held out"]
    pictures = [key for key in judged if key.startswith("drawn/")]
    assert 0 < len(pictures) < len(judged)
    published, honest = json.loads((done / "results.json").read_text())["trials"]
    assert published["leaked"] == len(judged)
    assert published["leaks"]["drawn"] == len(pictures)
    assert honest["leaks"] == {"by_copy": 0, "by_gan": 0, "drawn": 0}


def test_classes_grow_as_the_preset_says(done):
    for protocol, unit in UNITS:
        rows = rows_of(done / protocol / "drawn" / unit / "learned.csv")
        sizes = [sum(f"/{name}/" in row["key"] for row in rows) for name in ("benign", "malignant", "normal")]
        told = json.loads((done / protocol / "drawn" / unit / "drawn.json").read_text())
        assert told["worth"]["wanted"] == 3 * round(1.5 * max(sizes)) - sum(sizes)
        assert told["worth"]["kept"] == len(told["pictures"])


def test_the_folder_keeps_a_sheet_of_samples_and_no_generator(done):
    for protocol, unit in UNITS:
        folder = done / protocol / "drawn" / unit
        assert {path.name for path in folder.iterdir()} <= {"drawn.json", "learned.csv", "samples.png"}
    sheet = cv2.imread(str(done / "as-published" / "drawn" / "split" / "samples.png"), cv2.IMREAD_GRAYSCALE)
    assert sheet.shape[1] % 66 == sheet.shape[0] % 66 == 0
    assert not (done / "work").exists()
    assert not list(done.rglob("generator.safetensors"))


def test_the_report_tells_of_the_gans_and_shows_none_of_their_pictures(done):
    text = (done / "report.html").read_text()
    for words in (
        "What the GANs drew",
        "leak-free/drawn/fold-2",
        "was trained before the split",
        "was shown the images of its training part alone",
        "secondread-test 0.0.1",
        "AEGANB3, DCGAN, the GAN: 1.5 times the images, not 3.11, 64 pixels a side in place of 128",
    ):
        assert words in text, words
    assert "samples.png" not in text.replace("<code>samples.png</code>", "")
    assert text.count("<img") == 6


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_of_two_processes_one_draws_for_both_what_one_alone_draws(done, busi, tmp_path):
    command_line = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "ml"]
    ran = subprocess.run(
        [sys.executable, *command_line, *command(busi, tmp_path / "two")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert (tmp_path / "two" / "report.html").exists()
    for protocol, unit in UNITS:
        folder = Path(protocol) / "drawn" / unit
        one, two = (json.loads((out / folder / "drawn.json").read_text()) for out in (done, tmp_path / "two"))
        assert one["learned_from"] == two["learned_from"]
        assert one["worth"]["kept"] == two["worth"]["kept"]
        sheets = [cv2.imread(str(out / folder / "samples.png"), 0) for out in (done, tmp_path / "two")]
        np.testing.assert_allclose(*(sheet.astype(float) for sheet in sheets), atol=3)  # grey levels


def test_typed_again_nothing_is_drawn(done, busi, monkeypatch):
    before = (done / "results.json").read_bytes()
    monkeypatch.setattr(gan, "fit", lambda *_: pytest.fail("trained again"))
    assert main(command(busi, done)) == 0
    assert (done / "results.json").read_bytes() == before


def test_a_killed_study_goes_on_with_what_is_drawn(busi, tmp_path, monkeypatch):
    judge, train = trial.units.fit, gan.fit
    units: list[str] = []
    gans: list[str] = []

    def killed(*given):
        units.append(given[-1].parent.name)
        if len(units) == 2:
            raise KeyboardInterrupt
        return judge(*given)

    def counted(*given):
        gans.append(given[-1].parent.name)
        return train(*given)

    monkeypatch.setattr(trial.units, "fit", killed)
    monkeypatch.setattr(gan, "fit", counted)
    asked = command(busi, tmp_path, "--protocol", "leak-free")
    with pytest.raises(KeyboardInterrupt):
        main(asked)
    folder = tmp_path / "work" / "leak-free" / "drawn" / "fold-2"
    pictures = {path: path.stat().st_mtime_ns for path in folder.glob("*.png")}
    assert pictures
    monkeypatch.setattr(drawn, "_write", _refusing_to_write_again(set(pictures)))
    assert main(asked) == 0
    assert (units, gans) == (["fold-1", "fold-2", "fold-2", "final"], ["fold-1", "fold-2", "final"])


def _refusing_to_write_again(there: set[Path]):
    write = drawn._write

    def guarded(path, content):
        assert path not in there
        write(path, content)

    return guarded


def test_pictures_that_are_gone_are_drawn_again_for_a_unit_that_is_not_done(tmp_path):
    samples = []
    for number in range(12):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), scan(number, (64, 64)).astype(np.uint8))
        samples.append(Sample(path, RECIPE.classes[number % 2], f"p{number}", f"p{number}", "busi"))
    how = recipes.paper.Drawn(
        dict.fromkeys(RECIPE.classes, 1.5), RECIPE.model_copy(update={"epochs": 1, "batch_size": 6})
    )
    place = drawn.Place(tmp_path / "told", tmp_path / "work", judged=False)
    both, worth = drawn.extend(samples, how, RECIPE.classes, place)
    made = [sample for sample in both if protocols.is_drawn(sample)]
    assert (len(made), worth.kept, worth.learned) == (6, 6, 12)
    before = [sample.path.read_bytes() for sample in made]
    made[0].path.unlink()
    finished = drawn.Place(place.told, place.work, judged=True)
    assert drawn.extend(samples, how, RECIPE.classes, finished) == (both, worth)
    assert not made[0].path.exists()
    again, _ = drawn.extend(samples, how, RECIPE.classes, place)
    assert again == both
    assert [sample.path.read_bytes() for sample in made] == before


@pytest.fixture(scope="module")
def vivid():
    """A generator that was never trained, with contrast."""
    torch.manual_seed(3)
    generator = Generator(len(RECIPE.classes), RECIPE.side, 16).eval()
    with torch.no_grad():
        generator.dense.weight.mul_(8)
        generator.blocks[-1].weight.mul_(60)
    return generator


def test_a_picture_that_is_a_near_copy_of_a_training_image_is_dropped_and_drawn_anew(vivid):
    first = gan.draw(vivid, 1, 6, RECIPE.seed + 1)
    others = [scan(number, (64, 64)).astype(np.uint8) for number in range(8)]
    darker = np.clip(first[2].astype(int) - 20, 0, 255).astype(np.uint8)
    training = np.stack([*others, darker])
    kept, dropped, _ = drawn.apart(vivid, {"benign": 0, "malignant": 6}, training, RECIPE)
    assert dropped >= 1
    assert [len(each) for each in kept.values()] == [0, 6]
    assert not any(np.array_equal(picture, first[2]) for picture in kept["malignant"])
    assert not gan_check.copies(kept["malignant"], training)[0].any()


def test_of_a_gan_that_knows_a_training_image_by_heart_no_picture_is_kept(vivid):
    with torch.no_grad():
        weight = vivid.dense.weight.clone()
        vivid.dense.weight[:, : -len(RECIPE.classes)] = 0  # deaf to the noise: one picture a class
        learned = gan.draw(vivid, 0, 1, seed=0)
        others = np.stack([scan(number, (64, 64)).astype(np.uint8) for number in range(8)])
        kept, dropped, _ = drawn.apart(vivid, {"benign": 4}, np.concatenate([others, learned]), RECIPE)
        vivid.dense.weight.copy_(weight)
    assert len(kept["benign"]) == 0
    assert dropped == 4 * 5


def test_the_classes_of_busi_grow_to_the_papers_counts():
    sizes = {"benign": 437, "malignant": 210, "normal": 133}
    samples = [Sample(Path("x"), name, "p", "p", "busi") for name, n in sizes.items() for _ in range(n)]
    how = recipes.get("luong2024").system("AEGANB3, DCGAN").drawn
    lacking = drawn.missing(samples, how, tuple(sizes))
    assert {name: n + lacking[name] for name, n in sizes.items()} == {
        "benign": 1357,
        "malignant": 1330,
        "normal": 1333,
    }


def test_a_gan_leaks_what_it_was_shown():
    a, b, c, d = (Sample(Path(f"{n}.png"), "benign", n, n, "busi") for n in "abcd")
    picture, other = (protocols.drawn("benign", Path(f"{n}.png")) for n in ("one", "two"))
    given = {"train": (a, picture), "validation": (), "held": (b, c, other)}
    for more, expected in (
        ({}, protocols.Leaks(0, 0, 0)),
        ({"shown": (a, b)}, protocols.Leaks(0, 1, 1)),
        ({"shown": (a, b), "held": (a, b, c)}, protocols.Leaks(1, 1, 0)),
        ({"shown": (b,)}, protocols.Leaks(0, 1, 0)),
        ({"shown": (a, b), "train": (a, d)}, protocols.Leaks(0, 0, 1)),
    ):
        assert protocols.leaks(protocols.Parts(**{**given, **more})) == expected
