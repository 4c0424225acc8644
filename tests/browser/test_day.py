"""A radiologist's day in a real browser: upload, second read, own read, history, export."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import scans
from tests.browser.conftest import SCREENSHOTS

PATIENCE = 90_000
"""Milliseconds for an analysis on a busy machine."""

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]


def keep(page: Page, name: str) -> None:
    """Keep a picture of the page for the README, where that is asked for."""
    if SCREENSHOTS:
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", caret="initial")  # hiding it takes an inline style


def upload(page: Page, tmp_path: Path) -> None:
    report = tmp_path / "report.docx"
    report.write_bytes(b"not an image")
    files = [
        scans.png(tmp_path, "irregular", 31, "left-radial.png"),
        scans.dicom(tmp_path, "smooth", 32, "right.dcm", accession="ACC-32", patient_id="P-32"),
        report,
    ]
    page.get_by_role("link", name="Upload", exact=True).click()
    page.get_by_label("Patient reference").fill("P-31")
    page.locator("[data-picker=files]").set_input_files(files)
    page.get_by_role("button", name="Upload 3 files").click()
    expect(page.locator("[data-summary]")).to_have_text("2 uploaded, 1 refused", timeout=PATIENCE)
    expect(page.locator(".file", has_text="report.docx")).to_contain_text("PNG, JPEG")
    for name in ("left-radial.png", "right.dcm"):
        row = page.locator(".file", has_text=name)
        expect(row.locator(".file-news")).to_have_text(re.compile(r"\d\.\d\d|out of scope"), timeout=PATIENCE)
    keep(page, "upload")


def look(page: Page) -> None:
    """The result has come, the heatmap lies over the scan and answers to hand and key."""
    page.locator(".file", has_text="left-radial.png").get_by_role("link", name="Open case").click()
    expect(page.locator("#result .call")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#result")).to_contain_text("in cross-validation")
    expect(page.locator("[data-tools]")).to_be_visible()
    heat = page.locator("[data-heat]")
    expect(heat).to_be_visible()
    page.get_by_label("Opacity").fill("90")
    expect(heat).to_have_css("opacity", "0.9")
    page.keyboard.press("[")
    expect(heat).to_have_css("opacity", "0.8")
    page.keyboard.press("2")
    expect(heat).to_have_attribute("src", re.compile("/malignant.png$"))
    keep(page, "case")
    page.keyboard.press("h")
    expect(heat).to_be_hidden()


def answer(page: Page) -> None:
    page.keyboard.press("f")
    page.get_by_text("Disagree", exact=True).click()
    page.locator("label[for^=own_class]", has_text="Benign").click()
    page.get_by_label("BI-RADS").select_option("3")
    page.get_by_label("Comment").fill("Oval, circumscribed.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".saved")).to_have_text("Read saved, version 1.")
    page.get_by_label("BI-RADS").select_option("2")
    page.get_by_role("button", name="Save as version 2").click()
    expect(page.locator(".said-one")).to_have_count(2)
    expect(page.locator(".said-one").first).to_contain_text("BI-RADS 2")
    expect(page.locator(".said-one").last).to_contain_text("version 1, earlier")


def find_and_export(page: Page) -> None:
    page.get_by_role("link", name="Worklist", exact=True).click()
    page.wait_for_load_state()
    keep(page, "worklist")
    page.keyboard.press("/")
    page.keyboard.type("left-rad")
    expect(page.locator(".cases tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=left-rad$"))
    expect(page.locator(".cases tbody tr")).to_contain_text("1 reader")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["reference"], line["read_version"], line["birads"]) == ("P-31", "2", "2")
    page.locator("#q").press("Escape")
    page.keyboard.press("j")
    expect(page.locator(".cases tbody tr")).not_to_have_count(1)  # the whole list came, before or after
    expect(page.locator(".cases a.case-link:focus")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="P-31")).to_be_visible()


def test_a_radiologist_uploads_reads_finds_and_exports(page: Page, tmp_path: Path) -> None:
    upload(page, tmp_path)
    look(page)
    answer(page)
    find_and_export(page)
