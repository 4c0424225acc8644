"""The demo: a group, three accounts, and a dozen scans drawn by code: labelled so, analysed for real, marked
for teaching, in a list that is ready to present."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Literal, TypedDict

from PIL import Image as Picture
from sqlalchemy import ColumnElement, select

import ml
from webapp import config
from webapp.errors import Forbidden
from webapp.extensions import db
from webapp.models import Edges, Exam, Image, TeachingCase, TeachingList, User
from webapp.services import accounts, intake, teaching, teaching_entries, teaching_lists
from webapp.services.accounts import NewUser
from webapp.services.filing import Fields
from webapp.services.intake import Upload
from webapp.services.teaching import Telling

GROUP = "Demo practice"
PASSWORD = "second-read-demo"  # noqa: S105  of accounts that exist in demo mode only  # nosec B105
NOTE = "Synthetic: drawn by code, not a scan of a person. For trying the product, not for judging it."
LESSON = "A first lesson: synthetic cases"
_HOST = "demo.secondread.example"
ACCOUNTS = (
    NewUser(f"radiologist@{_HOST}", "Robin Radiologist", PASSWORD, GROUP, ("radiologist",)),
    NewUser(f"admin@{_HOST}", "Alex Administrator", PASSWORD, GROUP, ("admin",)),
    NewUser(f"tutor@{_HOST}", "Toni Tutor", PASSWORD, GROUP, ("tutor",)),
)


@dataclass(frozen=True, slots=True)
class DemoScan:
    """A scan to draw: the tissue, the seed, where it is said to be from and how it is stored."""

    kind: Literal["normal", "cyst", "smooth", "irregular"]
    seed: int
    laterality: Literal["L", "R"]
    ending: Literal["png", "dcm", "loop.dcm"] = "png"


class _Said(TypedDict):
    """What the header of a synthetic DICOM file says of the case."""

    patient_id: str
    accession: str
    laterality: str


SCANS = (
    DemoScan("irregular", 11, "L", "dcm"),
    DemoScan("cyst", 12, "R"),
    DemoScan("smooth", 13, "L"),
    DemoScan("normal", 14, "R"),
    DemoScan("irregular", 15, "R"),
    DemoScan("smooth", 16, "R"),
    DemoScan("cyst", 17, "L"),
    DemoScan("normal", 18, "L"),
    DemoScan("irregular", 19, "L"),
    DemoScan("smooth", 20, "L", "loop.dcm"),
    DemoScan("cyst", 21, "R"),
    DemoScan("irregular", 22, "R"),
)

TRUTHS = {"normal": "normal", "cyst": "benign", "smooth": "benign", "irregular": "malignant"}
TEACHES = {
    "normal": "Layers without a mass. Ask what would make anybody look twice.",
    "cyst": "Round, black inside, brighter behind it: posterior enhancement.",
    "smooth": "Oval, circumscribed, wider than tall.",
    "irregular": "Irregular margin, taller than wide, shadow behind it.",
}
"""What a tutor may say of each kind of drawing."""


def seed() -> int:
    """Make what of the demo is missing; returns how many scans were added.

    Raises:
        Forbidden: not in demo mode. The password is public, so the accounts must not exist elsewhere.
    """
    if not config.current().demo:
        raise Forbidden("The demo's password is public. Start with DEMO=true, on a database of its own.")
    reader, *_ = [accounts.find(account.email) or accounts.create(account) for account in ACCOUNTS]
    missing = [(number, scan) for number, scan in enumerate(SCANS, 1) if not _is_there(reader, number)]
    for number, scan in missing:
        _add(reader, number, scan)
    for number, scan in enumerate(SCANS, 1):
        _teach(reader, number, scan)
    _make_lesson(reader)
    return len(missing)


def _add(reader: User, number: int, scan: DemoScan) -> None:
    said = _Said(patient_id=f"DEMO-{number:02d}", accession=_accession(number), laterality=scan.laterality)
    fields = Fields(said["patient_id"], said["accession"], scan.laterality, note=NOTE, synthetic=True)
    name = f"synthetic-{number:02d}-{scan.kind}.{scan.ending}"
    intake.accept(reader, [Upload(name, BytesIO(_draw(scan, said)))], fields)


def _draw(scan: DemoScan, said: _Said) -> bytes:
    """The scan's file. A DICOM header holds what is `said` of it."""
    if scan.ending == "loop.dcm":
        return ml.phantom.loop_dicom(scan.kind, scan.seed, **said)
    phantom = ml.phantom.draw(scan.kind, scan.seed)
    if scan.ending == "dcm":
        return ml.phantom.dicom(phantom, **said)
    file = BytesIO()
    Picture.fromarray(phantom.pixels).save(file, "PNG")
    return file.getvalue()


def _teach(reader: User, number: int, scan: DemoScan) -> None:
    """Mark a scan for teaching, once: who takes it out does not get it back."""
    image = db.session.scalar(select(Image).join(Exam).where(*_same(reader, number)))
    marked = image and db.session.scalar(select(TeachingCase.id).where(TeachingCase.image_id == image.id))
    if image is not None and marked is None:
        telling = Telling(f"Synthetic case {number}", TEACHES[scan.kind], TRUTHS[scan.kind], "synthetic")
        teaching.mark(reader, image.uid, 0, telling, Edges(), confirmed=True)


def _make_lesson(reader: User) -> None:
    """A list of the scans, ready to present, once: who removes it does not get it back."""
    made = select(TeachingList.id).where(TeachingList.owner_id == reader.id)
    cases = [case.uid for case in reversed(teaching.page(reader)) if case.image.exam.synthetic]
    if cases and db.session.scalar(made) is None:
        lesson = teaching_lists.create(reader, LESSON)
        teaching_entries.add(reader, lesson.uid, cases)


def _is_there(reader: User, number: int) -> bool:
    return db.session.scalar(select(Exam.id).where(*_same(reader, number))) is not None


def _same(reader: User, number: int) -> tuple[ColumnElement[bool], ...]:
    return Exam.group_id == reader.group_id, Exam.accession == _accession(number)


def _accession(number: int) -> str:
    return f"SYNTHETIC-{number:02d}"
