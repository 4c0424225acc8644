"""A tutor presents a list in a real browser: by keyboard, with the connection cut in the middle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import scans
from tests.browser.conftest import SCREENSHOTS, Desk
from tests.browser.test_pages import PHONE, overflow, serious
from tests.live import EMAIL, Person, Site
from tests.services_support import wait_for
from tests.support import PASSWORD
from webapp.services import demo

NOTE = "Wait until somebody says shadow."
STEPS = ("image", "question", "call", "heatmap", "truth")

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]


class Tutor(Person):
    """Somebody who prepares a lesson."""

    def send(self, path: str, **form: object) -> str:
        """Fill in a form; the last identifier of the address that it leads to."""
        answer = self._post(path, data={"csrf_token": self.token, **form})
        answer.raise_for_status()
        return re.findall(r"[0-9a-f]{32}", answer.url)[-1]

    def is_analysed(self, image: str) -> bool:
        """Whether the second read of an image is there."""
        return not self.session.get(f"{self.site.url}/news?image={image}", timeout=30).json()[image][
            "pending"
        ]


@pytest.fixture(scope="session")
def lesson(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The uid of a list with two analysed cases, notes with the first."""
    shown = (demo.ACCOUNTS[0].email, demo.PASSWORD)
    tutor = Tutor(site, *(shown if SCREENSHOTS else (EMAIL, PASSWORD)))
    folder, cases = tmp_path_factory.mktemp("lesson"), []
    for seed, kind in ((71, "irregular"), (72, "cyst")):
        image = tutor.upload("scan.png", scans.png(folder, kind, seed, f"{seed}.png").read_bytes())[
            "image_uid"
        ]
        wait_for(lambda image=image: tutor.is_analysed(image), 180)
        said = {
            "title": kind,
            "truth": "malignant" if kind == "irregular" else "benign",
            "known_by": "consensus",
        }
        cases.append(tutor.send(f"/teaching/mark/{image}/0", confirmed="y", notes=NOTE, **said))
    kept = tutor.send("/teaching/lists", name="Week 1")
    tutor.send(f"/teaching/lists/{kept}/cases", case=cases)
    yield kept
    tutor.close()


@pytest.fixture
def started(page: Page, lesson: str) -> Page:
    """A presentation that is loaded, before its first case."""
    page.goto(f"/teaching/lists/{lesson}")
    page.get_by_role("button", name="Present").click()
    expect(page.locator("[data-show]")).to_have_attribute("data-kept", "yes")
    expect(page.locator("[data-loading-words]")).to_contain_text("the connection may be lost from here on")
    return page


