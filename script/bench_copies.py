"""What the index of near copies finds, and in what time: `python script/bench_copies.py [--bus-bra DIR]`.

Prints the tables of "At upload" in `docs/doctor.md`. Some minutes of one core, and 1 GB of disk meanwhile.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import flask_migrate
import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ml import imaging
from ml.data import copy_keys, likeness, phantom
from ml.types import Gray
from tests.conftest import settings
from webapp import create_app
from webapp.config import ROOT
from webapp.extensions import db
from webapp.models import Exam, Image, ImagePrint, PrintKey
from webapp.services import accounts, likenesses
from webapp.services.accounts import NewUser

PHANTOMS, PLANTED, MIXED, LOOKUPS = 120, 60, 10_000, 40
_IMAGES_A_CASE = 5 / 3
"""As `seed-cases` makes them."""
_STEP = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bus-bra", type=Path)
    parser.add_argument("--cases", type=int, default=100_000, help="0: measure no times")
    wanted = parser.parse_args()
    kinds = phantom.KINDS
    drawn = [phantom.draw(kinds[n % len(kinds)], n, (192, 224), 0.2).pixels for n in range(PHANTOMS)]
    stacks = {"phantoms": drawn}
    if wanted.bus_bra:
        files = sorted((wanted.bus_bra / "Images").glob("*.png"))
        stacks["BUS-BRA"] = [imaging.decode(path.read_bytes()).pixels for path in files]
    for name, scans in stacks.items():
        for change, (by_index, by_all, of) in _recall(scans):
            print(f"{name}, {change}: {by_index} of {of} by the index, {by_all} by comparing all", flush=True)
    for what, milliseconds in _times([*stacks.values()][-1], wanted.cases) if wanted.cases else ():
        print(f"{wanted.cases:,} cases, {what}: {milliseconds}", flush=True)


def _cropped(pixels: Gray, top: float, bottom: float, left: float, right: float) -> Gray:
    height, width = pixels.shape
    rows = slice(round(top * height), height - round(bottom * height))
    return pixels[rows, round(left * width) : width - round(right * width)]


def _saved(pixels: Gray) -> Gray:
    file = cv2.imencode(".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)


def _halved(pixels: Gray) -> Gray:
    return np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _changes() -> dict[str, Callable[[Gray], Gray]]:
    chance = np.random.default_rng(0)
    return {
        "JPEG of quality 30": _saved,
        "half the size": _halved,
        "mirrored": lambda a: a[:, ::-1],
        "cropped by 3% all round": lambda a: _cropped(a, *(0.03,) * 4),
        "cropped by 5% all round": lambda a: _cropped(a, *(0.05,) * 4),
        "cropped by 5% above and at the left": lambda a: _cropped(a, 0.05, 0, 0.05, 0),
        "cropped by 0 to 5% a side": lambda a: _cropped(a, *chance.uniform(0, 0.05, 4)),
        "mirrored, cropped by 0 to 5% a side, halved, JPEG": lambda a: _saved(
            _halved(_cropped(a[:, ::-1], *chance.uniform(0, 0.05, 4)))
        ),
    }


def _recall(scans: Sequence[Gray]) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """For each change how many copies are found: by the index, by the doctor; of how many."""
    stack = [likeness.descriptor(pixels) for pixels in scans]
    chosen = np.random.default_rng(1).choice(len(scans), min(PLANTED, len(scans)), replace=False)
    index = [set(copy_keys.kept(image)) for image in stack]
    for name, change in _changes().items():
        by_index = by_all = 0
        for at in chosen:
            copy = likeness.descriptor(np.ascontiguousarray(change(scans[at])))
            keys = set(copy_keys.sought(copy))
            shared = {n: len(keys & of) for n, of in enumerate(index) if keys & of}
            best = sorted(shared, key=lambda n: -shared[n])[: likenesses.MOST_CANDIDATES]
            by_index += at in likenesses.judged(copy, {n: stack[n] for n in best})
            by_all += bool(likeness.links([stack[at], copy]))
        yield name, (by_index, by_all, len(chosen))


def _times(scans: Sequence[Gray], cases: int) -> Iterator[tuple[str, str]]:
    """Processor time of a look-up among the images of `cases` made-up cases on SQLite, and of judging."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings(Path(folder)))
        with app.app_context():
            flask_migrate.upgrade(str(ROOT / "migrations"))
            new = NewUser("bench@example.org", "Bench", "correct horse battery", "Bench", ("tutor",))
            user = accounts.create(new)
            owner, group = user.id, user.group_id
            db.session.remove()
            with db.engine.begin() as connection:
                _fill(connection, [likeness.descriptor(pixels) for pixels in scans], owner, group, cases)
            yield from _measured()
            db.session.remove()
            db.engine.dispose()


def _fill(connection: Connection, stack: Sequence[Gray], owner: int, group: int, cases: int) -> None:
    """Images with prints and keys: of each band one of those of `MIXED` means of two real ones."""
    chance = np.random.default_rng(2)
    pairs = chance.integers(len(stack), size=(MIXED, 2))
    mixed = [cv2.addWeighted(stack[a], 0.5, stack[b][:, ::-1], 0.5, 0) for a, b in pairs]
    prints = [np.asarray(image, np.uint8).tobytes() for image in mixed]
    keys = np.array([copy_keys.kept(np.asarray(image, np.uint8)) for image in mixed])
    of_group = {"group_id": group, "owner_id": owner, "note": "", "synthetic": True}
    connection.execute(sa.insert(Exam), [{"id": n, **of_group} for n in range(1, cases + 1)])
    facts = {"filename": "x", "size_bytes": 1, "format": "png", "width": 1, "height": 1, "uploader_id": owner}
    images = round(cases * _IMAGES_A_CASE)
    for start in range(1, images + 1, _STEP):
        ids = range(start, min(start + _STEP, images + 1))
        dealt = chance.integers(MIXED, size=(len(ids), copy_keys.BANDS))
        own = [{"id": n, "exam_id": 1 + n % cases, "position": n // cases, "sha256": f"{n}"} for n in ids]
        connection.execute(sa.insert(Image), [{**one, **facts, "storage_key": one["sha256"]} for one in own])
        kept = [{"image_id": n, "pixels": prints[n % MIXED], "compared": True} for n in ids]
        connection.execute(sa.insert(ImagePrint), kept)
        found = keys[dealt, np.arange(copy_keys.BANDS)].tolist()
        rows = [
            {"group_id": group, "key": k, "image_id": n} for n, of in zip(ids, found, strict=True) for k in of
        ]
        connection.execute(sa.insert(PrintKey), rows)


def _measured() -> Iterator[tuple[str, str]]:
    last = db.session.scalar(sa.select(sa.func.max(Image.id))) or 0
    asked = np.random.default_rng(3).choice(last, LOOKUPS, replace=False) + 1
    looking, judging, counts = [], [], []
    for image_id in map(int, asked):
        pixels = likenesses.print_of(image_id)
        if pixels is None:
            raise LookupError(f"made-up image {image_id} has no print")
        began = time.process_time()
        others = likenesses.worth_comparing(image_id, pixels)
        looking.append(1000 * (time.process_time() - began))
        began = time.process_time()
        likenesses.judged(pixels, others)
        judging.append(1000 * (time.process_time() - began))
        counts.append(len(others))
    for what, found in (("look-up", looking), ("judging what was found", judging)):
        yield what, f"median {statistics.median(found):.0f} ms, largest {max(found):.0f} ms of processor time"
    yield "images found in the index", f"median {statistics.median(counts):.0f}, at most {max(counts)}"


if __name__ == "__main__":
    main()
