"""Lists keep their order and their notes, a class the order of its day; hand counts arrive once, and late."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from tests.webapp.rows import add_analysis, add_exam, add_image, add_lesson, add_teaching_case
from webapp.errors import InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import AuditEntry, Image, Patient, TeachingEntry
from webapp.services import (
    accounts,
    demo,
    hands,
    presentations,
    slides,
    steps,
    teaching,
    teaching_entries,
    teaching_lists,
)
from webapp.services.hands import Hands
from webapp.services.slides import Second, Slide
from webapp.services.steps import Place


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def someone(who: str = "tutor", group: str = "north"):
    return accounts.find(f"{who}@{group}.example")


def cases(count: int, group: str = "north", **more: object):
    owner = someone("radiologist", group)
    exam = add_exam(owner)
    made = [add_teaching_case(add_image(exam, position), **more) for position in range(count)]
    db.session.commit()
    return made


def lesson(count: int = 3, group: str = "north", **more: object):
    kept = add_lesson(someone("tutor", group), *cases(count, group), **more)
    db.session.commit()
    return kept


def titles(kept) -> list[str]:
    return [entry.case.title for entry in teaching_entries.of_list(kept)]


def test_a_list_is_made_named_removed_and_put_back_as_it_was():
    kept = teaching_lists.create(someone(), "  Week 1  ")
    assert kept.name == "Week 1"
    teaching_lists.change(someone("radiologist"), kept.uid, "Week 2", shuffled=True)
    teaching_entries.add(someone(), kept.uid, [case.uid for case in cases(2)])
    assert [(each.list.name, each.cases) for each in teaching_lists.all_of(someone())] == [("Week 2", 2)]
    teaching_lists.remove(someone(), kept.uid)
    assert teaching_lists.all_of(someone()) == []
    with pytest.raises(NotFound):
        teaching_lists.require(someone(), kept.uid)
    back = teaching_lists.put_back(someone(), kept.uid)
    assert (back.name, back.shuffled, len(titles(back))) == ("Week 2", True, 2)


@pytest.mark.parametrize("name", ["", " \u200b ", "x" * 121])
def test_a_list_needs_a_name_that_can_be_read(name):
    with pytest.raises(InvalidInput) as refused:
        teaching_lists.create(someone(), name)
    assert set(refused.value.problems) == {"name"}


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([-100, -1, 1, 100])), max_size=6))
def test_moving_is_what_moving_in_a_list_is(moves):
    kept = lesson(5)
    expected = teaching_entries.of_list(kept)
    for which, by in moves:
        entry = expected[which]
        teaching_entries.move(someone(), entry.uid, by)
        expected.pop(which)
        expected.insert(max(0, which + by), entry)
        assert teaching_entries.of_list(kept) == expected


def test_a_case_is_in_a_list_once_and_comes_back_with_its_notes():
    kept = lesson(2)
    first, second = teaching_entries.of_list(kept)
    teaching_entries.note(someone(), first.uid, " Ask about the margin. ")
    assert teaching_entries.add(someone(), kept.uid, [first.case.uid, first.case.uid]) == 0
    teaching_entries.take_out(someone(), first.uid)
    assert teaching_entries.of_list(kept) == [second]
    teaching_entries.put_back(someone(), first.uid)
    assert teaching_entries.of_list(kept) == [first, second], "an undo brings it back to its place"
    teaching_entries.take_out(someone(), first.uid)
    assert teaching_entries.add(someone(), kept.uid, [first.case.uid]) == 1
    assert teaching_entries.of_list(kept) == [second, first], "added anew it is at the end"
    assert first.notes == "Ask about the margin."


def test_a_case_taken_out_of_teaching_leaves_every_list_and_comes_back_to_it():
    kept = lesson(2)
    gone = teaching_entries.of_list(kept)[0].case
    teaching.take_out(someone(), gone.uid)
    assert len(titles(kept)) == 1
    teaching.put_back(someone(), gone.uid)
    assert len(titles(kept)) == 2


def test_a_list_holds_no_more_than_a_browser_can_load(monkeypatch):
    monkeypatch.setattr(teaching_entries, "MAX_ENTRIES", 3)
    kept, more = lesson(2), cases(2)
    with pytest.raises(InvalidInput):
        teaching_entries.add(someone(), kept.uid, [case.uid for case in more])
    with pytest.raises(InvalidInput):
        teaching_entries.add(someone(), kept.uid, [])
    assert teaching_entries.add(someone(), kept.uid, [more[0].uid]) == 1


def test_notes_can_not_repeat_who_the_patient_is():
    kept = lesson(1)
    (entry,) = teaching_entries.of_list(kept)
    entry.case.image.exam.patient = Patient(group_id=kept.group_id, reference="REF-4711")
    db.session.commit()
    for notes in ("this is ref 4711", "x" * (teaching.MAX_NOTES + 1)):
        with pytest.raises(InvalidInput) as refused:
            teaching_entries.note(someone(), entry.uid, notes)
        assert set(refused.value.problems) == {"notes"}
    assert entry.notes == ""


@pytest.mark.parametrize(("who", "group"), [("tutor", "south"), ("admin", "north")])
def test_others_find_no_list_no_entry_and_no_class(who, group):
    kept, other = lesson(2), someone(who, group)
    entry = teaching_entries.of_list(kept)[0]
    show = presentations.start(someone(), kept.uid)
    assert teaching_lists.all_of(other) == presentations.held(other) == []
    for act in (
        lambda: teaching_lists.change(other, kept.uid, "Mine", shuffled=False),
        lambda: teaching_lists.remove(other, kept.uid),
        lambda: teaching_lists.put_back(other, kept.uid),
        lambda: teaching_entries.add(other, kept.uid, [entry.case.uid]),
        lambda: teaching_entries.move(other, entry.uid, 1),
        lambda: teaching_entries.note(other, entry.uid, "Mine"),
        lambda: teaching_entries.take_out(other, entry.uid),
        lambda: presentations.start(other, kept.uid),
        lambda: presentations.shown(other, show.uid),
        lambda: presentations.notes(other, show.uid),
        lambda: hands.count(other, show.uid, entry.case.uid, Hands(1)),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_case_of_another_group_can_not_be_added():
    kept = lesson(0)
    (foreign,) = cases(1, "south")
    with pytest.raises(NotFound):
        teaching_entries.add(someone(), kept.uid, [foreign.uid])


def test_a_fixed_order_is_that_of_the_list_and_stays_that_of_the_day():
    kept = lesson(4)
    order = [entry.case.uid for entry in teaching_entries.of_list(kept)]
    show = presentations.start(someone(), kept.uid)
    assert (show.case_uids, show.seed) == (order, None)
    teaching_entries.move(someone(), teaching_entries.of_list(kept)[0].uid, 3)
    assert [slide.uid for slide in presentations.shown(someone(), show.uid).slides] == order


def test_a_shuffled_order_is_dealt_by_its_seed_and_loses_no_case():
    kept = lesson(8, shuffled=True)
    order = [entry.case.uid for entry in teaching_entries.of_list(kept)]
    shows = [presentations.start(someone(), kept.uid) for _ in range(6)]
    assert all(sorted(show.case_uids) == sorted(order) for show in shows)
    assert all(show.case_uids == presentations.dealt(order, show.seed) for show in shows)
    assert len({tuple(show.case_uids) for show in shows}) > 1


def test_an_empty_list_is_not_presented():
    with pytest.raises(InvalidInput):
        presentations.start(someone(), lesson(0).uid)


def test_a_class_outlives_its_list_and_says_which_cases_are_gone():
    kept = lesson(3)
    show = presentations.start(someone(), kept.uid)
    first, second, _ = show.case_uids
    teaching.take_out(someone(), first)
    db.session.execute(delete(Image).where(Image.id == teaching.require(someone(), second).image_id))
    db.session.commit()
    teaching_lists.remove(someone(), kept.uid)
    shown = presentations.shown(someone(), show.uid)
    assert (len(shown.slides), shown.gone) == (1, 2)
    assert presentations.held(someone()) == [show]


def test_notes_are_in_the_order_of_the_day_and_a_slide_holds_none():
    kept = lesson(2, shuffled=True)
    for entry in teaching_entries.of_list(kept):
        teaching_entries.note(someone(), entry.uid, f"here: {entry.case.title}")
        entry.case.notes = "everywhere"
    show = presentations.start(someone(), kept.uid)
    notes = presentations.notes(someone(), show.uid)
    assert [note.slide.uid for note in notes] == show.case_uids
    assert [(note.here, note.general) for note in notes] == [
        (f"here: {note.slide.title}", "everywhere") for note in notes
    ]
    assert "everywhere" not in repr(presentations.shown(someone(), show.uid).slides)


def test_a_count_is_kept_replaced_and_summed_up():
    kept = lesson(3)
    benign, malignant, unknown = (entry.case for entry in teaching_entries.of_list(kept))
    benign.truth, malignant.truth = "benign", "malignant"
    show = presentations.start(someone(), kept.uid)
    hands.count(someone(), show.uid, benign.uid, Hands(1, 1, 1, 1))
    hands.count(someone(), show.uid, benign.uid, Hands(12, 5, 0, 3))
    hands.count(someone("radiologist"), show.uid, malignant.uid, Hands(malignant=4, unsure=1))
    hands.count(someone(), show.uid, unknown.uid, Hands(normal=9))
    shown = presentations.shown(someone(), show.uid)
    assert shown.hands[benign.uid] == Hands(12, 5, 0, 3)
    assert (shown.judged.cases, shown.judged.right, shown.judged.total) == (2, 16, 25)
    assert shown.counted == 3


def test_a_late_count_of_a_case_taken_out_meanwhile_is_kept():
    show = presentations.start(someone(), lesson(1).uid)
    teaching.take_out(someone(), show.case_uids[0])
    hands.count(someone(), show.uid, show.case_uids[0], Hands(benign=2))
    assert hands.of(show)[show.case_uids[0]].total == 2


@pytest.mark.parametrize("wrong", [Hands(benign=-1), Hands(unsure=10_000)])
def test_a_count_that_can_not_be_is_refused(wrong):
    show = presentations.start(someone(), lesson(1).uid)
    with pytest.raises(InvalidInput):
        hands.count(someone(), show.uid, show.case_uids[0], wrong)
    with pytest.raises(NotFound):
        hands.count(someone(), show.uid, cases(1)[0].uid, Hands(1))
    assert hands.of(show) == {}


def test_what_is_done_to_lists_and_classes_is_in_the_log():
    kept = lesson(1)
    (entry,) = teaching_entries.of_list(kept)
    teaching_entries.note(someone(), entry.uid, "Ask.")
    show = presentations.start(someone(), kept.uid)
    for _ in range(2):  # the same count once more is no new act
        hands.count(someone(), show.uid, entry.case.uid, Hands(3))
    teaching_lists.remove(someone(), kept.uid)
    said = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert said[-4:] == ["list_changed", "presented", "hands_counted", "list_removed"]


def slide(*, second: bool = True, heat: str | None = "benign", reads: bool = True) -> Slide:
    said = Second("benign", {"benign": 1.0}, "not_suspicious", 0.2, False, None, heat, "", False)
    return Slide("u", "t", 4, 3, True, said if second else None, ("a read",) if reads else (), None, None)


def test_the_steps_go_from_the_start_over_every_case_to_the_end_and_back():
    show = [slide(), slide(second=False, reads=False)]
    walked, at = [], steps.around(show, 0, "")
    while at.after is not None:
        walked.append((at.here.sheet, at.here.step))
        assert steps.around(show, at.after.sheet, at.after.step).before == at.here
        at = steps.around(show, at.after.sheet, at.after.step)
    first = ["image", "question", "call", "heatmap", "reads", "truth"]
    assert walked == [
        (0, "start"),
        *((1, step) for step in first),
        (2, "image"),
        (2, "question"),
        (2, "truth"),
    ]
    assert at.here == Place(3, "end")


@given(st.integers(-5, 99), st.text(max_size=9))
def test_any_address_is_a_place(sheet, step):
    found = steps.around([slide()], sheet, step).here
    assert 0 <= found.sheet <= 2


def test_reads_and_heatmap_are_steps_where_the_case_has_them():
    case = cases(1)[0]
    assert slides.of_cases([case])[0].steps == ("image", "question", "truth")
    heat = {"values": [[0.5]], "peak": None, "area": 0.0, "words": "None."}
    add_analysis(case.image, heatmaps={"normal": heat})
    assert slides.of_cases([case])[0].steps == ("image", "question", "call", "heatmap", "truth")


@pytest.mark.parametrize(
    ("verdict", "told"), [("unreliable", True), ("reliable", False), ("untested", False)]
)
def test_a_class_is_told_that_a_heatmap_is_unreliable(verdict, told):
    case = cases(1)[0]
    trust = {"verdict": verdict, "words": "Of 96."}
    heat = {"values": [[0.5]], "peak": None, "area": 0.0, "words": "None.", "reliability": trust}
    add_analysis(case.image, heatmaps={"normal": heat})
    assert slides.of_cases([case])[0].second.heat_unreliable == told


def test_the_demo_has_a_list_ready_to_present_and_a_removed_one_stays_removed(monkeypatch):
    monkeypatch.setattr(demo, "SCANS", demo.SCANS[1:3])
    demo.seed()
    tutor = accounts.find("tutor@demo.secondread.example")
    (listed,) = teaching_lists.all_of(tutor)
    assert (listed.list.name, listed.cases) == (demo.LESSON, 2)
    assert titles(listed.list) == ["Synthetic case 1", "Synthetic case 2"]
    teaching_lists.remove(tutor, listed.list.uid)
    demo.seed()
    assert teaching_lists.all_of(tutor) == []
    assert len(db.session.scalars(select(TeachingEntry)).all()) == 2
