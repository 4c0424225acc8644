"""Who may call what, on whose object: one table over every endpoint of the application.

One row an endpoint and method in `TABLE`; an endpoint without a row fails. A row says what each role gets
where it may see the object (or where there is none). On an object that a role does not see, the answer is
404, the same as for one that does not exist; where the role may not call the endpoint at all, 403.

A new endpoint: add its row. A new kind of object: add it to `objects` and, per role, to `SEES`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from tests.conftest import settings
from tests.scans import png
from tests.support import Visitor
from tests.webapp.rows import add_analysis, add_lesson, add_teaching_case
from webapp import create_app
from webapp.config import AppConfig
from webapp.extensions import db
from webapp.models import Image, Job, Passkey, Reanalysis, TeachingCase, TeachingEntry
from webapp.services import accounts, intake, invitations, networks, presentations, sessions
from webapp.services.filing import Fields
from webapp.services.intake import Upload

ROLES = ("radiologist", "tutor", "admin")


@dataclass(frozen=True, slots=True)
class Row:
    """What each role of the group North gets. `of` is the kind of object in the address, or None.

    `anonymous` where it is not the usual: to sign-in (302) for a look, 401 for a change.
    `values` fill what the object does not; `form` is sent with a change.
    """

    radiologist: int
    tutor: int
    admin: int
    of: str | None = None
    anonymous: int | None = None
    values: dict[str, object] = field(default_factory=dict)
    form: dict[str, object] = field(default_factory=dict)


TABLE: dict[str, Row] = {
    # open to all
    "GET static": Row(200, 200, 200, anonymous=200, values={"filename": "css/list.css"}),
    "GET health.healthz": Row(200, 200, 200, anonymous=200),
    "GET health.readyz": Row(503, 503, 503, anonymous=503),  # no worker in this test
    "GET health.metrics": Row(404, 404, 404, anonymous=404),  # no token
    "GET security.login": Row(302, 302, 302, anonymous=200),
    "POST security.login": Row(302, 302, 302, anonymous=400),  # without a form token
    "GET invitations.show": Row(404, 404, 404, anonymous=404, values={"token": "no such token"}),
    "POST invitations.accept": Row(404, 404, 404, anonymous=400, values={"token": "no such token"}),
    # the second step of signing in: nothing was begun in this browser
    "GET second_step.show": Row(303, 303, 303, anonymous=303),
    "POST second_step.take_code": Row(303, 303, 303, anonymous=400),
    "POST second_step.take_passkey": Row(303, 303, 303, anonymous=400),
    "POST second_step.begin_passkey": Row(200, 200, 200, anonymous=400),
    "POST second_step.sign_in_by_passkey": Row(303, 303, 303, anonymous=400),
    # the own account
    "POST security.logout": Row(302, 302, 302),
    "GET security.change_password": Row(200, 200, 200),
    "POST security.change_password": Row(200, 200, 200),
    "GET security.verify": Row(200, 200, 200),
    "POST security.verify": Row(200, 200, 200),
    "GET account.show": Row(200, 200, 200),
    "POST account.save": Row(422, 422, 422),
    "POST account.theme": Row(302, 302, 302, form={"theme": "light"}),
    "GET account.security": Row(200, 200, 200),
    "POST account.end_session": Row(303, 303, 303, of="session"),
    "POST account.end_other_sessions": Row(303, 303, 303),
    "GET factors.index": Row(200, 200, 200),
    "GET factors.app": Row(200, 200, 200),
    "GET factors.app_picture": Row(303, 303, 303),  # no set-up was begun
    "POST factors.finish_app": Row(303, 303, 303),
    "GET factors.passkey": Row(200, 200, 200),
    "POST factors.finish_passkey": Row(303, 303, 303),
    "POST factors.remove_app": Row(404, 404, 404),  # there is none
    "POST factors.remove_passkey": Row(303, 303, 303, of="passkey"),
    "POST factors.rename_passkey": Row(303, 303, 303, of="passkey", form={"name": "Red key"}),
    "POST factors.renew_codes": Row(404, 404, 404),
    # people
    "GET people.index": Row(403, 403, 200),
    "GET people.invite": Row(403, 403, 200),
    "POST people.send_invitation": Row(403, 403, 422),
    "POST people.withdraw": Row(403, 403, 303, of="invitation"),
    "GET people.show": Row(403, 403, 200, of="person"),
    "POST people.change": Row(403, 403, 422, of="person"),
    "POST people.lock": Row(403, 403, 303, of="person"),
    "POST people.reset_second_factors": Row(403, 403, 303, of="person"),
    "POST people.unlock": Row(403, 403, 303, of="person"),
    "POST people.new_password": Row(403, 403, 200, of="person"),
    # cases
    "GET worklist.index": Row(200, 200, 302),
    "GET worklist.upload": Row(200, 200, 403),
    "GET worklist.export_csv": Row(200, 200, 403),
    "GET worklist.news": Row(200, 200, 403),
    "POST uploads.create": Row(422, 422, 403),
    "GET cases.show": Row(200, 200, 403, of="case"),
    "GET cases.result": Row(200, 200, 403, of="case"),
    "GET cases.answer": Row(200, 200, 403, of="case"),
    "POST cases.analyse": Row(303, 303, 403, of="case", form={"frame": "0"}),
    "POST reads.save": Row(303, 303, 403, of="case", form={"birads": "2"}),
    "POST outcomes.save": Row(422, 403, 403, of="case"),
    "POST outcomes.withdraw": Row(422, 403, 403, of="case"),
    "POST cases.reanalyse": Row(303, 303, 403, of="case"),
    # networks: admins and radiologists look, admins switch and analyse by the thousand
    "GET agreement.index": Row(200, 403, 200),
    "GET networks.index": Row(200, 403, 200),
    "GET networks.show": Row(200, 403, 200, of="network"),
    "POST network_switching.activate": Row(403, 403, 303, of="network"),  # the active one already
    "GET reanalyses.index_again": Row(403, 403, 200),
    "GET reanalyses.progress": Row(403, 403, 200),
    "POST reanalyses.start": Row(403, 403, 303),
    "POST reanalyses.cancel": Row(403, 403, 303, of="re-analysis"),
    # what admins alone do
    "GET case_log.index": Row(403, 403, 200),
    "GET case_log.export_csv": Row(403, 403, 200),
    "GET case_log.export_json": Row(403, 403, 200),
    "GET case_log.story": Row(403, 403, 200, of="any case"),
    "GET audit_log.index": Row(403, 403, 200),
    "GET audit_log.export_csv": Row(403, 403, 200),
    "GET audit_log.export_json": Row(403, 403, 200),
    "POST audit_log.verify": Row(403, 403, 303),
    "GET audit_log.review": Row(403, 403, 200),
    "POST audit_log.sign": Row(403, 403, 422),
    "GET retention.index": Row(403, 403, 200),
    "GET retention.find": Row(403, 403, 302),
    "GET retention.question": Row(403, 403, 200, of="any case"),
    "POST retention.erase": Row(403, 403, 422, of="any case", form={"typed": "something else"}),
    "GET media.frame": Row(200, 200, 403, of="case", values={"frame": 0}),
    "GET media.thumbnail": Row(200, 200, 403, of="case"),
    "GET media.heatmap": Row(200, 200, 403, of="case", values={"label": "benign"}),
    "GET media.original": Row(200, 200, 403, of="case"),
    # teaching: tutors and radiologists of the group; marking takes the sight of the whole case
    "GET teaching.index": Row(200, 200, 403),
    "GET teaching.check": Row(200, 200, 403, of="case", values={"frame": 0}),
    "POST teaching.mark": Row(422, 422, 403, of="case", values={"frame": 0}),
    "GET teaching.preview_png": Row(200, 200, 403, of="case", values={"frame": 0}),
    "GET teaching.show": Row(200, 200, 403, of="teaching case"),
    "POST teaching.tell": Row(422, 422, 403, of="teaching case"),
    "POST teaching.add_to_list": Row(303, 303, 403, of="teaching case"),
    "POST teaching.take_out": Row(303, 303, 403, of="teaching case"),
    "POST teaching.put_back": Row(303, 303, 403, of="teaching case"),
    "GET teaching.scan": Row(200, 200, 403, of="teaching case"),
    "GET teaching.thumbnail": Row(200, 200, 403, of="teaching case"),
    "GET teaching.heatmap": Row(200, 200, 403, of="teaching case", values={"label": "benign"}),
    "POST teaching_lists.create": Row(422, 422, 403),
    "GET teaching_lists.show": Row(200, 200, 403, of="teaching list"),
    "POST teaching_lists.change": Row(422, 422, 403, of="teaching list"),
    "POST teaching_lists.add": Row(422, 422, 403, of="teaching list"),
    "POST teaching_lists.remove": Row(303, 303, 403, of="teaching list"),
    "POST teaching_lists.put_back": Row(303, 303, 403, of="teaching list"),
    "POST teaching_lists.move": Row(303, 303, 403, of="entry", form={"to": "down"}),
    "POST teaching_lists.note": Row(303, 303, 403, of="entry", form={"notes": "Ask about the margin."}),
    "POST teaching_lists.take_out": Row(303, 303, 403, of="entry"),
    "POST teaching_lists.put_entry_back": Row(303, 303, 403, of="entry"),
    "POST presentations.start": Row(303, 303, 403, of="teaching list"),
    "GET presentations.show": Row(200, 200, 403, of="class"),
    "GET presentations.notes": Row(200, 200, 403, of="class"),
    "POST presentations.count": Row(303, 303, 403, of="class", form={"benign": "3"}),
    "GET presentations.summary": Row(200, 200, 403, of="class"),
    "GET presentations.worker": Row(200, 200, 403),
}

_TEACHING = {
    "radiologist": {"of a colleague", "of the tutor"},
    "tutor": {"of a colleague", "of the tutor"},
    "admin": set(),
}
SEES = {
    "case": {
        "radiologist": {"of a colleague", "for teaching", "of the tutor"},
        "tutor": {"for teaching", "of the tutor"},
        "admin": set(),
    },
    "invitation": {"admin": {"open"}},
    "person": {"admin": {"of the group", "of the other group"}},
    "teaching case": _TEACHING,
    "teaching list": _TEACHING,
    "entry": _TEACHING,
    "class": _TEACHING,
    "network": {"radiologist": {"shipped"}, "admin": {"shipped"}},
    "re-analysis": {"admin": {"cancelled"}},
    "session": {role: {f"of the {role}"} for role in ROLES},
    "passkey": {role: set() for role in ROLES},  # the only one is somebody else's
    # an admin decides what is kept, without seeing it
    "any case": {
        "radiologist": set(),
        "tutor": set(),
        "admin": {
            "of a colleague",
            "for teaching",
            "of the tutor",
            "of the other group",
            "for teaching in the other group",
        },
    },
}
"""Kind of object -> role -> which of `objects` it sees."""


@dataclass(frozen=True, slots=True)
class Objects:
    """A filled instance folder, and what addresses call its objects by: kind -> name -> values."""

    folder: Path
    by_kind: dict[str, dict[str, dict[str, object]]]

    def of(self, row: Row) -> dict[str, dict[str, object]]:
        """The objects that the row is about, by name; one without values where it is about none."""
        return {"": {}} if row.of is None else self.by_kind[row.of]


CASES = {
    "of a colleague": ("colleague@north.example", False),
    "for teaching": ("colleague@north.example", True),
    "of the tutor": ("tutor@north.example", False),
    "of the other group": ("radiologist@south.example", False),
    "for teaching in the other group": ("radiologist@south.example", True),
}


def _file_case(number: int, owner: str, synthetic: bool) -> dict[str, object]:
    """A case with one stored image and its analysis; returns what addresses call it by."""
    upload = Upload("a.png", BytesIO(png(number)))
    (verdict,) = intake.accept(accounts.find(owner), [upload], Fields(synthetic=synthetic))
    image = db.session.scalars(sa.select(Image).where(Image.uid == verdict.image_uid)).one()
    db.session.execute(sa.delete(Job).where(Job.image_id == image.id))
    heat = {"values": [[0.5]], "peak": None, "area": 0.0, "words": "None."}
    analysis = add_analysis(image, heatmaps={"benign": heat})
    db.session.commit()
    return {"uid": verdict.exam_uid, "image_uid": verdict.image_uid, "analysis_uid": analysis.uid}


def _mark(case: dict[str, object]) -> dict[str, object]:
    """A teaching case of the case's image."""
    image = db.session.scalars(sa.select(Image).where(Image.uid == case["image_uid"])).one()
    marked = add_teaching_case(image)
    db.session.commit()
    return {"uid": marked.uid}


