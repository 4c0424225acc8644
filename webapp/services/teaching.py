"""Cases for a class: marked after a check, taken out again, put back. A class sees `slides`, nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from webapp.errors import Conflict, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import KNOWN_BY, TRUTHS, Edges, Exam, Image, TeachingCase, User, now
from webapp.permissions import require_image, visible_exams, visible_teaching_cases
from webapp.services import audit, identity, outcomes, pictures
from webapp.services.identity import Check
from webapp.services.names import clean_text

PAGE = 48
MAX_TITLE = 120
MAX_NOTES = 4000
"""Characters."""
LEAST_SHARE = 0.2
"""Of width and height that must remain when the edges are cut off."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What a tutor says of a case. `truth`: one of `TRUTHS` or None; `known_by`: of `KNOWN_BY` or None."""

    title: str
    notes: str = ""
    truth: str | None = None
    known_by: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """An image about to be shown to a class. `suggested`: what could be said of it; where it was marked
    before, also where it was taken out since, what was said then."""

    image: Image
    frame: int
    check: Check
    marked: TeachingCase | None
    suggested: Telling


def preview(user: User, image_uid: str, frame: int) -> Preview:
    """What is to be seen before an image is marked.

    Raises:
        NotFound: no such image for `user`, or no such frame.
        StorageError: the file can't be read.
    """
    image = _image(user, image_uid, frame)
    marked = _marked(image, frame)
    suggested = _suggested(image) if marked is None else told(marked)
    return Preview(image, frame, identity.check(user, image_uid), marked, suggested)


def preview_png(user: User, image_uid: str, frame: int, edges: Edges) -> bytes:
    """The picture as a class would see it. Errors as in `preview`; InvalidInput where too much is cut off."""
    image = _image(user, image_uid, frame)
    if problems := _edge_problems(image, edges):
        raise InvalidInput(problems["edges"], problems)
    return pictures.cut_frame_png(image, frame, edges)


def mark(
    user: User, image_uid: str, frame: int, telling: Telling, edges: Edges, *, confirmed: bool
) -> TeachingCase:
    """Let classes of the case's group see one frame. Marking again changes what was said.

    `confirmed`: the person has looked, and the picture shows nothing that tells who the patient is.

    Raises:
        NotFound: no such image for `user`, or no such frame.
        InvalidInput: with every problem at once.
        StorageError: the file can't be read.
        Conflict: somebody else marked the same frame at the same moment.
    """
    image = _image(user, image_uid, frame)
    problems = _problems(image, telling) | _edge_problems(image, edges)
    if not confirmed:
        problems["confirmed"] = (
            "Look at the picture, and confirm that nothing in it tells who the patient is."
        )
    if identity.check(user, image_uid).refuses(edges) and "edges" not in problems:
        problems["edges"] = (
            "The file says that text is burned into the picture (Burned In Annotation). "
            "Cut off the edge that carries it, or upload the scan again without annotation."
        )
    if problems:
        raise InvalidInput("The case was not marked.", problems)
    case = _marked(image, frame) or TeachingCase(
        image_id=image.id, frame=frame, group_id=image.exam.group_id, marked_by_id=user.id
    )
    case.edges, case.removed_at = edges, None
    _tell(case, telling)
    db.session.add(case)
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise Conflict("Somebody marked this frame at the same moment. Look at it once more.") from None
    audit.record("teaching_marked", user, "exam", image.exam.uid, teaching_case=case.uid)
    db.session.commit()
    return case


def require(user: User, uid: str) -> TeachingCase:
    """The teaching case `uid`. Raises NotFound where there is none for `user`."""
    case = db.session.scalar(visible_teaching_cases(user).where(TeachingCase.uid == uid))
    if case is None:
        raise NotFound("There is no such teaching case, or it was taken out.")
    return case


def page(
    user: User, text: str = "", truth: str | None = None, before: int | None = None
) -> list[TeachingCase]:
    """`PAGE` cases, and one more where there are more, newest first: those of `truth`, with `text` in the
    title or the notes, older than the one with the id `before`."""
    wanted = visible_teaching_cases(user).order_by(TeachingCase.id.desc()).limit(PAGE + 1)
    if text:
        found = TeachingCase.title.icontains(text, autoescape=True)
        wanted = wanted.where(found | TeachingCase.notes.icontains(text, autoescape=True))
    if truth:
        wanted = wanted.where(TeachingCase.truth == truth)
    if before is not None:
        wanted = wanted.where(TeachingCase.id < before)
    return list(db.session.scalars(wanted))


