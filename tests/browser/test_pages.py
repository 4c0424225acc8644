"""Every page in a real browser: axe, both themes, a phone, keys, no scripts, a lost session."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import scans
from tests.browser.conftest import Desk
from tests.live import Site

PATIENCE = 90_000
"""Milliseconds for an analysis on a busy machine."""
PHONE = {"width": 390, "height": 844}

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scans.loop(tmp_path_factory.mktemp("loop"), "smooth", 41, "loop.dcm")


@pytest.fixture
def case(page: Page, loop: Path) -> Page:
    """The case page of a loop whose first frame has its second read; seen before from the second time on."""
    page.goto("/")
    page.locator("[data-picker=files]").set_input_files(loop)
    page.locator(".file", has_text="loop.dcm").get_by_role("link", name="Open case").click()
    expect(page.locator("#result .call")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("[data-tools]")).to_be_visible()
    return page


def serious(page: Page) -> list[str]:
    """The faults that axe calls serious or critical, each with where it is."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['target']}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
        for node in fault["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_page_has_a_serious_fault_for_assistive_technology(case: Page, theme: str) -> None:
    faults = {}
    for address in (case.url, "/", "/?q=nothing-like-it", "/upload", "/account", "/account/password"):
        case.goto(address)
        case.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
        faults[address] = serious(case)
    case.goto("/")
    case.keyboard.press("?")
    faults["keys"] = serious(case)
    assert not {where: what for where, what in faults.items() if what}


def test_pages_for_nobody_signed_in_have_no_serious_fault_either(desk: Desk) -> None:
    context = desk.open()
    page = context.new_page()
    page.goto("/login")
    assert serious(page) == []
    context.close()


SPACED = """css => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [sheet];
}"""
"""Sets a style from outside, which the content security policy leaves to the browser's own tools."""

SPACING = (
    "* { letter-spacing: .12em !important; word-spacing: .16em !important; line-height: 1.5 !important }"
)
"""What a reader may set without losing anything (WCAG 2.2, 1.4.12)."""


@pytest.mark.parametrize("width", [390, 660, 720, 860, 1366])
def test_nothing_leaves_the_page_where_text_is_spaced_out(case: Page, width: int) -> None:
    case.set_viewport_size({"width": width, "height": 768})
    for address in (case.url, "/", "/upload", "/account"):
        case.goto(address)
        case.evaluate(SPACED, SPACING)
        assert overflow(case) <= 0, address


@pytest.mark.parametrize(
    "size",
    [PHONE, {"width": 660, "height": 450}, {"width": 720, "height": 450}, {"width": 1366, "height": 768}],
)
def test_no_page_scrolls_sideways_on_a_phone_or_at_twice_the_size(case: Page, size: dict[str, int]) -> None:
    case.set_viewport_size(size)
    for address in (case.url, "/", "/upload", "/account"):
        case.goto(address)
        assert overflow(case) <= 0, address


@pytest.mark.parametrize("size", [(1366, 768), (1440, 900), (1920, 1080)])
def test_the_scan_takes_at_least_three_fifths_of_the_width(case: Page, size: tuple[int, int]) -> None:
    case.set_viewport_size({"width": size[0], "height": size[1]})
    stage = case.locator("[data-stage]").bounding_box()
    tools = case.locator("[data-tools]").bounding_box()
    assert stage is not None
    assert tools is not None
    assert stage["width"] >= 0.6 * size[0]
    assert tools["y"] + tools["height"] <= size[1]


def test_the_tools_change_the_picture_and_reset_brings_it_back(case: Page) -> None:
    scan, zoom = case.locator("[data-scan]"), case.locator("[data-zoom]")
    case.keyboard.press("i")
    case.get_by_label("Brightness").fill("150")
    case.get_by_label("Contrast").fill("120")
    expect(scan).to_have_css("filter", "brightness(1.5) contrast(1.2) invert(1)")
    case.keyboard.press("z")
    expect(zoom).to_have_text("250%")
    case.reload()
    expect(zoom).to_have_text("250%")
    expect(scan).to_have_css("filter", "brightness(1.5) contrast(1.2) invert(1)")
    case.keyboard.press("r")
    expect(zoom).to_have_text("100%")
    expect(scan).to_have_css("filter", "none")


def test_a_frame_of_a_loop_gets_its_second_read_when_asked(case: Page) -> None:
    case.keyboard.press(".")
    case.keyboard.press(".")
    expect(case.locator("[data-frame-words]")).to_have_text("3 / 6")
    expect(case.locator("[data-scan]")).to_have_attribute("src", re.compile(r"/2\.png$"))
    case.get_by_role("button", name="Analyse this frame").click()
    expect(case.locator("#result[data-frame='2'] .call")).to_be_visible(timeout=PATIENCE)
    expect(case).to_have_url(re.compile(r"frame=2"))
    expect(case.locator("[data-analysed] a")).to_have_text(["1", "3"])


DRAFTS = "(store) => Object.keys(store).filter((name) => name.startsWith('draft:')).length"


def test_what_was_typed_is_gone_once_somebody_else_signs_in(case: Page, desk: Desk, site: Site) -> None:
    site.add_person("colleague@live.example", "radiologist")
    address = case.url
    case.get_by_label("Comment").fill("For my eyes only")
    case.context.clear_cookies()
    case.goto("/")
    case.get_by_label("Email").fill("colleague@live.example")
    case.get_by_label("Password").fill(desk.password)
    case.get_by_role("button", name="Sign in").click()
    case.wait_for_url(lambda url: "/login" not in url)
    assert not case.evaluate(f"() => ({DRAFTS})(localStorage) + ({DRAFTS})(sessionStorage)")
    case.goto(address)
    expect(case.get_by_label("Comment")).to_have_value("")


def test_what_was_typed_survives_a_session_that_ended(case: Page, desk: Desk) -> None:
    address = case.url
    case.get_by_label("Comment").fill("Half a thought")
    case.context.clear_cookies()
    case.get_by_role("button", name="Save").click()
    expect(case.get_by_role("link", name="Sign in again")).to_be_visible()
    assert not case.evaluate(f"() => ({DRAFTS})(localStorage)"), "left where any tab of this browser finds it"
    case.get_by_role("link", name="Sign in again").click()
    case.get_by_label("Email").fill(desk.email)
    case.get_by_label("Password").fill(desk.password)
    case.get_by_role("button", name="Sign in").click()
    expect(case).to_have_url(address)
    expect(case.get_by_label("Comment")).to_have_value("Half a thought")
    case.get_by_role("button", name="Undo changes").click()
    desk.complaints.remove(
        "error: Failed to load resource: the server responded with a status of 401 (UNAUTHORIZED)"
    )


def test_what_was_typed_stays_where_the_form_is_out_of_date(case: Page, desk: Desk) -> None:
    case.get_by_label("Comment").fill("Another thought")
    other = case.context.new_page()
    other.goto("/account")
    other.locator(".who summary").click()
    other.get_by_role("button", name="Sign out").click()
    desk.sign_in(other)
    case.get_by_role("button", name="Save").click()
    expect(case.locator("[data-told]")).to_contain_text("This page is out of date")
    expect(case.get_by_label("Comment")).to_have_value("Another thought")
    case.get_by_role("link", name="Load the page again").click()
    expect(case.get_by_label("Comment")).to_have_value("Another thought")
    case.get_by_role("button", name="Save").click()
    expect(case.locator(".saved")).to_be_visible()
    desk.complaints.remove(
        "error: Failed to load resource: the server responded with a status of 400 (BAD REQUEST)"
    )


def test_the_theme_changes_without_leaving_the_page_and_stays(page: Page) -> None:
    html = page.locator("html")
    for theme in ("Light", "Dark"):
        page.locator(".who summary").click()
        with page.expect_response("**/account/theme"):
            page.get_by_role("button", name=f"{theme} pages").click()
        page.reload()
        expect(html).to_have_attribute("data-bs-theme", theme.lower())


def test_without_scripts_a_scan_is_uploaded_and_read(desk: Desk, tmp_path: Path) -> None:
    context = desk.open(java_script_enabled=False)
    page = context.new_page()
    desk.sign_in(page)
    page.goto("/upload")
    scan = scans.png(tmp_path, "cyst", 42, "plain.png")
    page.get_by_label("Scans, or a zip of scans").set_input_files(scan)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("link", name="Open case").click()
    expect(page.locator("[data-scan]")).to_be_visible()
    page.locator("label[for^=own_class]", has_text="Benign").click()
    page.get_by_role("button", name="Save my read").click()
    expect(page.locator(".said-one")).to_contain_text("version 1")
    context.close()
