"""A stream of uploads and reads that notes what the server has acknowledged, and somebody who looks on."""

from __future__ import annotations

import hashlib
import random
import re
import threading
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.live import Person
from tests.scans import png

_TITLE = re.compile(r"<h1>(.*?)</h1>")
AGAIN = {"decoder_unavailable", "decoder_timeout", "decoder_crashed", "storage_unavailable"}
"""Refusals that are the server's and not the file's: the file is sent again."""


@dataclass
class Ledger:
    """What was acknowledged, and what was said instead.

    `uploads`: image uid -> SHA-256. `pages`: image uid -> path of its page. `reads`: comment -> image uid.
    `broken_off`: requests that came to nothing. `told`: what pages said was the matter -> how often.
    `strange`: answers that said nothing of the kind.
    """

    uploads: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    reads: dict[str, str] = field(default_factory=dict)
    broken_off: int = 0
    told: dict[str, int] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """How many uploads and reads."""
        return len(self.uploads) + len(self.reads)

    def can_work_with(self, answer: requests.Response) -> bool:
        """Whether the server did what was asked. If not, it has to say what is the matter (503)."""
        if answer.status_code < 400:
            return True
        title = _TITLE.search(answer.text)
        what = title[1] if title else answer.text[:500]
        if answer.headers["Content-Type"] == "application/json":
            what = answer.json()["code"]
        self.told[what] = self.told.get(what, 0) + 1
        if answer.status_code != 503:
            self.strange.append(f"{answer.status_code} {what} {answer.url}")
        return False


class Stream(threading.Thread):
    """Does one thing after the other until `stop`; what is not acknowledged is done again until it is."""

    def __init__(self, person: Person, ledger: Ledger, stop: threading.Event, pause: float) -> None:
        super().__init__(daemon=True)
        self.person, self.ledger, self.stop, self.pause = person, ledger, stop, pause
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            number = 0
            while not self.stop.is_set():
                while not self._tried(number):
                    self.ledger.broken_off += 1
                    threading.Event().wait(0.2)
                number += 1
                self.stop.wait(self.pause)
        except BaseException as error:  # shown by the test, which has to end
            self.failure = error
            raise

    def _tried(self, number: int) -> bool:
        try:
            return self.act(number)
        except requests.RequestException:
            return False

    def act(self, number: int) -> bool:
        """Do the thing with this number once more; whether it was acknowledged."""
        raise NotImplementedError

    def post(self, path: str, data: dict[str, str], **more: Any) -> requests.Response | None:
        """The answer, or None where the server said that it can't just now."""
        site = self.person.site.url
        answer = self.person.session.post(
            site + path,
            data={"csrf_token": self.person.token, **data},
            headers={"Accept": "application/json", "Referer": site},
            allow_redirects=False,
            timeout=60,
            **more,
        )
        return answer if self.ledger.can_work_with(answer) else None


class Uploader(Stream):
    """Sends a file of its own each time."""

    def act(self, number: int) -> bool:
        data = png(number, 200, 240)
        answer = self.post("/uploads", {}, files={"files": (f"scan-{number}.png", data)})
        if answer is None:
            return False
        (verdict,) = answer.json()["files"]
        if verdict["code"] in AGAIN:
            return False
        if verdict["state"] not in {"accepted", "seen"}:
            raise AssertionError(f"a good scan was refused: {verdict}")
        self.ledger.pages[verdict["image_uid"]] = f"{verdict['case_url']}/images/{verdict['image_uid']}"
        self.ledger.uploads[verdict["image_uid"]] = hashlib.sha256(data).hexdigest()
        return True


class Reader(Stream):
    """Reads an image that was acknowledged, in words of its own each time."""

    chance = random.Random(1)
    image: str | None = None

    def act(self, number: int) -> bool:
        if not self.ledger.uploads:
            return False
        comment = f"read {number}"
        self.image = self.image or self.chance.choice(list(self.ledger.uploads))
        page = self.ledger.pages[self.image]
        if self.post(f"{page}/reads", {"comment": comment, "own_class": "benign"}) is None:
            return False
        self.ledger.reads[comment] = self.image
        self.image = None
        return True


class Looker(Stream):
    """Looks at the worklist. It is there, or the page says what is the matter; nothing is unexpected."""

    def act(self, number: int) -> bool:
        headers = {"Accept": "application/json;q=0.9, text/html"}
        answer = self.person.session.get(self.person.site.url, headers=headers, timeout=60)
        return self.ledger.can_work_with(answer)
