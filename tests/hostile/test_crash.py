"""A codec that dies in a real server costs one file, one child process, and nothing else."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.hostile.processes import decoders, descendants
from tests.live import Person, Site
from tests.scans import png

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path / "instance", DECODERS="1", DECODE_SECONDS="60")
    site.set_up()
    site.start("web")
    site.wait_until_up()
    yield site
    site.kill_all()


def killed_in_the_middle(site: Site, person: Person, seed: int) -> str:
    """The verdict on a file whose decoder dies of a segmentation fault while it has it in hand."""
    (decoder,) = decoders(site.pid("web"))
    os.kill(decoder, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as aside:
        verdict = aside.submit(person.upload, "scan.png", png(seed))
        time.sleep(2**seed)  # a busy server needs longer until the file has reached the decoder
        os.kill(decoder, signal.SIGSEGV)
        os.kill(decoder, signal.SIGCONT)
        return verdict.result()["code"]


def test_the_web_goes_on(site):
    person = Person(site)
    assert person.upload("scan.png", png(10))["state"] == "accepted"
    (first,) = decoders(site.pid("web"))
    before = set(descendants(site.pid("web"))) - {first}
    codes = []
    while "decoder_crashed" not in codes and len(codes) < 6:
        codes.append(killed_in_the_middle(site, person, seed=len(codes)))
    assert codes[-1] == "decoder_crashed", codes
    assert person.upload("scan.png", png(len(codes) - 1))["state"] == "accepted", "the file itself was good"
    assert requests.get(f"{site.url}/healthz", timeout=30).ok
    after = set(descendants(site.pid("web")))
    assert before <= after, "a web process was replaced"
    assert first not in after
    person.close()


def test_decoders_end_with_a_server_that_is_killed(site):
    person = Person(site)
    person.upload("scan.png", png(1))
    person.close()
    (decoder,) = decoders(site.pid("web"))
    workers = set(descendants(site.pid("web"))) - {decoder}
    for process in (site.pid("web"), *workers):
        os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while _runs(decoder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _runs(decoder)


def _runs(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
