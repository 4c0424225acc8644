"""Who may do what. Deny by default: what is not named here is refused.

Two rules. On endpoints: only `OPEN_ENDPOINTS` answer without sign-in; blueprints of one role are in
`ROLE_OF_BLUEPRINT`; on the others a signed-in person of any role may look (GET), only `WRITERS` may
change anything, but for `OWN_ACCOUNT`; who still has to set up a second factor reaches only
`SET_UP_FACTORS`. On objects: services ask `visible_exams` or `require_exam`,
never the tables. `tests/webapp/test_access.py` has a row for every endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session, object_session

from webapp.errors import Forbidden, NotFound
from webapp.models import Exam, Image, Presentation, TeachingCase, TeachingList, User

OPEN_ENDPOINTS = frozenset(
    {
        "static",
        "security.login",
        "second_step.show",
        "second_step.take_code",
        "second_step.take_passkey",
        "second_step.begin_passkey",
        "second_step.sign_in_by_passkey",
        "invitations.show",
        "invitations.accept",
        "health.healthz",
        "health.readyz",
        "health.metrics",
    }
)
OWN_ACCOUNT = frozenset(
    {
        "security.logout",
        "security.change_password",
        "security.verify",
        "account.save",
        "account.theme",
        "account.end_session",
        "account.end_other_sessions",
        "factors.finish_app",
        "factors.finish_passkey",
        "factors.remove_app",
        "factors.remove_passkey",
        "factors.rename_passkey",
        "factors.renew_codes",
    }
)
SET_UP_FACTORS = frozenset(
    {
        "factors.index",
        "factors.app",
        "factors.app_picture",
        "factors.finish_app",
        "factors.passkey",
        "factors.finish_passkey",
        "security.verify",
        "security.logout",
    }
)
"""All that a person may call whose role asks for a second factor and who has set up none."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
WRITERS = frozenset({"radiologist", "tutor"})
TEACHERS = frozenset({"radiologist", "tutor"})
ROLE_OF_BLUEPRINT: dict[str, frozenset[str]] = {
    "worklist": WRITERS,
    "uploads": WRITERS,
    "cases": WRITERS,
    "reads": WRITERS,
    "media": WRITERS,
    "outcomes": frozenset({"radiologist"}),
    "people": frozenset({"admin"}),
    "case_log": frozenset({"admin"}),
    "audit_log": frozenset({"admin"}),
    "retention": frozenset({"admin"}),
    "networks": frozenset({"admin", "radiologist"}),
    "agreement": frozenset({"admin", "radiologist"}),
    "network_switching": frozenset({"admin"}),
    "reanalyses": frozenset({"admin"}),
    "teaching": TEACHERS,
    "teaching_lists": TEACHERS,
    "presentations": TEACHERS,
}
"""Blueprints that only these roles may call at all, to look as to change."""


def roles_of(user: User) -> frozenset[str]:
    """The names of the person's roles."""
    return frozenset(role.name for role in user.roles)


def may_call(user: User, endpoint: str, method: str) -> bool:
    """Whether `user` may call `endpoint` at all; says nothing of the object behind it."""
    roles = roles_of(user)
    wanted = ROLE_OF_BLUEPRINT.get(endpoint.partition(".")[0])
    if wanted is not None:
        return not roles.isdisjoint(wanted)
    return bool(roles) and (
        method in SAFE_METHODS or endpoint in OWN_ACCOUNT or not roles.isdisjoint(WRITERS)
    )


def require_writer(user: User) -> None:
    """Raise Forbidden unless `user` may upload and read."""
    if roles_of(user).isdisjoint(WRITERS):
        raise Forbidden("Only radiologists and tutors upload and read scans.")


def require_admin(user: User | None) -> None:
    """Raise Forbidden unless `user` is an admin, or the operator at the command line (None)."""
    if user is not None and "admin" not in roles_of(user):
        raise Forbidden("Only admins look after people and logs.")


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the exams that a person may see; `whole_group` where they are all of that group."""

    condition: ColumnElement[bool]
    whole_group: int | None = None


def visible_parts(user: User) -> list[Part]:
    """What `user` may see, in parts that may overlap: each can be found by an index, their OR could not.

    Radiologist: the exams of the group. Tutor: own ones and the group's synthetic ones. Admin: none, an
    admin has the logs. Several roles see what any of them sees; no role sees nothing.
    """
    roles = roles_of(user)
    same_group = Exam.group_id == user.group_id
    parts = [Part(same_group, user.group_id)] if "radiologist" in roles else []
    if "tutor" in roles:
        parts.append(Part(Exam.owner_id == user.id))
        if "radiologist" not in roles:
            parts.append(Part(and_(same_group, Exam.synthetic.is_(True))))
    return parts


def visible_exams(user: User) -> Select[Exam]:
    """The exams that `user` may see, all `visible_parts` of them, as a SELECT to filter further."""
    return select(Exam).where(_visible(user))


def visible_images(user: User) -> Select[Image]:
    """The images of `visible_exams`. A join: of a set of exams SQLite would make a list first."""
    return select(Image).join(Exam, Exam.id == Image.exam_id).where(_visible(user))


def _visible(user: User) -> ColumnElement[bool]:
    return or_(false(), *(part.condition for part in visible_parts(user)))


def visible_teaching_cases(user: User) -> Select[TeachingCase]:
    """The cases for a class that `user` may see: those marked in the group, for tutors and radiologists.

    They are no part of `visible_exams`: who sees only this sees the de-identified view, and no page, search,
    export or download of whole cases has to remember to hide something.
    """
    seen = select(TeachingCase).where(
        TeachingCase.group_id == user.group_id, TeachingCase.removed_at.is_(None)
    )
    return seen if roles_of(user) & TEACHERS else seen.where(false())


def visible_teaching_lists(user: User) -> Select[TeachingList]:
    """The lists of the group, for tutors and radiologists; those removed are left out."""
    seen = select(TeachingList).where(
        TeachingList.group_id == user.group_id, TeachingList.removed_at.is_(None)
    )
    return seen if roles_of(user) & TEACHERS else seen.where(false())


def visible_presentations(user: User) -> Select[Presentation]:
    """The classes held in the group; a list that was removed since takes none of them away."""
    seen = select(Presentation).join(TeachingList).where(TeachingList.group_id == user.group_id)
    return seen if roles_of(user) & TEACHERS else seen.where(false())


def require_exam(user: User, uid: str) -> Exam:
    """The exam `uid`. Raises NotFound where there is none or `user` may not see it."""
    exam = _session(user).scalar(visible_exams(user).where(Exam.uid == uid))
    if exam is None:
        raise NotFound("There is no such case, or it belongs to another group.")
    return exam


def require_image(user: User, uid: str) -> Image:
    """The image `uid`. Raises NotFound where there is none or `user` may not see its exam."""
    image = _session(user).scalar(visible_images(user).where(Image.uid == uid))
    if image is None:
        raise NotFound("There is no such image, or it belongs to another group.")
    return image


def _session(user: User) -> Session:
    session = object_session(user)
    if session is None:
        raise ValueError("The user must come from the current database session.")
    return session
