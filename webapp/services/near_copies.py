"""Near copies as the pages tell of them: of which case an image is one, and what that case is labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, or_, select
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
    links = _links(image)
    if not links:
        return NONE
    wanted = visible_images(user).where(Image.id.in_(links)).options(joinedload(Image.exam, Exam.patient))
    seen = sorted(db.session.scalars(wanted), key=lambda other: -links[other.id].correlation)
    shown = seen[:_SHOWN]
    labels = _labels(user, shown)
    told = (_copy(other, links[other.id], labels[other.id]) for other in shown)
    return NearCopies(tuple(told), len(seen) - len(shown))


def _links(image: Image) -> dict[int, NearCopy]:
    """The other image's number -> the link with it."""
    of_image = or_(NearCopy.first_id == image.id, NearCopy.second_id == image.id)
    found = db.session.scalars(select(NearCopy).where(of_image))
    return {link.first_id + link.second_id - image.id: link for link in found}


def _copy(image: Image, link: NearCopy, label: Label | None) -> Copy:
    exam = image.exam
    name = (exam.patient.reference if exam.patient else None) or exam.accession or image.filename
    return Copy(exam.uid, image.uid, name, link.mirrored, label)


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
