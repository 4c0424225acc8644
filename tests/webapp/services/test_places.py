"""Every view of the history walks an index, on SQLite and on Postgres, and finds what the tables say."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from tests.support import PASSWORD
from webapp.extensions import db
from webapp.models import Analysis, Exam, Image, Job, Patient, Read, User, now
from webapp.services import accounts, places, seeding
from webapp.services.accounts import NewUser
from webapp.services.filters import Filters
from webapp.services.places import Cursor
from webapp.services.seeding import Shares

CASES = 3000
ROLES = {"tutor": ("tutor",), "both": ("radiologist", "tutor")}


@pytest.fixture(scope="module")
def clinic(both_of_module):
    """The application, with `CASES` made-up cases and a person of each kind; not in demo mode's hands."""
    with both_of_module.app_context():
        seeding.seed(CASES, "North", shares=Shares(waiting=0.01))
        for name, roles in ROLES.items():
            accounts.create(NewUser(f"{name}@places.example", name.title(), PASSWORD, "North", roles))
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("VACUUM ANALYZE"))
        yield both_of_module
        db.session.remove()


def person(name: str = "reader-01") -> User:
    """The first of the made-up readers, or one of `ROLES`."""
    return accounts.find(f"{name}@{'north.seeded' if name == 'reader-01' else 'places'}.example")


def reader() -> int:
    return db.session.scalar(sa.select(sa.func.min(Read.reader_id)))


def middle() -> Cursor:
    exam = db.session.scalars(sa.select(Exam).order_by(Exam.id).offset(CASES // 2).limit(1)).one()
    return Cursor(exam.created_at, exam.id)


def of_images(table, *what):
    images = sa.select(Image.exam_id).join(table, table.image_id == Image.id)
    return Exam.id.in_(images.where(*what)) if what else Exam.id.in_(images)


def view(name: str):
    """The filters of a view, and the condition that says the same by the tables themselves."""
    month, half = now() - timedelta(days=230), now() - timedelta(days=200)
    in_scope = Analysis.out_of_scope.is_(False)
    named = Exam.id.in_(sa.select(Image.exam_id).where(Image.filename.icontains("-left-")))
    return {
        "all": (Filters(), sa.true()),
        "label": (
            Filters(label="malignant"),
            of_images(Analysis, Analysis.top_label == "malignant", in_scope),
        ),
        "call": (Filters(result="suspicious"), of_images(Analysis, Analysis.call == "suspicious", in_scope)),
        "scope": (Filters(result="out_of_scope"), of_images(Analysis, Analysis.out_of_scope)),
        "waiting": (Filters(result="waiting"), of_images(Job, Job.state == "queued")),
        "failed": (Filters(result="failed"), of_images(Job, Job.state == "failed")),
        "read": (Filters(reading="read"), of_images(Read)),
        "unread": (Filters(reading="unread"), ~of_images(Read)),
        "unread_by_me": (Filters(reading="unread_by_me"), ~of_images(Read, Read.reader_id == person().id)),
        "network": (Filters(network="0" * 64), of_images(Analysis)),
        "reader": (Filters(reader=reader()), of_images(Read, Read.reader_id == reader())),
        "days": (
            Filters(since=month, until=half),
            sa.and_(Exam.created_at >= month, Exam.created_at < half),
        ),
        "rare": (
            Filters(text="seed 7"),
            Exam.patient_id.in_(sa.select(Patient.id).where(Patient.reference.istartswith("SEED-7"))),
        ),
        "common": (Filters(text="left"), named),
        "common in a result": (
            Filters(text="left", result="failed"),
            sa.and_(named, of_images(Job, Job.state == "failed")),
        ),
    }[name]


VIEWS = (
    "all", "label", "call", "scope", "waiting", "failed", "read", "unread", "unread_by_me", "network",
    "reader", "days", "common", "common in a result",
)  # fmt: skip


@contextmanager
def plans():
    """What the database does for each statement of the block, one text each."""
    sent, found = [], []
    how = "EXPLAIN QUERY PLAN " if db.engine.dialect.name == "sqlite" else "EXPLAIN "

    def keep(connection, cursor, statement, values, *rest):
        sent.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", keep)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", keep)
    for statement, values in sent:
        lines = db.session.connection().exec_driver_sql(how + statement, values)
        found.append("\n".join(str(line[-1]) for line in lines))


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("way", ["newest", "after", "before"])
def test_each_view_walks_an_index_and_no_table(clinic, name, way):
    filters, _ = view(name)
    where = {} if way == "newest" else {way: middle()}
    me = person()
    me.id, me.group_id, [role.name for role in me.roles]
    with plans() as found:
        places.find(me, filters, 51, **where)
    assert found
    for plan in found:
        assert "SCAN exams" not in plan.replace("SCAN exams USING COVERING INDEX", "")
        assert "SCAN exam_words" not in plan
        assert "Seq Scan" not in plan
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("name", [*VIEWS, "rare"])
def test_a_view_finds_what_the_tables_say_page_by_page(clinic, name):
    filters, condition = view(name)
    everything = sa.select(Exam.id).where(condition).order_by(Exam.created_at.desc(), Exam.id.desc())
    wanted = list(db.session.scalars(everything))
    found, after = [], None
    while page := places.find(person(), filters, 700, after=after):
        found += [place.id for place in page]
        after = page[-1]
    if name == "rare":
        assert set(wanted) <= set(found)
    else:
        assert found == wanted
    assert found == [place.id for place in places.find(person(), filters, CASES)]


@pytest.mark.parametrize("name", ["label", "common", "waiting", "unread", "days"])
@pytest.mark.parametrize("who", ["tutor", "both"])
def test_a_person_of_another_role_finds_the_same_in_what_they_see(clinic, name, who):
    """The made-up cases are synthetic, so that a tutor sees all of them."""
    filters, _ = view(name)
    here = middle()
    assert places.find(person(who), filters, 51, after=here) == places.find(person(), filters, 51, after=here)
    assert places.find(person(who), filters, 51, before=here) == places.find(
        person(), filters, 51, before=here
    )


def test_a_case_with_many_files_of_one_name_is_found_once(clinic):
    me = person()
    exam = Exam(group_id=me.group_id, owner_id=me.id)
    db.session.add(exam)
    db.session.flush()
    facts = {
        "size_bytes": 1,
        "format": "png",
        "width": 1,
        "height": 1,
        "uploader_id": me.id,
        "sha256": "1" * 64,
    }
    for position in range(150):
        name = f"loopy{position}.png"
        db.session.add(Image(exam_id=exam.id, position=position, filename=name, storage_key=name, **facts))
    db.session.commit()
    found = places.find(me, Filters(text="loopy"), 51)
    db.session.execute(sa.delete(Image).where(Image.exam_id == exam.id))
    db.session.delete(exam)
    assert [place.id for place in found] == [exam.id]
    db.session.rollback()