def stands(page: Page, case: int, step: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-step", step)
    expect(page.locator(".which:visible")).to_contain_text(f"Case {case}")
    expect(page).to_have_url(re.compile(rf"case={case}&step={step}$"))


def drawn(page: Page) -> int:
    """Width of the picture that is seen, in its own pixels; 0 where it is not there."""
    return page.locator(".slide:visible .sheet img").first.evaluate("image => image.naturalWidth")


def count(page: Page, *numbers: str) -> None:
    page.keyboard.press("c")
    for number in numbers:
        page.keyboard.type(number)
        page.keyboard.press("Enter")


def test_a_tutor_marks_a_case_puts_it_in_a_new_list_and_presents_it(
    page: Page, desk: Desk, site: Site, tmp_path: Path
) -> None:
    """From the case page to the first slide, by the pages alone."""
    tutor = Tutor(site, desk.email, desk.password)
    scan = scans.png(tmp_path, "smooth", 81, "81.png").read_bytes()
    image = tutor.upload("scan.png", scan)["image_uid"]
    wait_for(lambda: tutor.is_analysed(image), 180)
    tutor.close()
    page.goto("/")
    page.locator(".cases tbody a.case-link").first.click()
    page.get_by_role("link", name="Use this image for teaching").click()
    seen = page.get_by_alt_text("The picture as a class would see it")
    assert seen.evaluate("image => image.naturalWidth") > 0
    page.get_by_label("Title").fill("Oval and smooth")
    page.locator("label[for^=truth]", has_text="Benign").click()
    page.get_by_label("The truth is known by").select_option("consensus")
    page.locator("input[name=confirmed]").check()
    page.get_by_role("button", name="Mark for teaching").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Oval and smooth")
    page.get_by_role("navigation").get_by_role("link", name="Teaching", exact=True).click()
    page.get_by_label("Name of a new list").fill("Week 2")
    page.get_by_role("button", name="Make a list").click()
    page.get_by_role("navigation").get_by_role("link", name="Teaching", exact=True).click()
    page.get_by_role("link", name="Oval and smooth").first.click()
    page.get_by_label("List").select_option(label="Week 2 (0)")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("navigation").get_by_role("link", name="Teaching", exact=True).click()
    page.get_by_role("link", name="Week 2").first.click()
    page.get_by_role("button", name="Present").click()
    expect(page.locator("[data-show]")).to_have_attribute("data-kept", "yes")
    page.keyboard.press("Space")
    stands(page, 1, "image")
    assert drawn(page) > 0


def test_a_class_goes_on_without_the_connection_and_its_counts_arrive_afterwards(
    started: Page, site: Site, desk: Desk
) -> None:
    page, state = started, started.locator(".state")
    for step in STEPS:
        page.keyboard.press(" ")
        stands(page, 1, step)
        expect(page.locator("[data-heat]:visible")).to_have_count(1 if step == "heatmap" else 0)
        expect(page.locator(".truth:visible")).to_have_count(1 if step == "truth" else 0)
        if step == "question":
            count(page, "3", "14")
    page.keyboard.press("h")
    expect(page.locator("[data-heat]:visible")).to_have_count(1)
    page.keyboard.press("b")
    stands(page, 1, "heatmap")

    page.wait_for_function("() => !Object.keys(localStorage).some((name) => name.includes(':hands:'))")
    page.context.set_offline(True)
    site.kill("web")
    expect(state).to_contain_text("No connection")
    for _ in range(3):
        page.keyboard.press(" ")
    stands(page, 2, "question")
    assert drawn(page) > 0
    count(page, "9", "1", "0", "2")
    expect(state).to_contain_text("not sent yet: 1 count")
    expect(page.locator(".slide:visible [data-total]")).to_have_text("12")
    page.reload()
    stands(page, 2, "question")
    assert drawn(page) > 0, "a reload without a connection shows the same picture"
    expect(page.locator(".slide:visible input[name=benign]")).to_have_value("9")
    page.keyboard.press("b")
    page.keyboard.press("b")
    stands(page, 1, "truth")
    expect(page.locator(".slide:visible [data-total]")).to_have_text("17")
    for _ in range(3):
        page.keyboard.press(" ")
    stands(page, 2, "call")

    site.start("web")
    site.wait_until_up()
    page.context.set_offline(False)
    expect(state).not_to_contain_text("not sent yet", timeout=30_000)
    expect(state).not_to_contain_text("No connection")
    page.keyboard.press("Escape")
    expect(page.locator("#out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("/summary$"))
    expect(page.locator(".answers tbody tr").nth(0)).to_contain_text("14 of 17")
    expect(page.locator(".answers tbody tr").nth(1)).to_contain_text("9 of 12")
    desk.complaints[:] = [said for said in desk.complaints if "net::ERR_" not in said]


def test_it_goes_on_where_it_was_after_a_reload_and_from_the_list(started: Page, lesson: str) -> None:
    page = started
    for _ in range(3):
        page.keyboard.press(" ")
    page.reload()
    stands(page, 1, "call")
    page.goto(f"/teaching/lists/{lesson}")
    page.get_by_role("link", name="Go on").first.click()
    stands(page, 1, "call")


def test_signing_out_leaves_no_copy_of_a_presentation_behind(started: Page) -> None:
    page, kept = started, "() => caches.keys()"
    assert len(page.evaluate(kept)) == 1
    page.goto("/teaching")
    page.locator(".who summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.wait_for_function("async () => (await caches.keys()).length === 0", timeout=10_000)


def test_the_notes_follow_in_another_window_and_are_not_projected(started: Page) -> None:
    page = started
    assert NOTE not in page.content()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Tutor’s notes").click()
    notes = opened.value
    expect(notes.get_by_text(NOTE).first).to_be_visible()
    page.keyboard.press(" ")
    expect(notes.locator("[aria-current=step]")).to_contain_text("1. irregular scan")


def test_a_list_is_put_in_order_by_keyboard_and_keeps_the_focus(page: Page, lesson: str) -> None:
    page.goto(f"/teaching/lists/{lesson}")
    titles = page.locator(".entry-link")
    expect(titles).to_have_text(["irregular", "cyst"])
    page.locator(".entry-row summary").nth(1).click()
    page.locator(".entry-row textarea").nth(1).fill("Half a thought")
    page.locator(".entry-link").first.focus()
    page.keyboard.press("J")
    expect(titles).to_have_text(["cyst", "irregular"])
    expect(titles.nth(1)).to_be_focused()
    expect(page.locator(".entry-row textarea").first).to_have_value("Half a thought")
    page.keyboard.press("K")
    expect(titles).to_have_text(["irregular", "cyst"])
    page.get_by_role("button", name="Move down: irregular").click()
    expect(titles).to_have_text(["cyst", "irregular"])
    expect(page.get_by_role("button", name="Move down: irregular")).to_be_focused()
    page.keyboard.press("K")
    expect(titles).to_have_text(["irregular", "cyst"])


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_page_of_a_class_has_a_serious_fault_or_scrolls_sideways(
    started: Page, lesson: str, theme: str
) -> None:
    page, faults = started, {}
    show = page.url.split("?")[0]
    addresses = [f"{show}?case=1&step={step}" for step in STEPS]
    for address in (
        show,
        *addresses,
        f"{show}/notes",
        f"{show}/summary",
        f"/teaching/lists/{lesson}",
        "/teaching",
    ):
        page.goto(address)
        page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
        faults[address] = serious(page)
        for size in (PHONE, {"width": 1366, "height": 768}, {"width": 1920, "height": 1080}):
            page.set_viewport_size(size)
            assert overflow(page) <= 0, (address, size)
    assert not {where: what for where, what in faults.items() if what}


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_on_a_projector_nothing_is_cut_off_and_the_type_is_large(
    started: Page, size: tuple[int, int]
) -> None:
    page = started
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for step in STEPS:
        page.keyboard.press(" ")
        stands(page, 1, step)
        side = page.locator(".side:visible")
        assert side.evaluate("side => side.scrollHeight - side.clientHeight") <= 1, step
        assert side.evaluate("side => parseFloat(getComputedStyle(side).fontSize)") >= 19
        stage = page.locator(".slide:visible .stage").bounding_box()
        assert stage is not None
        assert stage["width"] >= 0.6 * size[0]


def test_without_scripts_the_links_lead_through_a_class(desk: Desk, lesson: str) -> None:
    context = desk.open(java_script_enabled=False)
    page = context.new_page()
    desk.sign_in(page)
    page.goto(f"/teaching/lists/{lesson}")
    page.get_by_role("button", name="Present").click()
    page.get_by_role("link", name="Begin").click()
    page.get_by_role("link", name="Next").click()
    page.locator(".slide:visible").get_by_label("Hands for benign").fill("7")
    page.get_by_role("button", name="Keep the count").click()
    expect(page.locator(".slide:visible").get_by_label("Hands for benign")).to_have_value("7")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".call:visible")).to_be_visible()
    context.close()
