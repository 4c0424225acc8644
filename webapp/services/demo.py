"""The demo: a group, three accounts, and a dozen scans drawn by code, labelled so and analysed for real."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Literal, TypedDict

from PIL import Image as Picture
from sqlalchemy import select

import ml
from webapp import config
from webapp.errors import Forbidden
from webapp.extensions import db
from webapp.models import Exam, User
from webapp.services import accounts, intake
from webapp.services.accounts import NewUser
from webapp.services.filing import Fields
from webapp.services.intake import Upload

GROUP = "Demo practice"
PASSWORD = "second-read-demo"  # noqa: S105  of accounts that exist in demo mode only
NOTE = "Synthetic: drawn by code, not a scan of a person. For trying the product, not for judging it."
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


def _is_there(reader: User, number: int) -> bool:
    known = select(Exam.id).where(Exam.group_id == reader.group_id, Exam.accession == _accession(number))
    return db.session.scalar(known) is not None


def _accession(number: int) -> str:
    return f"SYNTHETIC-{number:02d}"
