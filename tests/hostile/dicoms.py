"""Hostile DICOM files: cut, contradictory, incomplete, huge, deflated, encapsulated."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame

from tests.hostile.pictures import MIB, WIDE, patched
from tests.hostile.table import Hostile, read, refused
from tests.ml.imaging.files import Pixels, deflated_bomb, dicom, region, scene, ultrasound_loop

PIXEL_DATA = b"\xe0\x7f\x10\x00"
ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
ENCAPSULATED = (uid.RLELossless, uid.JPEGBaseline8Bit, uid.JPEG2000Lossless, uid.JPEGLSLossless)


def _scan(seed: int, syntax: str = uid.ExplicitVRLittleEndian, **elements: Any) -> bytes:
    """A scan in a study of its own: each is to make a case of its own."""
    return _of(scene(seed=seed), seed, syntax, **elements)


def _of(pixels: Pixels, seed: int, syntax: str = uid.ExplicitVRLittleEndian, **elements: Any) -> bytes:
    own = {"StudyInstanceUID": f"1.2.826.0.1.3680043.8.498.{seed}", "AccessionNumber": None}
    return dicom(pixels, syntax, **(own | elements))


def _before_pixels(data: bytes, added: bytes) -> bytes:
    at = data.index(PIXEL_DATA)
    return data[:at] + added + data[at:]


def raw(group: int, element: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """An element in explicit VR, little-endian, whose length may be a lie."""
    length = len(value) if length is None else length
    long = vr in (b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC")
    head = struct.pack("<HH2s", group, element, vr) + (
        struct.pack("<HI", 0, length) if long else struct.pack("<H", length)
    )
    return head + value


def _replaced(data: bytes, group: int, element: int, vr: bytes, value: bytes) -> bytes:
    """`data` with the value of a short element as raw bytes, whatever they say."""
    at = data.index(struct.pack("<HH2s", group, element, vr))
    length = struct.unpack_from("<H", data, at + 6)[0]
    return data[:at] + raw(group, element, vr, value) + data[at + 8 + length :]


# --- cut ------------------------------------------------------------------------------------------


def _cuts() -> dict[str, Hostile]:
    places = {"in its preamble": 100, "in its meta group": 180, "behind its rows": -3_100}
    syntaxes = (uid.ExplicitVRLittleEndian, uid.DeflatedExplicitVRLittleEndian, *ENCAPSULATED)
    cut = {
        f"dicom cut {place}": refused(code, lambda size=size: _scan(51)[:size])
        for (place, size), code in zip(
            places.items(), ("not_an_image", "inconsistent_header", "truncated"), strict=True
        )
    }
    for number, syntax in enumerate(syntaxes):
        for left in (20, 400):
            make = lambda syntax=syntax, left=left, seed=52 + number: _scan(seed, syntax)[:-left]  # noqa: E731
            cut[f"{syntax.name}, {left} bytes short"] = refused("truncated", make)
    return cut


def _without_pixels() -> bytes:
    data = _scan(53)
    return data[: data.index(PIXEL_DATA)]


# --- missing, contradictory and huge --------------------------------------------------------------


def _without(keyword: str) -> Callable[[], bytes]:
    return lambda: _scan(54, **{keyword: None})


def _nested(depth: int) -> bytes:
    """Sequences in sequences, of no stated length."""
    opening = raw(0x0040, 0xA730, b"SQ", b"", 0xFFFFFFFF) + ITEM + b"\xff\xff\xff\xff"
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return _before_pixels(_scan(55), opening * depth + closing * depth)


def _items(count: int) -> bytes:
    items = raw(0x0040, 0xA730, b"SQ", b"", 0xFFFFFFFF) + (ITEM + bytes(4)) * count
    return _before_pixels(_scan(56), items + END + bytes(4))


def _palette(entries: int) -> dict[str, Any]:
    table = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        table[f"{colour}PaletteColorLookupTableDescriptor"] = [entries, 0, 16]
        table[f"{colour}PaletteColorLookupTableData"] = bytes(32)
    return table


def _regions(count: int) -> list[Dataset]:
    return [region(0, 0, 2**32 - 1, 2**32 - 1, PhysicalDeltaX=float("inf")) for _ in range(count)]


# --- encapsulated ---------------------------------------------------------------------------------


def _fragments(
    change: Callable[[bytes], bytes], seed: int, syntax: str = uid.JPEGBaseline8Bit, side: int = 0
) -> bytes:
    """A compressed file whose pixel data, from its first item on, are changed."""
    data = dicom(scene(side, side, seed), syntax) if side else _scan(seed, syntax)
    at = data.index(PIXEL_DATA) + 12
    return data[:at] + change(data[at:])


def _longer_fragment(pixels: bytes) -> bytes:
    return patched(pixels, 12, struct.pack("<I", 0x7FFFFFFF))


def _lying_offsets(pixels: bytes) -> bytes:
    return ITEM + struct.pack("<II", 4, 0x7FFFFFFF) + pixels[8:]


def _empty_fragments(pixels: bytes) -> bytes:
    return ITEM + bytes(4) + (ITEM + bytes(4)) * 3 + END + bytes(4)


def _rle_planes(pixels: bytes) -> bytes:
    return patched(pixels, pixels.index(ITEM, 4) + 8, struct.pack("<I", 15))


def _rle_offsets(pixels: bytes) -> bytes:
    return patched(pixels, pixels.index(ITEM, 4) + 12, struct.pack("<I", 0xFFFFFFF0))


def _shortened(pixels: bytes) -> bytes:
    """A stream that ends early within fragments and items of the right length."""
    stream = get_frame(pixels, 0, number_of_frames=1)
    return encapsulate([stream[: len(stream) // 4 * 2]])


def _tiny_tiles(pixels: bytes) -> bytes:
    at = pixels.index(b"\xff\x51")
    return patched(pixels, at + 22, struct.pack(">II", 1, 1))


def _taller_stream(pixels: bytes) -> bytes:
    at = pixels.index(b"\xff\xc0")
    return patched(pixels, at + 5, (60_000).to_bytes(2, "big"))


def _other_stream(pixels: bytes) -> bytes:
    return encapsulate([b"\x89PNG\r\n\x1a\n" + bytes(600)])


def _shortened_streams() -> dict[str, Hostile]:
    streams = (*ENCAPSULATED, uid.JPEGLosslessSV1, uid.JPEG2000, uid.JPEGLSNearLossless)
    return {
        f"half a stream of {syntax.name}": refused(
            "truncated", lambda seed=106 + number, syntax=syntax: _fragments(_shortened, seed, syntax)
        )
        for number, syntax in enumerate(streams)
    }


# --- others ---------------------------------------------------------------------------------------


def _not_deflated(seed: int) -> bytes:
    """The header of a deflated file, and behind it a dataset as it is."""
    plain, deflated = _scan(seed), _scan(seed, uid.DeflatedExplicitVRLittleEndian)
    return deflated[: 144 + struct.unpack_from("<I", deflated, 140)[0]] + plain[400:]


def _named(syntax: str, seed: int) -> bytes:
    """Whole pixel data under the name of another transfer syntax of the same length."""
    data = _scan(seed)
    name = uid.ExplicitVRLittleEndian.encode() + b"\0"
    return data.replace(name, syntax.encode().ljust(len(name), b"\0"), 1)


def _preamble(seed: int, begins: bytes) -> bytes:
    return begins.ljust(128, b"\0") + _scan(seed)[128:]


def _line(width: int, height: int, seed: int) -> bytes:
    return _of(scene(height, width, seed), seed)


DICOMS: dict[str, Hostile] = {
    **_cuts(),
    "dicom cut before its pixels": refused("truncated", _without_pixels),
    "dicom without an image": refused("not_an_image", lambda: deflated_bomb(0)),
    "dicom without a preamble": refused("not_an_image", lambda: _scan(57)[132:]),
    # missing
    "dicom without rows": refused("inconsistent_header", _without("Rows")),
    "dicom without columns": refused("inconsistent_header", _without("Columns")),
    "dicom without bits allocated": refused("inconsistent_header", _without("BitsAllocated")),
    "dicom without photometric interpretation": refused("unsupported", _without("PhotometricInterpretation")),
    "dicom without who, when and what": read(
        64, 48, lambda: _scan(58, PatientID=None, PatientName=None, StudyInstanceUID=None, Modality=None)
    ),
    # contradictory
    "dicom of no rows": refused("zero_size", lambda: _scan(59, Rows=0)),
    "dicom of more rows than data": refused("inconsistent_header", lambda: _scan(60, Rows=49)),
    "dicom of more bits than allocated": refused("inconsistent_header", lambda: _scan(61, BitsStored=12)),
    "dicom of 12 bits allocated": refused("unsupported", lambda: _scan(62, BitsAllocated=12)),
    "grey dicom of three samples": refused("inconsistent_header", lambda: _scan(63, SamplesPerPixel=3)),
    "dicom of an unknown plane order": refused(
        "inconsistent_header", lambda: _scan(64, PlanarConfiguration=7)
    ),
    "dicom of a colour space unheard of": refused(
        "unsupported", lambda: _scan(65, PhotometricInterpretation="HSV")
    ),
    "dicom of fewer frames than data": refused(
        "inconsistent_header", lambda: dicom(np.stack([scene(seed=66)] * 3), NumberOfFrames=1)
    ),
    "dicom of minus five frames": refused(
        "inconsistent_header", lambda: dicom(scene(seed=67)[None], NumberOfFrames=-5)
    ),
    "dicom of no number of frames": refused(
        "inconsistent_header",
        lambda: _replaced(dicom(scene(seed=68)[None], NumberOfFrames=1), 0x28, 8, b"IS", b"many"),
    ),
    "dicom with a palette longer than its data": refused("truncated", lambda: _scan(69, **_palette(65_535))),
    "dicom with a window of no width": read(64, 48, lambda: _scan(70, WindowCenter=40, WindowWidth=0)),
    "dicom with an infinite slope": read(
        64, 48, lambda: _replaced(_scan(71, RescaleSlope=1), 0x28, 0x1053, b"DS", b"1e999 ")
    ),
    "dicom with a spacing of not-a-number": read(
        64, 48, lambda: _replaced(_scan(72, PixelSpacing=[1, 1]), 0x28, 0x30, b"DS", b"nan\\-1")
    ),
    "dicom with regions beyond its edges": read(
        64, 48, lambda: _scan(73, SequenceOfUltrasoundRegions=_regions(200))
    ),
    "dicom with a study date of no calendar": read(
        64, 48, lambda: _replaced(_scan(74), 8, 0x20, b"DA", b"99999999")
    ),
    "dicom in an unknown character set": read(64, 48, lambda: _scan(75, SpecificCharacterSet="ISO_IR 999")),
    # huge
    "dicom of 4.3 gigapixels": refused("too_many_pixels", lambda: _scan(76, Rows=65_535, Columns=65_535)),
    "dicom of 501 frames": refused(
        "too_many_frames", lambda: dicom(scene(seed=77)[None], NumberOfFrames=501)
    ),
    "dicom of 2^31 - 1 frames": refused(
        "too_many_frames", lambda: dicom(scene(seed=78)[None], NumberOfFrames=2**31 - 1)
    ),
    "dicom element longer than the file": refused(
        "truncated", lambda: _before_pixels(_scan(79), raw(0x0040, 0xA160, b"UT", b"x", 0x7FFFFFFE))
    ),
    "dicom with a private element of 8 MiB": read(
        64, 48, lambda: _before_pixels(_scan(80), raw(0x0029, 0x1010, b"OB", bytes(8 * MIB)))
    ),
    "dicom with a lookup table of 8 MiB": refused(
        "inconsistent_header", lambda: _before_pixels(_scan(81), raw(0x0028, 0x1201, b"OW", bytes(8 * MIB)))
    ),
    "dicom with a patient of 10,000 characters": read(64, 48, lambda: _scan(82, PatientID="9" * 10_000)),
    "dicom with a patient of no characters that show": read(
        64, 48, lambda: _replaced(_scan(83), 0x10, 0x20, b"LO", b"\0\x1b\r\n\x7f\0")
    ),
    "dicom of 5,000 sequences within each other": refused("truncated", lambda: _nested(5_000)),
    "dicom of 200,000 items": refused("inconsistent_header", lambda: _items(200_000)),
    # deflated
    "deflated dicom": read(64, 48, lambda: _scan(84, uid.DeflatedExplicitVRLittleEndian)),
    "deflated dicom of 256 MiB": refused("file_too_large", lambda: deflated_bomb(256 * MIB)),
    "deflated dicom that is not deflated": refused("truncated", lambda: _not_deflated(85)),
    # encapsulated
    "fragment longer than the file": refused("truncated", lambda: _fragments(_longer_fragment, 86)),
    "fragments without an end": refused("truncated", lambda: _fragments(lambda pixels: pixels[:-8], 87)),
    "fragments of nothing": refused("truncated", lambda: _fragments(_empty_fragments, 88)),
    "fragments none at all": refused(
        "inconsistent_header", lambda: _fragments(lambda _: ITEM + bytes(4) + END + bytes(4), 89)
    ),
    "fragment offsets beyond the file": refused("truncated", lambda: _fragments(_lying_offsets, 90)),
    "fewer fragments than frames": refused("inconsistent_header", lambda: ultrasound_loop(NumberOfFrames=9)),
    "run lengths of fifteen planes": refused(
        "inconsistent_header", lambda: _fragments(_rle_planes, 91, uid.RLELossless)
    ),
    "run lengths outside of the fragment": refused(
        "truncated", lambda: _fragments(_rle_offsets, 92, uid.RLELossless)
    ),
    "jpeg 2000 of a tile in 3072": refused(
        "truncated", lambda: _fragments(_tiny_tiles, 93, uid.JPEG2000Lossless)
    ),
    "jpeg 2000 of a million tiles": refused(
        "inconsistent_header", lambda: _fragments(_tiny_tiles, 93, uid.JPEG2000Lossless, 1000)
    ),
    **_shortened_streams(),
    "jpeg of another height in a dicom": refused(
        "inconsistent_header", lambda: _fragments(_taller_stream, 94)
    ),
    "png under the name of jpeg in a dicom": refused("truncated", lambda: _fragments(_other_stream, 95)),
    "plain pixels under the name of run lengths": refused(
        "inconsistent_header", lambda: _named("1.2.840.10008.1.2.5", 96)
    ),
    "mpeg-4 in a dicom": refused("unsupported", lambda: _scan(97, uid.MPEG4HP41)),
    "a transfer syntax of nobody": refused("unsupported", lambda: _named("1.2.3.4.5", 98)),
    "explicit elements said to be implicit": refused("truncated", lambda: _named("1.2.840.10008.1.2", 99)),
    # polyglots and strange sizes
    "dicom that begins as a program": read(64, 48, lambda: _preamble(100, b"MZ" + bytes(58) + b"\x40\0\0\0")),
    "dicom that begins as a page": read(64, 48, lambda: _preamble(101, b"<html><script>1</script>")),
    "dicom that begins as a tiff": read(64, 48, lambda: _preamble(102, b"II*\0\x08\0\0\0")),
    "1 x 1 dicom": read(1, 1, lambda: _line(1, 1, 103)),
    "30000 x 1 dicom": read(WIDE, 1, lambda: _line(WIDE, 1, 104)),
    "1 x 30000 dicom": read(1, WIDE, lambda: _line(1, WIDE, 105)),
}