def _lessons(marked: dict[str, dict[str, object]]) -> dict[str, dict[str, dict[str, object]]]:
    """A list with one case and a class held with it, for each of the teaching cases."""
    kinds: dict[str, dict[str, dict[str, object]]] = {"teaching list": {}, "entry": {}, "class": {}}
    for name, values in marked.items():
        case = db.session.scalars(sa.select(TeachingCase).where(TeachingCase.uid == values["uid"])).one()
        lesson = add_lesson(case.marked_by, case)
        db.session.commit()
        entry = db.session.scalars(sa.select(TeachingEntry).where(TeachingEntry.list_id == lesson.id)).one()
        held = presentations.start(case.marked_by, lesson.uid)
        kinds["teaching list"][name] = {"uid": lesson.uid}
        kinds["entry"][name] = {"uid": entry.uid}
        kinds["class"][name] = {"uid": held.uid, "case_uid": case.uid}
    return kinds


def _open_session(email: str) -> dict[str, object]:
    person = accounts.find(email)
    sessions.begin(person, "", None)
    return {"uid": sessions.of(person)[0].uid}


def _reanalysis() -> dict[str, object]:
    row = Reanalysis(name="tiny", version="1", checksum="a" * 64)
    db.session.add(row)
    db.session.commit()
    return {"uid": row.uid}


