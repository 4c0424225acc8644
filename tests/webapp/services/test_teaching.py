"""A case goes to class after a check; a class gets nothing that tells of the patient; an undo brings back."""

from __future__ import annotations

import io
from dataclasses import fields, is_dataclass

import pytest
from PIL import Image as Picture
from sqlalchemy import delete, select

from tests.scans import dicom, png
from tests.webapp.rows import add_analysis, add_outcome
from webapp.errors import InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import AuditEntry, Edges, Exam, Image, Job, Read, TeachingCase
from webapp.services import accounts, demo, identity, intake, pictures, slides, teaching
from webapp.services.filing import Fields
from webapp.services.intake import Upload
from webapp.services.teaching import Telling

SECRETS = ("REF-4711", "ACC-0815", "doe_jane", "sister of the baker", "Doe^Jane", "seen by Ms Miller")
NONE = Edges()


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def someone(who: str, group: str = "north"):
    return accounts.find(f"{who}@{group}.example")


def received(who: str = "radiologist", data: bytes | None = None, name: str = "doe_jane.dcm") -> Image:
    """An image with everything that tells who the patient is."""
    header = {"PatientName": "Doe^Jane", "StudyDate": "20260102"}
    said = Fields("REF-4711", "ACC-0815", note="sister of the baker")
    file = Upload(name, io.BytesIO(data or dicom(1, **header)))
    (verdict,) = intake.accept(someone(who), [file], said)
    return db.session.scalars(select(Image).where(Image.uid == verdict.image_uid)).one()


def marked(image: Image, who: str = "radiologist", edges: Edges = NONE, **said: str) -> TeachingCase:
    telling = Telling(**{"title": "A small mass", "truth": "malignant", "known_by": "pathology", **said})
    return teaching.mark(someone(who), image.uid, 0, telling, edges, confirmed=True)


def analysed(image: Image) -> None:
    """The network found it normal, with a heatmap."""
    db.session.execute(delete(Job))
    heatmap = {"values": [[0.1, 0.9]], "peak": [0, 1], "area": 0.1, "words": "upper right"}
    add_analysis(image, heatmaps={"normal": heatmap})
    db.session.commit()


def everything_in(value: object) -> str:
    """All that a value holds, in one text."""
    if is_dataclass(value):
        return " ".join(everything_in(getattr(value, field.name)) for field in fields(value))
    return repr(value)


def test_the_check_names_what_it_finds_and_quotes_nothing():
    found = identity.check(someone("radiologist"), received().uid)
    assert {"PatientName", "StudyDate"} <= set(found.header)
    assert found.filename == ("a word that may be a name",)
    assert found.fields == ("patient reference", "accession number", "note")
    assert found.burned_in is None
    assert not found.clean
    assert not any(secret in everything_in(found) for secret in SECRETS)


def test_a_bare_picture_is_clean():
    (verdict,) = intake.accept(someone("tutor"), [Upload("scan.png", io.BytesIO(png(1)))], Fields())
    assert identity.check(someone("tutor"), verdict.image_uid).clean


def test_the_check_is_for_those_who_see_the_whole_case():
    image = received()
    for who, group in (("tutor", "north"), ("radiologist", "south")):
        with pytest.raises(NotFound):
            identity.check(someone(who, group), image.uid)
        with pytest.raises(NotFound):
            teaching.mark(someone(who, group), image.uid, 0, Telling("Title"), NONE, confirmed=True)
        with pytest.raises(NotFound):
            teaching.preview_png(someone(who, group), image.uid, 0, NONE)


def test_nothing_is_marked_that_nobody_has_looked_at():
    image = received()
    with pytest.raises(InvalidInput) as refused:
        teaching.mark(someone("radiologist"), image.uid, 0, Telling(""), NONE, confirmed=False)
    assert set(refused.value.problems) == {"title", "confirmed"}
    assert db.session.scalars(select(TeachingCase)).all() == []


@pytest.mark.parametrize("text", ["ref 4711 of monday", "Case ACC-0815", "Doe, Jane's"])
def test_title_and_notes_can_not_repeat_what_is_kept_back(text):
    image = received()
    for name in ("title", "notes"):
        with pytest.raises(InvalidInput) as refused:
            marked(image, **{name: text + (" doe jane" if "Doe" in text else "")})
        assert set(refused.value.problems) == {name}
    case = marked(image)
    with pytest.raises(InvalidInput):
        teaching.tell(someone("tutor"), case.uid, Telling(text + " doe jane"))


def test_text_burned_into_the_picture_has_to_be_cut_off():
    image = received(data=dicom(2, BurnedInAnnotation="YES"))
    with pytest.raises(InvalidInput) as refused:
        marked(image)
    assert set(refused.value.problems) == {"edges"}
    case = marked(image, edges=Edges(top=10))
    with Picture.open(io.BytesIO(slides.scan_png(someone("tutor"), case.uid))) as picture:
        assert picture.size == (image.width, image.height - 10)


@pytest.mark.parametrize("edges", [Edges(top=40), Edges(left=30, right=30), Edges(bottom=-1)])
def test_something_must_remain_of_the_picture(edges):
    with pytest.raises(InvalidInput) as refused:
        marked(received(), edges=edges)
    assert set(refused.value.problems) == {"edges"}


def test_only_a_drawing_is_known_by_having_been_drawn():
    with pytest.raises(InvalidInput) as refused:
        marked(received(), known_by="synthetic")
    assert set(refused.value.problems) == {"known_by"}


