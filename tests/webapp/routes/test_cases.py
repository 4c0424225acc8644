"""The case page: what is known, the second read or why there is none, and the part that comes by itself."""

from __future__ import annotations

import pytest

from tests.webapp.rows import add_analysis, add_exam, add_image
from webapp.extensions import db
from webapp.models import Job, Read, Worker, now
from webapp.services import accounts
from webapp.services.workers import SILENT_AFTER

HTMX = {"HX-Request": "true"}
SHARES = {"benign": 0.6, "malignant": 0.27, "normal": 0.13}
MAPS = {label: {"values": [[0.0]], "peak": None, "area": 0.0, "words": f"{label} words"} for label in SHARES}
SAID = {"probabilities": SHARES, "malignant": 0.27, "top_label": "benign", "threshold": 0.2, "heatmaps": MAPS}


@pytest.fixture
def visitor(login):
    return login("radiologist")


@pytest.fixture
def me(app):
    with app.app_context():
        yield accounts.find("radiologist@north.example")


@pytest.fixture
def image(me):
    image = add_image(add_exam(me), filename="<left>.png", frames=3)
    db.session.commit()
    return image


def case_of(image) -> str:
    return f"/cases/{image.exam.uid}"


def page_of(image) -> str:
    return f"{case_of(image)}/images/{image.uid}"


def add_job(image, state: str, **more) -> None:
    db.session.add(Job(image_id=image.id, state=state, **more))
    db.session.commit()


def test_the_second_read_says_call_numbers_meaning_network_and_evidence_in_words(visitor, image):
    add_analysis(image, **SAID, warnings=["Very small image."])
    db.session.commit()
    page = visitor.get(case_of(image)).text
    for words in (
        "Suspicious",
        "0.27",
        "0.60",
        "Of 100 scans that this network gives malignant 0.27",
        "about 27",
        "in cross-validation",
        "Tick at 0.20",
        "Very small image.",
        "malignant words",
        "tiny 1",
        "aaaaaaaa",
        'class="ai-tag"',
    ):
        assert words in page


def test_the_viewer_is_told_which_heatmaps_there_are(visitor, image):
    """It offers no map of a class that the network doesn't know."""
    two = {label: MAPS[label] for label in ("benign", "malignant")}
    shares = {"benign": 0.73, "malignant": 0.27}
    add_analysis(image, **{**SAID, "heatmaps": two, "probabilities": shares})
    db.session.commit()
    assert 'data-heatmaps="benign malignant"' in visitor.get(case_of(image)).text


def test_out_of_scope_shows_the_reason_and_neither_class_nor_number_nor_heatmap(visitor, image):
    add_analysis(image, **SAID, out_of_scope=True, reason="Colour Doppler.")
    db.session.commit()
    part = visitor.get(f"{page_of(image)}/result?frame=0").text
    assert "Out of scope" in part
    assert "Colour Doppler." in part
    for hidden in ("0.27", "0.60", "uspicious", "/media/heatmaps/"):
        assert hidden not in part
    assert "/media/heatmaps/" not in visitor.get(case_of(image)).text


def test_a_file_name_is_shown_as_text(visitor, image):
    page = visitor.get(case_of(image)).text
    assert "&lt;left&gt;.png" in page
    assert "<left>" not in page


def test_a_pending_result_asks_again_by_itself_and_a_finished_one_does_not(visitor, image):
    add_job(image, "running", progress=40)
    part = visitor.get(f"{page_of(image)}/result?frame=0").text
    assert 'hx-trigger="every 1s"' in part
    image.jobs[0].state = "failed"
    image.jobs[0].error = "The stored file is missing."
    db.session.commit()
    part = visitor.get(f"{page_of(image)}/result?frame=0").text
    assert "hx-trigger" not in part
    assert "The stored file is missing." in part
    assert "Try again" in part


def test_nothing_is_sent_while_nothing_has_changed(visitor, image):
    db.session.add(Worker(name="worker"))
    add_job(image, "running", progress=40)
    assert visitor.get(f"{page_of(image)}/result?frame=0&known=running-40-0").status_code == 204
    assert visitor.get(f"{page_of(image)}/result?frame=0&known=queued-0-1").status_code == 200


def test_a_result_is_sent_whatever_the_asker_knows(visitor, image):
    add_analysis(image, **SAID)
    db.session.commit()
    assert visitor.get(f"{page_of(image)}/result?frame=0&known=done-100-0").status_code == 200


def test_a_frame_without_second_read_offers_one(visitor, image):
    add_analysis(image, **SAID)
    db.session.commit()
    assert "Frame 3 has no second read" in visitor.get(f"{page_of(image)}?frame=2").text
    answer = visitor.submit(f"{page_of(image)}/analyse", {"frame": "2"}, follow_redirects=True)
    assert "Waiting for its turn" in answer.text
    part = visitor.get(f"{page_of(image)}/result?frame=2").text
    assert "Waiting for its turn" in part


def test_htmx_is_sent_to_the_part_and_others_to_the_page(visitor, image):
    for headers, target in ((HTMX, f"{page_of(image)}/result"), ({}, page_of(image))):
        answer = visitor.submit(f"{page_of(image)}/analyse", {"frame": "1"}, headers=headers)
        assert answer.status_code == 303
        assert answer.location.partition("?")[0] == target


