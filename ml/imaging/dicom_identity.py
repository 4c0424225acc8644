"""Which attributes of a DICOM header can identify a patient: named, never quoted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from ml.errors import InconsistentHeaderError
from ml.imaging.confidential import is_confidential
from ml.imaging.dicom_file import MAX_READS, at_pixel_data, encoding, opened
from ml.imaging.faults import named_errors
from ml.imaging.limits import ImagingLimits
from ml.imaging.sniff import sniff
from ml.types import HeaderIdentity

_BURNED_IN = cast(int, tag_for_keyword("BurnedInAnnotation"))
_DEEPEST = 8
"""Sequences within sequences that are followed; real headers have at most some five."""
_PADDING = b" \0"
Element = DataElement | RawDataElement


def identity(data: bytes, limits: ImagingLimits | None = None) -> HeaderIdentity | None:
    """What of the header before the pixel data can identify a patient; None where the file is no DICOM.

    Raises:
        ImageError: one of its kinds, where the header can't be read to its end.
    """
    if sniff(data) != "dicom":
        return None
    with named_errors("The DICOM file"):
        source, syntax, meta = opened(data, limits or ImagingLimits())
        implicit, little = encoding(syntax)
        header = read_dataset(source, implicit, little, stop_when=at_pixel_data)
        header.set_original_encoding(implicit, little, header._character_set)
        filled = {int(element.tag): element for each in (meta, header) for element in _filled(each)}
    tags = sorted(filled)
    return HeaderIdentity(
        attributes=tuple(_name(tag) for tag in tags if is_confidential(tag)),
        private=sum(BaseTag(tag).is_private for tag in tags),
        burned_in={"YES": True, "NO": False}.get(_text(filled.get(_BURNED_IN))),
    )


def _filled(header: Dataset) -> Iterator[Element]:
    """Every element with a value, those inside of sequences too, each with the sequence that holds it."""
    waiting, seen = [(header, 0)], 0
    while waiting:
        dataset, depth = waiting.pop()
        for element in dataset.elements():
            seen += 1
            if seen > MAX_READS or depth > _DEEPEST:
                raise InconsistentHeaderError("The DICOM header has more elements than any device writes.")
            if _is_sequence(element):
                items = list(dataset[element.tag].value)
                waiting += [(item, depth + 1) for item in items]
                if not items:
                    continue
            elif not _bytes(element).strip(_PADDING):
                continue
            yield element


def _is_sequence(element: Element) -> bool:
    vr = element.VR
    if vr is None:  # implicit: the dictionary knows, save for private ones
        vr = dictionary_VR(element.tag) if keyword_for_tag(element.tag) else "UN"
    return vr == "SQ"


def _bytes(element: Element | None) -> bytes:
    """The value as stored. Only sequences are ever converted: a converter may stumble over a value."""
    value = None if element is None else element.value
    return value if isinstance(value, bytes) else str(value or "").encode()


def _text(element: Element | None) -> str:
    return _bytes(element).strip(_PADDING).decode("ascii", "replace").upper()


def _name(tag: int) -> str:
    return keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
