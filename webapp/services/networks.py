"""The networks that this installation knows, and which one of them analyses.

A network is known by the checksum of its weights. Where none was chosen the setting holds: ML_WEIGHTS, else
the shipped one. A choice is a row that every process reads before it analyses, so that none needs a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

import ml
from webapp import config
from webapp.errors import Conflict, Forbidden, InvalidInput, NotFound
from webapp.extensions import db
from webapp.models import Job, NetworkSwitch, Reanalysis, User, now
from webapp.permissions import roles_of
from webapp.services import audit, words

SHIPPED, SETTING = "shipped", "ML_WEIGHTS"
"""What the pages call the folders that don't lie in NETWORKS_DIR."""


@dataclass(frozen=True, slots=True)
class Known:
    """A network that could be chosen: its card, where it lies, and what a page calls that place."""

    label: str
    folder: Path
    card: ml.ModelCard

    @property
    def checksum(self) -> str:
        """SHA-256 of the weights, hex."""
        return self.card.checksum


@dataclass(frozen=True, slots=True)
class Unusable:
    """A folder whose card can't be read, and why."""

    label: str
    error: str


@dataclass(frozen=True, slots=True)
class Name:
    """What a page says of a network."""

    name: str
    version: str
    checksum: str


class NetworkRefused(InvalidInput):
    """The network can't be loaded. The active one stays."""

    code = "network_refused"


def known() -> tuple[tuple[Known, ...], tuple[Unusable, ...]]:
    """Every network that lies where the settings say, the default first, each checksum once; and the folders
    that should hold one and don't."""
    found: dict[str, Known] = {}
    unusable = []
    for label, folder in _folders():
        try:
            card = ml.ModelCard.load(folder)
        except ml.NetworkError as error:
            unusable.append(Unusable(label, str(error)))
        else:
            found.setdefault(card.checksum, Known(label, folder, card))
    return tuple(found.values()), tuple(unusable)


def active() -> Known:
    """The network that analyses.

    Raises:
        ml.NetworkError: its card can't be read, or the chosen one is not on this machine.
    """
    chosen = newest_switch()
    if chosen is None:
        label, folder = next(_folders())
        return Known(label, folder, ml.ModelCard.load(folder))
    for one in known()[0]:
        if one.checksum == chosen.checksum:
            return one
    raise ml.NetworkError(
        f"The active network {chosen.name} {chosen.version} is not on this machine.",
        "Copy its folder into NETWORKS_DIR here, or switch to another network.",
    )


def active_name() -> Name | None:
    """What the active network is called; None where that can't be told because its card can't be read."""
    chosen = newest_switch()
    if chosen is not None:
        return Name(chosen.name, chosen.version, chosen.checksum)
    try:
        card = active().card
    except ml.NetworkError:
        return None
    return Name(card.name, card.version, card.checksum)


def newest_switch() -> NetworkSwitch | None:
    """The choice that holds, or None where nobody has chosen yet."""
    return db.session.scalar(select(NetworkSwitch).order_by(NetworkSwitch.id.desc()).limit(1))


def switches(limit: int = 50) -> list[NetworkSwitch]:
    """The choices so far, the newest first."""
    newest = select(NetworkSwitch).order_by(NetworkSwitch.id.desc()).limit(limit)
    return list(db.session.scalars(newest.options(joinedload(NetworkSwitch.author))))


def find(checksum: str) -> Known:
    """The known network with these weights. NotFound where there is none."""
    for one in known()[0]:
        if one.checksum == checksum:
            return one
    raise NotFound("There is no such network here. Its folder may have been moved.")


def switch(user: User | None, checksum: str) -> NetworkSwitch:
    """Let the network with these weights analyse from now on. `user` is None at the command line.

    It is loaded and asked once before, in a process of its own, which takes some seconds.

    Raises:
        Forbidden: `user` is no admin.
        NotFound: no such network is known.
        Conflict: it is the active one already.
        NetworkRefused: it can't be loaded; the message says why. Nothing was changed.
    """
    require_admin(user)
    wanted, before = find(checksum), active_name()
    if before is not None and before.checksum == checksum:
        raise Conflict(f"{before.name} {before.version} is the active network already.")
    _require_usable(wanted)
    card = wanted.card
    row = NetworkSwitch(name=card.name, version=card.version, checksum=checksum, folder=wanted.label)
    row.author_id = None if user is None else user.id
    db.session.add(row)
    gone = None if before is None else before.checksum
    detail = {"name": card.name, "version": card.version, "checksum": checksum, "before": gone}
    audit.record("network_switched", user, "network", **detail)
    _cancel_what_the_other_was_asked()
    db.session.commit()
    return row


def require_admin(user: User | None) -> None:
    """Raise Forbidden unless `user` is an admin, or the operator at the command line (None)."""
    if user is not None and "admin" not in roles_of(user):
        raise Forbidden("Only admins look after the networks.")


def _require_usable(wanted: Known) -> None:
    db.session.rollback()  # no transaction stays open while the other process loads it
    try:
        loaded = ml.try_out(wanted.folder)
    except ml.NetworkError as error:
        raise NetworkRefused(f"The active network stays: this one can't be loaded. {error}") from error
    if loaded.checksum != wanted.checksum:
        raise NetworkRefused("The active network stays: the folder of this one was changed meanwhile.")


def _cancel_what_the_other_was_asked() -> None:
    """What waits of a re-analysis was meant for the network of before."""
    still = (Job.state == "queued", Job.reanalysis_id.is_not(None))
    words.touch_images(db.session(), db.session.scalars(select(Job.image_id).where(*still)))
    waiting = select(Job.reanalysis_id).where(*still)
    cancelled = update(Reanalysis).where(Reanalysis.id.in_(waiting)).values(cancelled_at=now())
    queued = update(Job).where(*still)
    for statement in (cancelled, queued.values(state="cancelled", finished_at=now())):
        db.session.execute(statement.execution_options(synchronize_session=False))


def _folders() -> Iterator[tuple[str, Path]]:
    """Where networks may lie, what a page calls it first; the default before the others."""
    settings = config.current()
    if settings.ml_weights is not None:
        yield SETTING, settings.ml_weights
    else:
        yield SHIPPED, ml.SHIPPED
    if settings.networks_dir is not None and settings.networks_dir.is_dir():
        for folder in sorted(path for path in settings.networks_dir.iterdir() if path.is_dir()):
            yield folder.name, folder
    if settings.ml_weights is not None:
        yield SHIPPED, ml.SHIPPED
