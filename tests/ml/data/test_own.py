"""Data of one's own: a folder a class, or a table."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml import data
from ml.data import groups, manifest, splits, tables
from ml.errors import DataError
from tests.ml.data.published import lesion, save, scan, write_busbra


@pytest.fixture
def root(tmp_path):
    for seed, name in enumerate(("Benign/a.png", "Benign/p1/1.png", "malignant/b.png", "malignant/p1/1.png")):
        save(scan(seed), tmp_path / name)
    save(lesion(), tmp_path / "Benign" / "a_mask.png")
    return tmp_path


def table(root, *lines, header="path,label,patient,mask,spacing"):
    (root / "manifest.csv").write_text("\n".join((header, *lines)))
    return root


def test_a_tree_gives_a_class_by_its_top_folder_and_names_that_stay_apart(root):
    samples = data.read_all({"folder:clinic": root})
    assert [(s.key, s.label, len(s.masks)) for s in samples] == [
        ("folder:clinic/Benign/a.png", "benign", 1),
        ("folder:clinic/Benign/p1/1.png", "benign", 0),
        ("folder:clinic/malignant/b.png", "malignant", 0),
        ("folder:clinic/malignant/p1/1.png", "malignant", 0),
    ]
    assert len({s.group for s in samples}) == 4


def test_mirrored_copies_in_a_tree_share_a_group_and_two_labels_leave_it_out(root):
    save(scan(0)[:, ::-1], root / "Benign" / "z.png")
    save(scan(2)[:, ::-1], root / "Benign" / "y.png")
    samples = {s.path.name: s for s in data.read("folder", root)}
    assert samples["a.png"].group == samples["z.png"].group
    assert not {"b.png", "y.png"} & samples.keys()
    assert data.left_out("folder", root) == 2


def test_a_folder_that_is_no_class_is_a_fault_and_one_without_images_is_not(root):
    save(scan(9), root / "cyst" / "c.png")
    (root / "notes").mkdir()
    with pytest.raises(DataError) as caught:
        data.read("folder", root)
    assert caught.value.problems == ("cyst/: no class; only benign, malignant, normal are",)


def test_a_table_gives_all_that_it_says(root):
    table(root, "Benign/a.png,BENIGN,anna,Benign/a_mask.png,0.08", "malignant/b.png,malignant,,,")
    first, second = data.read_all({"manifest": root})
    assert (first.label, first.patient, len(first.masks), first.spacing_mm) == (
        "benign",
        "manifest:anna",
        1,
        0.08,
    )
    assert (second.spacing_mm, second.masks) == (None, ())
    assert second.patient == second.group == "manifest/malignant/b.png"


def test_a_patient_and_a_group_both_keep_together(root):
    table(
        root,
        "Benign/a.png,benign,anna,",
        "Benign/p1/1.png,benign,anna,g",
        "malignant/b.png,malignant,berta,g",
        "malignant/p1/1.png,malignant,carla,",
        header="path,label,patient,group",
    )
    samples = data.read("manifest", root)
    assert [s.group == samples[0].group for s in samples] == [True, True, True, False]
    splits.hold_out(samples, 0.5)  # raises where a patient is in both


def test_rows_that_the_doctor_would_leave_out_are_left_out_and_counted(root):
    table(root, "Benign/a.png,benign,text;calipers", "gone.png,,unreadable", header="path,label,findings")
    assert [s.path.name for s in data.read("manifest", root)] == ["a.png"]
    assert data.left_out("manifest", root) == 1


def test_every_fault_of_a_table_is_listed_with_its_line(root):
    table(
        root,
        "Benign/a.png,benign,,,",
        "Benign/a.png,benign,,,",
        "",
        "gone.png,normal,,,",
        "malignant/b.png,maligant,,,",
        "malignant/b.png,malignant,,,-1",
        "malignant/p1/1.png,malignant",
        "Benign/p1/1.png,benign,,gone_mask.png,",
    )
    with pytest.raises(DataError) as caught:
        data.read("manifest", root)
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [
        f"manifest.csv line {line}" for line in (8, 3, 5, 6, 7, 9)
    ]


def test_faults_of_all_data_sets_and_unreadable_images_are_told_together(root, tmp_path_factory):
    busbra = write_busbra(tmp_path_factory.mktemp("busbra"), patients=2)
    (busbra / "Images" / "bus_0001-l.png").unlink()
    (root / "Benign" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    save(lesion((9, 9)), root / "malignant" / "b_mask.png")
    with pytest.raises(DataError, match="3 faults") as caught:
        data.read_all({"bus-bra": busbra, "folder": root})
    first, second, third = caught.value.problems
    assert first == "bus-bra: bus_data.csv line 2: no file Images/bus_0001-l.png"
    assert second.startswith(f"{root / 'Benign' / 'a.png'}: ")
    assert third == f"{root / 'malignant' / 'b.png'}: a mask of it has another size"


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_a_named_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text, encoding="utf-8", newline="", errors="replace")
    problems: list[str] = []
    try:
        rows = tables.read(path, ("path",), problems)
    except DataError:
        return
    assert all("path" in row for _, row in rows)


_VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).map(str.strip)


@given(st.lists(st.tuples(_VALUES.filter(bool), _VALUES, _VALUES), max_size=8))
def test_what_is_written_is_read_with_its_line(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "table.csv"
    text = io.StringIO()
    csv.writer(text).writerows([("path", "label", "patient"), *rows])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    problems: list[str] = []
    found = tables.read(path, ("path", "label"), problems)
    assert [tuple(row.values()) for _, row in found] == rows
    assert [line for line, _ in found] == list(range(2, len(rows) + 2))
    assert not problems


@given(
    st.lists(st.tuples(_VALUES, st.sampled_from(["", "benign", "x"]), _VALUES, _VALUES, _VALUES), max_size=6)
)
def test_any_manifest_is_read_or_its_faults_are_named(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("manifest", numbered=True)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("path", "label", "patient", "mask", "spacing"), *rows])
    reading = manifest.read(folder)
    assert not reading.samples  # there is no file of any name in the folder
    assert len(reading.problems) == sum(any(map(str.strip, row)) for row in rows)


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "b", "c", "d"]), st.sampled_from(["", "x", "y"])), max_size=12
    )
)
def test_what_shares_a_name_is_joined(pairs):
    people, copies = [a for a, _ in pairs], [b for _, b in pairs]
    of = groups.joined(people, copies)
    for one, first in enumerate(pairs):
        for other, second in enumerate(pairs):
            if any(a and a == b for a, b in zip(first, second, strict=True)):
                assert of[one] == of[other]
    assert all(of[group] == group <= index for index, group in enumerate(of))


@pytest.mark.parametrize("argument", ["folder:=.", "busi:mine=.", "folder:a/b=.", "manifest=/no/such.csv"])
def test_a_wrong_name_of_ones_own_is_refused(argument):
    with pytest.raises(DataError):
        data.parse([argument])


def test_a_manifest_may_be_named_by_its_file(root):
    table(root, "Benign/a.png,benign,,,")
    sources = data.parse([f"manifest:clinic={root / 'manifest.csv'}"])
    assert [s.dataset for s in data.read_all(sources)] == ["manifest:clinic"]
