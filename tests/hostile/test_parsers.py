"""Whatever the bytes, the parsers give an answer or a named error: never another exception.

The formats' own damage is in tests/ml/imaging/test_damage.py and archives' in tests/webapp/services; here is
what a header may claim.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import uid
from pydicom.datadict import tag_for_keyword

import ml
from ml.imaging import ImagingLimits, inspect, sniff
from ml.imaging.dicom_file import _KEYWORDS
from tests.hostile.dicoms import PIXEL_DATA, raw
from tests.ml.imaging.files import dicom, scene
from webapp.services.archives import ArchiveError, ArchiveLimits, members
from webapp.services.filing import Fields
from webapp.services.names import LONGEST_NAME, clean_filename

LIMITS = ImagingLimits(max_bytes=2**20, max_pixels=250_000, max_frames=20)
ARCHIVES = ArchiveLimits(files=20, total_bytes=2**20, file_bytes=2**16)
SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM", b"RIFF", b"PK\x03\x04")
BOUNDED = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
SYNTAXES = (uid.ExplicitVRLittleEndian, uid.JPEGBaseline8Bit, uid.RLELossless, uid.JPEG2000Lossless)
WHOLE = {syntax: dicom(scene(), syntax) for syntax in SYNTAXES}

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

_VRS = "AE AS AT CS DA DS DT FL FD IS LO LT OB OW PN SH SL SQ SS ST TM UI UL UN US UT"
vrs = st.sampled_from(_VRS.split())
tags = st.sampled_from([tag_for_keyword(keyword) for keyword in _KEYWORDS])
words = st.sampled_from(
    [b"", b"0", b"-1", b"1e999", b"nan\\inf", b"65536", b"2147483648", b"9" * 64, b"\xff" * 8, b"\0" * 8]
)
elements = st.lists(st.tuples(tags, vrs, words | st.binary(max_size=40)), min_size=1, max_size=4)


def facts_of(data: bytes) -> ml.ScanInfo | None:
    """What a file says of itself, or None where it has its named error."""
    try:
        return inspect(data, LIMITS)
    except ml.ImageError:
        return None


@BOUNDED
@given(st.sampled_from(SYNTAXES), elements)
def test_whatever_the_attributes_of_a_dicom_file_claim(syntax, claims):
    data = WHOLE[syntax]
    for tag, vr, value in claims:
        data = with_element(data, tag, vr.encode(), value)
    info = facts_of(data)
    if info is not None:
        sane(info)
        Fields().filled_from(info.dicom)
    try:
        ml.identity(data)
    except ml.ImageError:
        return


def with_element(data: bytes, tag: int, vr: bytes, value: bytes) -> bytes:
    """`data` with an element before its pixels, in place of an earlier one with this tag."""
    at = data.index(PIXEL_DATA)
    return data[:at] + raw(tag >> 16, tag & 0xFFFF, vr, value + bytes(len(value) % 2)) + data[at:]


def sane(info: ml.ScanInfo) -> None:
    """Fit for the columns of the database: sizes within the limits, lengths above zero, texts as JSON."""
    assert 0 < info.width * info.height <= LIMITS.max_pixels
    assert 0 < info.frames <= LIMITS.max_frames
    assert info.spacing_mm is None or all(0 < side < math.inf for side in info.spacing_mm)
    for region in info.regions:
        assert 0 <= region.x0 < region.x1 <= info.width
        assert 0 <= region.y0 < region.y1 <= info.height
    json.dumps(dataclasses.asdict(info), allow_nan=False)


@BOUNDED
@given(st.binary(max_size=200), st.sampled_from(SIGNATURES))
def test_what_a_file_is_is_told_from_its_first_bytes_alone(data, signature):
    head = (signature + data).ljust(132, b"\0")
    assert sniff(head) == sniff(head[:132]) == sniff(head + bytes(500))


@BOUNDED
@given(st.lists(st.tuples(st.text(max_size=300), st.binary(max_size=50)), max_size=6), st.data())
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_whatever_an_archive_calls_its_files(files, data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo("x" + encodable(name)), content)
    raw_bytes = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(0, 3))):
        raw_bytes[data.draw(st.integers(0, len(raw_bytes) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = list(members(io.BytesIO(bytes(raw_bytes)), ARCHIVES))
    except ArchiveError:
        return
    for member in found:
        shown = clean_filename(member.name)
        assert 0 < len(shown) <= LONGEST_NAME
        assert not set(shown) & set("/\\\0\r\n\u202e")
        shown.encode()


def encodable(name: str) -> str:
    """`name` without what UTF-8 can't say: zipfile would not write it."""
    return name.encode(errors="ignore").decode()
