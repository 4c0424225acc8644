"""Lists and presentations over HTTP, as a browser without scripts uses them."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest

from tests.scans import png
from tests.support import Visitor

JSON = {"Accept": "application/json"}
SECRET_NOTE = "Wait until somebody says shadow."


@pytest.fixture
def tutor(login) -> Visitor:
    return login("tutor")


@pytest.fixture
def cases(tutor) -> list[str]:
    """Two teaching cases of the tutor."""
    made = []
    for number in (1, 2):
        file = (io.BytesIO(png(number)), "scan.png")
        answer = tutor.submit("/uploads", {"files": [file]}, page="/upload", headers=JSON)
        image = answer.json["files"][0]["image_uid"]
        said = {"title": f"Mass {number}", "truth": "benign", "known_by": "pathology", "confirmed": "y"}
        answer = tutor.submit(f"/teaching/mark/{image}/0", said)
        made.append(uid_in(answer.location))
    return made


@pytest.fixture
def lesson(tutor, cases) -> str:
    """The uid of a list with both."""
    kept = uid_in(tutor.submit("/teaching/lists", {"name": "Week 1"}).location)
    assert tutor.submit(f"/teaching/lists/{kept}/cases", {"case": cases}).status_code == 303
    return kept


def uid_in(address: str) -> str:
    return re.findall(r"[0-9a-f]{32}", address)[-1]


def entries(page: str) -> list[str]:
    return re.findall(r'id="entry-([0-9a-f]{32})"', page)


class Seen(HTMLParser):
    """The words of a page outside elements with `hidden`: what a browser without scripts shows."""

    VOID = frozenset({"img", "input", "link", "meta", "br", "rect", "use", "col"})

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._open: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self._open.append("hidden" in dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._open):
            self.words += data.split()


def shown_parts(page: str) -> str:
    seen = Seen()
    seen.feed(page[page.index("<main") : page.index("</main>")])
    return " ".join(seen.words)


def started(tutor: Visitor, lesson: str) -> str:
    answer = tutor.submit(f"/presentations/start/{lesson}", {})
    assert answer.status_code == 303
    return answer.location


def test_a_list_is_made_filled_put_in_order_and_leads_back_after_an_undo(tutor, lesson):
    page = tutor.get(f"/teaching/lists/{lesson}").text
    first, second = entries(page)
    tutor.submit(f"/teaching/lists/entries/{second}/move", {"to": "up"})
    assert entries(tutor.get(f"/teaching/lists/{lesson}").text) == [second, first]
    assert tutor.submit(f"/teaching/lists/entries/{second}/move", {"to": "left"}).status_code == 400
    answer = tutor.submit(f"/teaching/lists/entries/{second}/out", {}, follow_redirects=True)
    assert entries(answer.text) == [first]
    assert f"/teaching/lists/entries/{second}/back" in answer.text
    tutor.submit(f"/teaching/lists/entries/{second}/back", {})
    assert entries(tutor.get(f"/teaching/lists/{lesson}").text) == [second, first]


def test_a_removed_list_is_undone_by_the_button_of_the_page(tutor, lesson):
    answer = tutor.submit(f"/teaching/lists/{lesson}/remove", {}, follow_redirects=True)
    assert "Week 1" not in shown_parts(answer.text)
    assert f"/teaching/lists/{lesson}/back" in answer.text
    tutor.submit(f"/teaching/lists/{lesson}/back", {})
    assert "Week 1" in tutor.get("/teaching").text


def test_a_name_that_can_not_be_used_and_notes_too_long_come_back_as_typed(tutor, lesson):
    answer = tutor.submit(f"/teaching/lists/{lesson}", {"name": " ", "order": "shuffled"})
    assert answer.status_code == 422
    assert "Give the list a name" in answer.text
    (entry, _) = entries(answer.text)
    answer = tutor.submit(f"/teaching/lists/entries/{entry}/notes", {"notes": "long " * 1000})
    assert answer.status_code == 422
    assert "long long" in answer.text
    assert "At most 4000 characters" in answer.text


def test_without_scripts_the_links_lead_step_by_step_through_every_case(tutor, lesson):
    address, seen = started(tutor, lesson), []
    while address:
        page = tutor.get(address).text
        seen.append(shown_parts(page))
        found = re.search(r'<a class="tool is-next"[^>]*href="([^"]+)"', page)
        address = found and found[1].replace("&amp;", "&")
    assert len(seen) == 1 + 2 * 3 + 1, "start, then image, question and truth of each case, end"
    assert "Look" in seen[1]
    assert "What is it?" in seen[2]
    assert "Hands" in seen[2]
    assert "Mass" not in " ".join(seen[1:3]), "a title may tell the answer"
    assert "Known by pathology" in seen[3]
    assert "Mass 1" in seen[3]
    assert "That was the last case" in seen[-1]


def test_the_notes_are_on_their_own_page_and_nowhere_in_the_projected_one(tutor, lesson):
    entry = entries(tutor.get(f"/teaching/lists/{lesson}").text)[0]
    tutor.submit(f"/teaching/lists/entries/{entry}/notes", {"notes": SECRET_NOTE})
    show = started(tutor, lesson)
    assert SECRET_NOTE not in tutor.get(show).text
    assert SECRET_NOTE in tutor.get(f"{show}/notes").text


def test_hands_are_counted_by_form_and_by_script_and_summed_up(tutor, lesson, cases):
    show = started(tutor, lesson)
    first, second = (f"{show}/hands/{case}" for case in cases)
    answer = tutor.submit(f"{first}?case=1&step=truth", {"benign": "12", "malignant": "", "unsure": "3"})
    assert answer.status_code == 303
    assert answer.location.endswith("?case=1&step=truth")
    answer = tutor.submit(second, {"malignant": "5"}, headers=JSON)
    assert (answer.status_code, answer.data) == (204, b"")
    for wrong in ("x", "-1", "10000"):
        assert tutor.submit(first, {"benign": wrong}, headers=JSON).status_code == 422
    assert 'value="12"' in tutor.get(f"{show}?case=1&step=question").text
    words = shown_parts(tutor.get(f"{show}/summary").text)
    assert "hands counted for 2" in words
    assert "12 of 15" in words
    assert "0 of 5" in words
    assert "12 of 20" in words


def test_a_count_without_the_form_token_is_refused(tutor, lesson, cases):
    show = started(tutor, lesson)
    assert tutor.post(f"{show}/hands/{cases[0]}", data={"benign": "1"}).status_code == 400


def test_the_projected_page_has_every_picture_and_no_inline_style_or_script(tutor, lesson, cases):
    page = tutor.get(started(tutor, lesson)).text
    assert all(f"/teaching/cases/{case}/scan.png" in page for case in cases)
    for inline in (" style=", "<script>", " onclick=", "<style"):
        assert inline not in page


def test_the_worker_may_look_after_presentations_and_nothing_else(tutor):
    with tutor.get("/presentations/worker.js") as answer:
        assert answer.mimetype in {"text/javascript", "application/javascript"}
        assert "Service-Worker-Allowed" not in answer.headers


def test_an_empty_list_says_what_to_do_in_place_of_presenting(tutor):
    kept = uid_in(tutor.submit("/teaching/lists", {"name": "Empty"}).location)
    answer = tutor.submit(f"/presentations/start/{kept}", {}, follow_redirects=True)
    assert "There is no case in this list yet" in answer.text


def test_a_case_goes_into_a_list_from_its_own_page_once(tutor, cases, lesson):
    other = uid_in(tutor.submit("/teaching/lists", {"name": "Week 2"}).location)
    page, where = f"/teaching/cases/{cases[0]}", f"/teaching/cases/{cases[0]}/lists"
    assert "Week 2 (0)" in tutor.get(page).text
    added = tutor.submit(where, {"list": other}, page=page, follow_redirects=True)
    assert "Added at the end of Week 2." in added.text
    again = tutor.submit(where, {"list": other}, page=page, follow_redirects=True)
    assert "It is in Week 2 already." in again.text
    assert len(entries(tutor.get(f"/teaching/lists/{other}").text)) == 1
    assert tutor.submit(where, {"list": "f" * 32}, page=page).status_code == 404
