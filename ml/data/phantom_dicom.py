"""Drawn scans as DICOM ultrasound files: PS3.3 A.6 (one frame) and A.7 (many)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

_FRAME_TIME_MS = 66.7
_CENTIMETRES = 3
"""Physical Units (0018,6024), (0018,6026): PS3.3 C.8.5.5.1.3."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the header says of the patient and the request; empty where nothing is said."""

    patient_id: str
    accession: str
    laterality: str


def write(frames: NDArray[np.uint8], spacing_mm: float, facts: Facts) -> bytes:
    """A DICOM file of `frames` uint8 (F, H, W), uncompressed; the same input gives the same bytes."""
    dataset = _identity(frames, facts)
    dataset.update(_image(frames))
    dataset.SequenceOfUltrasoundRegions = [_region(frames.shape[1], frames.shape[2], spacing_mm)]
    if len(frames) > 1:
        dataset.SOPClassUID = UltrasoundMultiFrameImageStorage
        dataset.NumberOfFrames = len(frames)
        dataset.FrameIncrementPointer = 0x00181063  # Frame Time
        dataset.FrameTime = _FRAME_TIME_MS
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    file = BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _identity(frames: NDArray[np.uint8], facts: Facts) -> Dataset:
    """Patient, study, series and equipment modules. Identifiers follow from the pixels and the facts."""
    source = hashlib.sha256(frames.tobytes()).hexdigest() + repr(facts)
    dataset = Dataset()
    dataset.SOPClassUID = UltrasoundImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["instance", source])
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study", source])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["series", source])
    dataset.PatientName, dataset.PatientID = "Synthetic^Phantom", facts.patient_id
    dataset.AccessionNumber, dataset.Laterality = facts.accession, facts.laterality
    for empty in (
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "ReferringPhysicianName",
    ):
        setattr(dataset, empty, "")
    dataset.Modality, dataset.BodyPartExamined = "US", "BREAST"
    dataset.SeriesNumber, dataset.InstanceNumber = 1, 1
    dataset.Manufacturer, dataset.ManufacturerModelName = "SecondRead", "Phantom"
    dataset.SpecificCharacterSet = "ISO_IR 192"
    return dataset


def _image(frames: NDArray[np.uint8]) -> Dataset:
    """General image, image pixel and US image modules."""
    dataset = Dataset()
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "BREAST", "0001"]
    dataset.PatientOrientation = ""
    dataset.QualityControlImage = "YES"  # (0028,0300): a phantom, not a patient
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
    dataset.ImageComments = "Synthetic: drawn by code, not a scan of a person."
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = frames.shape[1:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = frames.tobytes() + b"\0" * (frames.size % 2)
    dataset["PixelData"].VR = "OB"
    return dataset


def _region(height: int, width: int, spacing_mm: float) -> Dataset:
    """The whole frame as one tissue region whose pixels have a length: PS3.3 C.8.5.5."""
    region = Dataset()
    region.RegionSpatialFormat = 1  # 2D
    region.RegionDataType = 1  # tissue
    region.RegionFlags = 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = width - 1, height - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = _CENTIMETRES
    region.PhysicalDeltaX = region.PhysicalDeltaY = spacing_mm / 10
    return region
