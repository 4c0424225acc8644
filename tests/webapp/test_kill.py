"""kill -9 of web or worker at any moment loses nothing and analyses nothing twice. For real.

Thirty files go in over HTTP while the programs are killed at seeded random moments and, twice, in the
very middle of an analysis. Then every accepted image has exactly one analysis, and the storage holds
every accepted byte.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import threading
import time

import pytest
import requests

from tests.live import Person, Site
from tests.ml.conftest import write_weights
from tests.scans import png
from tests.services_support import redis_server, wait_for
from webapp.services.storage import Storage

FILES = 30
SEED = 20261121
LEASE_SECONDS = 5
PATIENCE = 120
"""Seconds for one step on a busy machine; on two idle cores the whole test takes about one minute."""

pytestmark = [pytest.mark.slow, pytest.mark.kill, pytest.mark.timeout(600)]


@pytest.fixture(params=["sqlite", "redis"])
def site(request, tmp_path):
    weights = write_weights(tmp_path / "weights", "resnet18", 224)
    settings = {"ML_WEIGHTS": str(weights), "LEASE_SECONDS": str(LEASE_SECONDS), "ML_THREADS": "1"}
    if request.param == "redis":
        settings["QUEUE_URL"] = request.getfixturevalue("own_redis")
    site = Site(tmp_path / "instance", **settings)
    site.set_up()
    yield site
    site.kill_all()


@pytest.fixture
def own_redis(tmp_path):
    with redis_server(tmp_path) as url:
        yield url


class Rows:
    """The database as it is on the disk, read from outside."""

    def __init__(self, site: Site) -> None:
        self._path = site.folder / "secondread.db"

    def __call__(self, query: str) -> list[tuple]:
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def running(self) -> list[tuple]:
        return self("SELECT id, attempt FROM jobs WHERE state = 'running'")

    def open_jobs(self) -> list[tuple]:
        return self("SELECT id, state FROM jobs WHERE state IN ('queued', 'running')")


class Uploader(threading.Thread):
    """Sends every file until the server has said that it has it. `accepted`: image uid -> SHA-256."""

    def __init__(self, person: Person) -> None:
        super().__init__(daemon=True)
        self._person = person
        self.accepted: dict[str, str] = {}
        self.broken_off = 0

    def run(self) -> None:
        for seed in range(FILES):
            data = png(seed, 200, 240)
            verdict = self._send(f"scan-{seed}.png", data)
            assert verdict["state"] in {"accepted", "seen"}
            self.accepted[verdict["image_uid"]] = hashlib.sha256(data).hexdigest()
            time.sleep(0.2)

    def _send(self, name: str, data: bytes) -> dict[str, str]:
        while True:
            try:
                return self._person.upload(name, data)
            except requests.RequestException:
                self.broken_off += 1
                time.sleep(0.2)


def kill_and_start(site: Site, name: str, chance: random.Random) -> None:
    site.kill(name)
    time.sleep(chance.uniform(0, 0.5))
    site.start(name)


def kill_in_the_middle_of_an_analysis(site: Site, rows: Rows, chance: random.Random) -> None:
    """Wait for a first attempt at work and kill its worker. A second attempt is left alone, so that no
    job can use up its three."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if [attempt for _, attempt in rows.running()] == [1]:
            kill_and_start(site, "worker", chance)
            return
        time.sleep(0.002)
    raise AssertionError("no analysis was seen at work")


def kill_about(site: Site, rows: Rows, uploader: Uploader) -> None:
    chance = random.Random(SEED)
    kill_in_the_middle_of_an_analysis(site, rows, chance)
    for _ in range(3):
        time.sleep(chance.uniform(0.5, 3))
        assert uploader.is_alive()
        kill_and_start(site, "web", chance)
    kill_in_the_middle_of_an_analysis(site, rows, chance)


def test_every_accepted_image_gets_exactly_one_analysis(site):
    rows = Rows(site)
    site.start("web")
    site.start("worker")
    site.wait_until_up()
    wait_for(lambda: rows("SELECT id FROM workers"), PATIENCE)
    person = Person(site)
    uploader = Uploader(person)
    uploader.start()
    kill_about(site, rows, uploader)
    uploader.join(PATIENCE)
    assert not uploader.is_alive()
    person.close()
    wait_for(lambda: not rows.open_jobs(), PATIENCE)

    assert len(uploader.accepted) == FILES
    images = rows("SELECT uid, sha256, storage_key FROM images")
    assert {uid: sha256 for uid, sha256, _ in images} == uploader.accepted
    storage = Storage(str(site.folder / "files"))
    for _, sha256, key in images:
        assert hashlib.sha256(storage.read(key)).hexdigest() == sha256
    counts = rows(
        "SELECT i.uid, COUNT(a.id) FROM images i LEFT JOIN analyses a ON a.image_id = i.id GROUP BY i.uid"
    )
    assert counts == [(uid, 1) for uid in sorted(uploader.accepted)]
    assert rows("SELECT DISTINCT state, error FROM jobs") == [("done", None)]
    assert rows("SELECT COUNT(*) FROM jobs WHERE attempt > 1")[0][0] >= 1, "no kill hit an analysis"
    assert uploader.broken_off >= 1, "no kill of the web program was noticed"

    assert site.stop("worker") == 0
    assert rows("SELECT COUNT(*) FROM jobs WHERE state = 'running'") == [(0,)]
