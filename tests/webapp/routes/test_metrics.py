"""/metrics: for whoever brings the token, and for nobody else; figures only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from tests.conftest import settings
from tests.support import Visitor
from tests.webapp.rows import add_analysis, add_exam, add_image
from webapp import create_app
from webapp.config import AppConfig
from webapp.extensions import db
from webapp.models import Job, Worker, now
from webapp.services import accounts, audit

TOKEN = "a-token-of-some-length"


@pytest.fixture
def config(config: AppConfig) -> AppConfig:
    return settings(config.instance_dir, metrics_token=TOKEN)


@pytest.fixture
def work(app: Flask) -> Iterator[None]:
    """Jobs in several states, a worker, a backup."""
    with app.app_context():
        exam = add_exam(accounts.find("radiologist@north.example"))
        for number, seconds in enumerate((1, 2, 3)):
            analysis = add_analysis(add_image(exam, number))
            job = db.session.get(Job, analysis.job_id)
            job.started_at, job.finished_at = now() - timedelta(seconds=seconds), now()
        for number, state in enumerate(("queued", "queued", "failed"), 3):
            image = add_image(exam, number)
            db.session.add(Job(image_id=image.id, state=state, created_at=now() - timedelta(seconds=90)))
        db.session.add(Worker(name="w", seen_at=now() - timedelta(seconds=20)))
        audit.record("backup_made", None, "backup")
        db.session.commit()
        yield
        db.session.remove()


def figures(client: Visitor) -> dict[str, float]:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    samples = (s for family in families for s in family.samples)
    return {
        sample.name + "".join(f" {v}" for _, v in sorted(sample.labels.items())): sample.value
        for sample in samples
    }


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}"])
def test_without_the_token_there_is_nothing_here(client: Visitor, given: str | None) -> None:
    answer = client.get("/metrics", headers={} if given is None else {"Authorization": given})
    assert answer.status_code == 404
    assert "secondread_" not in answer.text


def test_where_no_token_is_set_there_are_no_metrics(tmp_path) -> None:
    client = create_app(settings(tmp_path)).test_client()
    for given in ("Bearer ", "Bearer None"):
        assert client.get("/metrics", headers={"Authorization": given}).status_code == 404


def test_a_short_token_stops_the_start(tmp_path) -> None:
    with pytest.raises(ValidationError):
        settings(tmp_path, metrics_token="short")


def test_the_state_of_the_work_is_told(client: Visitor, work: None) -> None:
    told = figures(client)
    assert told["secondread_state_known"] == 1
    jobs = {state: told[f"secondread_jobs {state}"] for state in ("queued", "done", "failed", "running")}
    assert jobs == {"queued": 2, "done": 3, "failed": 1, "running": 0}
    assert told["secondread_jobs_waiting"] == 2
    assert told["secondread_oldest_waiting_seconds"] == pytest.approx(90, abs=60)
    assert told["secondread_workers"] == 1
    assert told["secondread_worker_silent_seconds"] == pytest.approx(20, abs=60)
    assert told["secondread_analysis_seconds 0.5"] == pytest.approx(2, abs=0.5)
    assert told["secondread_storage_free_bytes"] > 0
    assert 0 <= told["secondread_backup_age_seconds"] < 120


def test_requests_are_counted_by_endpoint_and_never_by_address(client: Visitor) -> None:
    before = figures(client).get("secondread_requests_total account.show GET 302", 0)
    client.get("/account?q=PATIENT-X")
    client.get("/cases/PATIENT-X")
    client.open("/account", method="PATIENTX")
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "PATIENT" not in answer.text
    told = figures(client)
    assert told["secondread_requests_total account.show GET 302"] == before + 1
    assert told["secondread_request_seconds_count account.show"] >= 1


def test_what_is_not_known_is_not_said(app: Flask, client: Visitor) -> None:
    told = figures(client)
    assert told["secondread_workers"] == 0
    assert not {"secondread_worker_silent_seconds", "secondread_backup_age_seconds"} & told.keys()
    with app.app_context():
        db.session.execute(sa.text("DROP TABLE workers"))
        db.session.commit()
    assert figures(client)["secondread_state_known"] == 0
