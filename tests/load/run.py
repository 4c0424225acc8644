"""A load run: a real server on a database of some size, people at work, and what is promised, judged.

`python -m tests.load.run`; `script/load` calls it. Prints a table, or JSON alone with --json; the exit status
is 1 where a goal was not met.
"""

from __future__ import annotations

import locust  # noqa: F401  isort: skip  first of all: it lets gevent replace sockets

import argparse
import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections import deque
from functools import cache
from itertools import count
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

import gevent
import numpy as np
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry
from PIL import Image as Picture
from sqlalchemy import ColumnElement, func, select

import ml
from tests.live import Site
from tests.load.memory import MIB, Trace
from tests.load.people import PASSWORD, Clinic, Reader, Uploader
from tests.services_support import wait_for
from webapp import create_app
from webapp.config import AppConfig
from webapp.extensions import db
from webapp.models import Analysis, Image, Job, User
from webapp.services import accounts, seeding
from webapp.services.accounts import NewUser

GOAL_MS = 200
"""Worklist and "read saved", 95th percentile."""
GOAL_GROWTH = 0.05
"""Share of its memory that web or worker may grow by over the judged part of a run."""
JUDGED_FROM = 120
"""Seconds: over a shorter run a cache that fills can't be told from a leak."""
GROUP = "Load"
NAMES = ("worklist", "case", "read saved", "picture", "news", "upload")
JUDGED = ("worklist", "read saved")
DRAWN = 8
PATIENCE = 240
"""Seconds for the programs to start, and for the last analyses to end, on a busy machine too."""
_SPAWN_RATE = 5

sys.excepthook = sys.__excepthook__  # Locust puts its own there, which says nothing without its logging


