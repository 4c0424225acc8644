"""What the network, the readers and the outcome say of the same scans, as plain rows.

Of each image the leading analysis speaks (most suspicious frame in scope), of each reader the current version
of the read, of the outcome the version that holds for the side of the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import aliased

from webapp.errors import Forbidden
from webapp.extensions import db
from webapp.models import Analysis, Exam, Group, Image, Outcome, Read, User
from webapp.permissions import roles_of
from webapp.services import outcomes
from webapp.services.findings import newest_of_frame

Drawn = Literal["real", "synthetic", "all"]
SUSPICIOUS_FROM = 4
"""BI-RADS 4 and 5 ask for biopsy, 6 is proven: a positive assessment (ACR BI-RADS Atlas, 5th edition,
follow-up and outcome monitoring)."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which scans: uploaded from `since` until before `until`, of one group, read by one reader, analysed by
    one network (checksum), drawn by code or not. None: any."""

    since: datetime | None = None
    until: datetime | None = None
    group: int | None = None
    reader: int | None = None
    network: str | None = None
    drawn: Drawn = "real"


@dataclass(frozen=True, slots=True)
class Scan:
    """One image. `patient`: what images of one person share. `truth`: the outcome, or None.

    `label`, `suspicious`, `malignant`: the network's class, call and P(malignant); None out of scope.
    """

    id: int
    patient: int
    label: str | None
    suspicious: bool | None
    malignant: float | None
    truth: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """A reader's current read of a scan. `birads`: 1..5, a divided 4 as 4; None for 0, 6 and not said."""

    scan: Scan
    reader: int
    name: str
    label: str | None
    suspicious: bool | None
    birads: int | None


@dataclass(frozen=True, slots=True)
class Rows:
    """All of a scope. `flagged`: images that the network calls out of scope; it says nothing of them."""

    scans: tuple[Scan, ...]
    reads: tuple[Said, ...]
    flagged: int


def require_group(user: User, wanted: int | None) -> int | None:
    """The group whose scans `user` may see compared: an admin's choice or all, a radiologist's own.

    Raises:
        Forbidden: `user` is neither.
    """
    roles = roles_of(user)
    if "admin" in roles:
        return wanted
    if "radiologist" not in roles:
        raise Forbidden("Agreement is for radiologists and admins.")
    return user.group_id


def choices(user: User) -> tuple[list[tuple[int, str]], list[tuple[int, str]], list[tuple[str, str]]]:
    """What may be filtered by: groups and readers (id, name), and networks (checksum, name and version)."""
    own = require_group(user, None)
    groups = select(Group.id, Group.name).order_by(Group.name)
    readers = (
        select(User.id, User.name).where(User.id.in_(select(Read.reader_id))).order_by(User.name, User.id)
    )
    if own is not None:
        groups, readers = groups.where(Group.id == own), readers.where(User.group_id == own)
    name = (Analysis.network_checksum, Analysis.network_name, Analysis.network_version)
    networks = db.session.execute(select(*name).distinct().order_by(*name[1:]))
    return (
        [(row.id, row.name) for row in db.session.execute(groups)],
        [(row.id, row.name) for row in db.session.execute(readers)],
        [(row[0], f"{row[1]} {row[2]}") for row in networks],
    )


def load(user: User, scope: Scope) -> Rows:
    """Every scan of the scope that has a read or an outcome, and every current read of them.

    Forbidden as in `require_group`.
    """
    group = require_group(user, scope.group)
    which = _where(scope, group)
    answers, truths = _answers(scope, which), _truths(which)
    scans, flagged = {}, 0
    for row in db.session.execute(_images(which)):
        answer = answers.get(row.id)
        flagged += answer is not None and answer.out_of_scope
        holding = outcomes.of_image(truths.get(row.exam_id, {}), row.laterality)
        truth = None if holding is None else holding.result
        scans[row.id] = _scan(row, None if answer is None or answer.out_of_scope else answer, truth)
    return Rows(tuple(scans.values()), tuple(_reads(scope, which, scans)), flagged)


