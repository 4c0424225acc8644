"""DICOM: the file is parsed, its header checked, one frame decoded and brought to what is shown."""

from __future__ import annotations

from ml.imaging import dicom_facts
from ml.imaging.dicom_display import shown
from ml.imaging.dicom_file import parse
from ml.imaging.dicom_frames import samples
from ml.imaging.dicom_header import pixel_header
from ml.imaging.faults import named_errors
from ml.imaging.limits import ImagingLimits, check_index
from ml.imaging.shades import Picture
from ml.types import ScanInfo


def read(data: bytes, frame: int, limits: ImagingLimits) -> tuple[ScanInfo, Picture]:
    """Facts and one frame.

    Raises:
        ImageError: one of its kinds; the text never quotes what may be a patient's.
    """
    with named_errors("The DICOM file"):
        file = parse(data, limits)
        pixels = pixel_header(file.header, limits)
        check_index(frame, pixels.frames)
        header = file.header
        dicom_facts.lay_flat(header, frame)
        picture = shown(samples(file, pixels, frame), pixels, header)
        regions = dicom_facts.ultrasound_regions(header, pixels)
        info = ScanInfo(
            format="dicom",
            width=pixels.columns,
            height=pixels.rows,
            frames=pixels.frames,
            spacing_mm=dicom_facts.spacing_mm(header, regions),
            regions=regions,
            dicom=dicom_facts.facts(header),
        )
    return info, picture
