"""The words that a case is found under, and how they follow what happens to it.

Of two kinds. Terms are pieces of the patient reference, the accession number and the file names, as
somebody types them into the search. Marks hold a colon, which no term has: `label:benign`,
`result:failed`, `read:no`, `reader:7`, `network:0a1b...`; the filters of the history ask for them.

Whatever touches a case through the session makes it wait here; before the commit, in the same
transaction, its words are written anew. Statements that change many rows past the session say so by
`touch`. `rebuild` writes all of them, should they ever differ.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, cast

from sqlalchemy import CompoundSelect, Select, Table, delete, event, insert, select, tuple_, union
from sqlalchemy.orm import Session, SessionTransaction

from webapp.extensions import db
from webapp.models import WORD_LENGTH, Analysis, Exam, ExamWord, Image, Job, Patient, Read
from webapp.services.findings import newest_of_frame

NOT_READ = "read:no"
READ = "read:yes"
_EXAMS, _IMAGES = "touched_exams", "touched_images"
_RUN = re.compile(r"[^\W_]+")
_BORDER = re.compile(r"(?<=\d)(?=\D)|(?<=\D)(?=\d)")
_MOST_BORDERS = 8
"""Of one run: a file named by its checksum has dozens, and nobody types one from the middle."""
_CHUNK = 500
_CHECKSUM = 32
"""Digits of a checksum in a mark: 128 bits tell networks apart, and the whole would be too long a word."""


def typed(text: str) -> list[str]:
    """The terms that a search asks for: each has to begin one of the case's own. The longest first."""
    runs = {run[:WORD_LENGTH] for run in _RUN.findall(_plain(text))}
    return sorted(runs, key=lambda run: (-len(run), run))


def terms(text: str) -> set[str]:
    """The terms of a reference, accession number or file name: every run of letters and digits, again from
    each place where letters and digits meet, and numbers without their leading zeros. Small letters, no
    accents: "SCAN-007b.png" has scan, 007b, 7b, b and png."""
    found: set[str] = set()
    for run in _RUN.findall(_plain(text)):
        borders = [border.start() for border in _BORDER.finditer(run)]
        for start in (0, *borders[:_MOST_BORDERS]):
            found |= {run[start:][:WORD_LENGTH], run[start:].lstrip("0")[:WORD_LENGTH]}
    return found - {""}


def reader(user_id: int) -> str:
    """The mark of the cases that this person has read."""
    return f"reader:{user_id}"


def network(checksum: str) -> str:
    """The mark of the cases that these weights have analysed."""
    return f"network:{checksum[:_CHECKSUM]}"


def touch(session: Session, exam_ids: Iterable[int]) -> None:
    """Let the words of these cases be written anew before `session` commits."""
    session.info.setdefault(_EXAMS, set()).update(exam_ids)


def touch_images(session: Session, image_ids: Iterable[int]) -> None:
    """`touch` for the cases of these images."""
    session.info.setdefault(_IMAGES, set()).update(image_ids)


def rebuild() -> int:
    """Write the words of every case anew; returns how many cases there are."""
    count, last = 0, 0
    while ids := db.session.scalars(
        select(Exam.id).where(Exam.id > last).order_by(Exam.id).limit(_CHUNK)
    ).all():
        _write(db.session(), ids)
        db.session.commit()
        count, last = count + len(ids), ids[-1]
    return count


