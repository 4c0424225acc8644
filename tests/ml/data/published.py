"""Small data sets in the published layouts, drawn for the tests."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from openpyxl import Workbook
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian


def scan(seed: int, shape: tuple[int, int] = (90, 110), bright: bool = False) -> np.ndarray:
    """Smooth random grey image; images of different seeds hardly correlate. `bright` marks a class."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 8), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC)) // 2
    return pixels + (90 if bright else 0)


def save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def lesion(shape: tuple[int, int] = (90, 110)) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[30:60, 10:35] = 255
    return mask


def write_busbra(root: Path, patients: int = 8, folds: int = 4) -> Path:
    """Two images a patient, every second patient malignant, official folds 1..`folds`."""
    rows, fold_rows = [], []
    for case in range(1, patients + 1):
        malignant = case % 2 == 0
        for side in "lr":
            name = f"bus_{case:04d}-{side}"
            save(scan(case * 2 + (side == "r"), bright=malignant), root / "Images" / f"{name}.png")
            save(lesion(), root / "Masks" / f"{name.replace('bus', 'mask')}.png")
            label = "malignant" if malignant else "benign"
            rows.append({"ID": name, "Case": case, "Pathology": label, "BIRADS": 5 if malignant else 2})
            fold_rows.append({"ID": name, "Pathology": label, "kFold": (case - 1) // 2 % folds + 1})
    _table(root / "bus_data.csv", rows)
    _table(root / "5-fold-cv.csv", fold_rows)
    return root


def write_busi(root: Path, each: int = 8) -> Path:
    """`each` images a class; benign (1) and (2) are near copies; one copy has two labels."""
    for number, label in enumerate(("benign", "malignant", "normal")):
        for index in range(1, each + 1):
            pixels = scan(1000 * (number + 1) + index, (64, 64), bright=label == "malignant")
            save(pixels, root / label / f"{label} ({index}).png")
            save(lesion((64, 64)), root / label / f"{label} ({index})_mask.png")
    twin = scan(1001, (64, 64))
    save(np.clip(twin.astype(int) + 9, 0, 255), root / "benign" / "benign (2).png")
    save(scan(2003, (64, 64), bright=True), root / "normal" / "normal (3).png")
    save(lesion((64, 64)), root / "benign" / "benign (1)_mask_1.png")
    return root


def _table(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_busuclm(root: Path) -> Path:
    """Three images of two patients, masks green and red."""
    lines = ["Image;Label;Doppler;Marks;Combined"]
    for seed, (name, label) in enumerate(
        (("ALWI_000", "Benign"), ("ALWI_001", "Normal"), ("ANAT_000", "Malignant"))
    ):
        save(scan(seed), root / "images" / f"{name}.png")
        mask = np.zeros((90, 110, 3), np.uint8)
        mask[30:60, 10:35, 1 if label == "Benign" else 0] = 255 if label != "Normal" else 0
        save(mask, root / "masks" / f"{name}.png")
        lines.append(f"{name}.png;{label};No;Yes;No")
    (root / "INFO.csv").write_text("\n".join(lines))
    return root


def write_breast(root: Path) -> Path:
    """Case 1 malignant with a second structure, case 2 normal without a mask."""
    book = Workbook()
    sheet = book.active
    sheet.append(
        ("CaseID", "Image_filename", "Mask_tumor_filename", "Mask_other_filename", "BIRADS", "Classification")
    )
    sheet.append((1, "case001.png", "case001_tumor.png", "case001_other1.png", "4b", "malignant"))
    sheet.append((2, "case002.png", None, None, 1, "normal"))
    images = root / "BrEaST-Lesions_USG-images_and_masks"
    for name in ("case001", "case002"):
        save(scan(len(name)), images / f"{name}.png")
    for name in ("case001_tumor", "case001_other1"):
        save(lesion(), images / f"{name}.png")
    book.save(root / "BrEaST-Lesions-USG-clinical-data-Dec-15-2023.xlsx")
    return root


def write_cbisddsm(root: Path) -> Path:
    """Two mammograms of one patient: two masses in one, calcifications in the other; crops before masks."""
    header = (
        "patient_id,breast_density,left or right breast,image view,abnormality id,assessment,pathology,{}"
    )
    paths = "image file path,cropped image file path,ROI mask file path"
    mass, calc = "Mass-Training_P_00001_LEFT_CC", "Calc-Training_P_00001_LEFT_MLO"
    rows = {
        "mass": [(mass, 1, 3, "BENIGN_WITHOUT_CALLBACK"), (mass, 2, 5, "MALIGNANT")],
        "calc": [(calc, 1, 0, "BENIGN")],
    }
    for kind, findings in rows.items():
        lines = [header.format(paths)]
        for case, number, grade, pathology in findings:
            write_dicom(scan(number), root / "CBIS-DDSM" / case / "07-20-2016-DDSM-1" / "full" / "1-1.dcm")
            within = root / "CBIS-DDSM" / f"{case}_{number}" / "series"
            write_dicom(lesion()[30:60, 10:35], within / "1-1.dcm")
            write_dicom(lesion(), within / "1-2.dcm")
            mask = f'"{case}_{number}/1.2/3.4/000001.dcm\n"'
            lines.append(f"P_00001,3,LEFT,CC,{number},{grade},{pathology},{case}/1.2/3.4/000000.dcm,x,{mask}")
        (root / f"{kind}_case_description_train_set.csv").write_text("\n".join(lines))
    return root


def write_dicom(pixels: np.ndarray, path: Path, **header: object) -> None:
    """A mammogram, or a mask, uncompressed."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = "1.2.3.4", ExplicitVRLittleEndian
    file = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    file.SOPClassUID, file.SOPInstanceUID, file.Modality = meta.MediaStorageSOPClassUID, "1.2.3.4", "MG"
    file.Rows, file.Columns = pixels.shape
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated = file.BitsStored = 8
    file.HighBit, file.PixelRepresentation = 7, 0
    file.PixelData = pixels.astype(np.uint8).tobytes()
    for keyword, value in header.items():
        setattr(file, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path, enforce_file_format=True)
