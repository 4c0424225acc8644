"""kill -9 of web, worker, Redis and Postgres at random moments during a stream of uploads and reads: every
acknowledged one is there afterwards, analysed once. For real.

KILL_MOMENTS (20) says how often; `script/kill` does it 200 times. tests/webapp/test_kill.py aims its kills at
the very middle of an analysis.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack

import pytest
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.hostile.servers import OwnPostgres, OwnRedis, started
from tests.hostile.stream import Ledger, Looker, Reader, Stream, Uploader
from tests.live import Person, Site
from tests.ml.conftest import write_weights
from tests.services_support import wait_for
from webapp.services.storage import Storage

MOMENTS = int(os.environ.get("KILL_MOMENTS", "20"))
SEED = 20261121
LEASE_SECONDS = 5
PATIENCE = 300
"""Seconds for one step on a busy machine."""
SHARE = {"sqlite": 0.3, "postgres": 0.7}
"""Of the moments: two programs of ours are to be killed in the one, four in the other."""

pytestmark = [pytest.mark.slow, pytest.mark.kill, pytest.mark.timeout(300 + 60 * MOMENTS)]


class Place:
    """A site and all that it stands on, each part by its name."""

    def __init__(self, site: Site, database: str, **servers: OwnPostgres | OwnRedis) -> None:
        self.site, self.servers = site, servers
        self._known: set[tuple] = set()
        self._engine = create_engine(database, pool_pre_ping=True)
        self.parts = ["web", "worker", *servers]

    def rows(self, query: str) -> list[tuple]:
        """Rows, asked from outside; waits while the database is away."""
        return wait_for(lambda: self._ask(query), PATIENCE)[1:]

    def _ask(self, query: str) -> list[tuple] | None:
        """None while the database is away; else an empty tuple, and the rows."""
        try:
            with self._engine.connect() as connection:
                return [(), *(tuple(row) for row in connection.execute(text(query)))]
        except DBAPIError:
            return None

    def start(self, part: str) -> None:
        """Start a part, without waiting for it."""
        if part == "worker":
            self._known = set(self.rows(_WORKERS))
        self.servers.get(part, self.site).start(*self._name(part))

    def kill(self, part: str) -> None:
        """kill -9 a part and all that it started."""
        self.servers.get(part, self.site).kill(*self._name(part))

    def _name(self, part: str) -> list[str]:
        return [] if part in self.servers else [part]

    def ended_by_themselves(self) -> list[str]:
        """Programs of ours that are not running although nobody killed them."""
        return [part for part in ("web", "worker") if not self.site.runs(part)]

    def is_up(self, part: str) -> bool:
        """Whether a part does its work."""
        if part in self.servers:
            return self.servers[part].up()
        if part == "worker":
            return bool(set(self._ask(_WORKERS) or ()) - self._known - {()})
        try:
            return requests.get(f"{self.site.url}/healthz", timeout=5).ok
        except requests.RequestException:
            return False

    def open_jobs(self) -> list[tuple]:
        return self.rows("SELECT id FROM jobs WHERE state IN ('queued', 'running')")

    def let_second_attempts_be(self) -> None:
        """A job is given up after its third attempt, by design: whatever kills a worker three times is not
        let near it again. Chance must not do that here."""
        wait_for(lambda: not self.rows(_INTERRUPTED), PATIENCE)

    def close(self) -> None:
        self._engine.dispose()


_WORKERS = "SELECT name FROM workers"
_INTERRUPTED = "SELECT id FROM jobs WHERE state IN ('queued', 'running') AND attempt >= 2"


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    weights = write_weights(tmp_path / "weights", "resnet18", 224)
    settings = {"ML_WEIGHTS": str(weights), "LEASE_SECONDS": str(LEASE_SECONDS), "ML_THREADS": "1"}
    folder = tmp_path / "instance"
    folder.mkdir()
    with ExitStack() as stack:
        servers = {}
        database = f"sqlite:///{folder / 'secondread.db'}"
        if request.param == "postgres":
            servers = {"postgres": OwnPostgres(tmp_path / "postgres.log"), "redis": OwnRedis(tmp_path)}
            stack.callback(servers["postgres"].remove)
            stack.callback(servers["redis"].kill)
            started(*servers.values())
            settings |= {"DATABASE_URL": servers["postgres"].url, "QUEUE_URL": servers["redis"].url}
            database = servers["postgres"].url.replace("postgresql", "postgresql+psycopg", 1)
        site = Site(folder, **settings)
        stack.callback(site.kill_all)
        site.set_up()
        place = Place(site, database, **servers)
        stack.callback(place.close)
        yield place


def kill_at_random(place: Place, moments: int, streams: list[Stream], ledger: Ledger) -> Counter[str]:
    """At each moment, kill one of the parts that are at work, and start it again. All by a seeded chance,
    which prefers what was killed less often: Redis is up again long before a worker is. Between two kills
    the stream has moved on: a server that is never given the time to take anything in loses nothing either.
    Returns how often each was killed."""
    chance, killed, done = random.Random(SEED), Counter[str](), 0
    for _ in range(moments):
        wait_for(lambda done=done: ledger.acknowledged > done, PATIENCE)
        done = ledger.acknowledged
        up = wait_for(lambda: [part for part in place.parts if place.is_up(part)], PATIENCE)
        (part,) = chance.choices(up, [1 / (1 + killed[part]) for part in up])
        time.sleep(chance.uniform(0, 2))
        if part in {"worker", "postgres"}:
            place.let_second_attempts_be()
        assert place.ended_by_themselves() == []
        assert all(stream.is_alive() for stream in streams)
        place.kill(part)
        killed[part] += 1
        time.sleep(chance.uniform(0, 1))
        place.start(part)
    return killed


def test_what_was_acknowledged_is_there_and_analysed_once(place, request, capsys):
    began = time.monotonic()
    for part in ("web", "worker"):
        place.start(part)
    place.site.wait_until_up()
    ledger, stop = Ledger(), threading.Event()
    people = [Person(place.site) for _ in range(3)]
    streams = [
        kind(person, ledger, stop, pause)
        for kind, person, pause in zip((Uploader, Reader, Looker), people, (0.4, 0.3, 0.1), strict=True)
    ]
    for stream in streams:
        stream.start()
    which = request.node.callspec.params["place"]
    killed = kill_at_random(place, max(1, round(MOMENTS * SHARE[which])), streams, ledger)
    wait_for(lambda: all(place.is_up(part) for part in place.parts), PATIENCE)
    stop.set()
    for stream in streams:
        stream.join(PATIENCE)
    assert not any(stream.is_alive() for stream in streams)
    assert [stream.failure for stream in streams] == [None] * 3
    for person in people:
        person.close()
    wait_for(lambda: not place.open_jobs(), PATIENCE + len(ledger.uploads))
    attempts = place.rows("SELECT COUNT(*) FROM jobs WHERE attempt > 1")[0][0]
    with capsys.disabled():
        minutes = (time.monotonic() - began) / 60
        sys.stdout.write(
            f"\n{which}: {killed.total()} moments {dict(killed)}; acknowledged {len(ledger.uploads)} "
            f"uploads, {len(ledger.reads)} reads; {ledger.broken_off} requests broken off; "
            f"told {ledger.told}; {attempts} analyses begun again; {minutes:.1f} minutes\n"
        )

    check_uploads(place, ledger)
    check_reads(place, ledger)
    check_analyses(place, ledger)
    assert ledger.strange == []
    assert ledger.broken_off >= 1, "no kill was noticed"
    assert ledger.uploads
    assert ledger.reads
    assert place.site.stop("worker") == 0


def check_uploads(place: Place, ledger: Ledger) -> None:
    """Each acknowledged file is there once, byte for byte, and no other."""
    images = place.rows("SELECT uid, sha256, storage_key FROM images")
    assert sorted((uid, sha256) for uid, sha256, _ in images) == sorted(ledger.uploads.items())
    storage = Storage(str(place.site.folder / "files"))
    for _, sha256, key in images:
        assert hashlib.sha256(storage.read(key)).hexdigest() == sha256


def check_reads(place: Place, ledger: Ledger) -> None:
    """Each acknowledged read is there once, of its image; versions without a gap."""
    reads = place.rows(
        "SELECT r.comment, i.uid, r.version FROM reads r JOIN images i ON i.id = r.image_id ORDER BY r.id"
    )
    assert sorted((comment, uid) for comment, uid, _ in reads) == sorted(ledger.reads.items())
    versions: dict[str, list[int]] = {}
    for _, uid, version in reads:
        versions.setdefault(uid, []).append(version)
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())


def check_analyses(place: Place, ledger: Ledger) -> None:
    """Each image was analysed to an answer, once."""
    counts = place.rows(
        "SELECT i.uid, COUNT(a.id) FROM images i LEFT JOIN analyses a ON a.image_id = i.id GROUP BY i.uid"
    )
    assert sorted(counts) == sorted((uid, 1) for uid in ledger.uploads)
    assert place.rows("SELECT DISTINCT state, error FROM jobs") == [("done", None)]