def _invitation() -> dict[str, object]:
    wanted = invitations.Wanted("new@north.example", "North", ("tutor",))
    return {"uid": invitations.invite(None, wanted).invitation.uid}


def _passkey(email: str) -> dict[str, object]:
    key = Passkey(user_id=accounts.find(email).id, name="Key", credential_id=b"1", public_key=b"2")
    key.backed_up = False
    db.session.add(key)
    db.session.commit()
    return {"uid": key.uid}


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory, _template: Path) -> Objects:
    """A folder with a filled database, copied for each test; and kind -> name -> values of addresses."""
    folder = tmp_path_factory.mktemp("access") / "instance"
    shutil.copytree(_template, folder)
    app = create_app(settings(folder))
    with app.app_context():
        cases = {name: _file_case(n, *case) for n, (name, case) in enumerate(CASES.items())}
        marked = {
            name: _mark(cases[name]) for name in ("of a colleague", "of the tutor", "of the other group")
        }
        lessons = _lessons(marked)
        people = {f"of the {role}": _open_session(f"{role}@north.example") for role in ROLES}
        invited = {"open": _invitation()}
        nets = {"shipped": {"checksum": networks.active().checksum}}
        again = {"cancelled": _reanalysis()}
        keys = {"of a colleague": _passkey("colleague@north.example")}
        persons = {
            "of the group": {"user_id": accounts.find("colleague@north.example").id},
            "of the other group": {"user_id": accounts.find("tutor@south.example").id},
        }
        db.engine.dispose()
    any_case = {**cases, "none at all": {"uid": "f" * 32}}
    kinds = {"case": cases, "any case": any_case, "teaching case": marked, "session": people, **lessons}
    kinds |= {"network": nets, "re-analysis": again, "passkey": keys}
    return Objects(folder, {**kinds, "invitation": invited, "person": persons})