def _where(scope: Scope, group: int | None) -> list[ColumnElement[bool]]:
    """Conditions on Image and Exam."""
    read = Image.id.in_(select(Read.image_id))
    found: list[ColumnElement[bool]] = [or_(read, Image.exam_id.in_(select(Outcome.exam_id)))]
    if group is not None:
        found.append(Exam.group_id == group)
    if scope.since is not None:
        found.append(Exam.created_at >= scope.since)
    if scope.until is not None:
        found.append(Exam.created_at < scope.until)
    if scope.drawn != "all":
        found.append(Exam.synthetic.is_(scope.drawn == "synthetic"))
    if scope.reader is not None:
        found.append(Image.id.in_(select(Read.image_id).where(Read.reader_id == scope.reader)))
    return found


def _images(which: list[ColumnElement[bool]]) -> Any:
    columns = (Image.id, Image.exam_id, Image.laterality, Exam.patient_id)
    return select(*columns).join(Exam, Exam.id == Image.exam_id).where(*which).order_by(Image.id)


def _answers(scope: Scope, which: list[ColumnElement[bool]]) -> dict[int, Any]:
    """Image -> its leading analysis: that of `findings`, by the network of the scope or the newest."""
    by = newest_of_frame() if scope.network is None else Analysis.network_checksum == scope.network
    columns = (
        Analysis.image_id,
        Analysis.top_label,
        Analysis.call,
        Analysis.malignant,
        Analysis.out_of_scope,
    )
    found = select(*columns).join(Image, Image.id == Analysis.image_id).join(Exam, Exam.id == Image.exam_id)
    order = (Analysis.out_of_scope.desc(), Analysis.malignant, Analysis.id)
    return {row.image_id: row for row in db.session.execute(found.where(*which, by).order_by(*order))}


def _truths(which: list[ColumnElement[bool]]) -> dict[int, dict[str, Outcome]]:
    exams = select(Image.exam_id).join(Exam, Exam.id == Image.exam_id).where(*which)
    found: dict[int, list[Outcome]] = {}
    for outcome in db.session.scalars(select(Outcome).where(Outcome.exam_id.in_(exams))):
        found.setdefault(outcome.exam_id, []).append(outcome)
    return {exam_id: outcomes.current(rows) for exam_id, rows in found.items()}


def _scan(row: Any, answer: Any, truth: str | None) -> Scan:
    # A case whose patient is not known stands for one patient: negative, so that no id is taken twice.
    patient = row.patient_id if row.patient_id is not None else -row.exam_id
    if answer is None:
        return Scan(row.id, patient, None, None, None, truth)
    return Scan(row.id, patient, answer.top_label, answer.call == "suspicious", answer.malignant, truth)


def _reads(scope: Scope, which: list[ColumnElement[bool]], scans: dict[int, Scan]) -> list[Said]:
    later = aliased(Read)
    same = (later.image_id == Read.image_id, later.reader_id == Read.reader_id)
    current = ~exists().where(*same, later.version > Read.version).correlate(Read)
    agreed = Analysis.top_label.label("agreed_with")
    columns = (Read.image_id, Read.reader_id, User.name, Read.own_class, Read.birads, Read.agrees, agreed)
    wanted = select(*columns).join(Image, Image.id == Read.image_id).join(Exam, Exam.id == Image.exam_id)
    wanted = wanted.join(User, User.id == Read.reader_id).outerjoin(Analysis, Analysis.id == Read.analysis_id)
    if scope.reader is not None:
        wanted = wanted.where(Read.reader_id == scope.reader)
    return [_said(row, scans[row.image_id]) for row in db.session.execute(wanted.where(*which, current))]


def _said(row: Any, scan: Scan) -> Said:
    label = row.own_class or (row.agreed_with if row.agrees else None)
    category = None if row.birads in {None, "0"} else int(row.birads[0])
    suspicious = category >= SUSPICIOUS_FROM if category is not None else _call_of(label)
    return Said(scan, row.reader_id, row.name, label, suspicious, None if category == 6 else category)


def _call_of(label: str | None) -> bool | None:
    return None if label is None else label == "malignant"
