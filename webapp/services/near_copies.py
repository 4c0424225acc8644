"""Near copies as the pages tell of them: of which case an image is one, and what that case is labelled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from sqlalchemy import Row, case, func, select, union_all
from sqlalchemy.orm import joinedload

from webapp.extensions import db
from webapp.models import Analysis, Exam, Image, NearCopy, Read, User
from webapp.permissions import visible_images
from webapp.services import findings, outcomes

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Label:
    """What an image is labelled, and who said so: pathology or follow_up, a read, or the network.

    `word` is a class; of the network its call, suspicious or not_suspicious, or out_of_scope.
    """

    word: str
    by: str


@dataclass(frozen=True, slots=True)
class Copy:
    """An image of another case. `name`: what the case is called in lists. `label` is None where nobody has
    said anything yet."""

    exam_uid: str
    image_uid: str
    name: str
    mirrored: bool
    label: Label | None


@dataclass(frozen=True, slots=True)
class NearCopies:
    """The near copies of an image that are told, the closest first, and how many `more` there are."""

    told: tuple[Copy, ...] = ()
    more: int = 0


NONE = NearCopies()


def of_image(user: User, image: Image) -> NearCopies:
    """The near copies of `image` in other cases that `user` may open; of those of others nothing is told.

    Whoever calls has asked whether `user` may see `image` itself.
    """
    return _of(user, [image.id]).get(image.id, NONE)


def of_images(user: User, uids: Collection[str]) -> dict[str, NearCopies]:
    """As `of_image`, by identifier, in a fixed number of queries. Images that have none, and those that
    `user` may not see, have no entry."""
    visible = visible_images(user).with_only_columns(Image.id, Image.uid).where(Image.uid.in_(uids))
    named = {row.id: row.uid for row in db.session.execute(visible)} if uids else {}
    return {named[id_]: found for id_, found in _of(user, named).items()}


def _of(user: User, image_ids: Collection[int]) -> dict[int, NearCopies]:
    links = _links(user, image_ids) if image_ids else {}
    shown = {link.other for of in links.values() for link in of[:_SHOWN]}
    if not shown:
        return {}
    wanted = visible_images(user).where(Image.id.in_(shown)).options(joinedload(Image.exam, Exam.patient))
    images = {image.id: image for image in db.session.scalars(wanted)}  # less what was erased meanwhile
    labels = _labels(user, [*images.values()])
    found = {}
    for id_, of in links.items():
        told = [link for link in of[:_SHOWN] if link.other in images]
        copies = tuple(_copy(images[link.other], link.mirrored, labels[link.other]) for link in told)
        found[id_] = NearCopies(copies, max(0, len(of) - _SHOWN))
    return found


def _links(user: User, image_ids: Collection[int]) -> dict[int, list[Row[Any]]]:
    """Of each image (other, mirrored): those of its near copies that `user` may see, the closest first."""
    asked = [
        select(own.label("own"), other.label("other"), NearCopy.correlation, NearCopy.mirrored).where(
            own.in_(image_ids)
        )
        for own, other in permutations((NearCopy.first_id, NearCopy.second_id))
    ]
    pairs = union_all(*asked).subquery()
    wanted = visible_images(user).join(pairs, pairs.c.other == Image.id).with_only_columns(pairs)
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in db.session.execute(wanted.order_by(pairs.c.correlation.desc(), pairs.c.other)):
        found[row.own].append(row)
    return found


def _copy(image: Image, mirrored: bool, label: Label | None) -> Copy:
    exam = image.exam
    name = (exam.patient.reference if exam.patient else None) or exam.accession or image.filename
    return Copy(exam.uid, image.uid, name, mirrored, label)


def _labels(user: User, images: Sequence[Image]) -> dict[int, Label | None]:
    """Outcome before read, read before network: what is known best of each image."""
    kept = outcomes.of_exams([image.exam_id for image in images])
    reads, calls = _reads(images), _calls(user, images)
    found: dict[int, Label | None] = {}
    for image in images:
        outcome = outcomes.of_image(kept.get(image.exam_id, {}), image.laterality)
        known = Label(str(outcome.result), str(outcome.method)) if outcome else None
        found[image.id] = known or reads.get(image.id) or calls.get(image.id)
    return found


def _reads(images: Sequence[Image]) -> dict[int, Label]:
    """The class of the newest read that gives one: the reader's, or that of the second read agreed with."""
    said = func.coalesce(Read.own_class, case((Read.agrees.is_(True), Analysis.top_label)))
    of_images = Read.image_id.in_([image.id for image in images])
    wanted = select(Read.image_id, said.label("word")).outerjoin(Analysis, Analysis.id == Read.analysis_id)
    rows = db.session.execute(wanted.where(of_images, said.is_not(None)).order_by(Read.id))
    return {row.image_id: Label(row.word, "read") for row in rows}  # the last one of an image stays


def _calls(user: User, images: Sequence[Image]) -> dict[int, Label]:
    states = findings.of_images(user, [image.uid for image in images])
    found = {state.id: state.finding for state in states if state.finding}
    return {id_: Label("out_of_scope" if f.out_of_scope else f.call, "network") for id_, f in found.items()}
