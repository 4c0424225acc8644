"""A real worker and a real web process take up another network while they run, and go back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch

import ml
from ml import checkpoint, networks
from tests.live import FLASK, Person, Site
from tests.ml.conftest import CLASSES, tiny_card
from tests.scans import png
from tests.services_support import wait_for
from webapp.config import ROOT

PATIENCE = 180

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def write_network(folder: Path, seed: int, version: str) -> str:
    """A tiny network of its own weights; returns their checksum."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        card = tiny_card().model_copy(update={"version": version})
        checkpoint.save(networks.build("tiny", len(CLASSES)), card, folder)
    return ml.ModelCard.load(folder).checksum


@pytest.fixture
def site(tmp_path: Path):
    for seed, version in ((1, "1.0"), (2, "2.0")):
        write_network(tmp_path / "networks" / version, seed, version)
    given = {"ML_WEIGHTS": str(tmp_path / "networks" / "1.0"), "NETWORKS_DIR": str(tmp_path / "networks")}
    site = Site(tmp_path / "instance", ML_THREADS="1", **given)
    site.set_up()
    for name in ("web", "worker"):
        site.start(name)
    site.wait_until_up()
    yield site
    site.kill_all()


def flask(site: Site, *command: str) -> str:
    run = subprocess.run([*FLASK, "networks", *command], cwd=ROOT, env=site.environment, text=True,
                         capture_output=True, timeout=PATIENCE, check=True)  # fmt: skip
    return run.stdout


def answered_by(person: Person, verdict: dict[str, str], version: str) -> bool:
    """Whether the case page shows an answer of this network as the newest."""
    page = person.session.get(f"{person.site.url}{verdict['case_url']}", timeout=60).text
    return f"Network secondread-test {version}" in page


def test_running_processes_take_up_another_network_and_go_back(site: Site, tmp_path: Path) -> None:
    second = ml.ModelCard.load(tmp_path / "networks" / "2.0").checksum
    first = ml.ModelCard.load(tmp_path / "networks" / "1.0").checksum
    person, pid = Person(site), site.pid("worker")
    one = person.upload("one.png", png(1))
    wait_for(lambda: answered_by(person, one, "1.0"), PATIENCE)

    assert "2.0 is the active network now" in flask(site, "switch", second[:12])
    two = person.upload("two.png", png(2))
    wait_for(lambda: answered_by(person, two, "2.0"), PATIENCE)
    assert "1 frames wait" in flask(site, "reanalyse")
    wait_for(lambda: answered_by(person, one, "2.0"), PATIENCE)
    assert "100%: 1 of 1 frames" in flask(site, "progress")

    flask(site, "switch", first)
    three = person.upload("three.png", png(3))
    wait_for(lambda: answered_by(person, three, "1.0"), PATIENCE)
    assert site.pid("worker") == pid