def test_what_pathology_said_is_proposed_as_the_truth():
    image = received()
    add_outcome(db.session.get_one(Exam, image.exam_id), "malignant")
    db.session.commit()
    proposed = teaching.preview(someone("radiologist"), image.uid, 0).suggested
    assert (proposed.truth, proposed.known_by) == ("malignant", "pathology")


def test_a_slide_holds_nothing_that_tells_who_the_patient_or_the_reader_is():
    image = received()
    analysed(image)
    reader = someone("radiologist")
    db.session.add_all(
        Read(
            image_id=image.id,
            reader_id=reader.id,
            version=version,
            birads=birads,
            comment="seen by Ms Miller",
        )
        for version, birads in ((1, "3"), (2, "4B"))
    )
    db.session.commit()
    (slide,) = slides.of_cases([marked(image)])
    assert [said.birads for said in slide.reads] == ["4B"], "the newest version of each reader"
    assert slide.second.heat == "normal"
    text = everything_in(slide)
    assert not any(
        secret in text for secret in (*SECRETS, reader.name, image.uid, str(image.created_at.year))
    )


def test_the_picture_of_a_class_is_pixels_and_nothing_else():
    case = marked(received(data=png(3, 60, 80)), edges=Edges(1, 2, 3, 4))
    with Picture.open(io.BytesIO(slides.scan_png(someone("tutor"), case.uid))) as picture:
        assert (picture.size, picture.info) == ((74, 56), {})
        whole = Picture.open(io.BytesIO(pictures.frame_png(someone("radiologist"), case.image.uid, 0)))
        assert picture.tobytes() == whole.crop((4, 1, 78, 57)).tobytes()


def test_the_heatmap_is_cut_as_the_picture_is():
    image = received()
    analysed(image)
    case = marked(image, edges=Edges(top=8, left=16))
    with Picture.open(io.BytesIO(slides.heatmap_png(someone("tutor"), case.uid, "normal"))) as picture:
        assert picture.size == (image.width - 16, image.height - 8)
    (slide,) = slides.of_cases([case])
    assert slide.second.heat_words == "", "the words name a place in the whole frame"
    with pytest.raises(NotFound):
        slides.heatmap_png(someone("tutor"), case.uid, "malignant")


def test_a_tutor_of_the_group_sees_the_teaching_case_and_not_the_case():
    image, tutor = received(), someone("tutor")
    case = marked(image)
    assert teaching.page(tutor) == [case]
    assert teaching.page(tutor, text="SMALL", truth="malignant") == [case]
    assert teaching.page(tutor, text="other") == teaching.page(tutor, truth="normal") == []
    assert not teaching.sees_whole_case(tutor, case)
    assert teaching.sees_whole_case(someone("radiologist"), case)
    for look in (pictures.frame_png, lambda user, uid, _: pictures.original(user, uid)):
        with pytest.raises(NotFound):
            look(tutor, image.uid, 0)


@pytest.mark.parametrize(("who", "group"), [("tutor", "south"), ("radiologist", "south"), ("admin", "north")])
def test_others_see_no_teaching_case(who, group):
    case = marked(received())
    assert teaching.page(someone(who, group)) == []
    for act in (teaching.require, teaching.take_out, slides.scan_png, slides.thumbnail_png):
        with pytest.raises(NotFound):
            act(someone(who, group), case.uid)


def test_taking_out_hides_at_once_and_is_undone_as_it_was():
    tutor = someone("tutor")
    case = marked(received(), notes="Ask about the margin.")
    teaching.take_out(tutor, case.uid)
    assert teaching.page(tutor) == []
    with pytest.raises(NotFound):
        slides.scan_png(tutor, case.uid)
    with pytest.raises(NotFound):
        teaching.put_back(someone("tutor", "south"), case.uid)
    teaching.put_back(tutor, case.uid)
    assert [each.notes for each in teaching.page(tutor)] == ["Ask about the margin."]


def test_marking_again_changes_what_was_said_and_adds_no_second_case():
    image = received()
    first, second = marked(image), marked(image, title="Another title", edges=Edges(top=4))
    assert first.uid == second.uid
    assert (second.title, second.edges) == ("Another title", Edges(top=4))


def test_every_marking_is_in_the_log_without_a_word_of_the_patient():
    case = marked(received())
    teaching.take_out(someone("tutor"), case.uid)
    teaching.put_back(someone("tutor"), case.uid)
    entries = [
        entry
        for entry in db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        if entry.action.startswith("teaching_")
    ]
    assert [entry.action for entry in entries] == ["teaching_marked", "teaching_unmarked", "teaching_marked"]
    assert {entry.object_uid for entry in entries} == {case.image.exam.uid}
    assert not any(secret in repr(entry.detail) for entry in entries for secret in SECRETS)


def test_a_case_that_is_erased_is_in_no_lesson_any_more():
    case = marked(received())
    db.session.execute(delete(Job))
    db.session.execute(delete(Image).where(Image.id == case.image_id))
    db.session.commit()
    assert db.session.scalars(select(TeachingCase)).all() == []


def test_the_demo_is_ready_to_teach_with(monkeypatch):
    monkeypatch.setattr(demo, "SCANS", demo.SCANS[:2])
    demo.seed()
    tutor = accounts.find("tutor@demo.secondread.example")
    cases = teaching.page(tutor)
    assert [(case.title, case.truth, case.known_by) for case in cases] == [
        ("Synthetic case 2", "benign", "synthetic"),
        ("Synthetic case 1", "malignant", "synthetic"),
    ]
    teaching.take_out(tutor, cases[0].uid)
    demo.seed()
    assert len(teaching.page(tutor)) == 1, "what was taken out stays out"
