"""The history: newest first, by key, for whoever may see it, at a cost that does not grow with the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain

import flask_migrate
import pytest
from sqlalchemy import event, select

from tests.webapp.rows import add_analysis, add_exam, add_image, add_one_of_each
from webapp import create_app
from webapp.config import ROOT
from webapp.extensions import db
from webapp.models import Analysis, Exam, Job, Patient, Read, User
from webapp.services import accounts, history
from webapp.services.filters import Filters

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ALL = Filters()


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def person(who: str = "radiologist", group: str = "north"):
    return accounts.find(f"{who}@{group}.example")


def add_case(owner=None, minutes: int = 0, *, reference=None, filename="scan.png", **more) -> Exam:
    owner = owner or person()
    patient = Patient(group_id=owner.group_id, reference=reference) if reference else None
    exam = add_exam(owner, patient=patient, created_at=NOON - timedelta(minutes=minutes), **more)
    add_image(exam, filename=filename)
    return exam


def add_read(exam: Exam, reader=None, version: int = 1) -> None:
    image = exam.images[0]
    db.session.add(Read(image_id=image.id, reader_id=(reader or person()).id, version=version, birads="2"))


def found(filters: Filters = ALL, who=None) -> list[str]:
    db.session.commit()
    return [row.uid for row in history.page(who or person(), filters).rows]


def walk(size: int) -> list[list[str]]:
    pages, after = [], None
    while True:
        page = history.page(person(), ALL, after=after, size=size)
        pages.append([row.uid for row in page.rows])
        if page.older is None:
            return pages
        after = page.older


def test_the_newest_case_comes_first():
    old, new, middle = add_case(minutes=60), add_case(minutes=1), add_case(minutes=30)
    assert found() == [new.uid, middle.uid, old.uid]


def test_pages_cover_every_case_once_even_where_many_came_in_the_same_instant():
    exams = [add_case(minutes=n // 4) for n in range(11)]
    db.session.commit()
    pages = walk(size=3)
    assert [len(page) for page in pages] == [3, 3, 3, 2]
    assert sorted(chain.from_iterable(pages)) == sorted(exam.uid for exam in exams)


def test_going_back_shows_the_page_that_one_came_from():
    for n in range(9):
        add_case(minutes=n)
    db.session.commit()
    first = history.page(person(), ALL, size=3)
    second = history.page(person(), ALL, after=first.older, size=3)
    third = history.page(person(), ALL, after=second.older, size=3)
    assert history.page(person(), ALL, before=third.newer, size=3) == second
    assert first.newer is None
    assert third.older is None


def test_going_back_to_the_top_shows_a_full_first_page():
    for n in range(5):
        add_case(minutes=n)
    db.session.commit()
    first = history.page(person(), ALL, size=3)
    second = history.page(person(), ALL, after=first.older, size=3)
    add_case(minutes=-1)
    db.session.commit()
    top = history.page(person(), ALL, before=second.newer, size=9)
    assert len(top.rows) == 6
    assert top.newer is None


def test_a_case_that_comes_in_meanwhile_moves_no_row_to_another_page():
    for n in range(6):
        add_case(minutes=n)
    db.session.commit()
    first = history.page(person(), ALL, size=3)
    second = history.page(person(), ALL, after=first.older, size=3)
    add_case(minutes=-5)
    db.session.commit()
    assert history.page(person(), ALL, after=first.older, size=3) == second


def test_nobody_sees_the_cases_of_another_group():
    mine = add_case()
    add_case(person("radiologist", "south"))
    assert found() == [mine.uid]


def test_an_admin_sees_no_case():
    add_case()
    add_case(person("radiologist", "south"))
    assert found(who=person("admin")) == []


@pytest.mark.parametrize("wanted", ["P-77", "p-77", "ACC9", "-7", "9 lef", "left breast", "BREAST.PNG"])
def test_search_finds_words_of_reference_accession_and_file_name_by_their_beginning(wanted):
    case = add_case(reference="P-77", accession="acc9", filename="Left breast.png")
    add_case(reference="Q1", accession="B2", filename="other.png")
    assert found(Filters(text=wanted)) == [case.uid]


@pytest.mark.parametrize("wanted", ["eft", "77-P 8", "acc9 other"])
def test_search_finds_nothing_where_a_word_of_it_begins_none_of_the_case(wanted):
    add_case(reference="P-77", accession="acc9", filename="Left breast.png")
    add_case(filename="other.png")
    assert found(Filters(text=wanted)) == []


@pytest.mark.parametrize("wanted", ["%", "_", "\\", "' OR 1=1 --"])
def test_search_takes_signs_of_sql_for_themselves(wanted):
    add_case(reference="P1")
    assert found(Filters(text=wanted)) == []


def test_class_and_result_ask_whether_any_image_of_the_case_meets_them():
    case = add_case()
    add_analysis(case.images[0], top_label="benign", call="not_suspicious")
    second = add_image(case, 1)
    add_analysis(second, top_label="malignant", malignant=0.9, call="suspicious")
    add_case()
    for filters in (Filters(label="benign"), Filters(label="malignant"), Filters(result="suspicious")):
        assert found(filters) == [case.uid]
    assert found(Filters(label="normal")) == []


def test_a_case_out_of_scope_is_found_as_that_and_under_no_class():
    case = add_case()
    add_analysis(case.images[0], out_of_scope=True, reason="A photo.")
    assert found(Filters(result="out_of_scope")) == [case.uid]
    assert found(Filters(label="normal")) == []
    assert found(Filters(result="suspicious")) == []


@pytest.mark.parametrize(
    ("state", "result"), [("queued", "waiting"), ("running", "waiting"), ("failed", "failed")]
)
def test_waiting_and_failed_cases_are_found_by_their_jobs(state, result):
    case = add_case()
    db.session.add(Job(image_id=case.images[0].id, state=state))
    done = add_case()
    add_analysis(done.images[0])
    assert found(Filters(result=result)) == [case.uid]


def test_dates_are_half_open():
    add_case(minutes=1)
    case = add_case(minutes=0)
    add_case(minutes=-10)
    assert found(Filters(since=NOON, until=NOON + timedelta(minutes=10))) == [case.uid]


def test_read_unread_and_reader_follow_the_reads():
    mine, theirs, nobodys = add_case(minutes=1), add_case(minutes=2), add_case(minutes=3)
    add_read(mine)
    add_read(theirs, person("colleague"))
    assert found(Filters(reading="read")) == [mine.uid, theirs.uid]
    assert found(Filters(reading="unread")) == [nobodys.uid]
    assert found(Filters(reading="unread_by_me")) == [theirs.uid, nobodys.uid]
    assert found(Filters(reader=person("colleague").id)) == [theirs.uid]


def test_filters_are_met_together():
    case = add_case(reference="P1")
    add_analysis(case.images[0], top_label="benign")
    other = add_case(reference="P2")
    add_analysis(other.images[0], top_label="malignant")
    assert found(Filters(text="P", label="benign")) == [case.uid]
    assert found(Filters(text="P2", label="benign")) == []


def test_a_row_counts_readers_not_versions_and_knows_mine():
    case = add_case()
    add_read(case)
    add_read(case, version=2)
    add_read(case, person("colleague"))
    db.session.commit()
    (row,) = history.page(person(), ALL).rows
    assert (row.readers, row.read_by_me) == (2, True)


def test_the_most_suspicious_image_in_scope_speaks_for_a_case():
    case = add_case()
    add_analysis(case.images[0], malignant=0.2, top_label="normal")
    worst = add_image(case, 1)
    add_analysis(worst, malignant=0.6, top_label="malignant")
    flagged = add_image(case, 2)
    add_analysis(flagged, malignant=0.99, top_label="malignant", out_of_scope=True)
    db.session.commit()
    (row,) = history.page(person(), ALL).rows
    assert row.lead.uid == worst.uid


def test_the_most_suspicious_frame_speaks_for_an_image():
    case = add_case()
    image = case.images[0]
    add_analysis(image, malignant=0.7, top_label="malignant", probabilities={"malignant": 0.7})
    job = Job(image_id=image.id, frame=1, state="done")
    db.session.add(job)
    db.session.flush()
    later = add_analysis_of_frame(image, job, 0.1)
    db.session.commit()
    (row,) = history.page(person(), ALL).rows
    assert row.lead.finding.malignant == 0.7
    assert later.malignant == 0.1


def add_analysis_of_frame(image, job, malignant):
    analysis = Analysis(
        image_id=image.id, job_id=job.id, frame=1, network_name="tiny", network_version="1",
        network_checksum="a" * 64, probabilities={"benign": 1 - malignant}, call="not_suspicious",
        threshold=0.2, malignant=malignant, top_label="benign", heatmaps={},
    )  # fmt: skip
    db.session.add(analysis)
    return analysis


def statements(work) -> int:
    """How many statements `work` sends to the database."""
    sent = []

    def count(connection, cursor, statement, *rest):
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        work()
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    return len(sent)


def test_a_page_costs_the_same_number_of_queries_however_long_it_is():
    def fill(times: int) -> None:
        for n in range(times):
            exam = add_case(minutes=n, reference=f"P{db.session.query(Patient).count()}")
            add_analysis(exam.images[0])
            add_read(exam)
        db.session.commit()

    def look() -> None:
        db.session.expire_all()
        assert [row.name for row in history.page(me, ALL).rows]

    fill(2)
    me = person()
    few = statements(look)
    fill(30)
    assert statements(look) == few


def test_neighbours_are_those_of_the_filtered_history():
    newest, middle, oldest = add_case(minutes=1), add_case(minutes=2), add_case(minutes=3)
    add_case(minutes=2, filename="other.png")
    db.session.commit()
    only = Filters(text="scan")
    assert history.neighbours(person(), only, middle) == (newest.uid, oldest.uid)
    assert history.neighbours(person(), only, newest) == (None, middle.uid)
    assert history.neighbours(person(), only, oldest) == (middle.uid, None)


def test_everything_comes_in_batches_and_once():
    for n in range(7):
        add_case(minutes=n // 2)
    db.session.commit()
    batches = [[exam.uid for exam in batch] for batch in history.everything(person(), ALL, size=3)]
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert len(set(chain.from_iterable(batches))) == 7


def test_paging_by_key_works_on_postgres_too(postgres_url, config):
    app = create_app(config.model_copy(update={"database_url": postgres_url.replace("://", "+psycopg://")}))
    with app.app_context():
        flask_migrate.upgrade(str(ROOT / "migrations"))
        add_one_of_each()
        me = db.session.scalars(select(User)).one()
        for n in range(5):
            add_exam(me, created_at=NOON - timedelta(minutes=n // 2))
        db.session.commit()
        first = history.page(me, ALL, size=2)
        second = history.page(me, Filters(text=""), after=first.older, size=9)
        assert len(first.rows) + len(second.rows) == 6
        assert [row.name for row in history.page(me, Filters(text="p1")).rows] == ["P1"]
        db.session.remove()
        db.engine.dispose()