@pytest.fixture
def config(tmp_path: Path, objects: Objects) -> AppConfig:
    """In place of the empty database of other tests: the filled one."""
    shutil.copytree(objects.folder, tmp_path / "instance")
    return settings(tmp_path / "instance")


def _calls(app: Flask) -> dict[str, list[Rule]]:
    """Every "METHOD endpoint" of the application, with the rules of its addresses."""
    found: dict[str, list[Rule]] = {}
    for rule in app.url_map.iter_rules():
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            found.setdefault(f"{method} {rule.endpoint}", []).append(rule)
    return found


def _addresses(app: Flask, call: str, values: dict[str, object]) -> set[str]:
    """The addresses of `call`, one a rule, with `values` filled in."""
    bound = app.url_map.bind("localhost")
    return {
        bound.build(rule.endpoint, {name: values[name] for name in rule.arguments - set(rule.defaults or ())})
        for rule in _calls(app)[call]
    }


def _ask(visitor: Visitor, call: str, address: str, form: dict[str, object] | None = None) -> int:
    method = call.split()[0]
    return visitor.open(address, method=method, data=form, headers={"Accept": "text/html"}).status_code


def test_the_table_has_one_row_for_every_endpoint_and_none_for_another(app: Flask) -> None:
    assert set(TABLE) == set(_calls(app))


