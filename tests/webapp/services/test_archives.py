"""A zip is unpacked file by file within bounds, whatever it claims."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.services.archives import ArchiveError, ArchiveLimits, members

LIMITS = ArchiveLimits(files=10, total_bytes=100_000, file_bytes=20_000)


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    stream.seek(0)
    return stream


def unpack(stream: io.BytesIO, limits: ArchiveLimits = LIMITS):
    return list(members(stream, limits))


def code_of(stream: io.BytesIO, limits: ArchiveLimits = LIMITS) -> str:
    with pytest.raises(ArchiveError) as caught:
        unpack(stream, limits)
    return caught.value.code


def test_files_in_nested_folders_come_out_in_order():
    files = {"a.png": b"1", "left/b.png": b"2", "left/deep/c.dcm": b"3"}
    assert [(member.name, member.data) for member in unpack(packed(files))] == list(files.items())


@pytest.mark.parametrize(
    "name",
    [
        "__MACOSX/._a.png",
        ".DS_Store",
        "left/.DS_Store",
        ".git/config",
        "Thumbs.db",
        "left\\desktop.ini",
        "empty/",
    ],
)
def test_hidden_files_and_folders_are_left_out(name):
    assert [member.name for member in unpack(packed({name: b"", "a.png": b"1"}))] == ["a.png"]


def test_a_name_that_climbs_out_of_the_folder_is_only_a_name():
    (member,) = unpack(packed({"../../etc/scan.png": b"1"}))
    assert (member.data, member.problem) == (b"1", None)


def test_an_archive_of_hidden_files_only_is_empty():
    assert code_of(packed({"__MACOSX/._a.png": b"1"})) == "empty_zip"


def test_a_name_that_begins_with_nul_is_none():
    """zipfile cuts names at NUL, and then asks for the last character of what is left."""
    raw = packed({"scan.png": b"1"}).getvalue().replace(b"scan.png", b"\0can.png")
    assert code_of(io.BytesIO(raw)) == "empty_zip"


def test_more_files_than_allowed_are_refused_before_any_is_unpacked():
    assert code_of(packed({f"{n}.png": b"1" for n in range(11)})) == "too_many_files"


def test_the_unpacked_size_of_all_files_is_bounded():
    assert code_of(packed({f"{n}.png": bytes([n]) * 20_000 for n in range(6)})) == "zip_too_large"


def test_of_a_too_large_file_one_byte_more_than_allowed_is_read():
    (member,) = unpack(packed({"a.png": b"x" * 50_000}))
    assert len(member.data) == LIMITS.file_bytes + 1


def test_a_file_that_unpacks_to_far_more_than_it_is_packed_is_refused_alone():
    limits = ArchiveLimits(10, 10**9, 10**9)
    bomb, scan = unpack(packed({"bomb.bmp": bytes(5_000_000), "scan.png": b"1"}), limits)
    assert bomb.problem is not None
    assert (bomb.problem.code, bomb.data) == ("zip_bomb", b"")
    assert scan.data == b"1"


def test_a_file_that_lies_about_its_size_is_cut_at_what_it_claims():
    """Unpacking stops at the announced size, and the checksum then tells."""
    stream = packed({"a.bmp": bytes(50_000)})
    raw = bytearray(stream.getvalue())
    at = raw.rfind(b"PK\x01\x02")
    struct.pack_into("<L", raw, at + 24, 100)
    (member,) = unpack(io.BytesIO(bytes(raw)))
    assert member.problem is not None
    assert member.problem.code == "corrupt_zip"


def test_an_encrypted_file_is_named_as_such():
    raw = bytearray(packed({"a.png": b"1"}).getvalue())
    raw[raw.rfind(b"PK\x01\x02") + 8] |= 1
    (member,) = unpack(io.BytesIO(bytes(raw)))
    assert member.problem is not None
    assert member.problem.code == "encrypted_zip"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_only_stored_and_deflated_files_are_unpacked(method):
    (member,) = unpack(packed({"a.png": b"1"}, method))
    assert member.problem is not None
    assert member.problem.code == "unsupported_zip"


def test_a_damaged_file_does_not_stop_the_others():
    raw = bytearray(packed({"a.png": b"a" * 500, "b.png": b"b" * 500}, zipfile.ZIP_STORED).getvalue())
    raw[raw.find(b"a" * 50) + 10] ^= 0xFF
    damaged, whole = unpack(io.BytesIO(bytes(raw)))
    assert damaged.problem is not None
    assert damaged.problem.code == "corrupt_zip"
    assert whole.data == b"b" * 500


@pytest.mark.parametrize("kept", [0, 4, 30, 200, -1, -22])
def test_a_cut_archive_is_corrupt(kept):
    raw = packed({"a.png": b"1" * 100, "b.png": b"2" * 100}).getvalue()
    assert code_of(io.BytesIO(raw[:kept])) == "corrupt_zip"


def test_a_central_directory_beyond_reason_is_not_read():
    raw = bytearray(packed({"a.png": b"1"}).getvalue())
    struct.pack_into("<L", raw, raw.rfind(b"PK\x05\x06") + 12, 2**31)
    assert code_of(io.BytesIO(bytes(raw))) == "too_many_files"


def test_a_zip64_directory_is_not_read():
    """Its size field has eight bytes, and would be believed instead of the one that was checked."""
    raw = packed({"a.png": b"1"}).getvalue()
    end = raw.rfind(b"PK\x05\x06")
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    assert code_of(io.BytesIO(raw[:end] + locator + raw[end:])) == "too_many_files"


@given(st.binary(max_size=300))
def test_whatever_the_bytes_only_named_errors_come(noise):
    for data in (noise, b"PK\x03\x04" + noise, noise + packed({"a": b"1"}).getvalue()):
        try:
            unpack(io.BytesIO(data))
        except ArchiveError:
            continue
        assert data.endswith(packed({"a": b"1"}).getvalue()[-22:])


@given(st.data())
def test_a_zip_with_flipped_bytes_gives_members_or_a_named_error(data):
    raw = bytearray(packed({"a.png": b"abc" * 50, "b/c.png": b"xyz" * 50}).getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        unpacked = unpack(io.BytesIO(bytes(raw)))
    except ArchiveError:
        return
    assert all(member.problem is not None or len(member.data) <= LIMITS.file_bytes + 1 for member in unpacked)
