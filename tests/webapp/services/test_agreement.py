"""Only current reads count, each scan by its leading analysis, each breast by its own outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import flask_migrate
import pytest
from sqlalchemy import select

from tests.support import PASSWORD
from tests.webapp.rows import add_analysis, add_exam, add_image, add_outcome
from webapp import create_app
from webapp.config import ROOT
from webapp.errors import Forbidden
from webapp.extensions import db
from webapp.models import Patient, Read, now
from webapp.services import accounts, agreement, agreement_counts, agreement_rows
from webapp.services.agreement_rows import Scope


@pytest.fixture(autouse=True)
def _context(config, monkeypatch):
    monkeypatch.setattr(agreement_counts, "REST", 0)  # however slow the machine that the tests run on
    with create_app(config).app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def person(who: str = "radiologist", group: str = "north"):
    return accounts.find(f"{who}@{group}.example")


def add_scan(
    call: str = "suspicious", label: str = "malignant", exam=None, position: int = 0, **more: object
):
    """A scan of the group North with the network's answer."""
    exam = exam or add_exam(person(), **{key: more.pop(key) for key in ("synthetic",) if key in more})
    image = add_image(exam, position, laterality=more.pop("laterality", None))
    p = {"malignant": 0.7, "benign": 0.2, "normal": 0.1}
    add_analysis(image, call=call, top_label=label, probabilities=p, **{"malignant": 0.7, **more})
    return image


def add_read(image, who: str = "radiologist", version: int = 1, **said: object) -> Read:
    read = Read(image_id=image.id, reader_id=person(who).id, version=version, **said)
    db.session.add(read)
    db.session.commit()
    return read


def report(who: str = "radiologist", **scope: object) -> agreement.Report:
    db.session.commit()
    return agreement.report(person(who), Scope(**scope))


def rows() -> tuple[list, list]:
    """What the statements of `agreement_rows` give: scans and reads, in the order of the scans."""
    db.session.commit()
    scan = agreement_rows.scans(agreement_rows.allowed(person(), Scope())).cte()
    said = agreement_rows.reads(Scope(), scan).subquery()
    found = (select(of).order_by(of.c.id) for of in (scan, said))
    return tuple(db.session.execute(wanted).all() for wanted in found)


def test_only_the_current_version_of_each_readers_read_counts():
    image = add_scan()
    add_read(image, version=1, own_class="benign")
    add_read(image, version=2, own_class="malignant")
    add_read(image, "colleague", own_class="benign")
    found = report()
    assert found.reads == 2
    assert found.calls.matrix.counts == ((1, 1), (0, 0))


def test_birads_decides_the_call_before_the_class_does():
    said = [
        ("4A", "benign", "suspicious", "4"),
        ("3", "malignant", "not suspicious", "3"),
        ("6", "malignant", "suspicious", None),
        ("0", "malignant", "suspicious", None),
        ("0", None, None, None),
        (None, "normal", "not suspicious", None),
    ]
    for birads, own_class, *_ in said:
        add_read(add_scan(), birads=birads, own_class=own_class)
    assert [(read.own_call, read.birads) for read in rows()[1]] == [(call, kept) for *_, call, kept in said]


def test_who_agrees_and_names_no_class_has_that_of_the_second_read_on_the_screen():
    image = add_scan(label="benign", call="not_suspicious")
    add_read(image, agrees=True, analysis_id=image.analyses[0].id)
    add_read(image, "colleague", agrees=False, analysis_id=image.analyses[0].id)
    labels = {said.reader: said.own_label for said in rows()[1]}
    assert labels == {person().id: "benign", person("colleague").id: None}


def test_the_outcome_is_that_of_the_breast_and_a_withdrawn_one_is_none():
    exam = add_exam(person())
    left, right = (add_scan(exam=exam, position=n, laterality=side) for n, side in enumerate("LR"))
    unknown = add_scan(exam=exam, position=2)
    add_outcome(exam, "malignant", "L")
    add_outcome(exam, "benign", "R")
    add_outcome(exam, None, "R", version=2, withdrawn=True, method=None, dated=None)
    db.session.commit()
    truths = {scan.id: scan.truth for scan in rows()[0]}
    assert truths == {left.id: "malignant", right.id: None, unknown.id: None}


def test_sensitivity_and_specificity_are_those_of_the_calls():
    for truth, call, reader in [("malignant", 1, 1), ("malignant", 0, 1), ("benign", 0, 0), ("normal", 1, 0)]:
        exam = add_exam(person())
        image = add_scan(
            "suspicious" if call else "not_suspicious", exam=exam, malignant=0.7 if call else 0.1
        )
        add_outcome(exam, truth)
        add_read(image, birads="4" if reader else "2")
    found = report()
    assert (found.network.sensitivity.value, found.network.specificity.value) == (0.5, 0.5)
    mine, network = found.readers
    assert (mine.name, mine.sensitivity.value, mine.specificity.value, mine.kappa.value) == (
        "Radiologist",
        1,
        1,
        1,
    )
    assert (network.name, network.n) == ("The network on the same scans", 4)
    assert (mine.sensitivity.n, mine.sensitivity.method) == (2, "wilson")
    assert found.readers_truth.matrix.counts == ((2, 0), (0, 2))
    assert found.area.value == 0.5
    assert found.curve[0] == (0, 0)
    assert found.curve[-1] == (1, 1)


