"""All images together -> findings: groups of copies, conflicts, leaks, odd ones out."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from tqdm import tqdm

from ml.data import likeness
from ml.data.doctor import examine, listing
from ml.data.doctor.examine import Look
from ml.data.doctor.listing import Image
from ml.data.groups import Groups
from ml.data.likeness import Link

WORDS = {
    "conflict": "Near copies with different labels",
    "leak": "The same patient or picture in two parts of a split",
    "near-copy": "Near copies",
    "unreadable": "Can't be read",
    "blank": "Blank",
    "unlabelled": "No label",
    "two-pictures": "Two pictures in one",
    "colour": "Colour, as of Doppler",
    "text": "Writing burned in",
    "calipers": "Calipers burned in",
    "odd-size": "Odd size",
    "odd-depth": "Odd depth",
}
"""Each finding and what people read of it, gravest first."""

SMALLEST, LONGEST, AREA = 100, 3.0, 8.0
"""Odd size: a side of fewer pixels, one side so many times the other, or an area so many times the median's
(or that part of it)."""

USUAL = 0.8
"""Odd depth: other bits a sample than so large a share of the images."""


@dataclass(frozen=True, slots=True)
class Row:
    """One image with all that is said of it. `group` is the name of the first image of its near copies."""

    image: Image
    look: Look
    group: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`links`: near copies by name, (first, second, correlation, mirrored). `leaks`: who or what stands in
    which parts. `problems`: faults of tables and files."""

    directory: Path
    layout: str
    rows: tuple[Row, ...]
    links: tuple[tuple[str, str, float, bool], ...]
    leaks: dict[str, tuple[str, ...]]
    problems: tuple[str, ...]


def audit(directory: Path) -> Diagnosis:
    """Look at every image of `directory`. Progress bars go to standard error where that is a terminal.

    Raises:
        DataError: no folder, no images, or tables of a known data set that aren't as published.
    """
    listed = listing.read(directory)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        paths = [image.path for image in listed.images]
        looks = list(tqdm(pool.map(examine.look, paths), "look", len(paths), unit="image", disable=None))
    images = [
        replace(image, patient=image.patient or seen.patient)
        for image, seen in zip(listed.images, looks, strict=True)
    ]
    links = likeness.links([seen.descriptor for seen in looks])
    rows, leaks = _together(images, looks, links)
    unreadable = (f"{row.image.name}: {row.look.fault}" for row in rows if row.look.fault)
    return Diagnosis(
        listed.root,
        listed.layout,
        tuple(rows),
        tuple((images[a.first].name, images[a.second].name, a.correlation, a.mirrored) for a in links),
        leaks,
        (*listed.problems, *unreadable),
    )


def _together(
    images: Sequence[Image], looks: Sequence[Look], links: Sequence[Link]
) -> tuple[list[Row], dict[str, tuple[str, ...]]]:
    groups = Groups(len(images))
    for link in links:
        groups.join(link.first, link.second)
    group = [images[groups.of(index)].name for index in range(len(images))]
    sizes = Counter(group)
    labels = _gathered(group, [image.label for image in images])
    torn = {
        name: parts for name, parts in _gathered(group, [i.part for i in images]).items() if len(parts) > 1
    }
    people = _gathered([i.patient for i in images], [i.part for i in images])
    split = {who: parts for who, parts in people.items() if len(parts) > 1}
    odd = _odd(looks)
    rows = []
    for index, (image, seen) in enumerate(zip(images, looks, strict=True)):
        said = {
            *seen.findings,
            *odd[index],
            *(["near-copy"] if sizes[group[index]] > 1 else []),
            *(["conflict"] if len(labels.get(group[index], ())) > 1 else []),
            *(["leak"] if group[index] in torn or image.patient in split else []),
            *([] if image.label else ["unlabelled"]),
        }
        rows.append(Row(image, seen, group[index], tuple(word for word in WORDS if word in said)))
    leaks = {f"copies of {name}": parts for name, parts in torn.items()}
    return rows, leaks | {f"patient {who}": parts for who, parts in split.items()}


def _gathered(keys: Sequence[str], values: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The different values of each key; empty keys and values don't count."""
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in zip(keys, values, strict=True):
        if key and value:
            found[key].add(value)
    return {key: tuple(sorted(values)) for key, values in found.items()}


def _odd(looks: Sequence[Look]) -> list[list[str]]:
    readable = [seen for seen in looks if not seen.fault]
    area = median(seen.width * seen.height for seen in readable) if readable else 1
    bits, count = Counter(seen.bits for seen in readable).most_common(1)[0] if readable else (8, 0)
    usual = bits if count >= USUAL * len(readable) else None
    return [[] if seen.fault else _odd_one(seen, area, usual) for seen in looks]


def _odd_one(seen: Look, area: float, usual: int | None) -> list[str]:
    short, long = sorted((seen.width, seen.height))
    times = seen.width * seen.height / area
    odd_size = short < SMALLEST or long > LONGEST * short or not 1 / AREA <= times <= AREA
    return ["odd-size"] * odd_size + ["odd-depth"] * (usual is not None and seen.bits != usual)
