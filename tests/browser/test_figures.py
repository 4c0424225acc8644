"""The pages of networks and of agreement: axe in both themes, a phone, and no complaint of the browser."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import ml
from tests.browser import scans
from tests.browser.test_pages import PATIENCE, PHONE, overflow, serious
from tests.live import Site

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]

ADDRESSES = ("/agreement", "/networks", f"/networks/{ml.ModelCard.load(ml.SHIPPED).checksum}")


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scans.loop(tmp_path_factory.mktemp("figures"), "irregular", 77, "figures.dcm")


@pytest.fixture
def reader(page: Page, scan: Path) -> Page:
    """A radiologist who has read a scan that the network answered."""
    page.goto("/")
    page.locator("[data-picker=files]").set_input_files(scan)
    page.locator(".file", has_text="figures.dcm").get_by_role("link", name="Open case").click()
    expect(page.locator("#result .call")).to_be_visible(timeout=PATIENCE)
    page.get_by_label("BI-RADS").select_option("4B")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".saved")).to_be_visible()
    return page


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_pages_of_figures_have_no_serious_fault_for_assistive_technology(reader: Page, theme: str) -> None:
    faults = {}
    for address in ADDRESSES:
        reader.goto(address)
        reader.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
        faults[address] = serious(reader)
    assert not {where: what for where, what in faults.items() if what}


@pytest.mark.parametrize("size", [PHONE, {"width": 1366, "height": 768}])
def test_pages_of_figures_scroll_down_alone(reader: Page, size: dict[str, int]) -> None:
    reader.set_viewport_size(size)
    for address in ADDRESSES:
        reader.goto(address)
        assert overflow(reader) <= 0, address


def test_the_read_of_a_moment_ago_is_counted(reader: Page, site: Site) -> None:
    database = sqlite3.connect(f"file:{site.folder / 'secondread.db'}?mode=ro", uri=True, timeout=10)
    (read,) = database.execute("SELECT count(DISTINCT image_id) FROM reads").fetchone()
    database.close()
    reader.goto("/agreement")
    expect(reader.get_by_role("heading", name="Network and readers")).to_be_visible()
    expect(reader.locator(".matrix").first).to_contain_text(f"n = {read}")
