"""The DICOM container (PS3.10): which elements it holds, and where the pixel data lie.

pydicom parses; the bounds are ours: only the elements that are needed are kept, a deflated file is
inflated no further than the limit, and pixel data are cut from the bytes only when announced whole.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from ml.errors import (
    FileTooLargeError,
    InconsistentHeaderError,
    NotAnImageError,
    TruncatedImageError,
    UnsupportedImageError,
)
from ml.imaging.limits import MIB, ImagingLimits

_PIXEL_DATA, _FLOAT, _DOUBLE = 0x7FE00010, 0x7FE00008, 0x7FE00009
_UNDEFINED = 0xFFFFFFFF
_PIXEL_VRS = frozenset({b"OB", b"OW", b"UN"})
MAX_READS = 100_000
"""Every element and item takes one read or two; the header of a loop of 500 frames, some 50,000."""
MAX_ELEMENT = 2 * MIB
"""Of an element before Pixel Data; the longest real ones, functional groups, take some 2 KiB a frame."""

_KEYWORDS = """
SOPInstanceUID StudyInstanceUID StudyDate Modality AccessionNumber PatientID
ImageLaterality Laterality ViewPosition ViewCodeSequence
SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows Columns
BitsAllocated BitsStored HighBit PixelRepresentation PixelPaddingValue PixelPaddingRangeLimit
PixelSpacing ImagerPixelSpacing SequenceOfUltrasoundRegions
RescaleIntercept RescaleSlope ModalityLUTSequence
WindowCenter WindowWidth VOILUTFunction VOILUTSequence
RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor
BluePaletteColorLookupTableDescriptor RedPaletteColorLookupTableData
GreenPaletteColorLookupTableData BluePaletteColorLookupTableData
SegmentedRedPaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData
SegmentedBluePaletteColorLookupTableData
SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence
ExtendedOffsetTable ExtendedOffsetTableLengths
""".split()  # noqa: SIM905  a table is easier to read than a column of 50 lines
_WANTED: list[BaseTag | int] = [Tag(keyword) for keyword in _KEYWORDS]


@dataclass(frozen=True, slots=True)
class DicomFile:
    """Transfer syntax, the elements before Pixel Data, and Pixel Data as stored.

    `pixel_data` is the value of the element; where it is `encapsulated`, all of the file from the
    first item on, its delimiter included.
    """

    syntax: UID
    header: Dataset
    pixel_data: bytes
    encapsulated: bool
    vr: str


class _Metered(BytesIO):
    """Gives up after MAX_READS, so that a file of empty items ends in an error and not in gigabytes."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MAX_READS:
            raise InconsistentHeaderError("The DICOM header has more elements than any device writes.")
        return super().read(size)


def parse(data: bytes, limits: ImagingLimits) -> DicomFile:
    """Parse a file that begins with a preamble and "DICM".

    Raises:
        NotAnImageError: it has no pixel data.
        TruncatedImageError: it ends early.
        FileTooLargeError: it inflates to more than the limit.
        InconsistentHeaderError: it names no transfer syntax.
        UnsupportedImageError: its pixels are floating point numbers.
    """
    source, syntax, _ = opened(data, limits)
    implicit, little = encoding(syntax)
    header = read_dataset(source, implicit, little, stop_when=at_pixel_data, specific_tags=_WANTED)
    header.set_original_encoding(implicit, little, header._character_set)
    for element in header.elements():
        if isinstance(element, RawDataElement) and element.length > MAX_ELEMENT:
            raise InconsistentHeaderError("The DICOM header has an element longer than any device writes.")
    vr, length = _pixel_element(source, header, implicit, little)
    pixel_data = source.read()
    if length == _UNDEFINED:
        return DicomFile(syntax, header, pixel_data, True, vr)
    if len(pixel_data) < length:
        raise TruncatedImageError(
            f"The DICOM file announces {length} bytes of pixel data and holds {len(pixel_data)}."
        )
    return DicomFile(syntax, header, pixel_data[:length], False, vr)


def opened(data: bytes, limits: ImagingLimits) -> tuple[BytesIO, UID, Dataset]:
    """The file standing at its first element after the meta group, inflated where it was deflated; its
    transfer syntax; its meta group. Errors as in `parse`."""
    source = _Metered(data)
    source.seek(132)
    meta = read_dataset(source, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    syntax = UID(str(meta.get("TransferSyntaxUID", "")))
    if not syntax:
        raise InconsistentHeaderError("The DICOM file doesn't name its transfer syntax.")
    if syntax == DeflatedExplicitVRLittleEndian:
        source = _Metered(_inflate(data[_meta_end(meta, source.tell()) :], limits))
    return source, syntax, meta


def encoding(syntax: UID) -> tuple[bool, bool]:
    """Whether elements go without a VR, and whether the low byte comes first."""
    if not syntax.is_transfer_syntax:
        return False, True
    return syntax.is_implicit_VR, syntax.is_little_endian


def at_pixel_data(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag in (_PIXEL_DATA, _FLOAT, _DOUBLE)


def _meta_end(meta: Dataset, parsed: int) -> int:
    """Where the deflated bytes begin. They may look like one more element to a parser of the meta group."""
    length = meta.get("FileMetaInformationGroupLength")
    return 132 + 12 + length if isinstance(length, int) else parsed


def _inflate(deflated: bytes, limits: ImagingLimits) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(deflated, limits.max_bytes)
    if inflater.unconsumed_tail:
        raise FileTooLargeError(f"The deflated file inflates to more than {limits.max_bytes / MIB:g} MiB.")
    if not inflater.eof:
        raise TruncatedImageError("The deflated file ends early.")
    return inflated


def _pixel_element(source: BytesIO, header: Dataset, implicit: bool, little: bool) -> tuple[str, int]:
    """VR and length of the element that `source` stands before, moving to its value (PS3.5 7.1)."""
    order = "<" if little else ">"
    head = source.read(12)
    if len(head) < 12:
        if "Rows" in header:
            raise TruncatedImageError("The DICOM file ends before its pixel data.")
        raise NotAnImageError("This DICOM file holds no image.", "Upload a file with pixel data.")
    group, element = struct.unpack_from(order + "HH", head)
    if group << 16 | element != _PIXEL_DATA:
        raise UnsupportedImageError("The pixels of this DICOM file are floating point numbers.")
    if not implicit and head[4:6] in _PIXEL_VRS:
        return head[4:6].decode("ascii"), struct.unpack_from(order + "I", head, 8)[0]
    source.seek(-4, 1)  # some writers leave out the VR, whatever their transfer syntax says
    return "OW", struct.unpack_from(order + "I", head, 4)[0]
