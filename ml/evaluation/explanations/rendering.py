"""The tables: on a terminal, in markdown, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ml.card import Interval
from ml.evaluation.explanations.figures import Judged, Pointed
from ml.evaluation.explanations.randomisation import SURVIVES
from ml.evaluation.explanations.run import Part

PUBLISHED = {"hit": 0.77, "chance": 0.14, "images": 105}
"""Hottest point inside the lesion, published for another network in an external test on BUS-BRA."""

_CHUNK = 3
"""Methods side by side, so that a terminal of 110 columns holds them."""


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(part: Part) -> list[Table]:
    """Where the maps point, what they withstand, and what random weights change."""
    return [_pointing(part.judged), _trials(part.judged), *_cascades(part.judged)]


def title(part: Part) -> str:
    card = part.subject.card
    return f"{part.subject.name} ({card.network} {card.version}, {card.checksum[:12]}) on {part.data}"


def facts(part: Part) -> list[str]:
    """What has to be known before the tables are read."""
    point = part.subject.card.operating_point
    drawn = f"{part.drawn} of {part.eligible} images with a drawn lesion; {part.right} called rightly"
    return [
        part.overlap,
        f"{drawn} (suspicious where P({point.label}) >= {point.threshold:.4f}).",
        f"In brackets 95% intervals, by {part.unit}.",
    ]


def footer() -> list[str]:
    """What holds for every table."""
    published = f"{PUBLISHED['hit']} at chance {PUBLISHED['chance']} ({PUBLISHED['images']} images"
    return [
        f"Published: hottest point inside the lesion {published}, external test on BUS-BRA).",
        "Chance: the lesion's share of the area, which a map that knows nothing reaches in both figures.",
        "Likeness: Spearman's rank correlation, -1 to 1, of the maps of the same images.",
        f"WORTHLESS: above {SURVIVES} with all weights random, so that the map doesn't explain this network.",
        "docs/explanations.md says how to read this, and what it can't say.",
    ]


def as_json(part: Part) -> dict[str, Any]:
    """The part as plain values."""
    card = part.subject.card
    return {
        "network": {
            "name": part.subject.name,
            "network": card.network,
            "version": card.version,
            "checksum": card.checksum,
        },
        "data": part.data,
        "overlap": part.overlap,
        "resampled": part.unit,
        "n_images": part.drawn,
        "n_eligible": part.eligible,
        "n_right_calls": part.right,
        "methods": [_plain(judged) for judged in part.judged],
    }


def as_text(part: Part) -> str:
    """For a terminal."""
    head = title(part)
    blocks = [f"{head}\n{'=' * len(head)}", "\n".join(facts(part)), *(_text(each) for each in tables(part))]
    return "\n\n".join(blocks)


def as_markdown(parts: Sequence[Part]) -> str:
    """The same as a page."""
    blocks = ["# Explanations that can fail"]
    for part in parts:
        blocks += [f"## {title(part)}", *facts(part)]
        for each in tables(part):
            blocks += [f"### {each.title}", _pipes(each)]
    return "\n\n".join([*blocks, *footer()]) + "\n"


def _plain(judged: Judged) -> dict[str, Any]:
    given = asdict(judged)
    given["pointing"] = {calls: _dumped(asdict(found)) for calls, found in judged.pointing.items()}
    given["randomised"] = [
        {"stage": stage} | found.model_dump() for stage, found in judged.randomised.items()
    ]
    return _dumped(given)


def _dumped(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.model_dump() if isinstance(value, Interval) else value for name, value in values.items()
    }


def _pointing(judged: Sequence[Judged]) -> Table:
    rows = [
        (each.method if calls == "all" else "", calls, *_pointed(found))
        for each in judged
        for calls, found in each.pointing.items()
    ]
    head = ("method", "calls", "images", "hottest point inside", "energy inside", "chance")
    return Table("Where the maps point", head, tuple(rows))


def _pointed(found: Pointed) -> tuple[str, ...]:
    return str(found.images), _cell(found.hit), _cell(found.inside), _cell(found.chance)


def _trials(judged: Sequence[Judged]) -> Table:
    head = ("method", "shifted by 5%", "weights random", "another class", "empty", "verdict")
    rows = [
        (
            each.method,
            _cell(each.stability),
            _cell(list(each.randomised.values())[-1]),
            _cell(each.swap),
            f"{each.empty:.0%}, {each.emptied:.0%}",
            each.verdict,
        )
        for each in judged
    ]
    return Table(
        "Likeness of a map to the one of ...; empty maps before, after randomising", head, tuple(rows)
    )


def _cascades(judged: Sequence[Judged]) -> list[Table]:
    """The stages down, some methods across."""
    return [_cascade(judged[start : start + _CHUNK]) for start in range(0, len(judged), _CHUNK)]


def _cascade(judged: Sequence[Judged]) -> Table:
    stages = tuple(judged[0].randomised)
    rows = tuple((_short(stage), *(_cell(each.randomised[stage]) for each in judged)) for stage in stages)
    name = "Likeness after randomising a stage and all behind it"
    return Table(name, ("stage", *(each.method for each in judged)), rows)


def _short(stage: str) -> str:
    """ "features.0 features.1 features.2" -> "features.0 to 2"; "a.0.b a.1.b" -> "a.0.b to a.1.b"."""
    first, *others = stage.split()
    if not others:
        return stage
    (before, _, _), (behind, _, end) = first.rpartition("."), others[-1].rpartition(".")
    return f"{first} to {end if before == behind else others[-1]}"


def _cell(found: Interval | None) -> str:
    return "-" if found is None else f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _text(table: Table) -> str:
    lines = [table.head, *table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([table.title, *(line.rstrip() for line in shown)])


def _pipes(table: Table) -> str:
    rule = ("---",) * len(table.head)
    return "\n".join("| " + " | ".join(line) + " |" for line in (table.head, rule, *table.rows))
