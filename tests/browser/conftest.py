"""A real browser before a real server with a real worker.

Chromium is Debian's. With SCREENSHOTS=DIR the pages that the README shows are kept there, taken from the
demo and with the weights that the product comes with.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.live import EMAIL, FLASK, Site
from tests.ml.conftest import write_weights
from tests.support import PASSWORD, absent
from webapp.config import ROOT
from webapp.services import demo

CHROMIUM = Path("/usr/bin/chromium")
SIZE = {"width": 1440, "height": 900}
SCREENSHOTS = os.environ.get("SCREENSHOTS")
SHIPPED = ROOT / "ml" / "shipped" / "card.json"


class Desk:
    """A reader's place: where the site is, who sits there, and what the browser complained of."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.url = site.url
        shown = (demo.ACCOUNTS[0].email, demo.PASSWORD)
        self.email, self.password = shown if SCREENSHOTS else (EMAIL, PASSWORD)
        self._browser = browser
        self.complaints: list[str] = []

    def open(self, **more: object) -> BrowserContext:
        """A fresh browser window; everything that it complains of is kept."""
        context = self._browser.new_context(**{"viewport": SIZE, "base_url": self.url, **more})
        context.set_default_timeout(30_000)
        context.on("page", self._listen)
        return context

    def sign_in(self, page: Page) -> None:
        """Sign in as a person does."""
        page.goto("/login")
        page.get_by_label("Email").fill(self.email)
        page.get_by_label("Password").fill(self.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/login" not in url)

    def _listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Web and worker, with the shipped network where there is one, else with a tiny one."""
    folder = tmp_path_factory.mktemp("site")
    weights = SHIPPED.parent if SHIPPED.exists() else write_weights(folder / "weights")
    site = Site(folder / "instance", ML_WEIGHTS=str(weights), ML_THREADS="1")
    site.set_up()
    if SCREENSHOTS:
        subprocess.run([*FLASK, "demo"], cwd=ROOT, env=site.environment, check=True, capture_output=True)
    for name in ("web", "worker"):
        site.start(name)
    site.wait_until_up()
    yield site
    site.kill_all()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a sandbox of its own: tests may run as root."""
    if not CHROMIUM.exists():
        absent(f"Chromium ({CHROMIUM})")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def desk(site: Site, chromium: Browser) -> Iterator[Desk]:
    """A reader's place. The test fails where a page broke the content security policy or threw."""
    desk = Desk(site, chromium)
    yield desk
    assert desk.complaints == []


@pytest.fixture
def page(desk: Desk) -> Iterator[Page]:
    """A window of somebody signed in."""
    context = desk.open()
    page = context.new_page()
    desk.sign_in(page)
    yield page
    context.close()
