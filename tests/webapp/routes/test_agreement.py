"""The page of agreement: every rate with its n and interval, and words where there is nothing to judge."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from tests.support import Visitor
from tests.webapp.rows import add_analysis, add_exam, add_image, add_outcome
from webapp.extensions import db
from webapp.models import Read
from webapp.services import accounts


def fill(app: Flask) -> None:
    with app.app_context():
        readers = [accounts.find(f"{who}@north.example") for who in ("radiologist", "colleague")]
        for n in range(12):
            exam = add_exam(readers[0])
            image = add_image(exam)
            call = "suspicious" if n % 2 else "not_suspicious"
            add_analysis(image, call=call, malignant=0.1 + n / 20)
            add_outcome(exam, "malignant" if n % 3 else "benign")
            for k, reader in enumerate(readers):
                db.session.add(
                    Read(image_id=image.id, reader_id=reader.id, birads="4" if (n + k) % 2 else "2")
                )
        db.session.commit()


def test_every_rate_has_its_n_and_interval(app: Flask, login: Callable[..., Visitor]) -> None:
    fill(app)
    page = login().get("/agreement").text
    for words in (
        "12 scans with a read or an outcome, 24 current reads, 12 with an outcome",
        "Only the current version",
        "n = 24, 12 patients",
        "AUC",
        "Radiologist and Colleague",
        "The network on the same scans",
        "All readers",
    ):
        assert words in page
    assert "style=" not in page


def test_without_reads_it_says_what_will_appear(login: Callable[..., Visitor]) -> None:
    assert "No scan here has a read or an outcome" in login().get("/agreement").text


def test_a_damaged_filter_is_left_out(app: Flask, login: Callable[..., Visitor]) -> None:
    fill(app)
    answer = login().get("/agreement?since=yesterday&reader=nobody&network=x&drawn=none&group=1")
    assert answer.status_code == 200
    assert "12 scans" in answer.text


def test_another_group_sees_nothing_of_it(app: Flask, login: Callable[..., Visitor]) -> None:
    fill(app)
    page = login("radiologist", "south").get("/agreement").text
    assert "No scan here" in page
    assert "Colleague" not in page
