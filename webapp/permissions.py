"""Who may do what. Deny by default: what is not named here is refused.

Two rules. On endpoints: only `OPEN_ENDPOINTS` answer without sign-in; a signed-in person of any role
may look (GET), only `WRITERS` may change anything, but for `OWN_ACCOUNT`. On objects: services ask
`visible_exams` or `require_exam`, never the tables.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session, object_session

from webapp.errors import Forbidden, NotFound
from webapp.models import Exam, Image, User

OPEN_ENDPOINTS = frozenset({"static", "security.login", "health.healthz", "health.readyz"})
OWN_ACCOUNT = frozenset(
    {"security.logout", "security.change_password", "security.verify", "account.save", "account.theme"}
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
WRITERS = frozenset({"radiologist", "tutor"})


def roles_of(user: User) -> frozenset[str]:
    """The names of the person's roles."""
    return frozenset(role.name for role in user.roles)


def may_call(user: User, endpoint: str, method: str) -> bool:
    """Whether `user` may call `endpoint` at all; says nothing of the object behind it."""
    roles = roles_of(user)
    return bool(roles) and (
        method in SAFE_METHODS or endpoint in OWN_ACCOUNT or not roles.isdisjoint(WRITERS)
    )


def require_writer(user: User) -> None:
    """Raise Forbidden unless `user` may upload and read."""
    if roles_of(user).isdisjoint(WRITERS):
        raise Forbidden("Only radiologists and tutors upload and read scans.")


def visible_exams(user: User) -> Select[Exam]:
    """The exams that `user` may see, as a SELECT to filter further.

    Admin: all. Radiologist: those of the group. Tutor: own ones and the group's synthetic ones.
    Several roles see what any of them sees; no role sees nothing.
    """
    roles = roles_of(user)
    if "admin" in roles:
        return select(Exam)
    same_group = Exam.group_id == user.group_id
    seen: ColumnElement[bool] = false()
    if "radiologist" in roles:
        seen = or_(seen, same_group)
    if "tutor" in roles:
        seen = or_(seen, Exam.owner_id == user.id, and_(same_group, Exam.synthetic))
    return select(Exam).where(seen)


def require_exam(user: User, uid: str) -> Exam:
    """The exam `uid`. Raises NotFound where there is none or `user` may not see it."""
    exam = _session(user).scalar(visible_exams(user).where(Exam.uid == uid))
    if exam is None:
        raise NotFound("There is no such case, or it belongs to another group.")
    return exam


def require_image(user: User, uid: str) -> Image:
    """The image `uid`. Raises NotFound where there is none or `user` may not see its exam."""
    visible = visible_exams(user).with_only_columns(Exam.id)
    image = _session(user).scalar(select(Image).where(Image.uid == uid, Image.exam_id.in_(visible)))
    if image is None:
        raise NotFound("There is no such image, or it belongs to another group.")
    return image


def _session(user: User) -> Session:
    session = object_session(user)
    if session is None:
        raise ValueError("The user must come from the current database session.")
    return session
