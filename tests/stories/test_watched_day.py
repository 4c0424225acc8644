"""A whole day of marked patients leaves no mark in any log, and every process's figures add up.

Web (two processes) and worker run for real; every field that can hold a patient's data holds the mark.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.live import Person, Site
from tests.ml.conftest import write_weights
from tests.scans import dicom, png
from tests.services_support import wait_for

MARK = "ZZQX"
TOKEN = "a-token-of-some-length"
PATIENCE = 120
_SECRETS = ("correct horse battery", TOKEN)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def site(tmp_path: Path):
    weights = write_weights(tmp_path / "weights", "resnet18", 224)
    counters = tmp_path / "counters"
    counters.mkdir()
    watched = {"LOG_FORMAT": "json", "METRICS_TOKEN": TOKEN, "PROMETHEUS_MULTIPROC_DIR": str(counters)}
    site = Site(
        tmp_path / "instance", ML_WEIGHTS=str(weights), ML_THREADS="1", WEB_CONCURRENCY="2", **watched
    )
    site.set_up()
    site.start("web")
    site.start("worker")
    site.wait_until_up()
    yield site
    site.kill_all()


class Day:
    """What a person does who leaves the mark everywhere."""

    def __init__(self, site: Site) -> None:
        self.person, self.url = Person(site), site.url

    def send(self, name: str, data: bytes) -> dict[str, str]:
        said = {"patient_reference": f"{MARK}-P", "accession": f"{MARK}-A", "note": MARK, "view": MARK}
        files = {"files": (name, data)}
        answer = self.post("/uploads", said, files=files, headers={"Accept": "application/json"})
        return answer.json()["files"][0]

    def post(self, path: str, form: dict[str, str], **more) -> requests.Response:
        data = {"csrf_token": self.person.token, **form}
        headers = {"Referer": f"{self.url}/{MARK}", **more.pop("headers", {})}
        return self.person.session.post(self.url + path, data=data, headers=headers, timeout=60, **more)

    def get(self, path: str) -> requests.Response:
        return self.person.session.get(self.url + path, timeout=60)


def packed() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"{MARK}.png", png(3))
        archive.writestr(f"../{MARK}.txt", MARK)
    return stream.getvalue()


def marked_dicom(seed: int) -> bytes:
    return dicom(
        seed, PatientName=f"{MARK}^Ada", PatientID=f"{MARK}-P", AccessionNumber=f"{MARK}-A",
        StudyDescription=MARK, PatientBirthDate="19700101", InstitutionName=MARK,
    )  # fmt: skip


def upload_everything(day: Day) -> str:
    """Good and bad files; returns the path of a case's page."""
    verdict = day.send(f"{MARK}.dcm", marked_dicom(1))
    assert verdict["state"] == "accepted", verdict
    for name, data in {
        f"{MARK}.png": png(2),
        f"{MARK}.zip": packed(),
        f"{MARK}.docx": MARK.encode() * 99,
        f"cut-{MARK}.dcm": marked_dicom(4)[:700],
        f"odd-{MARK}.dcm": marked_dicom(5).replace(b"US", b"ZZ"),
    }.items():
        day.send(name, data)
    return verdict["case_url"]


def live_a_day(day: Day) -> None:
    case = upload_everything(day)
    page = day.get(case).text
    image = re.search(r"/media/images/([0-9a-f]{32})/", page)[1]
    for path in (f"images/{image}/0.png", f"thumbnails/{image}.png", f"originals/{image}"):
        assert day.get(f"/media/{path}").ok, path
    read = {"birads": "4A", "comment": MARK}
    assert day.post(f"{case}/images/{image}/reads", read).ok
    said = {"laterality": "L", "method": "pathology", "result": "benign", "dated": "2026-01-02"}
    day.post(f"{case}/outcomes", {**said, "words": MARK})
    for path in (f"/?q={MARK}", f"/?reader={MARK}", f"/history.csv?q={MARK}", f"/{MARK}", f"/cases/{MARK}"):
        day.get(path)
    day.get(f"/cases/{MARK}/images/{MARK}/result?frame={MARK}")
    day.post("/account", {"name": MARK, "timezone": MARK})
    day.post("/login", {"email": f"{MARK}@x.example", "password": MARK})


def test_a_marked_day_leaves_no_mark_in_the_logs_and_the_figures_add_up(site: Site) -> None:
    day = Day(site)
    live_a_day(day)
    wait_for(lambda: figures(site)["secondread_jobs done"] >= 1, PATIENCE)
    wait_for(lambda: figures(site)["secondread_jobs_waiting"] == 0, PATIENCE)
    told = figures(site)
    day.person.close()
    assert site.stop("worker") == 0
    assert site.stop("web") == 0

    text = {name: (site.folder / f"{name}.log").read_text() for name in ("web", "worker")}
    for name, words in text.items():
        assert MARK not in words, f"{name}: {[line for line in words.splitlines() if MARK in line][:3]}"
        for secret in _SECRETS:
            assert secret not in words
    lines = [json.loads(line) for line in text["web"].splitlines() if line.startswith("{")]
    asked = [line for line in lines if "endpoint" in line]
    assert len(asked) >= 20
    assert all(re.fullmatch("[0-9a-f]{32}", line["request_id"]) for line in asked)
    assert any(line["cases"] for line in asked if line["endpoint"] == "uploads.create")
    assert all(isinstance(line["user"], int) for line in asked if line["endpoint"] == "reads.save")

    counted = sum(value for name, value in told.items() if name.startswith("secondread_requests_total"))
    quiet = sum(
        value for name, value in told.items()
        if re.match("secondread_requests_total (static|health)", name)
    )  # fmt: skip
    assert counted - quiet == len(asked), "two processes, one sum"


def figures(site: Site) -> dict[str, float]:
    answer = requests.get(f"{site.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    assert answer.ok
    samples = (s for family in text_string_to_metric_families(answer.text) for s in family.samples)
    return {s.name + "".join(f" {v}" for _, v in sorted(s.labels.items())): s.value for s in samples}
