"""Is the audit log whole? Every entry is sealed anew and compared; what does not fit is named.

Found are: an entry that was changed, left out, moved or slipped in, a tail that was cut off, a head that
was moved, and reviews or checkpoints that speak of another entry than the one there now. Somebody who
may write to the database and knows the formula could seal everything anew from some entry on: only a
review signed after that entry, or a checkpoint kept outside of this machine, shows that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from webapp.errors import InvalidInput
from webapp.extensions import db
from webapp.models import GENESIS, AuditEntry, AuditHead, AuditReview, User
from webapp.services import audit
from webapp.services.audit_chain import seal

_BATCH = 5000
_NO_HEAD = "The end of the chain (table audit_heads) is missing."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An entry's number and hash, as printed by an earlier verification: NUMBER:HASH."""

    entry: int
    hash: str

    def __str__(self) -> str:
        return f"{self.entry}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint that `str` wrote. Raises InvalidInput for anything else."""
        if not re.fullmatch(r"[0-9]{1,18}:[0-9a-f]{64}", text):
            raise InvalidInput("A checkpoint is a number, a colon and 64 hexadecimal digits.")
        entry, _, hash_ = text.partition(":")
        return cls(int(entry), hash_)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at which entry. `code`: changed, missing, foreign, unlinked, cut, head or signed."""

    entry: int
    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome: how many entries were read, the faults in their order, and the end to keep elsewhere."""

    entries: int
    faults: tuple[Fault, ...]
    end: Checkpoint

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(kept: Sequence[Checkpoint] = (), actor: User | None = None) -> Report:
    """Read the whole log, and note in it that and with which result it was verified.

    `actor` is None for the operator at the command line. `kept`: checkpoints from outside; those of the
    reviews are asked for in any case. Memory stays flat, and nobody who appends meanwhile has to wait: what
    is appended after the start is left to the next time.
    """
    with db.engine.connect() as connection:
        report = _read(connection, kept)
    faulty = [fault.entry for fault in report.faults[:20]]
    audit.note(
        "log_verified", actor, "audit_log", whole=report.whole, up_to=report.end.entry, hash=report.end.hash,
        faults=len(report.faults), faulty=faulty,
    )  # fmt: skip
    return report


def _read(connection: Connection, kept: Sequence[Checkpoint]) -> Report:
    # In this order: what is there before the head is read must be within it.
    newest = connection.scalar(select(func.max(AuditEntry.id))) or 0
    head = connection.execute(select(AuditHead.last_entry, AuditHead.last_hash)).first()
    signed = _signed(connection, kept)
    chain = _Chain(signed)
    last = newest if head is None else max(newest, head.last_entry)
    for row in _rows(connection, last):
        chain.add(row)
    faults = chain.faults + list(_faults_at_end(chain, head)) + list(_unseen(signed, chain.entry))
    return Report(chain.count, tuple(faults), Checkpoint(chain.entry, chain.hash))


class _Chain:
    """The chain as read so far: number and stored hash of the entry last seen, and the faults found."""

    def __init__(self, signed: Mapping[int, Sequence[tuple[str, str]]]) -> None:
        self.entry, self.hash, self.count = 0, GENESIS, 0
        self.faults: list[Fault] = []
        self._signed = signed

    def add(self, row: RowMapping) -> None:
        number = row["id"]
        self.count += 1
        if number < 1:
            self._fault(number, "foreign", f"Entry {number} does not belong: the log begins with entry 1.")
            return
        if number > self.entry + 1:
            self._fault(self.entry + 1, "missing", f"{_span(self.entry + 1, number - 1)} missing.")
        elif row["previous_hash"] != self.hash:
            words = f"Entry {number} was not written after the entry {number - 1} that stands before it now."
            self._fault(number, "unlinked", words)
        if seal(row["previous_hash"], row) != row["entry_hash"]:
            self._fault(number, "changed", f"Entry {number} is not as it was written.")
        for hash_, who in self._signed.get(number, ()):
            if hash_ != row["entry_hash"]:
                self._fault(number, "signed", f"Entry {number} is not the one that {who} speaks of.")
        self.entry, self.hash = number, row["entry_hash"]

    def _fault(self, entry: int, code: str, words: str) -> None:
        self.faults.append(Fault(entry, code, words))


def _faults_at_end(chain: _Chain, head: Any) -> Iterator[Fault]:
    if head is None:
        yield Fault(chain.entry, "head", _NO_HEAD)
    elif head.last_entry > chain.entry:
        span = _span(chain.entry + 1, head.last_entry)
        yield Fault(chain.entry + 1, "cut", f"{span} missing: the end of the log was cut off.")
    elif head.last_entry < chain.entry:
        words = f"{_span(head.last_entry + 1, chain.entry)} beyond the end that the log knows of."
        yield Fault(head.last_entry + 1, "head", words)
    elif head.last_hash != chain.hash:
        yield Fault(chain.entry, "head", f"Entry {chain.entry} is not the one that the log ended with.")


def _unseen(signed: Mapping[int, Sequence[tuple[str, str]]], last: int) -> Iterator[Fault]:
    """Reviews and checkpoints of entries beyond the end."""
    for number, sayings in signed.items():
        if number > last:
            yield from (
                Fault(number, "signed", f"Entry {number} is gone; {who} speaks of it.") for _, who in sayings
            )


def _signed(connection: Connection, kept: Sequence[Checkpoint]) -> dict[int, list[tuple[str, str]]]:
    """Number -> what should be its hash, and who says so."""
    signed: dict[int, list[tuple[str, str]]] = {}
    reviews = select(AuditReview.id, AuditReview.up_to, AuditReview.entry_hash)
    for id_, up_to, hash_ in connection.execute(reviews.order_by(AuditReview.id)):
        signed.setdefault(up_to, []).append((hash_, f"review {id_}"))
    for checkpoint in kept:
        signed.setdefault(checkpoint.entry, []).append((checkpoint.hash, "the checkpoint"))
    return signed


def _rows(connection: Connection, last: int) -> Iterator[RowMapping]:
    """The entries up to number `last`, a batch at a time by key: no long transaction, no long cursor."""
    table = AuditEntry.__table__
    seen: int | None = None
    while True:
        some = select(table).where(table.c.id <= last).order_by(table.c.id).limit(_BATCH)
        rows = connection.execute(some if seen is None else some.where(table.c.id > seen)).mappings().all()
        connection.rollback()
        yield from rows
        if len(rows) < _BATCH:
            return
        seen = rows[-1]["id"]


def _span(first: int, last: int) -> str:
    return f"Entry {first} is" if first == last else f"Entries {first} to {last} are"
