"""Each published layout, as its reader finds it, and what it says of a damaged one."""

from __future__ import annotations

import pytest

from ml import data
from ml.errors import DataError
from tests.ml.data.published import write_breast, write_busuclm, write_cbisddsm


def facts(samples):
    return [(s.path.name, s.label, s.patient, len(s.masks), s.birads) for s in samples]


def problems(name, root):
    with pytest.raises(DataError) as caught:
        data.read(name, root)
    return caught.value.problems


def test_busuclm_takes_patients_from_names_and_no_mask_for_normal(tmp_path):
    assert facts(data.read_all({"bus-uclm": write_busuclm(tmp_path)})) == [
        ("ALWI_000.png", "benign", "bus-uclm:ALWI", 1, None),
        ("ALWI_001.png", "normal", "bus-uclm:ALWI", 0, None),
        ("ANAT_000.png", "malignant", "bus-uclm:ANAT", 1, None),
    ]


def test_busuclm_names_wrong_rows(tmp_path):
    table = write_busuclm(tmp_path) / "INFO.csv"
    table.write_text(table.read_text().replace("Benign", "Cyst").replace("ANAT_000", "ANAT_009"))
    assert problems("bus-uclm", tmp_path) == (
        "INFO.csv line 2: Label is 'Cyst'",
        "INFO.csv line 4: no file images/ANAT_009.png",
    )


def test_breast_keeps_the_masks_of_the_tumour_alone(tmp_path):
    assert facts(data.read_all({"breast": write_breast(tmp_path)})) == [
        ("case001.png", "malignant", "breast:1", 1, 4),
        ("case002.png", "normal", "breast:2", 0, None),
    ]


def test_breast_names_a_missing_file_and_a_damaged_workbook(tmp_path):
    write_breast(tmp_path)
    next(tmp_path.rglob("case001_tumor.png")).unlink()
    book = next(tmp_path.glob("*.xlsx"))
    assert problems("breast", tmp_path) == (f"{book.name} row 2: no file 'case001_tumor.png'",)
    book.write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataError, match="damaged"):
        data.read("breast", tmp_path)


def test_cbisddsm_gives_one_sample_an_image_with_the_worst_of_its_findings(tmp_path):
    calc, mass = data.read_all({"cbis-ddsm": write_cbisddsm(tmp_path)})
    assert facts([calc, mass]) == [
        ("1-1.dcm", "benign", "cbis-ddsm:P_00001", 1, None),
        ("1-1.dcm", "malignant", "cbis-ddsm:P_00001", 2, 5),
    ]
    assert mass.key == "cbis-ddsm/Mass-Training_P_00001_LEFT_CC"
    assert {mask.name for mask in mass.masks} == {"1-2.dcm"}  # the larger one: the other is a crop


def test_cbisddsm_names_wrong_rows_and_follows_no_path_out_of_the_folder(tmp_path):
    root = write_cbisddsm(tmp_path)
    (root / "CBIS-DDSM" / "Mass-Training_P_00001_LEFT_CC_2" / "series" / "1-2.dcm").write_bytes(b"no DICOM")
    (root / "CBIS-DDSM" / "Mass-Training_P_00001_LEFT_CC_2" / "series" / "1-1.dcm").unlink()
    table = root / "calc_case_description_train_set.csv"
    table.write_text(table.read_text().replace(",Calc-Training_P_00001_LEFT_MLO/", ",/"))
    assert problems("cbis-ddsm", root) == (
        "calc_case_description_train_set.csv line 2: no folder in image file path or ROI mask file path",
        "Mass-Training_P_00001_LEFT_CC_2/series/1-2.dcm: no DICOM file, or one without an image",
        "mass_case_description_train_set.csv line 4: no mask in Mass-Training_P_00001_LEFT_CC_2",
    )


@pytest.mark.parametrize("name", ["bus-uclm", "breast", "cbis-ddsm", "folder", "manifest"])
def test_a_folder_in_another_layout_is_refused(name, tmp_path):
    with pytest.raises(DataError):
        data.read(name, tmp_path)