def _chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(sorted(ids))
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _plain(text: str) -> str:
    """Small letters without accents, so that "MULLER" finds "Müller"."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def _write(session: Session, exam_ids: Sequence[int]) -> None:
    """Make the rows of these cases as they should be. Cases are locked in order of their number: of two
    transactions that touch the same one, the second sees what the first has changed."""
    lock = select(Exam.id, Exam.group_id, Exam.created_at).where(Exam.id.in_(exam_ids)).order_by(Exam.id)
    exams = session.execute(lock.with_for_update(key_share=True)).all()
    wanted, kept = _wanted(session, exam_ids), _kept(session, exam_ids)
    gone = [(exam_id, word) for exam_id in exam_ids for word in kept[exam_id] - wanted[exam_id]]
    if gone:
        stale = delete(ExamWord).where(tuple_(ExamWord.exam_id, ExamWord.word).in_(gone))
        session.execute(stale.execution_options(synchronize_session=False))
    rows = [
        {"exam_id": exam.id, "group_id": exam.group_id, "created_at": exam.created_at, "word": word}
        for exam in exams
        for word in sorted(wanted[exam.id] - kept[exam.id])
    ]
    if rows:
        session.execute(insert(cast(Table, ExamWord.__table__)), rows)


def _kept(session: Session, exam_ids: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    rows = select(ExamWord.exam_id, ExamWord.word).where(ExamWord.exam_id.in_(exam_ids))
    for exam_id, word in session.execute(rows):
        found[exam_id].add(word)
    return found


def _wanted(session: Session, exam_ids: Sequence[int]) -> dict[int, set[str]]:
    """Exam -> its words, from the tables that say what is so."""
    found: dict[int, set[str]] = {exam_id: set() for exam_id in exam_ids}
    for exam_id, text in session.execute(_texts(exam_ids)):
        found[exam_id] |= terms(text)
    for exam_id, state in session.execute(_of_images(exam_ids, Job.image_id, Job.state)):
        found[exam_id] |= of_job(state)
    said = (Analysis.top_label, Analysis.call, Analysis.out_of_scope)
    answers = _of_images(exam_ids, Analysis.image_id, *said).where(newest_of_frame())
    for exam_id, label, call, out_of_scope in session.execute(answers):
        found[exam_id] |= of_analysis(label, call, out_of_scope)
    for exam_id, checksum in session.execute(
        _of_images(exam_ids, Analysis.image_id, Analysis.network_checksum)
    ):
        found[exam_id].add(network(checksum))
    readers: dict[int, set[int]] = defaultdict(set)
    for exam_id, reader_id in session.execute(_of_images(exam_ids, Read.image_id, Read.reader_id)):
        readers[exam_id].add(reader_id)
    return {exam_id: words | of_reads(readers[exam_id]) for exam_id, words in found.items()}


def of_job(state: str) -> set[str]:
    """The marks of a case that has a job in this state."""
    if state in {"queued", "running"}:
        return {"result:waiting"}
    return {"result:failed"} if state == "failed" else set()


def of_analysis(label: str, call: str, out_of_scope: bool) -> set[str]:
    """The marks of a case that has such an analysis."""
    return {"result:out_of_scope"} if out_of_scope else {f"label:{label}", f"result:{call}"}


def of_reads(readers: Iterable[int]) -> set[str]:
    """The marks of a case that these people have read."""
    marks = {reader(user_id) for user_id in readers}
    return {READ, *marks} if marks else {NOT_READ}


def _texts(exam_ids: Sequence[int]) -> CompoundSelect[*tuple[Any, ...]]:
    """(exam, text) of everything that a search looks at."""
    said: list[Any] = [
        select(Exam.id, Patient.reference).join(Patient, Patient.id == Exam.patient_id),
        select(Exam.id, Exam.accession).where(Exam.accession.is_not(None)),
        select(Image.exam_id, Image.filename).join(Exam, Exam.id == Image.exam_id),
    ]
    return union(*(some.where(Exam.id.in_(exam_ids)) for some in said))


def _of_images(exam_ids: Sequence[int], image_id: Any, *columns: Any) -> Select[*tuple[Any, ...]]:
    """(exam, columns), each once, of a table that hangs on images."""
    wanted = select(Image.exam_id, *columns).join(Image, Image.id == image_id)
    return wanted.where(Image.exam_id.in_(exam_ids)).distinct()


@event.listens_for(db.session, "after_flush")
def _after_flush(session: Session, *_: Any) -> None:
    """Note whose words the new, changed and removed rows tell."""
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Exam):
            touch(session, [row.id])
        elif isinstance(row, Image):
            touch(session, [row.exam_id])
        elif isinstance(row, (Job, Analysis, Read)):
            touch_images(session, [row.image_id])


@event.listens_for(db.session, "before_commit", insert=True)
def _before_commit(session: Session) -> None:
    """Write the words of what was touched: before the audit log is, whose lock has to be the last."""
    if session.in_nested_transaction():
        return
    session.flush()
    exam_ids = session.info.pop(_EXAMS, set())
    for some in _chunks(session.info.pop(_IMAGES, set())):
        exam_ids |= set(session.scalars(select(Image.exam_id).where(Image.id.in_(some))))
    for some in _chunks(exam_ids):
        _write(session, some)


@event.listens_for(db.session, "after_transaction_end")
def _after_end(session: Session, ended: SessionTransaction) -> None:
    """Forget what still waits when the outermost transaction is over, however it ended."""
    if ended.parent is None:
        session.info.pop(_EXAMS, None)
        session.info.pop(_IMAGES, None)
