"""The worker's side of near copies: each image leaves a print, and is compared with those of its group alone.

The dataset doctor compares every pair; here an index gives the few images that are worth it (`ml.copy_keys`),
and the doctor's own rule judges them (`ml.likeness`). A print is kept in a transaction before the search: of
two copies that two workers have in hand at once, the second to search finds the first.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, func, or_, select
from sqlalchemy.exc import IntegrityError

import ml
from webapp.extensions import db
from webapp.models import Exam, Image, ImagePrint, NearCopy, PrintKey
from webapp.services import decoding
from webapp.services.storage import StorageError, storage

log = logging.getLogger(__name__)

MOST_CANDIDATES = 400
"""Images that are looked at: those that share most keys with the one in hand."""
_MOST_ALIGNED = 50
_TRIES = 3
_CHUNK = 500

Print = NDArray[np.uint8]
"""(60, 60): what `ml.likeness.descriptor` makes of frame 0."""
Progress = Callable[[int, int], None]
"""Called with how many images are done and how many there are."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What `fill` did. `passed_over`: images whose file is missing, changed or can't be read or decoded."""

    compared: int
    passed_over: int


def look(image_id: int, scan: ml.Scan) -> None:
    """Compare an image, of which `scan` is frame 0, with the images of its group; nothing where that is done.

    What goes wrong is logged and costs no analysis: `fill` makes up for it.
    """
    try:
        _look(image_id, lambda: scan)
    except Exception:
        # Whatever it is, the answer of the network must not be lost for it. The log has the trace.
        db.session.rollback()
        log.exception("image %d could not be compared with others", image_id)


def fill(progress: Progress = lambda done, total: None) -> Filled:
    """Compare what has not been: images of before there were prints, and what `look` could not.

    Raises:
        AppError, SQLAlchemyError: decoder or database is away. Called again, it goes on from there.
    """
    undone = or_(ImagePrint.compared.is_(None), ImagePrint.compared.is_(False))
    wanted = select(Image.id).outerjoin(ImagePrint, ImagePrint.image_id == Image.id).where(undone)
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    compared = passed_over = last = 0
    while ids := db.session.scalars(wanted.where(Image.id > last).order_by(Image.id).limit(_CHUNK)).all():
        for last in ids:
            done = _look_at_file(last)
            compared, passed_over = compared + done, passed_over + (not done)
            progress(compared + passed_over, total)
    return Filled(compared, passed_over)


def candidates(group_id: int, exam_id: int, keys: Collection[int]) -> Select[int]:
    """The images of the group, those of the exam left out, that stand under one of the keys; first those
    under most of them. Read from the index alone, which never leads into another group."""
    own = select(Image.id).where(Image.exam_id == exam_id)
    stands = (PrintKey.group_id == group_id, PrintKey.key.in_(keys), PrintKey.image_id.not_in(own))
    found = select(PrintKey.image_id).where(*stands).group_by(PrintKey.image_id)
    return found.order_by(func.count().desc(), PrintKey.image_id.desc()).limit(MOST_CANDIDATES)


def print_of(image_id: int) -> Print | None:
    """The print that an image has left, None where it has left none."""
    kept = db.session.get(ImagePrint, image_id)
    return None if kept is None else _pixels(kept.pixels)


def worth_comparing(image_id: int, pixels: Print) -> dict[int, Print]:
    """Number of an image -> its print: the `candidates` for the image that has the print `pixels`. The same
    bytes are none: uploads tell of those."""
    image = db.session.get_one(Image, image_id)
    ids = candidates(image.exam.group_id, image.exam_id, ml.copy_keys.sought(pixels))
    other = (ImagePrint.image_id.in_(db.session.scalars(ids).all()), Image.sha256 != image.sha256)
    prints = select(ImagePrint.image_id, ImagePrint.pixels).join(Image, Image.id == ImagePrint.image_id)
    return {row.image_id: _pixels(row.pixels) for row in db.session.execute(prints.where(*other))}


def judged(pixels: Print, others: Mapping[int, Print]) -> dict[int, ml.likeness.Link]:
    """Those of `others` that are near copies of the print `pixels`, the closest first."""
    numbers = list(others)
    links = ml.likeness.of_one(pixels, list(others.values()), _MOST_ALIGNED)
    return {numbers[link.second - 1]: link for link in links}


def _look_at_file(image_id: int) -> bool:
    """`look` with the file in the storage; False where there is none, another, or none of an image."""
    wanted = select(Image.storage_key, Image.sha256).where(Image.id == image_id)
    row = db.session.execute(wanted).one_or_none()
    db.session.rollback()  # no transaction stays open while the image is decoded and compared
    try:
        data = storage().read(row.storage_key) if row else b""
        if row is None or hashlib.sha256(data).hexdigest() != row.sha256:
            return False
        _look(image_id, lambda: decoding.decode(data))
    except (StorageError, ml.ImageError):
        return False
    return True


def _look(image_id: int, frame: Callable[[], ml.Scan]) -> None:
    """`frame` is asked for only where the image has left no print yet."""
    kept = db.session.get(ImagePrint, image_id)
    if kept is None:
        db.session.rollback()
        _keep(image_id, ml.likeness.descriptor(frame().pixels))
    elif kept.compared:
        return
    _compare(image_id)


def _keep(image_id: int, pixels: Print) -> None:
    group_id = db.session.scalar(select(Exam.group_id).join(Image).where(Image.id == image_id))
    keys = ml.copy_keys.kept(pixels)
    db.session.add(ImagePrint(image_id=image_id, pixels=pixels.tobytes()))
    db.session.add_all(PrintKey(group_id=group_id, key=key, image_id=image_id) for key in keys)
    try:
        db.session.commit()
    except IntegrityError:  # another worker has just kept it, or it was erased meanwhile
        db.session.rollback()


def _compare(image_id: int) -> None:
    """Search for near copies of an image that has left its print, and write down those found."""
    pixels = print_of(image_id)
    if pixels is None:
        return
    others = worth_comparing(image_id, pixels)
    db.session.rollback()  # no transaction stays open while images are aligned
    found = judged(pixels, others)
    for _ in range(_TRIES):
        try:
            _write(image_id, found)
            return
        except IntegrityError:  # found from the other side in the same moment, or erased meanwhile
            db.session.rollback()


def _write(image_id: int, found: dict[int, ml.likeness.Link]) -> None:
    """Add the links that are not known yet to images that are still there, and say that all is done."""
    there = set(db.session.scalars(select(ImagePrint.image_id).where(ImagePrint.image_id.in_(found))))
    for other in there - _linked(image_id):
        link, pair = found[other], sorted((image_id, other))
        how = {"correlation": min(link.correlation, 1.0), "mirrored": link.mirrored}
        db.session.add(NearCopy(first_id=pair[0], second_id=pair[1], **how))
    db.session.get_one(ImagePrint, image_id).compared = True
    db.session.commit()


def _linked(image_id: int) -> set[int]:
    """The near copies of an image that are known."""
    pairs = select(NearCopy.first_id, NearCopy.second_id)
    of_image = pairs.where(or_(NearCopy.first_id == image_id, NearCopy.second_id == image_id))
    return {first + second - image_id for first, second in db.session.execute(of_image)}


def _pixels(kept: bytes) -> Print:
    side = ml.likeness.SIDE
    return np.frombuffer(kept, dtype=np.uint8).reshape(side, side)