@pytest.mark.parametrize("call", TABLE)
def test_anonymous_gets_what_the_table_says(app: Flask, client: Visitor, objects: Objects, call: str) -> None:
    row = TABLE[call]
    usual = 302 if call.startswith("GET ") else 401
    for values in objects.of(row).values():
        for address in _addresses(app, call, {**values, **row.values}):
            assert _ask(client, call, address) == (row.anonymous or usual), address


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("call", TABLE)
def test_each_role_gets_what_the_table_says(
    app: Flask, login: Callable[..., Visitor], objects: Objects, call: str, role: str
) -> None:
    row = TABLE[call]
    allowed = getattr(row, role)
    visitor = login(role)
    form = None if call.startswith("GET ") else {**row.form, "csrf_token": visitor.token()}
    for name, values in objects.of(row).items():
        hidden = row.of is not None and name not in SEES[row.of].get(role, set())
        expected = 404 if hidden and allowed != 403 else allowed
        for address in _addresses(app, call, {**values, **row.values}):
            assert _ask(visitor, call, address, form) == expected, (name, address)


@pytest.mark.parametrize("call", [call for call, row in TABLE.items() if row.of])
def test_an_object_of_another_group_and_none_at_all_get_the_same_answer(
    app: Flask, login: Callable[..., Visitor], objects: Objects, call: str
) -> None:
    row = TABLE[call]
    role = next(role for role in ROLES if getattr(row, role) != 403)
    visitor = login(role)
    form = None if call.startswith("GET ") else {**row.form, "csrf_token": visitor.token()}
    everything = objects.of(row)
    hidden = [values for name, values in everything.items() if name not in SEES[row.of][role]]
    known = next(iter(everything.values()))
    nothing = {name: 4711 if isinstance(value, int) else "f" * 32 for name, value in known.items()}
    for values in (*hidden, nothing):
        for address in _addresses(app, call, {**values, **row.values}):
            assert _ask(visitor, call, address, form) == 404, address
