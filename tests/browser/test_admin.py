"""An admin's day in a real browser: people, logs, networks, and a case that has to go."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import scans
from tests.browser.conftest import SHIPPED, Desk
from tests.live import Person, Site
from tests.ml.conftest import write_weights
from tests.services_support import wait_for
from tests.support import PASSWORD

ADMIN, NEWCOMER = "admin@live.example", "newcomer@live.example"

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two networks to choose from, an admin, and one case that the first of them has analysed."""
    folder = tmp_path_factory.mktemp("clinic")
    shutil.copytree(SHIPPED.parent, folder / "networks" / "candidate")
    weights = write_weights(folder / "weights")
    site = Site(
        folder / "instance",
        ML_WEIGHTS=str(weights),
        NETWORKS_DIR=str(folder / "networks"),
        ML_THREADS="1",
    )
    site.set_up()
    site.add_person(ADMIN, "admin")
    for name in ("web", "worker"):
        site.start(name)
    site.wait_until_up()
    reader = Person(site)
    image = reader.upload("scan.png", scans.png(folder, "smooth", 5, "scan.png").read_bytes())["image_uid"]
    news = f"{site.url}/news?image={image}"
    wait_for(lambda: not reader.session.get(news, timeout=30).json()[image]["pending"], 120)
    reader.close()
    yield site
    site.kill_all()


@pytest.fixture
def at_work(clinic: Site, chromium: Browser) -> Iterator[Desk]:
    """The admin's desk; no page may have broken the content security policy or thrown."""
    desk = Desk(clinic, chromium)
    desk.email, desk.password = ADMIN, PASSWORD
    yield desk
    assert desk.complaints == []


def go(page: Page, words: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=words, exact=True).click()


def invite(page: Page) -> str:
    """Make a link for somebody new; the link."""
    go(page, "People")
    page.get_by_role("link", name="Invite a person").click()
    page.get_by_label("E-mail address").fill(NEWCOMER)
    page.get_by_role("combobox", name="Group").fill("Live")
    page.locator("input[name=roles][value=radiologist]").check()
    page.get_by_role("button", name="Make the link").click()
    return page.get_by_label("The link, shown this once").input_value()


def arrive(newcomer: Page, link: str) -> None:
    """Somebody new takes the link, sets a password, is in and opens the group's case."""
    newcomer.goto(link)
    newcomer.get_by_label("Your name").fill("Nora Newcomer")
    newcomer.get_by_label("Password").fill("four words nobody else says")
    newcomer.get_by_role("button", name="Make my account").click()
    newcomer.locator(".cases tbody a.case-link").click()
    expect(newcomer.locator("#result .call")).to_be_visible()


def follow(page: Page) -> str:
    """The case's story tells of upload, analysis and the newcomer's view; its uid."""
    go(page, "Case log")
    page.get_by_label("Person").select_option(label="Nora Newcomer")
    page.get_by_role("button", name="Apply").click()
    row = page.locator("table.log tbody tr").first
    expect(row).to_contain_text("Nora Newcomer")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        assert {line["name"] for line in csv.DictReader(file)} == {"Nora Newcomer"}
    row.locator("a.case-link").click()
    story = page.locator("main")
    for words in ("uploaded", "analysed", "viewed", "Nora Newcomer"):
        expect(story).to_contain_text(re.compile(words, re.IGNORECASE))
    return page.url.rpartition("/")[2]


def verify_and_sign(page: Page) -> None:
    go(page, "Audit log")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#verified")).to_have_text("Whole")
    page.get_by_role("link", name=re.compile("^Review ")).click()
    page.get_by_label("What you found").fill("Nothing out of the ordinary.")
    page.get_by_role("button", name=re.compile("^Sign up to entry")).click()
    go(page, "Audit log")
    expect(page.locator("#reviewed")).to_have_text(re.compile(r"Reviewed up to entry \d+"))


def switch(page: Page, version: str) -> None:
    """Make another network the active one."""
    go(page, "Networks")
    page.get_by_role("link", name=version).click()
    page.get_by_text("Switch to this network").click()
    page.get_by_role("button", name="Switch", exact=True).click()
    expect(page.locator("tr", has_text=version).locator(".tag")).to_have_text("active")


def lock(page: Page, newcomer: Page) -> None:
    go(page, "People")
    page.get_by_role("link", name="Nora Newcomer").click()
    page.locator("summary", has_text="Lock").click()
    page.get_by_role("button", name="Lock Nora Newcomer").click()
    newcomer.reload()
    expect(newcomer.get_by_label("Email")).to_be_visible()


def erase(page: Page, uid: str) -> None:
    """The dry run first; then the case goes and its tombstone stays."""
    go(page, "Retention")
    page.get_by_label("Case, as its address and the logs name it").fill(uid)
    page.get_by_role("button", name="See what would go").click()
    expect(page.locator("main")).to_contain_text("1 file as received")
    page.get_by_role("button", name="Erase the case").click()
    wanted = page.locator("label[for=typed] code").inner_text()
    page.get_by_label("This can't be undone").fill(wanted)
    page.get_by_role("button", name="Erase the case").click()
    go(page, "Retention")
    expect(page.locator("table tbody tr")).to_contain_text(uid)


def test_an_admin_invites_reviews_switches_locks_and_erases(at_work: Desk) -> None:
    contexts: list[BrowserContext] = [at_work.open(), at_work.open()]
    page, newcomer = (context.new_page() for context in contexts)
    at_work.sign_in(page)
    arrive(newcomer, invite(page))
    uid = follow(page)
    verify_and_sign(page)
    switch(page, "secondread-us")
    switch(page, "secondread-test")
    lock(page, newcomer)
    erase(page, uid)
    for context in contexts:
        context.close()
