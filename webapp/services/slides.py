"""What a class sees of a case: pixels, what the network said, what readers said, the truth.

A slide is made of named fields, so nothing of the case comes along that is not named here: no reference, no
accession number, no file name, no note, no comment of a reader, no person, no date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, tuple_

from webapp.errors import NotFound
from webapp.extensions import db
from webapp.models import Analysis, Read, TeachingCase, User
from webapp.services import pictures, teaching


@dataclass(frozen=True, slots=True)
class Second:
    """What the network said. `heat`: the class whose heatmap is shown, None where there is none;
    `heat_unreliable`: such heatmaps fell below the bar of the network's card."""

    label: str
    probabilities: dict[str, float]
    call: str
    threshold: float
    out_of_scope: bool
    reason: str | None
    heat: str | None
    heat_words: str
    heat_unreliable: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What one reader said last, without who or when."""

    own_class: str | None
    birads: str | None
    confidence: int | None
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class Slide:
    """One case. `width`, `height`: of its picture, pixels. `steps`: what is shown, one after the other."""

    uid: str
    title: str
    width: int
    height: int
    synthetic: bool
    second: Second | None
    reads: tuple[Said, ...]
    truth: str | None
    known_by: str | None

    @property
    def steps(self) -> tuple[str, ...]:
        """Image, question and truth always; what the case does not have is passed over."""
        has = {"call": self.second, "heatmap": self.second and self.second.heat, "reads": self.reads}
        middle = (step for step in ("call", "heatmap", "reads") if has[step])
        return ("image", "question", *middle, "truth")


def of_cases(cases: Sequence[TeachingCase]) -> list[Slide]:
    """One slide a case, in the same order. The caller has asked who is looking."""
    frames = [(case.image_id, case.frame) for case in cases]
    answers, said = _answers(frames), _reads({image for image, _ in frames})
    return [_slide(case, answers.get((case.image_id, case.frame)), said) for case in cases]


def scan_png(user: User, uid: str) -> bytes:
    """The picture of a teaching case. NotFound where there is none for `user`; else as `frame_png`."""
    case = teaching.require(user, uid)
    return pictures.cut_frame_png(case.image, case.frame, case.edges)


def thumbnail_png(user: User, uid: str) -> bytes:
    """The same, small."""
    case = teaching.require(user, uid)
    return pictures.cut_thumbnail_png(case.image, case.frame, case.edges)


def heatmap_png(user: User, uid: str, label: str) -> bytes:
    """The heatmap that belongs on the picture. Errors as in `scan_png`."""
    case = teaching.require(user, uid)
    answer = db.session.scalar(_newest(Analysis.image_id == case.image_id, Analysis.frame == case.frame))
    if answer is None or label not in answer.heatmaps:
        raise NotFound("There is no such heatmap.")
    return pictures.cut_heatmap_png(answer, label, case.edges)


def _slide(case: TeachingCase, answer: Analysis | None, said: dict[int, list[Read]]) -> Slide:
    width, height = case.edges.size(case.image.width, case.image.height)
    return Slide(
        uid=case.uid,
        title=case.title,
        width=width,
        height=height,
        synthetic=case.image.exam.synthetic,
        second=_second(answer, case) if answer else None,
        reads=tuple(_said(read) for read in said.get(case.image_id, [])),
        truth=case.truth,
        known_by=case.known_by,
    )


def _second(answer: Analysis, case: TeachingCase) -> Second:
    label = answer.top_label
    heat = None if answer.out_of_scope or label not in answer.heatmaps else label
    # The words name a place in the whole frame: beside a cut one they would point elsewhere.
    words = answer.heatmaps[label]["words"] if heat and not case.edges.any() else ""
    trust = answer.heatmaps[label].get("reliability") if heat else None
    return Second(
        label=label,
        probabilities=answer.probabilities,
        call=answer.call,
        threshold=answer.threshold,
        out_of_scope=answer.out_of_scope,
        reason=answer.reason,
        heat=heat,
        heat_words=words,
        heat_unreliable=trust is not None and trust["verdict"] == "unreliable",
    )


def _said(read: Read) -> Said:
    return Said(read.own_class, read.birads, read.confidence, read.agrees)


def _answers(frames: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Analysis]:
    """The newest analysis of each (image, frame)."""
    found = db.session.scalars(_newest(tuple_(Analysis.image_id, Analysis.frame).in_(frames)))
    return {(answer.image_id, answer.frame): answer for answer in found}


def _newest(*which: ColumnElement[Any]) -> Select[Analysis]:
    last = select(func.max(Analysis.id)).where(*which).group_by(Analysis.image_id, Analysis.frame)
    return select(Analysis).where(Analysis.id.in_(last))


def _reads(images: set[int]) -> dict[int, list[Read]]:
    """The newest version of each reader, by image, in the order in which they first read."""
    versions = db.session.scalars(select(Read).where(Read.image_id.in_(images)).order_by(Read.id))
    newest: dict[int, dict[int, Read]] = {}
    for read in versions:
        newest.setdefault(read.image_id, {})[read.reader_id] = read
    return {image: list(by_reader.values()) for image, by_reader in newest.items()}
