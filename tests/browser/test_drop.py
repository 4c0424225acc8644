"""Files, folders and archives dropped on the page, as the browser hands them over."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import Page, Route, expect

from ml.data import phantom
from tests.browser.conftest import Desk
from tests.scans import png

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]


def drop(page: Page, *paths: Path) -> None:
    """Drag `paths` from the desktop onto the middle of the page (Chrome DevTools Protocol, Input domain)."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for step in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": step, "x": 600, "y": 400, "data": data})
        if step == "dragOver":
            expect(page.locator("[data-veil]")).to_be_visible()
    expect(page.locator("[data-veil]")).to_be_hidden()


def archive(path: Path, members: dict[str, bytes]) -> Path:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    path.write_bytes(data.getvalue())
    return path


def test_a_folder_a_file_and_an_archive_dropped_together_get_a_verdict_each(
    page: Page, tmp_path: Path
) -> None:
    folder = tmp_path / "visit"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.png").write_bytes(png(101))
    (folder / "deep" / "two.png").write_bytes(png(102))
    (folder / ".DS_Store").write_bytes(b"x")
    (tmp_path / "three.png").write_bytes(png(103))
    packed = archive(tmp_path / "more.zip", {"four.png": png(104), "notes.txt": b"no scan"})
    drop(page, folder, tmp_path / "three.png", packed)
    expect(page.locator("[data-summary]")).to_have_text("4 uploaded, 1 refused", timeout=60_000)
    expect(page.locator(".file", has_text="more.zip")).to_contain_text("2 files inside")
    expect(page.locator(".file", has_text="notes.txt")).to_contain_text("not an image")
    expect(page.locator(".file", has_text="DS_Store")).to_have_count(0)
    page.get_by_role("link", name="Show in the worklist").click()
    for name in ("one", "two", "three", "four"):
        expect(page.get_by_role("link", name=f"{name}.png")).to_be_visible()


def test_a_zip_that_was_cut_off_goes_on_where_it_was_once_the_server_is_back(
    page: Page, desk: Desk, tmp_path: Path
) -> None:
    scans = {f"cut-{number}.png": png(120 + number) for number in range(6)}
    sent: list[str] = []

    def away_from_the_third_on(route: Route) -> None:
        sent.append("uploads")
        route.continue_() if len(sent) < 3 else route.abort()

    page.route("**/uploads", away_from_the_third_on)
    page.route("**/healthz", lambda route: route.abort())
    drop(page, archive(tmp_path / "visit.zip", scans))
    expect(page.locator(".file", has_text="visit.zip")).to_contain_text("6 files inside")
    expect(page.locator(".file", has_text="cut-2.png")).to_contain_text("The connection was lost")
    expect(page.locator("[data-summary]")).to_contain_text("2 uploaded, 1 failed, 3 to go")
    page.unroute("**/uploads")
    page.unroute("**/healthz")
    expect(page.locator("[data-summary]")).to_have_text("6 uploaded", timeout=60_000)
    assert len(sent) == 3, "nothing that was there already was sent again"
    lost = "error: Failed to load resource: net::ERR_FAILED"
    desk.complaints[:] = [complaint for complaint in desk.complaints if complaint != lost]


def test_the_row_of_a_near_copy_leads_to_the_case_that_it_looks_like(page: Page, tmp_path: Path) -> None:
    pixels = phantom.draw("cyst", 5, (192, 224), 0.2).pixels
    for name in ("first.png", "again.jpg"):
        (tmp_path / name).write_bytes(cv2.imencode(Path(name).suffix, pixels)[1].tobytes())
    drop(page, tmp_path / "first.png", tmp_path / "again.jpg")
    name = page.locator(".file-name", has_text="again.jpg")  # the other row may name this file as its copy
    row = page.locator(".file", has=name)
    expect(row).to_contain_text("Near copy of an image of case first.png, labelled", timeout=60_000)
    row.get_by_role("link", name="first.png").click()
    expect(page.locator("#result")).to_contain_text("Near copy of an image of case again.jpg", timeout=60_000)


def test_what_waits_on_the_drop_page_is_sent_with_its_fields(page: Page, tmp_path: Path) -> None:
    for n in (1, 2):
        (tmp_path / f"view-{n}.png").write_bytes(png(110 + n))
    page.goto("/upload")
    drop(page, tmp_path / "view-1.png", tmp_path / "view-2.png")
    page.get_by_label("Patient reference").fill("P-DROP")
    page.get_by_role("button", name="Upload 2 files").click()
    expect(page.locator("[data-summary]")).to_have_text("2 uploaded", timeout=60_000)
    page.get_by_role("link", name="Show in the worklist").click()
    row = page.locator(".cases tbody tr", has_text="P-DROP")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("view-1.png and 1 more")
