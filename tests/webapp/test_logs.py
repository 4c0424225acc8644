"""Logs: a line a request, an identifier to quote, nothing of a patient."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.conftest import settings
from tests.scans import png
from tests.support import Visitor
from webapp import create_app
from webapp.extensions import db
from webapp.logs import JsonLines, RequestId


def test_a_request_is_one_line_without_its_query_or_values(
    login: Callable[..., Visitor], caplog: pytest.LogCaptureFixture
) -> None:
    visitor = login()
    with caplog.at_level(logging.INFO, "webapp"):
        visitor.get("/account?q=PATIENT-4711")
        visitor.submit("/account", {"name": "PATIENT-4711", "timezone": "nowhere"})
    assert len([r for r in caplog.records if r.name == "webapp"]) == 3
    assert "account.show 200" in caplog.text
    assert "4711" not in caplog.text


def test_a_failed_statement_is_logged_without_its_values(app: Flask) -> None:
    with app.app_context(), pytest.raises(sa.exc.IntegrityError) as refused:
        db.session.execute(
            sa.text("INSERT INTO patients (uid, group_id, reference) VALUES (:u, 4711, :r)"),
            {"u": "x", "r": "PATIENT-4711"},
        )
    assert "PATIENT-4711" not in str(refused.value)


def test_sign_of_life_checks_are_not_logged(client: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "webapp"):
        client.get("/healthz")
    assert caplog.records == []


def test_each_answer_has_an_identifier_of_its_own_and_a_stranger_s_is_not_taken(client: Visitor) -> None:
    given = [client.get("/healthz", headers={"X-Request-ID": "f" * 32}).headers["X-Request-ID"] for _ in "ab"]
    assert len({*given, "f" * 32}) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", value) for value in given)


def test_a_proxy_s_identifier_is_taken_where_it_is_well_formed(tmp_path: Path) -> None:
    client = create_app(settings(tmp_path, proxy_hops=1)).test_client()
    for sent, taken in (
        ("abc-12345678", True),
        ("short", False),
        ("x" * 65, False),
        ("a b c d e f g h", False),
    ):
        answer = client.get("/healthz", headers={"X-Request-ID": sent})
        assert (answer.headers["X-Request-ID"] == sent) is taken


def test_a_line_outside_any_request_has_a_dash_for_its_identifier() -> None:
    record = logging.LogRecord("webapp", logging.INFO, "", 0, "", (), None)
    assert RequestId().filter(record)
    assert record.request_id == "-"


def test_a_line_names_the_case_by_its_identifier_and_nothing_else_of_the_address(
    login: Callable[..., Visitor], caplog: pytest.LogCaptureFixture
) -> None:
    visitor = login()
    with caplog.at_level(logging.INFO, "webapp"):
        visitor.get(f"/cases/{'a' * 32}")
        visitor.get("/cases/PATIENT-4711")
    first, second = (record for record in caplog.records if record.name == "webapp")
    assert first.getMessage().endswith(f"on {'a' * 32}")
    assert (first.facts["cases"], first.facts["endpoint"], first.facts["status"]) == (
        ["a" * 32],
        "cases.show",
        404,
    )
    assert second.facts["cases"] == []
    assert "4711" not in caplog.text


def test_an_upload_s_line_names_the_cases_that_its_files_are_in(
    login: Callable[..., Visitor], caplog: pytest.LogCaptureFixture
) -> None:
    visitor = login()
    form = {"csrf_token": visitor.token("/upload"), "files": (io.BytesIO(png(1)), "PATIENT-4711.png")}
    with caplog.at_level(logging.INFO, "webapp"):
        answer = visitor.post("/uploads", data=form, headers={"Accept": "application/json"})
    uid = answer.json["files"][0]["case_url"].rpartition("/")[2]
    line = next(record for record in caplog.records if "uploads.create" in record.getMessage())
    assert line.facts["cases"] == [uid]
    assert "4711" not in caplog.text


def test_as_json_each_line_is_one_object_with_its_trace() -> None:
    try:
        raise ValueError("why")
    except ValueError as error:
        why = (type(error), error, None)
        record = logging.LogRecord("webapp.x", logging.ERROR, "", 0, "two\nlines %d", (7,), why)
    record.facts = {"status": 500}
    RequestId().filter(record)
    line = JsonLines().format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["level"], said["logger"], said["message"]) == ("error", "webapp.x", "two\nlines 7")
    assert (said["request_id"], said["status"]) == ("-", 500)
    assert "ValueError: why" in said["trace"]
    assert said["at"].endswith("+00:00")
