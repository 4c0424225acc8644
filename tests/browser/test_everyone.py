"""Each page that each role comes to by its links: for a screen reader, in both themes, on every screen.

The browser follows links from where the role's day starts, one address for each endpoint. What it could have
reached and didn't stands in `NOT_BY_LINK`, with the reason: a new page without a link to it fails here.
With SCREENSHOTS=DIR a picture of each page is kept in DIR/guide, for the guides in docs/guides.
"""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from tests.browser.conftest import SCREENSHOTS, SHIPPED, Desk
from tests.browser.test_pages import PHONE, overflow, serious
from tests.conftest import settings
from tests.live import FLASK, Site
from tests.services_support import wait_for
from tests.webapp.test_access import TABLE
from webapp import create_app
from webapp.config import ROOT
from webapp.services import demo

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(900)]
SCREENS = (PHONE, {"width": 1366, "height": 768}, {"width": 1920, "height": 1080})
LIGHT = "theme => { document.documentElement.dataset.bsTheme = theme }"
LINKS = "all => all.map(one => one.href || one.src)"
NOT_BY_LINK = {
    "static": "files of the pages",
    "health.healthz": "for machines",
    "health.readyz": "for machines",
    "health.metrics": "for machines",
    "security.verify": "asked for before what is delicate",
    "cases.result": "fetched by the case page",
    "worklist.news": "fetched by the worklist",
    "presentations.show": "behind the start of a presentation: test_class.py",
    "presentations.notes": "behind the start of a presentation: test_class.py",
    "presentations.summary": "behind the start of a presentation: test_class.py",
    "presentations.worker": "fetched by a presentation",
    "reanalyses.progress": "behind the start of a re-analysis",
}


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo, each scan analysed, with web and worker."""
    folder = tmp_path_factory.mktemp("clinic")
    site = Site(folder / "instance", ML_WEIGHTS=str(SHIPPED.parent), ML_THREADS="1")
    site.set_up()
    subprocess.run([*FLASK, "demo"], cwd=ROOT, env=site.environment, check=True, capture_output=True)
    for name in ("web", "worker"):
        site.start(name)
    site.wait_until_up()
    wait_for(lambda: _asked(site, "SELECT count(*) FROM jobs WHERE state <> 'done'") == 0, 120)
    yield site
    site.kill_all()


def _asked(site: Site, query: str) -> object:
    """The first value that the site's database answers with."""
    connection = sqlite3.connect(f"file:{site.folder / 'secondread.db'}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(query).fetchone()[0]
    finally:
        connection.close()


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> MapAdapter:
    """What endpoint an address belongs to."""
    return create_app(settings(tmp_path_factory.mktemp("map"))).url_map.bind("localhost")


@dataclass
class Walk:
    """A walk over the links of one role: the endpoints reached, and the faults of each page."""

    role: str
    page: Page
    addresses: MapAdapter
    reached: set[str] = field(default_factory=set)
    faults: dict[str, list[str]] = field(default_factory=dict)

    def go(self, start: str) -> None:
        waiting = [start]
        while waiting:
            address = waiting.pop(0)
            endpoint = self.endpoint(address)
            if endpoint is None or endpoint in self.reached:
                continue
            self.reached.add(endpoint)
            waiting += self._look(endpoint, address)

    def endpoint(self, address: str) -> str | None:
        parts = urlsplit(address)
        if parts.netloc != urlsplit(self.page.url).netloc:
            return None
        try:
            return self.addresses.match(parts.path, "GET")[0]
        except HTTPException:
            return None

    def _look(self, endpoint: str, address: str) -> list[str]:
        """Judge the page at `address` and return where it leads to; what is no page is only reached."""
        answer = self.page.request.get(address)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            return []
        self.page.goto(address)
        name = endpoint.replace(".", "-")
        faults = [] if answer.ok else [f"{answer.status}"]
        for theme in ("dark", "light"):
            self.page.evaluate(LIGHT, theme)
            faults += [f"{theme}: {fault}" for fault in serious(self.page)]
            for screen in SCREENS:
                self.page.set_viewport_size(screen)
                if overflow(self.page) > 0:
                    faults.append(f"{overflow(self.page)} px too wide at {screen['width']}")
                if (theme, screen["width"]) == ("dark", 1366):
                    self._keep(name)
        if faults:
            self.faults[f"{endpoint} ({urlsplit(address).path})"] = faults
        return self.page.eval_on_selector_all("a[href], img[src]", LINKS)

    def _keep(self, name: str) -> None:
        if SCREENSHOTS:
            folder = Path(SCREENSHOTS) / "guide"
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{self.role}-{name}.png", caret="initial")


@pytest.mark.parametrize("account", demo.ACCOUNTS, ids=lambda account: account.roles[0])
def test_every_page_of_a_role_is_usable_by_everyone(
    clinic: Site, chromium: Browser, addresses: MapAdapter, account: demo.NewUser
) -> None:
    (role,) = account.roles
    desk = Desk(clinic, chromium)
    desk.email, desk.password = account.email, demo.PASSWORD
    context = desk.open()
    page = context.new_page()
    desk.sign_in(page)
    walk = Walk(role, page, addresses)
    walk.go(page.url)
    if role == "admin":  # behind a form that asks for the case
        case = {"uid": _asked(clinic, "SELECT uid FROM exams")}
        walk.go(clinic.url + addresses.build("retention.question", case))
    else:  # linked where a second network has answered, and the demo has one
        case = {"uid": _asked(clinic, "SELECT uid FROM exams WHERE id = 1")}
        of_case = "SELECT a.uid FROM analyses a JOIN images i ON i.id = a.image_id WHERE i.exam_id = 1"
        walk.go(
            clinic.url + addresses.build("cases.answer", case | {"analysis_uid": _asked(clinic, of_case)})
        )
    context.close()
    assert walk.faults == {}
    own = {
        name.removeprefix("GET ")
        for name, row in TABLE.items()
        if getattr(row, role) == 200 and name[:3] == "GET"
    }
    assert own - walk.reached - set(NOT_BY_LINK) == set()
    assert desk.complaints == []
