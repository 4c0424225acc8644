"""What a DICOM header tells of a patient is named and never quoted."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.datadict import keyword_dict
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import ml
from ml.imaging.confidential import is_confidential
from tests.scans import dicom, png

ALWAYS = ("MediaStorageSOPInstanceUID", "SOPInstanceUID")
"""In every file that may be stored: an identifier of the file is one of the patient, for the archive."""


def found(**header: object) -> tuple[str, ...]:
    """The attributes named beside those of every file."""
    return tuple(name for name in ml.identity(dicom(1, **header)).attributes if name not in ALWAYS)


def test_a_file_that_says_nothing_has_its_own_identifiers_only():
    assert ml.identity(dicom(1)) == ml.HeaderIdentity(ALWAYS, private=0, burned_in=None)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientName", "Doe^Jane"),
        ("PatientID", "4711"),
        ("PatientBirthDate", "19610203"),
        ("PatientSex", "F"),
        ("PatientAge", "060Y"),
        ("StudyDate", "20260102"),
        ("StudyTime", "101112"),
        ("AccessionNumber", "A1"),
        ("InstitutionName", "Saint Elsewhere"),
        ("ReferringPhysicianName", "Roe^Richard"),
        ("OperatorsName", "Poe^Polly"),
        ("StationName", "US-3"),
        ("DeviceSerialNumber", "1234"),
        ("StudyInstanceUID", "1.2.3"),
        ("SeriesDescription", "Jane, left"),
        ("ImageComments", "asked for by her sister"),
    ],
)
def test_each_identifying_attribute_is_named(keyword, value):
    assert found(**{keyword: value}) == (keyword,)


def test_an_attribute_without_a_value_is_not_named():
    assert found(PatientName="", PatientID=" ", StudyDate="") == ()


def test_what_describes_the_image_is_not_named():
    assert found(Manufacturer="Maker", BodyPartExamined="BREAST", ImageLaterality="L") == ()


def test_attributes_inside_of_sequences_are_found():
    inner = Dataset()
    inner.PatientID = "other"
    outer = Dataset()
    outer.OtherPatientIDsSequence = Sequence([inner])
    assert found(RequestAttributesSequence=Sequence([outer])) == (
        "PatientID",
        "OtherPatientIDsSequence",
        "RequestAttributesSequence",
    )


def test_vendors_own_attributes_are_counted():
    header = Dataset()
    header.add_new(0x00091010, "LO", "whatever")
    assert ml.identity(dicom_with(header)).private == 1


def dicom_with(more: Dataset) -> bytes:
    """The usual file with further elements that have no keyword."""
    file = dcmread(BytesIO(dicom(1)))
    file.update(more)
    out = BytesIO()
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_overlays_and_curves_are_found_whichever_of_their_groups_they_are_in():
    more = Dataset()
    more.add_new(0x60024000, "LT", "Jane Doe")
    more.add_new(0x50043000, "OW", b"\1\2")
    names = ml.identity(dicom_with(more)).attributes
    assert len(set(names) - set(ALWAYS)) == 2


@pytest.mark.parametrize(("value", "said"), [("YES", True), ("NO", False), ("", None), ("MAYBE", None)])
def test_the_flag_for_burned_in_text_is_read(value, said):
    assert ml.identity(dicom(1, BurnedInAnnotation=value)).burned_in is said


@given(st.text(st.characters(codec="ascii", exclude_characters="\\^=\0"), min_size=1, max_size=60))
def test_no_value_is_ever_quoted(value):
    said = repr(ml.identity(dicom(1, PatientComments="zq" + value)))
    assert "zq" not in said


def test_a_picture_has_no_dicom_header():
    assert ml.identity(png(1)) is None


@given(st.integers(140, 700))
def test_a_cut_file_is_answered_by_name_or_by_what_it_holds(length):
    try:
        said = repr(ml.identity(dicom(1, PatientName="Doe^Jane")[:length]))
    except ml.ImageError as error:
        said = str(error)
    assert "Doe" not in said


def test_every_name_of_the_dictionary_that_speaks_of_a_patient_is_in_the_table():
    """A guard over the numbers: names, identifiers, births, addresses, telephones, accession numbers."""
    telling = ("PatientName", "PatientID", "PatientBirth", "PatientAddress", "PatientTelephone", "Accession")
    tags = {name: int(tag) for name, tag in keyword_dict.items() if name.startswith(telling)}
    assert len(tags) >= 8
    assert [name for name, tag in tags.items() if not is_confidential(tag)] == []
