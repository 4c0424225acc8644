"""The dataset doctor: each finding on a scan that was made for it, and what it writes."""

from __future__ import annotations

import csv
import json
import re

import cv2
import numpy as np
import pytest

from ml import data
from ml.__main__ import main
from ml.data.doctor import diagnosis, examine, listing, marks, seams
from ml.errors import DataError
from ml.imaging import depth
from tests.ml.data import doctoring as made
from tests.ml.data.published import (
    save,
    scan,
    write_breast,
    write_busbra,
    write_busuclm,
    write_cbisddsm,
    write_dicom,
)

SCANS = {
    "text": made.written(1),
    "calipers": made.measured(2),
    "two-pictures": made.beside(3, 4, gap=6),
    "colour": made.doppler(5),
    "blank": np.full(made.SHAPE, 7, np.uint8),
    "odd-depth": made.plain(6) // 16 * 16,
}


@pytest.fixture
def root(tmp_path):
    """Eight benign and two malignant scans: a mirrored copy across parts, a copy with another label."""
    directory = tmp_path / "scans"
    for seed in range(10, 16):
        save(made.plain(seed), directory / "train" / "benign" / f"{seed}.png")
    save(made.plain(10)[:, ::-1], directory / "test" / "benign" / "mirror.png")
    save(made.plain(11)[6:, 4:], directory / "train" / "malignant" / "crop.png")
    save(made.plain(30), directory / "train" / "malignant" / "30.png")
    save(made.plain(31), directory / "train" / "benign" / "30_mask.png")
    return directory


def audited(directory, out):
    assert main(["audit", str(directory), "--out", str(out)]) == 0
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        return {row["path"]: row for row in csv.DictReader(stream)}


@pytest.mark.parametrize("word", SCANS)
def test_a_scan_with_one_fault_has_that_finding_alone(word, tmp_path):
    save(SCANS[word], tmp_path / "scan.png")
    assert examine.look(tmp_path / "scan.png").findings == (word,)


@pytest.mark.parametrize("seed", range(5))
def test_a_plain_scan_has_no_finding(seed, tmp_path):
    save(made.plain(seed), tmp_path / "scan.png")
    assert examine.look(tmp_path / "scan.png").findings == ()


def test_two_pictures_without_a_gap_and_one_above_the_other_are_found():
    assert seams.are_two(made.beside(3, 4, gap=0))
    assert seams.are_two(made.beside(3, 4, gap=6).T)


def test_a_black_margin_is_no_second_picture():
    assert not seams.are_two(np.pad(made.plain(1), ((0, 0), (150, 0))))


def test_a_picture_smaller_than_a_cross_or_a_letter_has_neither():
    thin = marks.strokes(np.zeros((4, 5), np.uint8))
    assert not marks.has_calipers(thin)
    assert not marks.has_writing(thin)


def test_an_unreadable_file_is_a_finding_with_its_reason(tmp_path):
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    seen = examine.look(tmp_path / "cut.png")
    assert seen.findings == ("unreadable",)
    assert seen.fault


def test_a_dicom_header_that_owns_to_text_counts_and_its_patient_is_hashed(tmp_path):
    write_dicom(made.plain(1), tmp_path / "a.dcm", BurnedInAnnotation="YES", PatientID="ROSSI^ANNA")
    seen = examine.look(tmp_path / "a.dcm")
    assert (seen.findings, seen.bits) == (("text",), 8)
    assert re.fullmatch("[0-9a-f]{12}", seen.patient)


@pytest.mark.parametrize(
    ("name", "pixels", "expected"),
    [
        ("a.png", scan(1).astype(np.uint16) * 200, 16),
        ("a.tif", scan(1).astype(np.uint16) * 200, 16),
        ("b.tif", scan(1), 8),
        ("a.jpg", scan(1), 8),
        ("a.bmp", scan(1), 8),
    ],
)
def test_bits_are_those_of_the_file(name, pixels, expected, tmp_path):
    cv2.imwrite(str(tmp_path / name), pixels)
    assert depth.bits((tmp_path / name).read_bytes()) == expected


