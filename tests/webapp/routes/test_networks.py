"""A network has a page that says what its card says; switching and analysing again lead back to the lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

import ml
from ml.card import HeatmapTest, Interval, Pointed
from tests.support import Visitor
from tests.webapp.rows import add_analysis, add_exam, add_image
from webapp.extensions import db
from webapp.models import NetworkSwitch, Worker
from webapp.services import accounts, audit, networks

CARD = ml.ModelCard.load(ml.SHIPPED)


@pytest.fixture
def analysed(app: Flask) -> str:
    """A case of the group North that a network called tiny 1 analysed; its uid."""
    with app.app_context():
        exam = add_exam(accounts.find("colleague@north.example"))
        add_analysis(add_image(exam), network_name="tiny", network_version="1.7")
        db.session.commit()
        return exam.uid


def test_the_card_is_a_page_with_every_figure_its_interval_and_n(login: Callable[..., Visitor]) -> None:
    page = login("admin").get(f"/networks/{CARD.checksum}").text
    for table in CARD.metrics:
        for figure in table.figures.values():
            low, high = (f"{value:.3f}" for value in (figure.low, figure.high))
            shares = f"{figure.low * 100:.1f} to {figure.high * 100:.1f}"
            assert f"({low} to {high})" in page or shares in page
        assert f"{table.n_images} images of {table.n_patients}" in page
    for words in (*CARD.limits, *CARD.citations):
        assert words.replace("'", "&#39;") in page
    assert "style=" not in page
    assert "<script>" not in page


def test_what_the_heatmaps_are_worth_is_told_with_interval_chance_and_n(
    app: Flask, login: Callable[..., Visitor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {"weak": (0.41, 96), "strong": (0.86, 120), "moderate": (0.2, 12)}
    pointed = tuple(
        Pointed(
            label="malignant",
            strength=strength,
            maps=maps,
            hits=Interval(value=value, low=value - 0.05, high=value + 0.05, n=80, unit="patient"),
            chance=0.14,
        )
        for strength, (value, maps) in kinds.items()
    )
    test = HeatmapTest(data="bus-bra", images=0, chance=0.14, shown={}, bar=0.5, fewest=30, pointed=pointed)
    folder = tmp_path / "networks" / "candidate"
    folder.mkdir(parents=True)
    CARD.model_copy(update={"checksum": "c" * 64, "heatmaps": test}).save(folder)
    given = app.extensions["config"].model_copy(update={"networks_dir": folder.parent})
    monkeypatch.setitem(app.extensions, "config", given)
    page = login("admin").get(f"/networks/{'c' * 64}").text
    rows = {
        row.partition("</td>")[0]: row for row in page.split('<tr><th scope="row">malignant</th><td>')[1:]
    }
    assert "41%" in rows["weak"]
    assert "(36% to 46%)" in rows["weak"]
    assert "unreliable" in rows["weak"]
    assert "unreliable" not in rows["strong"]
    assert "too few" in rows["moderate"]


def test_the_list_says_which_network_analysed_what_and_who_switched(
    app: Flask, login: Callable[..., Visitor], analysed: str
) -> None:
    with app.app_context():
        known = {"name": CARD.name, "version": CARD.version, "checksum": CARD.checksum}
        author = accounts.find("admin@north.example")
        db.session.add(NetworkSwitch(folder="shipped", author_id=author.id, **known))
        db.session.add_all(
            [Worker(name="w-1", network_checksum=CARD.checksum), Worker(name="w-2", fault="Gone.")]
        )
        db.session.commit()
    page = login("admin").get("/networks").text
    for words in ("tiny 1.7", "1 frame of 1 image", "by Admin", "has the active network loaded", "Gone."):
        assert words in page
    assert "tiny 1.7" not in login("radiologist", "south").get("/networks").text


def test_a_radiologist_reads_the_card_and_is_offered_no_switch(login: Callable[..., Visitor]) -> None:
    page = login().get(f"/networks/{CARD.checksum}").text
    assert CARD.version in page
    assert "Switch to this network" not in page


def test_a_refusal_is_said_on_the_page_of_the_network(
    app: Flask, login: Callable[..., Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = networks.Name("other", "9", "e" * 64)
    monkeypatch.setattr(networks, "active_name", lambda: other)
    monkeypatch.setattr(networks, "_require_usable", _refuse)
    answer = login("admin").submit(f"/networks/{CARD.checksum}/activate", {})
    assert answer.status_code == 422
    assert "The active network stays: broken." in answer.text


def _refuse(wanted: networks.Known) -> None:
    raise networks.NetworkRefused("The active network stays: broken.")


def test_a_case_can_be_analysed_again_and_says_what_it_waits_for(
    login: Callable[..., Visitor], analysed: str
) -> None:
    visitor = login()
    assert "Analyse the case again" in visitor.get(f"/cases/{analysed}").text
    answer = visitor.submit(f"/cases/{analysed}/reanalyse", {"frame": "0"}, follow_redirects=True)
    assert "1 frame waits for the active network" in answer.text
    assert "Analysed again by the active network" in answer.text
    assert "tiny 1.7" in answer.text
    twice = visitor.submit(f"/cases/{analysed}/reanalyse", {}, follow_redirects=True)
    assert "Nothing to do" in twice.text


def test_many_are_counted_asked_for_and_cancelled(login: Callable[..., Visitor], analysed: str) -> None:
    admin = login("admin")
    assert "1 analysed frame has no answer" in admin.get("/networks/reanalyses").text
    started = admin.submit("/networks/reanalyses", {"group": ""}, follow_redirects=True).text
    assert "0 of 1 frames analysed, 1 left" in started
    known = started.partition("known=")[2].partition('"')[0]
    assert admin.get(f"/networks/reanalyses/progress?known={known}").status_code == 204
    uid = started.partition("/networks/reanalyses/")[2].partition("/cancel")[0]
    uid = uid.rpartition("/")[2]
    ended = admin.submit(f"/networks/reanalyses/{uid}/cancel", {}, follow_redirects=True).text
    assert "Cancelled: 1 frames keep" in ended


def test_the_commands_list_count_and_refuse_by_name(app: Flask, analysed: str) -> None:
    run = app.test_cli_runner().invoke
    assert f"* {CARD.checksum}" in run(args=["networks", "list"]).output
    assert "1 frames." in run(args=["networks", "reanalyse", "--dry-run"]).output
    assert "no group" in run(args=["networks", "reanalyse", "--group", "Nowhere"]).output
    assert "1 frames wait" in run(args=["networks", "reanalyse", "--group", "North"]).output
    assert "0%: 0 of 1 frames" in run(args=["networks", "progress"]).output
    assert "1 frames cancelled" in run(args=["networks", "cancel"]).output
    assert "no such network" in run(args=["networks", "switch", "f" * 64]).output
    assert "already" in run(args=["networks", "switch", CARD.checksum[:10]]).output


def test_the_curves_that_training_left_are_drawn_with_their_tables(
    app: Flask, login: Callable[..., Visitor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "networks" / "candidate"
    folder.mkdir(parents=True)
    CARD.model_copy(update={"checksum": "c" * 64}).save(folder)
    lines = [f"bus-bra/x/{n}.png,{'malignant' if n % 2 else 'benign'},p{n},1,{n / 20}" for n in range(20)]
    text = "\n".join(["key,label,patient,fold,p_malignant", *lines])
    (folder / "predictions.csv").write_text(text)
    given = app.extensions["config"].model_copy(update={"networks_dir": folder.parent})
    monkeypatch.setitem(app.extensions, "config", given)
    page = login("admin").get(f"/networks/{'c' * 64}").text
    for words in ("20 images, 10 malignant", "ROC curve of P(malignant), bus-bra", "The bins as a table"):
        assert words in page
    (folder / "predictions.csv").write_text("key\nbus-bra/x\n")
    assert (
        "No curves: predictions.csv beside the weights can"
        in login("admin").get(f"/networks/{'c' * 64}").text
    )


def test_a_network_leads_to_the_cases_that_it_analysed_in_worklist_and_case_log(
    app: Flask, login: Callable[..., Visitor], analysed: str
) -> None:
    with app.app_context():
        other = add_exam(accounts.find("colleague@north.example"))
        image = add_image(other, filename="other.png")
        add_analysis(image, network_checksum="b" * 64)
        for checksum, uid in (("a" * 64, analysed), ("b" * 64, other.uid)):
            audit.record("analysed", None, "exam", uid, case=uid, network="tiny 1", checksum=checksum)
        db.session.commit()
        other_uid = other.uid
    here = f"/?network={'a' * 64}"
    radiologist, admin = login(), login("admin")
    assert here in radiologist.get("/networks").text
    page = radiologist.get(here).text
    assert analysed in page
    assert other_uid not in page
    assert "network aaaaaaaa" in page
    there = f"/case-log?action=analysed&amp;network={'a' * 64}"
    assert there in admin.get("/networks").text
    page = admin.get(there.replace("&amp;", "&")).text
    assert analysed in page
    assert other_uid not in page
    assert other_uid in radiologist.get("/?network=nonsense").text
