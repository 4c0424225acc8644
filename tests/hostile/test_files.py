"""Hostile files against a real server: each gets its named error or a correct result, within 10 seconds and
1 GiB, and nothing that was stored before is changed by it.

One server takes them all, one after the other, and lives to the end. `pytest -m slow tests/hostile`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.hostile.archives import ARCHIVES
from tests.hostile.dicoms import DICOMS
from tests.hostile.names import NAMES
from tests.hostile.pictures import PICTURES
from tests.hostile.processes import descendants
from tests.hostile.sending import measured, send
from tests.hostile.state import State, query, stored
from tests.hostile.table import Hostile
from tests.live import Person, Site
from tests.ml.conftest import write_weights
from tests.scans import png
from tests.services_support import wait_for

MOST_SECONDS = 10
MOST_MEMORY = 2**30
FILES: dict[str, Hostile] = {**PICTURES, **DICOMS, **ARCHIVES, **NAMES}
PATIENCE = 300

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::UserWarning:pydicom"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    weights = write_weights(folder / "weights", "tiny", 64)
    site = Site(folder / "instance", DECODERS="1", ML_WEIGHTS=str(weights), ML_THREADS="1")
    site.set_up()
    site.start("web")
    site.wait_until_up()
    yield site
    site.kill_all()


@pytest.fixture(scope="module")
def person(site):
    """Somebody with a good scan already in a case."""
    person = Person(site)
    status, answer = send(person, b"good.png", png(999))
    assert (status, answer["files"][0]["code"]) == (200, "accepted")
    yield person
    person.close()


def test_there_are_enough_of_them_and_no_two_are_the_same():
    assert len(FILES) >= 80
    assert len(FILES) == len(PICTURES) + len(DICOMS) + len(ARCHIVES) + len(NAMES)


@pytest.mark.parametrize("which", FILES)
def test_a_hostile_file_gets_its_verdict_and_changes_nothing(site, person, which):
    hostile = FILES[which]
    data = hostile.make()
    before, web = stored(site.folder), _web_processes(site)
    with measured(site) as cost:
        status, answer = send(person, hostile.filename, data)
    after = stored(site.folder)

    assert status == 200, answer
    verdicts = answer["files"]
    assert tuple(verdict["code"] for verdict in verdicts) in hostile.verdicts, verdicts
    assert cost.seconds <= MOST_SECONDS, cost
    assert cost.processor <= MOST_SECONDS, cost
    assert cost.memory <= MOST_MEMORY, cost
    assert all(len(verdict["message"]) > 20 for verdict in verdicts), "it says what to do"
    assert web <= _web_processes(site), "the server was replaced"
    _check_stored(site, before, after, [v for v in verdicts if v["state"] == "accepted"], hostile, data)


def _web_processes(site: Site) -> set[int]:
    """The server's processes but those that decode."""
    return {
        process
        for process in descendants(site.pid("web"))
        if b"ml.decoding.child" not in Path(f"/proc/{process}/cmdline").read_bytes()
    }


_BESIDES = {"audit_entries", "exam_words", "patients"}
"""Tables that may gain rows besides: the act is logged, a case is indexed, a patient may be known already."""


def _check_stored(
    site: Site, before: State, after: State, accepted: list[dict[str, str]], hostile: Hostile, data: bytes
) -> None:
    assert before.rows - after.rows == frozenset(), "a row was changed or removed"
    assert before.files.items() <= after.files.items(), "a file was changed or removed"
    new = [table for table in after.tables_added(before) if table not in _BESIDES]
    assert new == sorted(["exams", "images", "jobs"] * len(accepted))
    assert len(after.files) - len(before.files) == len(accepted)
    for verdict in accepted:
        _check_image(site, verdict, hostile, data)


def _check_image(site: Site, verdict: dict[str, str], hostile: Hostile, data: bytes) -> None:
    columns = "width, height, frames, filename, sha256, storage_key"
    database = site.folder / "secondread.db"
    ((*shape, name, sha256, key),) = query(
        database, f"SELECT {columns} FROM images WHERE uid = ?", verdict["image_uid"]
    )
    assert tuple(shape) == hostile.shape
    assert name == verdict["name"]
    assert hostile.shown in (None, name)
    kept = (site.folder / "files" / key).read_bytes()
    assert hashlib.sha256(kept).hexdigest() == sha256
    if not data.startswith(b"PK"):
        assert kept == data


def test_what_was_accepted_is_shown_and_analysed_to_an_end(site, person):
    """Run after the others: whatever passed as a scan has to hold as one."""
    database = site.folder / "secondread.db"
    what = "e.uid, i.uid, i.width || ' x ' || i.height || ' ' || i.filename"
    images = query(database, f"SELECT {what} FROM images i JOIN exams e ON e.id = i.exam_id ORDER BY i.id")
    site.start("worker")
    waiting = "SELECT id FROM jobs WHERE state IN ('queued', 'running')"
    wait_for(lambda: not query(database, waiting), PATIENCE)
    site.stop("worker")
    internal = query(database, "SELECT image_id, error FROM jobs WHERE error_code IN ('internal', 'gave_up')")
    assert internal == [], "the analysis broke down without a word of what is wrong"
    for exam, image, name in images:
        for page in (f"/cases/{exam}", f"/media/thumbnails/{image}.png", f"/media/images/{image}/0.png"):
            answer = person.session.get(site.url + page, timeout=60)
            slow = "takes longer than" in answer.text[-1500:]  # a heavy file on a busy machine
            assert answer.status_code == 200 or slow, (name, page, answer.text[-1500:])


def test_nothing_was_written_outside(site):
    for place in ("/etc/scan.png", "/etc/cron.d/scan.png", "/etc/passwd.png", "/tmp/scan.png"):
        assert not Path(place).exists(), place
    assert not (site.folder.parent / "scan.png").exists()