def tell(user: User, uid: str, telling: Telling) -> TeachingCase:
    """Change what is said of a case. NotFound as in `require`; InvalidInput with every problem at once."""
    case = require(user, uid)
    if problems := _problems(case.image, telling):
        raise InvalidInput("The case was not changed.", problems)
    _tell(case, telling)
    db.session.commit()
    return case


def told(case: TeachingCase) -> Telling:
    """What is said of a case."""
    return Telling(case.title, case.notes, case.truth, case.known_by)


def take_out(user: User, uid: str) -> TeachingCase:
    """Show a case to no class any more. Whoever sees it may: that is the careful side. As `require`."""
    case = require(user, uid)
    case.removed_at = now()
    audit.record("teaching_unmarked", user, "exam", case.image.exam.uid, teaching_case=case.uid)
    db.session.commit()
    return case


def put_back(user: User, uid: str) -> TeachingCase:
    """Undo `take_out`. NotFound where there is no such case in the group."""
    case = db.session.scalar(
        select(TeachingCase).where(TeachingCase.uid == uid, TeachingCase.group_id == user.group_id)
    )
    if case is None:
        raise NotFound("There is no such teaching case.")
    if case.removed_at is not None:
        case.removed_at = None
        audit.record("teaching_marked", user, "exam", case.image.exam.uid, teaching_case=case.uid, undo=True)
        db.session.commit()
    return case


def sees_whole_case(user: User, case: TeachingCase) -> bool:
    """Whether `user` may open the case itself, name and all: its owner, or a radiologist of the group."""
    seen = visible_exams(user).with_only_columns(Exam.id).where(Exam.id == case.image.exam_id)
    return db.session.scalar(seen) is not None


def _image(user: User, image_uid: str, frame: int) -> Image:
    image = require_image(user, image_uid)
    if not 0 <= frame < image.frames:
        raise NotFound(f"This image has {image.frames} frames; there is no frame {frame}.")
    return image


def _suggested(image: Image) -> Telling:
    """A title of its own, and the truth where an outcome was entered."""
    exam = image.exam
    count = select(func.count(TeachingCase.id)).where(TeachingCase.group_id == exam.group_id)
    title = f"Case {(db.session.scalar(count) or 0) + 1}"
    outcome = outcomes.of_image(outcomes.of_exams([exam.id]).get(exam.id, {}), image.laterality)
    if outcome is not None:
        return Telling(title, "", outcome.result, outcome.method)
    return Telling(title, known_by="synthetic" if exam.synthetic else None)


def _marked(image: Image, frame: int) -> TeachingCase | None:
    same = select(TeachingCase).where(TeachingCase.image_id == image.id, TeachingCase.frame == frame)
    return db.session.scalar(same)


def _tell(case: TeachingCase, telling: Telling) -> None:
    case.title, case.notes = clean_text(telling.title, MAX_TITLE) or "", telling.notes.strip()
    case.truth, case.known_by = telling.truth, telling.known_by if telling.truth else None


def _problems(image: Image, telling: Telling) -> dict[str, str]:
    problems = {}
    if clean_text(telling.title, MAX_TITLE) is None:
        problems["title"] = f"Give a title of 1 to {MAX_TITLE} characters."
    if len(telling.notes) > MAX_NOTES:
        problems["notes"] = f"At most {MAX_NOTES} characters."
    if telling.truth is not None and telling.truth not in TRUTHS:
        problems["truth"] = f"Choose one of: {', '.join(TRUTHS)}; or not known."
    if telling.truth and telling.known_by not in KNOWN_BY:
        problems["known_by"] = "Say how the truth is known."
    if telling.known_by == "synthetic" and not image.exam.synthetic:
        problems["known_by"] = "Only a scan that was drawn by code is known in this way."
    for name, text in (("title", telling.title), ("notes", telling.notes)):
        if name not in problems and identity.tells(image, text):
            problems[name] = "This repeats a reference, an accession number or a file name. Use other words."
    return problems


def _edge_problems(image: Image, edges: Edges) -> dict[str, str]:
    width, height = edges.size(image.width, image.height)
    negative = min(edges.top, edges.right, edges.bottom, edges.left) < 0
    if negative or width < LEAST_SHARE * image.width or height < LEAST_SHARE * image.height:
        return {"edges": "Too much is cut off: at least a fifth of the width and of the height must remain."}
    return {}