def test_images_of_one_patient_are_resampled_together():
    patient = Patient(group_id=person().group_id, reference="P")
    db.session.add(patient)
    for _ in range(3):
        add_read(add_scan(exam=add_exam(person(), patient=patient)), own_class="malignant")
    add_read(add_scan(), own_class="malignant")
    line = report().calls.lines[0].estimate
    assert (line.n, line.patients) == (4, 2)


def test_readers_are_compared_by_their_birads_categories():
    for first, second in [("2", "3"), ("4A", "4C"), ("5", "5"), ("1", "1"), ("0", "4"), ("6", "5")]:
        image = add_scan()
        add_read(image, birads=first)
        add_read(image, "colleague", birads=second)
    (pair,) = report().pairs
    assert set(pair.names) == {"Radiologist", "Colleague"}
    assert (pair.same.value, pair.same.n) == (0.75, 4)
    assert pair.kappa.value == pytest.approx(1 - 0.25 / 1.75)  # apart by 1 in one of four; 28 / 16 by chance


def test_the_chosen_network_answers_in_place_of_the_newest():
    image = add_scan("suspicious")
    add_analysis(image, call="not_suspicious", network_checksum="b" * 64, network_version="2")
    add_read(image, birads="4")
    assert report().calls.matrix.counts == ((0, 0), (1, 0))
    assert report(network="a" * 64).calls.matrix.counts == ((1, 0), (0, 0))


def test_what_is_out_of_scope_for_the_network_is_counted_as_that_alone():
    add_read(add_scan(out_of_scope=True), birads="4")
    found = report()
    assert (found.flagged, found.reads, found.calls) == (1, 1, None)


def test_scans_drawn_by_code_are_left_out_unless_chosen():
    add_read(add_scan(synthetic=True), birads="4")
    assert [report(drawn=drawn).scans for drawn in ("real", "synthetic", "all")] == [0, 1, 1]


def test_dates_and_reader_narrow_it():
    image = add_scan()
    add_read(image, birads="4")
    add_read(image, "colleague", birads="2")
    assert report(since=now() - timedelta(hours=1)).scans == 1
    assert report(until=now() - timedelta(hours=1)).scans == 0
    assert report(reader=person("colleague").id).calls.matrix.counts == ((0, 1), (0, 0))


def test_a_radiologist_sees_the_own_group_and_an_admin_any():
    add_read(add_scan(), birads="4")
    north = person().group_id
    assert agreement.report(person(group="south"), Scope(group=north)).scans == 0
    assert report("admin").scans == report("admin", group=north).scans == 1
    with pytest.raises(Forbidden):
        report("tutor")


def test_nothing_at_all_is_no_error():
    found = report()
    assert (found.scans, found.calls, found.network_truth, found.network, found.readers) == (
        0,
        None,
        None,
        None,
        (),
    )


def add_mixed(times: int) -> None:
    """So many cases of two scans with an outcome, each read twice."""
    for _ in range(times):
        exam = add_exam(person())
        for position, (call, malignant) in enumerate((("suspicious", 0.8), ("not_suspicious", 0.1))):
            image = add_scan(call, exam=exam, position=position, malignant=malignant)
            for who, birads in (("radiologist", "4"), ("colleague", "2")):
                read = Read(image_id=image.id, reader_id=person(who).id, birads=birads, own_class="benign")
                db.session.add(read)
        add_outcome(exam, "malignant")
    db.session.commit()


def test_what_comes_back_from_the_database_does_not_grow_with_the_scans(monkeypatch):
    """Tables of counts are fetched: a row a cell, block and reader at most."""
    monkeypatch.setattr(agreement_rows, "BLOCKS", 2)

    def fetched() -> int:
        return len(db.session.execute(agreement_counts.statement(Scope())[1]).all())

    add_mixed(2)
    few = fetched()
    add_mixed(8)
    assert fetched() == few


def test_what_was_counted_is_kept_until_something_is_added(monkeypatch):
    counted = []
    count = agreement_counts.count
    monkeypatch.setattr(agreement_counts, "count", lambda scope: counted.append(scope) or count(scope))
    image = add_scan()
    add_read(image, birads="4")
    assert report() == report()
    assert len(counted) == 1
    add_read(image, birads="2", version=2)
    assert report().calls.matrix.counts == ((0, 1), (0, 0))
    assert len(counted) == 2


def test_what_takes_long_to_count_is_shown_for_a_while_whatever_is_added(monkeypatch):
    clock, rest = [1000.0], 20
    monkeypatch.setattr(agreement_counts, "REST", rest)
    monkeypatch.setattr(agreement_counts, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    count = agreement_counts.count

    def slowly(scope: Scope) -> agreement_counts.Counts:
        clock[0] += 2
        return count(scope)

    monkeypatch.setattr(agreement_counts, "count", slowly)
    add_read(add_scan(), birads="4")
    assert report().reads == 1
    add_read(add_scan(), birads="4")
    clock[0] += 2 * rest - 1
    assert report().reads == 1
    clock[0] += 2
    assert report().reads == 2


def test_it_is_counted_on_postgres_as_on_sqlite(postgres_url, config):
    def told() -> agreement.Report:
        add_mixed(12)
        add_read(add_scan(out_of_scope=True), agrees=True, birads="0")
        return report()

    here = told()
    app = create_app(config.model_copy(update={"database_url": postgres_url}))
    with app.app_context():
        flask_migrate.upgrade(str(ROOT / "migrations"))
        for who in ("radiologist", "colleague"):
            new = accounts.NewUser(f"{who}@north.example", who.title(), PASSWORD, "North", ("radiologist",))
            accounts.create(new)
        there = told()
        db.session.remove()
        db.engine.dispose()
    assert replace(there, at=here.at) == here
