"""How good and how quick the dataset doctor is: `python script/bench_doctor.py --busi DIR --bus-bra DIR`.

Prints the table of `docs/doctor.md`. About three minutes of one core.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ml import imaging
from ml.data import copies, likeness
from ml.data.doctor import diagnosis
from ml.types import Gray

MANY, PLANTED = 10_000, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busi", type=Path, required=True)
    parser.add_argument("--bus-bra", type=Path, required=True)
    wanted = parser.parse_args()
    found, per_image = _audited(wanted.busi)
    print(f"BUSI: pairs with correlation of thumbnails above 0.97 that are in one group: {_alike(found)}")
    found, slower = _audited(wanted.bus_bra)
    stack = [row.look.descriptor for row in found.rows]
    print(f"BUS-BRA: pairs of different patients called copies: {_strangers(found)}")
    for name, share in _planted([row.image.path for row in found.rows], stack):
        print(f"BUS-BRA: planted copies found, {name}: {share}")
    compare = _compared(stack)
    look = max(per_image, slower)
    print(f"look: {look * 1000:.1f} ms of processor time an image; compare {MANY:,} images: {compare:.0f} s")
    print(f"{MANY:,} images: {(look * MANY + compare) / 60:.1f} minutes of processor time")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def _audited(directory: Path) -> tuple[diagnosis.Diagnosis, float]:
    began = time.process_time()
    found = diagnosis.audit(directory)
    return found, (time.process_time() - began) / len(found.rows)


def _alike(found: diagnosis.Diagnosis) -> str:
    rows = copies.thumbnails([row.image.path for row in found.rows])
    pairs = np.argwhere(np.triu(rows @ rows.T > 0.97, k=1))
    together = sum(found.rows[a].group == found.rows[b].group for a, b in pairs)
    return f"{together} of {len(pairs)}"


def _strangers(found: diagnosis.Diagnosis) -> str:
    groups = np.unique([row.group for row in found.rows], return_inverse=True)[1]
    people = np.unique([row.image.patient for row in found.rows], return_inverse=True)[1]
    strangers = people[:, None] != people[None, :]
    called = strangers & (groups[:, None] == groups[None, :])
    return f"{called.sum() // 2} of {strangers.sum() // 2:,}"


def _planted(paths: Sequence[Path], stack: Sequence[Gray]) -> Iterator[tuple[str, str]]:
    rng = np.random.default_rng(0)
    for name in (
        "mirrored",
        "half the size",
        "JPEG of quality 30",
        "cropped by 5% all round",
        "all of these",
    ):
        chosen = rng.choice(len(paths), PLANTED, replace=False)
        changed = [_changed(imaging.decode(paths[at].read_bytes()).pixels, name) for at in chosen]
        groups = likeness.grouped([*stack, *map(likeness.descriptor, changed)])
        found = sum(groups[len(stack) + n] == groups[at] for n, at in enumerate(chosen))
        yield name, f"{found} of {PLANTED}"


def _changed(pixels: Gray, how: str) -> Gray:
    every = how == "all of these"
    if every or how.startswith("crop"):
        down, across = (round(0.05 * side) for side in pixels.shape)
        pixels = pixels[down:-down, across:-across]
    if every or how == "mirrored":
        pixels = pixels[:, ::-1]
    if every or how == "half the size":
        pixels = np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    if every or how.startswith("JPEG"):
        file = cv2.imencode(".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
        pixels = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)
    return pixels


def _compared(stack: Sequence[Gray]) -> float:
    """Seconds of processor time to compare 10,000 scans, each the mean of two real ones, all different."""
    pairs = np.random.default_rng(1).permutation(len(stack) ** 2)[:MANY]
    mixed = [cv2.addWeighted(stack[p // len(stack)], 0.5, stack[p % len(stack)], 0.5, 0) for p in pairs]
    began = time.process_time()
    likeness.links([np.asarray(image, dtype=np.uint8) for image in mixed])
    return time.process_time() - began


if __name__ == "__main__":
    main()