@pytest.mark.parametrize(
    ("frame", "status"), [("3", 404), ("-1", 400), ("x", 400), ("1e3", 400), ("9" * 30, 400)]
)
def test_a_frame_that_is_none_is_refused(visitor, image, frame, status):
    assert visitor.get(f"{page_of(image)}?frame={frame}").status_code == status


def test_an_image_is_shown_in_its_own_case_only(visitor, image, me):
    other = add_image(add_exam(me))
    db.session.commit()
    address = f"/cases/{other.exam.uid}/images/{image.uid}"
    assert visitor.get(address).status_code == 404
    assert visitor.get(f"{address}/result").status_code == 404
    assert visitor.submit(f"{address}/analyse", {"frame": "0"}).status_code == 404
    assert visitor.submit(f"{address}/reads", {"birads": "2"}).status_code == 404


def test_another_group_finds_nothing_at_any_address_of_a_case(login, image):
    add_analysis(image, **SAID)
    db.session.commit()
    stranger = login("radiologist", "south")
    analysis = image.analyses[0].uid
    for path in (
        case_of(image),
        page_of(image),
        f"{page_of(image)}/result",
        f"/media/images/{image.uid}/0.png",
        f"/media/thumbnails/{image.uid}.png",
        f"/media/heatmaps/{analysis}/benign.png",
        f"/media/originals/{image.uid}",
    ):
        assert stranger.get(path).status_code == 404, path
    for path in ("analyse", "reads"):
        assert stranger.submit(f"{page_of(image)}/{path}", {"birads": "2"}).status_code == 404


def test_earlier_and_later_versions_of_everybody_are_shown_together(visitor, image, me):
    colleague = accounts.find("colleague@north.example")
    for version, birads in ((1, "3"), (2, "4C")):
        db.session.add(Read(image_id=image.id, reader_id=me.id, version=version, birads=birads))
    db.session.add(Read(image_id=image.id, reader_id=colleague.id, birads="5", comment="<b>sure</b>"))
    db.session.commit()
    page = visitor.get(case_of(image)).text
    for words in ("BI-RADS 3", "BI-RADS 4C", "BI-RADS 5", "version 1, earlier", "&lt;b&gt;sure"):
        assert words in page
    assert "Save as version 3" in page


def test_a_case_leads_to_its_neighbours_in_the_filtered_list(visitor, me, image):
    other = add_image(add_exam(me), filename="other.png")
    last = add_image(add_exam(me), filename="left again.png")
    db.session.commit()
    page = visitor.get(f"/cases/{last.exam.uid}?q=left").text
    assert f'rel="next" href="{case_of(image)}?q=left"' in page
    assert other.exam.uid not in page


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_page_that_waits_says_so_when_no_worker_is_running(visitor, image, state):
    add_job(image, state)
    alone = visitor.get(page_of(image)).text
    assert "no worker is running" in alone
    assert "The image is safe" in alone
    db.session.add(Worker(name="worker"))
    db.session.commit()
    attended = visitor.get(page_of(image)).text
    assert "no worker is running" not in attended
    assert "The result appears here by itself" in attended


def test_a_part_that_waits_is_sent_again_when_the_last_worker_falls_silent(visitor, image):
    add_job(image, "queued")
    worker = Worker(name="worker")
    db.session.add(worker)
    db.session.commit()
    address = f"{page_of(image)}/result?frame=0&known=queued-0-0"
    assert visitor.get(address).status_code == 204
    worker.seen_at = now() - 2 * SILENT_AFTER
    db.session.commit()
    assert "no worker is running" in visitor.get(address).text


def test_an_earlier_answer_has_a_page_with_its_own_heatmaps_figures_and_network(visitor, image):
    earlier = add_analysis(image, network_name="tiny", network_version="1.7", heatmaps=MAPS)
    add_analysis(image, network_checksum="b" * 64, network_version="2")
    db.session.commit()
    where = f"{case_of(image)}/analyses/{earlier.uid}"
    assert where in visitor.get(page_of(image)).text
    page = visitor.get(where).text
    for label in SHARES:
        assert f"/media/heatmaps/{earlier.uid}/{label}.png" in page
        assert f"{label} words" in page
    for words in ("What tiny 1.7 said", "0.50", "frame 1 of 3"):
        assert words in page
    assert "<form" not in page[page.index("<main") : page.index("</main>")]


def test_an_unreliable_heatmap_is_said_to_be_so_and_why(visitor, image):
    why = "Of 96 weak heatmaps for benign 41% had their hottest point in the lesion."
    maps = {**MAPS, "benign": {**MAPS["benign"], "reliability": {"verdict": "unreliable", "words": why}}}
    add_analysis(image, heatmaps=maps, **{name: SAID[name] for name in ("probabilities", "top_label")})
    db.session.commit()
    page = visitor.get(page_of(image)).text
    assert "benign words; <strong>unreliable</strong>" in page
    assert why in page
    assert "malignant words; <strong>" not in page


def test_an_answer_is_shown_in_its_own_case_only(visitor, image, me):
    other = add_analysis(add_image(add_exam(me)))
    db.session.commit()
    assert visitor.get(f"{case_of(image)}/analyses/{other.uid}").status_code == 404
