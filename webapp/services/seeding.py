"""Many made-up cases at once, to try the application at its size: rows without files, in bulk.

References, figures and reads are drawn by chance, the same for the same `seed`. Nothing of it is an
analysis or a read of anything: it belongs on a database made for trying.
"""

from __future__ import annotations

import math
import random
import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Table, func, insert, select

from webapp import config
from webapp.errors import Forbidden
from webapp.extensions import db
from webapp.models import (
    Analysis,
    Base,
    Exam,
    ExamWord,
    Image,
    Job,
    Patient,
    Read,
    User,
    new_uid,
    now,
)
from webapp.services import accounts, dump, query_plans, words
from webapp.services.accounts import NewUser

READERS = 12
YEARS = 3
_BATCH = 2000
_TABLES = (Patient, Exam, Image, Job, Analysis, Read, ExamWord)
_THRESHOLD = 0.15
_CHECKSUM = "0" * 64
_LABELS = ("benign", "malignant", "normal")
_FAILED = {"error_code": "gave_up", "error": "The analysis was broken off each time."}
_HEATMAP = {"values": [[0.1, 0.4], [0.2, 0.3]], "peak": [0.3, 0.6], "area": 0.1, "words": "Made up."}
Rows = dict[type[Base], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the images: those whose analysis failed, and those out of scope. Of the cases, the newest: those
    whose analysis is still to come; a worker would look for their files and fail."""

    waiting: float = 0.0
    failed: float = 0.005
    outside: float = 0.02


USUAL = Shares()


def seed(
    cases: int,
    group: str,
    *,
    force: bool = False,
    shares: Shares = USUAL,
    chance: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Add `cases` cases to the group named `group`, new where there is none, over the last `YEARS` years.

    `progress` is told how many cases are there after each batch, which is one commit.

    Raises:
        Forbidden: not in demo mode, and not `force`.
    """
    if not (config.current().demo or force):
        raise Forbidden("Made-up cases among real ones can't be told apart later. --force adds them anyway.")
    people = _people(group)
    draw = _Draw(random.Random(chance), people, cases, shares)  # noqa: S311  to try with  # nosec B311
    done = 0
    while done < cases:
        count = min(_BATCH, cases - done)
        with db.engine.begin() as connection:
            _insert(connection, draw.rows(connection, done, count))
        done += count
        progress(done)
    query_plans.refresh()


def _people(group: str) -> list[User]:
    """The readers of the made-up cases. Nobody knows their passwords."""
    found = []
    for number in range(1, READERS + 1):
        email = f"reader-{number:02d}@{group.lower().replace(' ', '-')}.seeded.example"
        new = NewUser(email, f"Reader {number:02d}", secrets.token_urlsafe(), group, ("radiologist",))
        found.append(accounts.find(email) or accounts.create(new))
    return found


def _insert(connection: Connection, rows: Rows) -> None:
    for model in _TABLES:
        table = cast(Table, model.__table__)
        if rows[model]:
            connection.execute(insert(table), rows[model])
        if "id" in table.columns:
            dump.count_on(connection, dump.Sheet.of(table))


class _Draw:
    """Draws the rows of made-up cases, `cases` in all."""

    def __init__(self, chance: random.Random, people: list[User], cases: int, shares: Shares) -> None:
        self._chance = chance
        self._readers = [person.id for person in people]
        self._group = people[0].group_id
        self._shares = shares
        self._waiting_from = cases - math.ceil(cases * shares.waiting)
        self._began = now() - timedelta(days=365 * YEARS)
        self._step = timedelta(days=365 * YEARS) / max(cases, 1)

    def rows(self, connection: Connection, first: int, count: int) -> Rows:
        """The rows of `count` cases from number `first` on, with numbers that are free."""
        self._ids: dict[type[Base], int] = {
            model: _last(connection, model) for model in _TABLES if model is not ExamWord
        }
        self._rows: Rows = defaultdict(list)
        for number in range(first, first + count):
            self._case(number, self._began + self._step * (number + self._chance.random()))
        return self._rows

    def _case(self, number: int, at: datetime) -> None:
        chance, owner = self._chance, self._chance.choice(self._readers)
        reference = _reference() if chance.random() < 0.9 else None
        patient = reference and self._add(Patient, group_id=self._group, reference=reference, uid=new_uid())
        accession = f"A{at.year}{number:07d}" if chance.random() < 0.9 else None
        of_group = {"group_id": self._group, "created_at": at}
        exam = self._add(
            Exam, **of_group, uid=new_uid(), owner_id=owner, patient_id=patient or None, accession=accession,
            study_uid=None, note="", synthetic=True,
        )  # fmt: skip
        found = words.terms(f"{reference or ''} {accession or ''}")
        waits = number >= self._waiting_from
        readers = [] if waits else chance.sample(self._readers, chance.choice((0, 0, 0, 1, 1, 1, 1, 2, 2, 3)))
        for position in range(chance.choice((1, 1, 1, 2, 2, 3))):
            found |= self._image(exam, number, position, owner, at, waits, readers)
        found |= words.of_reads(readers)
        self._rows[ExamWord] += [{"exam_id": exam, "word": word, **of_group} for word in sorted(found)]

    def _image(
        self, exam: int, number: int, position: int, owner: int, at: datetime, waits: bool, readers: list[int]
    ) -> set[str]:
        """Add an image with its job, analysis and reads; returns its words."""
        side, uid = self._chance.choice("LR"), new_uid()
        name = f"breast-{number:06d}-{'left' if side == 'L' else 'right'}-{position + 1}.png"
        image = self._add(
            Image, uid=uid, exam_id=exam, position=position, sha256=uid + uid, storage_key=f"seeded/{uid}",
            filename=name, size_bytes=500_000, format="png", width=640, height=480, frames=1,
            spacing_row_mm=None, spacing_col_mm=None, regions=[], modality="US", laterality=side, view=None,
            uploader_id=owner, created_at=at,
        )  # fmt: skip
        state = "queued" if waits else "failed" if self._chance.random() < self._shares.failed else "done"
        job = self._add(
            Job, image_id=image, frame=0, state=state, attempt=1 - waits, max_attempts=3, lease_until=None,
            worker=None, progress=0 if waits else 100, created_at=at, started_at=None, finished_at=None,
            **(_FAILED if state == "failed" else dict.fromkeys(_FAILED)),
        )  # fmt: skip
        marks = words.of_job(state)
        analysis = None
        if state == "done":
            analysis, said = self._analysis(image, job, at)
            marks |= said
        for reader in readers:
            self._read(image, analysis, reader, at)
        return marks | words.terms(name)

    def _analysis(self, image: int, job: int, at: datetime) -> tuple[int, set[str]]:
        chance = self._chance
        malignant = chance.betavariate(0.5, 1.5)
        normal = (1 - malignant) * chance.random()
        shares = dict(zip(_LABELS, (1 - malignant - normal, malignant, normal), strict=True))
        label, outside = max(_LABELS, key=shares.__getitem__), chance.random() < self._shares.outside
        call = "suspicious" if malignant >= _THRESHOLD else "not_suspicious"
        analysis = self._add(
            Analysis, uid=new_uid(), image_id=image, frame=0, job_id=job, network_name="seeded",
            network_version="0", network_checksum=_CHECKSUM, probabilities=shares, call=call,
            threshold=_THRESHOLD, out_of_scope=outside, reason="Made up." if outside else None, warnings=[],
            heatmaps={label: _HEATMAP}, timings={}, malignant=malignant, top_label=label, created_at=at,
        )  # fmt: skip
        return analysis, words.of_analysis(label, call, outside) | {words.network(_CHECKSUM)}

    def _read(self, image: int, analysis: int | None, reader: int, at: datetime) -> None:
        for version in range(1, self._chance.choice((1, 1, 1, 1, 2)) + 1):
            self._add(
                Read, uid=new_uid(), image_id=image, reader_id=reader, analysis_id=analysis, version=version,
                agrees=self._chance.random() < 0.9, own_class=None, birads=self._chance.choice("2344"),
                confidence=75, heatmap_on_lesion=None, comment="", created_at=at + timedelta(hours=version),
            )  # fmt: skip

    def _add(self, model: type[Base], **values: Any) -> int:
        self._ids[model] += 1
        self._rows[model].append({"id": self._ids[model], **values})
        return self._ids[model]


def _last(connection: Connection, model: Any) -> int:
    return connection.scalar(select(func.max(model.id))) or 0


def _reference() -> str:
    """One that no other case of the group has: among a million of them by a chance of 1 in 2,000 at most."""
    return f"SEED-{10**14 + secrets.randbelow(9 * 10**14)}"
