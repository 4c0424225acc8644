"""A thousand images in one zip: cut off and sent again, every one is there once and analysed once."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile

import numpy as np
import pytest
import requests
from PIL import Image as Picture

from tests.live import Person, Site
from tests.ml.conftest import write_weights
from tests.services_support import wait_for
from tests.webapp.test_kill import Rows

IMAGES = 1000
PATIENCE = 600

pytestmark = [pytest.mark.slow, pytest.mark.kill, pytest.mark.timeout(2400)]


@pytest.fixture
def site(tmp_path):
    weights = write_weights(tmp_path / "weights")
    site = Site(tmp_path / "instance", ML_WEIGHTS=str(weights), ML_THREADS="1", LEASE_SECONDS="5")
    site.set_up()
    yield site
    site.kill_all()


def batch() -> tuple[bytes, set[str]]:
    """A zip of small scans, and the SHA-256 of each."""
    chance, packed, sums = np.random.default_rng(1), io.BytesIO(), set()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(IMAGES):
            file = io.BytesIO()
            Picture.fromarray(chance.integers(0, 256, (48, 64), dtype=np.uint8)).save(file, "PNG")
            archive.writestr(f"visit/scan-{number:04d}.png", file.getvalue())
            sums.add(hashlib.sha256(file.getvalue()).hexdigest())
    return packed.getvalue(), sums


def send(person: Person, data: bytes) -> list[dict[str, str]]:
    form, files = {"csrf_token": person.token}, {"files": ("batch.zip", data)}
    headers = {"Accept": "application/json", "Referer": person.site.url}
    answer = person.session.post(
        f"{person.site.url}/uploads", data=form, files=files, headers=headers, timeout=PATIENCE
    )
    answer.raise_for_status()
    return answer.json()["files"]


def send_and_be_cut(person: Person, data: bytes) -> None:
    with pytest.raises(requests.RequestException):
        send(person, data)


def test_a_batch_that_was_cut_off_twice_is_whole_after_it_was_sent_again(site):
    data, sums = batch()
    rows = Rows(site)
    site.start("web")
    site.start("worker")
    site.wait_until_up()
    person = Person(site)
    for share in (0.3, 0.6):
        sending = threading.Thread(target=send_and_be_cut, args=(person, data))
        sending.start()
        wait_for(lambda share=share: rows("SELECT COUNT(*) FROM images")[0][0] >= share * IMAGES, PATIENCE)
        site.kill("web")
        sending.join(PATIENCE)
        assert not sending.is_alive()
        site.kill("worker")
        site.start("web")
        site.start("worker")
        site.wait_until_up()
    taken = rows("SELECT COUNT(*) FROM images")[0][0]
    verdicts = send(person, data)
    person.close()

    assert [verdict["name"] for verdict in verdicts] == [f"scan-{number:04d}.png" for number in range(IMAGES)]
    states = [verdict["state"] for verdict in verdicts]
    assert set(states) == {"seen", "accepted"}
    assert states.count("seen") == taken
    assert {row[0] for row in rows("SELECT sha256 FROM images")} == sums
    assert rows("SELECT COUNT(*) FROM images") == [(IMAGES,)]
    wait_for(lambda: not rows.open_jobs(), PATIENCE)
    assert rows("SELECT COUNT(*), COUNT(DISTINCT image_id) FROM analyses") == [(IMAGES, IMAGES)]
    assert rows("SELECT DISTINCT state FROM jobs") == [("done",)]
