"""Who uses SecondRead during a load run: readers who browse and read, and a stream of uploads.

Imported before anything else that opens sockets: Locust lets gevent replace them.
"""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Callable

import gevent
from locust import FastHttpUser, between, constant, task

PASSWORD = "correct horse battery"
_TOKEN = re.compile(r'name="csrf_token"[^>]*?value="([^"]+)"|"X-CSRFToken": "([^"]+)"')
_CASE = re.compile(r'class="case-link" href="(/cases/[0-9a-f]{32})')
_OLDER = re.compile(r'href="([^"]+)">Older')
_READ_FORM = re.compile(r'<form id="read-form" method="post" action="([^"]+)"')
_ANALYSIS = re.compile(r'name="analysis" value="([0-9a-f]*)"')
_PICTURE = re.compile(r'"(/media/(?:images|thumbnails)/[^"]+\.png)"')
_FILTERS = ("label=malignant", "result=suspicious", "reading=unread", "reading=unread_by_me", "q=breast")
_PENDING_SECONDS = 0.25


class Clinic:
    """What the people of one run share. `next_scan` gives the bytes of a scan that was not there yet."""

    next_reader: Callable[[], str]
    next_scan: Callable[[], bytes]
    accepted: deque[str]
    """Uids of the images that the server said it has."""
    case_urls: deque[str]
    """Cases with files, the newest last."""


class SignedIn(FastHttpUser):
    """A browser in which somebody has signed in."""

    abstract = True
    network_timeout = 60.0
    connection_timeout = 60.0

    def on_start(self) -> None:
        self.token = self._token("/login")
        form = {"email": Clinic.next_reader(), "password": PASSWORD, "csrf_token": self.token}
        headers = {"Referer": self.host + "/login"}
        self.client.post("/login", data=form, headers=headers, allow_redirects=False, name="sign-in")
        self.token = self._token("/account")

    def _token(self, page: str) -> str:
        found = _TOKEN.search(self.client.get(page, name="sign-in").text or "")
        if found is None:
            raise RuntimeError(f"{page} carries no form token")
        return found[1] or found[2]


class Reader(SignedIn):
    """Looks at the worklist, opens cases, reads some of them, looks for others."""

    wait_time = between(2, 8)

    def on_start(self) -> None:
        super().on_start()
        self.cases: list[str] = []
        self.older: str | None = None

    @task(4)
    def worklist(self) -> None:
        self._list("/")

    @task(2)
    def next_page(self) -> None:
        self._list(self.older or "/")

    @task(2)
    def filtered(self) -> None:
        self._list("/?" + random.choice(_FILTERS))

    @task(4)
    def case(self) -> None:
        self._open(random.choice(self.cases) if self.cases else None)

    @task(2)
    def case_with_pictures(self) -> None:
        page = self._open(random.choice(Clinic.case_urls) if Clinic.case_urls else None)
        for picture in dict.fromkeys(_PICTURE.findall(page)):
            self.client.get(picture, name="picture")

    @task(4)
    def read(self) -> None:
        page = self._open(random.choice(self.cases) if self.cases else None)
        form, analysis = _READ_FORM.search(page), _ANALYSIS.search(page)
        if form is None or analysis is None:
            return
        said = {"birads": random.choice(("1", "2", "3", "4A", "5")), "confidence": "75"}
        said["comment"] = f"{random.random():.6f}"  # a new version each time
        said |= {"csrf_token": self.token, "analysis": analysis[1]}
        headers = {"Referer": self.host + "/", "HX-Request": "true"}
        self.client.post(form[1], data=said, headers=headers, name="read saved")

    def _list(self, address: str) -> None:
        page = self.client.get(address, name="worklist").text or ""
        self.cases = _CASE.findall(page) or self.cases
        older = _OLDER.search(page)
        self.older = older[1].replace("&amp;", "&") if older else None

    def _open(self, address: str | None) -> str:
        return self.client.get(address, name="case").text or "" if address else ""


class Uploader(SignedIn):
    """Uploads a scan, waits for its second read, and uploads the next: as fast as it is analysed."""

    wait_time = constant(0)
    fixed_count = 2

    @task
    def upload(self) -> None:
        headers = {"Accept": "application/json", "Referer": self.host + "/upload"}
        files = {"files": ("load.png", Clinic.next_scan(), "image/png")}
        with self.client.post(
            "/uploads", data={"csrf_token": self.token}, files=files, headers=headers, name="upload",
            catch_response=True,
        ) as answer:  # fmt: skip
            if answer.status_code != 200:
                return
            (verdict,) = answer.json()["files"]
            if verdict["state"] != "accepted":
                answer.failure(f"not accepted: {verdict['code']}")
                return
        uid = verdict["image_uid"]
        Clinic.accepted.append(uid)
        while self.client.get(f"/news?image={uid}", name="news").json().get(uid, {}).get("pending"):
            gevent.sleep(_PENDING_SECONDS)
        Clinic.case_urls.append(verdict["case_url"])
