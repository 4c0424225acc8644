"""Small scans for tests, as bytes: every seed another picture, the same seed the same bytes."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, UltrasoundMultiFrameImageStorage


def pixels(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    """uint8 (height, width): smooth noise with a gradient, so that it is neither blank nor a photo."""
    noise = np.random.default_rng(seed).normal(0, 30, (height, width))
    ramp = np.linspace(40, 180, height)[:, None]
    return np.clip(ramp + noise, 0, 255).astype(np.uint8)


def png(seed: int = 0, height: int = 48, width: int = 64) -> bytes:
    """A grey PNG."""
    file = BytesIO()
    Image.fromarray(pixels(seed, height, width)).save(file, "PNG")
    return file.getvalue()


def dicom(seed: int = 0, frames: int = 1, **header: object) -> bytes:
    """An uncompressed grey ultrasound DICOM; `header` gives further elements by keyword."""
    frames_of = np.stack([pixels(seed * 1000 + n) for n in range(frames)])
    kind = UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = kind, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.8.498.{seed + 1}.{frames}"
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.SamplesPerPixel, dataset.PhotometricInterpretation = "US", 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = frames_of.shape[1:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    if frames > 1:
        dataset.NumberOfFrames = frames
    dataset.PixelData = frames_of.tobytes()
    for keyword, value in header.items():
        setattr(dataset, keyword, value)
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