def test_copies_conflicts_and_leaks_are_found_and_written(root, tmp_path, capsys):
    rows = audited(root, tmp_path / "out")
    said = {name: row["findings"] for name, row in rows.items() if row["findings"]}
    assert said == {
        "test/benign/mirror.png": "leak;near-copy",
        "train/benign/10.png": "leak;near-copy",
        "train/benign/11.png": "conflict;near-copy",
        "train/malignant/crop.png": "conflict;near-copy",
    }
    assert rows["train/benign/10.png"]["group"] == "test/benign/mirror.png"
    assert "9 images, read as tree" in capsys.readouterr().out
    facts = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert facts["counts"]["near-copy"] == 4
    assert facts["leaks"] == {"copies of test/benign/mirror.png": ["test", "train"]}
    assert not list((tmp_path / "out").glob("*.partial"))


def test_training_takes_the_manifest_without_the_conflicts(root, tmp_path):
    audited(root, tmp_path / "out")
    samples = data.read_all(data.parse([f"manifest:mine={tmp_path / 'out' / 'manifest.csv'}"]))
    assert len(samples) == 7
    groups = {sample.path.name: sample.group for sample in samples}
    assert groups["mirror.png"] == groups["10.png"]
    assert data.left_out("manifest", tmp_path / "out") == 2


def test_the_review_needs_nothing_from_elsewhere_and_shows_names_as_text(root, tmp_path):
    save(made.plain(12), root / "train" / "benign" / "<b>&.png")
    audited(root, tmp_path / "out")
    page = (tmp_path / "out" / "review.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;.png" in page
    assert "<script" not in page
    assert set(re.findall(r'(?:src|href)="([^":,]*)', page)) == {"data"}


def test_odd_sizes_and_depths_stand_out_from_the_rest(tmp_path):
    for seed in range(5):
        save(made.plain(seed), tmp_path / "normal" / f"{seed}.png")
    save(scan(8, (60, 70)), tmp_path / "normal" / "small.png")
    cv2.imwrite(str(tmp_path / "normal" / "deep.png"), made.plain(9).astype(np.uint16) * 200)
    found = {row.image.name: row.findings for row in diagnosis.audit(tmp_path).rows if row.findings}
    assert found == {"normal/small.png": ("odd-size",), "normal/deep.png": ("odd-depth",)}


@pytest.mark.parametrize(
    ("layout", "write", "first"),
    [
        ("bus-bra", write_busbra, ("benign", "1", "fold 1")),
        ("bus-uclm", write_busuclm, ("benign", "ALWI", "")),
        ("breast", write_breast, ("malignant", "1", "")),
        ("cbis-ddsm", write_cbisddsm, ("benign", "P_00001", "")),
    ],
)
def test_tables_of_known_data_sets_give_labels_and_patients(layout, write, first, tmp_path):
    listed = listing.read(write(tmp_path))
    image = listed.images[0]
    assert (listed.layout, listed.problems) == (layout, ())
    assert (image.label, image.patient, image.part) == first


def test_a_patient_in_two_parts_of_a_table_is_a_leak(tmp_path):
    directory = tmp_path / "scans"
    for seed in range(3):
        save(made.plain(seed), directory / f"{seed}.png")
    lines = [
        "path,label,patient,part",
        "0.png,benign,anna,train",
        "1.png,benign,anna,test",
        "2.png,benign,eva,test",
    ]
    (directory / "manifest.csv").write_text("\n".join([*lines, "gone.png,benign,eva,test"]))
    found = diagnosis.audit(directory)
    assert found.leaks == {"patient anna": ("test", "train")}
    assert [row.findings for row in found.rows] == [("leak",), ("leak",), ()]
    assert found.problems == (f"manifest.csv line 5: no file {directory / 'gone.png'}",)


def test_bad_input_is_a_named_error_and_nothing_is_written(root, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for words in (("/no/such/folder", "out"), ("empty", "out"), ("scans", "scans"), ("scans", "file")):
        directory, out = (str(tmp_path / word) for word in words)
        assert main(["audit", directory, "--out", out]) == 1
        assert capsys.readouterr().err.startswith("data_error: ")
    assert not (tmp_path / "out").exists()
    assert not (root / "manifest.csv").exists()


def test_an_unreadable_image_is_left_out_of_training_and_told(root, tmp_path):
    (root / "train" / "benign" / "12.png").write_bytes(b"no image")
    rows = audited(root, tmp_path / "out")
    assert rows["train/benign/12.png"]["findings"] == "unreadable"
    facts = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert [line.partition(":")[0] for line in facts["problems"]] == ["train/benign/12.png"]
    with pytest.raises(DataError):
        data.read_all({"folder": root / "train"})
