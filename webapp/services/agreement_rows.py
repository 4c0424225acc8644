"""What the network, the readers and the outcome say of the same scans, as statements: a row a scan or a read.

Of each image the leading analysis speaks (most suspicious frame in scope, as in `findings`), of each reader
the current version of the read, of the outcome the version that holds for the side of the image (as in
`outcomes.of_image`). The database works it out; nothing here is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CTE, ColumnElement, Select, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from webapp.errors import Forbidden
from webapp.extensions import db
from webapp.models import Analysis, Exam, Group, Image, Outcome, Read, User
from webapp.permissions import roles_of
from webapp.services.findings import newest_of_frame

Drawn = Literal["real", "synthetic", "all"]
SUSPICIOUS_FROM = "4"
"""BI-RADS 4 and 5 ask for biopsy, 6 is proven: a positive assessment (ACR BI-RADS Atlas, 5th edition,
follow-up and outcome monitoring)."""
CALLS = ("suspicious", "not suspicious")
BLOCKS = 100
"""Into which patients are dealt, for `ml.agreement`: by number, which says nothing of what they have."""


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


def allowed(user: User, scope: Scope) -> Scope:
    """What of the scope `user` may see compared: an admin any group or all, a radiologist the own one.

    Raises:
        Forbidden: `user` is neither.
    """
    roles = roles_of(user)
    if "admin" in roles:
        return scope
    if "radiologist" not in roles:
        raise Forbidden("Agreement is for radiologists and admins.")
    return replace(scope, group=user.group_id)


def choices(user: User) -> tuple[list[tuple[int, str]], list[tuple[int, str]], list[tuple[str, str]]]:
    """What may be filtered by: groups and readers (id, name), and networks (checksum, name and version)."""
    own = allowed(user, Scope()).group
    groups = select(Group.id, Group.name).order_by(Group.name)
    has_read = exists().where(Read.reader_id == User.id)
    readers = select(User.id, User.name).where(has_read).order_by(User.name, User.id)
    if own is not None:
        groups, readers = groups.where(Group.id == own), readers.where(User.group_id == own)
    return (
        [(row.id, row.name) for row in db.session.execute(groups)],
        [(row.id, row.name) for row in db.session.execute(readers)],
        sorted(_networks(), key=lambda one: one[1]),
    )


def _networks() -> Iterator[tuple[str, str]]:
    """(checksum, name and version) of each, from one checksum of the index to the next, past its analyses."""
    names = (Analysis.network_checksum, Analysis.network_name, Analysis.network_version)
    first = select(*names).order_by(Analysis.network_checksum).limit(1)
    last = ""
    while row := db.session.execute(first.where(Analysis.network_checksum > last)).first():
        last = row[0]
        yield last, f"{row[1]} {row[2]}"


def scans(scope: Scope) -> Select[Any]:
    """Every image of the scope that has a read or an outcome, a row each. Asks nobody: give it what `allowed`
    returned.

    `id`; `patient`, what images of one person share (a case without one stands for one: negative, so that no
    number is taken twice) and its `block`, 0..`BLOCKS` - 1; `label`, `call` and `malignant`, the network's
    class, "suspicious" or "not suspicious", and P(malignant), all None out of scope or without an answer;
    `flagged`, 1 where out of scope; `truth`, the outcome, or None.
    """
    said = aliased(Analysis)
    spoken = ~said.out_of_scope
    whose = func.coalesce(Exam.patient_id, Exam.id)
    columns = (
        Image.id,
        func.coalesce(Exam.patient_id, -Exam.id).label("patient"),
        (whose % BLOCKS).label("block"),
        case((spoken, said.top_label)).label("label"),
        case((spoken, called(said.call == "suspicious"))).label("call"),
        case((spoken, said.malignant)).label("malignant"),
        case((said.out_of_scope, 1), else_=0).label("flagged"),
        _truth().label("truth"),
    )
    joined = select(*columns).join(Exam, Exam.id == Image.exam_id).outerjoin(said, said.id == _leading(scope))
    return joined.where(*_where(scope))


def reads(scope: Scope, of: CTE) -> Select[Any]:
    """Every current read of the rows `of` (`scans`), a row each: their columns, and

    `reader`; `own_label`, the reader's class, or that of the second read that was agreed with; `own_call`,
    "suspicious" or "not suspicious" by BI-RADS, else by the class; `birads`, "1".."5", a divided 4 as "4",
    None for 0, 6 and not said.
    """
    agreed = aliased(Analysis)
    label = func.coalesce(Read.own_class, case((Read.agrees.is_(True), agreed.top_label)))
    call = case(
        (Read.birads != "0", called(Read.birads >= SUSPICIOUS_FROM)),
        (label.is_not(None), called(label == "malignant")),
    )
    birads = case((Read.birads.between("1", "5"), func.substr(Read.birads, 1, 1)))
    columns = (
        *of.c,
        Read.reader_id.label("reader"),
        label.label("own_label"),
        call.label("own_call"),
        birads.label("birads"),
    )
    later = aliased(Read)
    same = (later.image_id == Read.image_id, later.reader_id == Read.reader_id)
    current = ~exists().where(*same, later.version > Read.version).correlate(Read)
    wanted = select(*columns).select_from(of).join(Read, Read.image_id == of.c.id)
    wanted = wanted.outerjoin(agreed, agreed.id == Read.analysis_id).where(current)
    return wanted if scope.reader is None else wanted.where(Read.reader_id == scope.reader)


def called(suspicious: ColumnElement[bool]) -> ColumnElement[str]:
    """The call in the words of the page."""
    return case((suspicious, CALLS[0]), else_=CALLS[1])


def _where(scope: Scope) -> list[ColumnElement[bool]]:
    """Conditions on Image and Exam."""
    read = select(Read.id).where(Read.image_id == Image.id)
    followed = select(Outcome.id).where(Outcome.exam_id == Image.exam_id)
    found: list[ColumnElement[bool]] = [or_(read.exists(), followed.exists())]
    if scope.group is not None:
        found.append(Exam.group_id == scope.group)
    if scope.since is not None:
        found.append(Exam.created_at >= scope.since)
    if scope.until is not None:
        found.append(Exam.created_at < scope.until)
    if scope.drawn != "all":
        found.append(Exam.synthetic.is_(scope.drawn == "synthetic"))
    if scope.reader is not None:
        found.append(read.where(Read.reader_id == scope.reader).exists())
    return found


def _leading(scope: Scope) -> Any:
    """The id of the analysis that speaks for an `Image`: by the network of the scope, else by the newest."""
    by = newest_of_frame() if scope.network is None else Analysis.network_checksum == scope.network
    found = select(Analysis.id).where(Analysis.image_id == Image.id, by)
    order = (Analysis.out_of_scope, Analysis.malignant.desc(), Analysis.id.desc())
    return found.order_by(*order).limit(1).correlate(Image).scalar_subquery()


def _truth() -> Any:
    """The outcome of an `Image`: that of its own side first, then that of both; a withdrawn one is none."""
    later = aliased(Outcome)
    same = (later.exam_id == Outcome.exam_id, later.laterality == Outcome.laterality)
    current = ~exists().where(*same, later.version > Outcome.version).correlate(Outcome)
    of_side = or_(Outcome.laterality == Image.laterality, Outcome.laterality == "B")
    found = select(Outcome.result).where(
        Outcome.exam_id == Image.exam_id, of_side, current, ~Outcome.withdrawn
    )
    return found.order_by(Outcome.laterality == "B").limit(1).correlate(Image).scalar_subquery()