def main() -> int:
    wanted = arguments()
    with tempfile.TemporaryDirectory(prefix="secondread-load-") as folder:
        settings = given("ML_WEIGHTS", "ML_THREADS", "DATABASE_URL")
        site = Site(Path(folder) / "instance", threads=8, processes=2, **settings)
        site.set_up()
        app = create_app(AppConfig(demo=True, instance_dir=site.folder, **database()))
        try:
            with app.app_context():
                rows = measure(site, wanted)
        finally:
            site.kill_all()
            keep_logs(site)
    print(json.dumps({"cores": os.cpu_count(), "rows": rows}) if wanted.json else table(rows))
    return 1 if any(row["met"] is False for row in rows) else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Readers and uploads on a real server; which goals are met.")
    parser.add_argument(
        "--seconds", type=int, default=300, help="after everybody has signed in (default 300)"
    )
    parser.add_argument("--readers", type=int, default=50, help="signed-in readers (default 50)")
    parser.add_argument("--cases", type=int, default=1000, help="made-up cases in the history (default 1000)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


def measure(site: Site, wanted: argparse.Namespace) -> list[dict[str, object]]:
    """The rows of the table, as `script/bench` has them."""
    fill(wanted.cases, wanted.readers)
    share(wanted.readers)
    site.start("web")
    site.start("worker")
    wait_for(lambda: urlopen(f"{site.url}/readyz", timeout=PATIENCE).status == 200, PATIENCE)
    environment = Environment(user_classes=[Reader, Uploader], host=site.url, reset_stats=True)
    traces = {name: Trace(site.pid(name)) for name in ("web", "worker")}
    let_work(environment, traces, wanted)
    wait_for(lambda: not how_many(Job, Job.state.in_(("queued", "running"))), PATIENCE)
    return judge(environment.stats, traces, wanted.seconds)


def fill(cases: int, readers: int) -> None:
    """A history, and accounts that all have the same password: hashing it once is enough."""
    seeding.seed(cases, GROUP)
    first = accounts.create(NewUser(email_of(0), "Reader 0", PASSWORD, GROUP, ("radiologist",)))
    for number in range(1, readers + Uploader.fixed_count):
        person = User(email=email_of(number), name=f"Reader {number}", group=first.group, roles=first.roles)
        person.password, person.fs_uniquifier = first.password, uuid4().hex
        db.session.add(person)
    db.session.commit()


def share(readers: int) -> None:
    """Give the people what they share. Scans are drawn now: a third of a second each, in which whoever waits
    for an answer would wait for us."""
    for number in range(DRAWN):
        drawn(number)
    numbers, scans = count(), count()
    Clinic.next_reader = lambda: email_of(next(numbers) % (readers + Uploader.fixed_count))
    Clinic.next_scan = lambda: scan(next(scans))
    Clinic.accepted, Clinic.case_urls = deque(), deque(maxlen=50)


def let_work(environment: Environment, traces: dict[str, Trace], wanted: argparse.Namespace) -> None:
    """All people sign in, then work for the time wanted; memory is looked at each second of it."""
    people = wanted.readers + Uploader.fixed_count
    runner = environment.create_local_runner()
    runner.start(people, spawn_rate=_SPAWN_RATE)
    with gevent.Timeout(PATIENCE + people * 3):
        while runner.state != "running":
            gevent.sleep(0.2)
    for _ in range(wanted.seconds):
        for trace in traces.values():
            trace.look()
        gevent.sleep(1)
    runner.quit()
    runner.greenlet.join(timeout=60)


def judge(stats: RequestStats, traces: dict[str, Trace], seconds: int) -> list[dict[str, object]]:
    """What was promised, and what else helps to understand it."""
    done = [name for name in NAMES if name in JUDGED or requests(stats, name)]
    rows = [row(f"load, {name}: p50", quantile(stats, name, 0.5), "ms") for name in done]
    for name in done:
        slow = quantile(stats, name, 0.95)
        goal = {"goal": f"<= {GOAL_MS} ms", "met": slow <= GOAL_MS} if name in JUDGED else {}
        rows.append(row(f"load, {name}: p95", slow, "ms", **goal))
    broken = [error for error in stats.errors.values() if is_ours(str(error.error))]
    rows.append(row("load: answers of the 500s, connections lost", sum(error.occurrences for error in broken),
                    "", goal="0", met=not broken))  # fmt: skip
    for error in broken:
        print(f"{error.occurrences} x {error.method} {error.name}: {error.error}", file=sys.stderr)
    rows.append(row("load: requests in all", stats.total.num_requests / seconds, "/s"))
    rows += [analysed(seconds), *(memory(name, trace, seconds) for name, trace in traces.items())]
    return rows


def analysed(seconds: int) -> dict[str, object]:
    """Every upload that was answered as accepted has one analysis, by the rows."""
    once = (
        select(Image.id).join(Analysis).where(Image.uid.in_(Clinic.accepted)).group_by(Image.id)
        .having(func.count(Analysis.id) == 1)
    )  # fmt: skip
    count_once = db.session.scalar(select(func.count()).select_from(once.subquery())) or 0
    met = count_once == len(Clinic.accepted) > 0
    return row("load: uploads analysed once", count_once, "", goal=f"= {len(Clinic.accepted)}", met=met)


def memory(name: str, trace: Trace, seconds: int) -> dict[str, object]:
    """How the memory of a program went; a short run is not judged."""
    share_of = trace.growth / trace.mean
    what = f"load, memory of the {name}, of {trace.mean / MIB:.0f} MiB: growth"
    goal = f"<= {100 * GOAL_GROWTH:.0f} %"
    return row(
        what, 100 * share_of, "%", goal=goal, met=None if seconds < JUDGED_FROM else share_of <= GOAL_GROWTH
    )


def is_ours(error: str) -> bool:
    """Whether an error is the server's: a status from 500 on, or no answer at all."""
    status = re.search(r"\b([1-5][0-9]{2})\b", error)
    return status is None or status[1] >= "500"


@cache
def drawn(number: int) -> np.ndarray:
    """One of `DRAWN` scans: uint8 (H, W)."""
    return ml.phantom.draw(ml.phantom.KINDS[number % len(ml.phantom.KINDS)], number).pixels


def scan(number: int) -> bytes:
    """A PNG of a scan that differs from every other in some pixels."""
    pixels = drawn(number % DRAWN).copy()
    pixels[:2, :64] = np.random.default_rng(number).integers(0, 256, (2, 64))
    file = io.BytesIO()
    Picture.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def requests(stats: RequestStats, name: str) -> list[StatsEntry]:
    """What was counted under a name, whatever the method; nothing where nobody did it."""
    return [entry for entry in stats.entries.values() if entry.name == name and entry.num_requests]


def quantile(stats: RequestStats, name: str, part: float) -> float:
    """Milliseconds."""
    entries = requests(stats, name)
    if not entries:
        raise RuntimeError(f"Nobody got as far as this: {name}. Let them work for longer.")
    return float(entries[0].get_response_time_percentile(part))


def row(what: str, value: float, unit: str, **more: object) -> dict[str, object]:
    return {"what": what, "value": value, "unit": unit, "goal": None, "met": None, **more}


def table(rows: list[dict[str, object]]) -> str:
    lines = [f"{'':64}{'measured':>12}  goal"]
    for of in rows:
        met = {None: "", True: "  met", False: "  NOT MET"}[of["met"]]
        lines.append(f"{of['what']:64}{of['value']:>8.2f} {of['unit']:<3}  {of['goal'] or ''}{met}")
    return "\n".join(lines)


def how_many(model: type, *which: ColumnElement[bool]) -> int:
    db.session.rollback()  # look anew
    return db.session.scalar(select(func.count(model.id)).where(*which)) or 0


def email_of(number: int) -> str:
    return f"reader-{number}@load.example"


def given(*names: str) -> dict[str, str]:
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def database() -> dict[str, str]:
    return {name.lower(): value for name, value in given("DATABASE_URL").items()}


def keep_logs(site: Site) -> None:
    """Where LOAD_LOGS names a folder, the programs' logs outlive the run."""
    if folder := os.environ.get("LOAD_LOGS"):
        for log in site.folder.glob("*.log"):
            shutil.copy(log, folder)


if __name__ == "__main__":
    raise SystemExit(main())
