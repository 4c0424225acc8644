"""Several studies' figures as rows of one Markdown table, from the `results.json` of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.errors import DataError

_COLUMNS = (
    "Study",
    "System",
    "Started from",
    "Accuracy claimed",
    "As published",
    "Leak-free, test opened once",
    "Leak-free, out of fold",
)
HEAD = (f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}")
_FIGURE = "accuracy"


def table(files: Sequence[Path]) -> list[str]:
    """The lines of the table: a row a system, accuracy with its 95% interval and n.

    A file `NAME.json` is told as the study whose report is `NAME.html` beside it.

    Raises:
        DataError: a file is no `results.json` of a study.
    """
    return [*HEAD, *(row for file in files for row in _rows(file))]


def boldest(files: Sequence[Path], folder: str) -> list[str]:
    """The same table, of each study the one system that most is claimed of; reports lie in `folder`."""
    return [*HEAD, *(_rows(file, folder, 1)[0] for file in files)]


def _rows(file: Path, folder: str = "", most: int | None = None) -> list[str]:
    """The `most` systems of the highest claims, or all, in the study's order."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        claimed = {one["system"]: one["value"] for one in told["claims"] if one["metric"] == _FIGURE}
        trials = {(one["system"], one["protocol"]): one for one in told["trials"]}
        systems = list(dict.fromkeys(one["system"] for one in told["trials"]))
        if most is not None:
            systems = sorted(systems, key=lambda system: -claimed.get(system, 0))[:most]
        return [_row(f"{folder}{file.stem}", system, claimed.get(system), trials) for system in systems]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{file.name} holds no results of a study: {type(error).__name__}.",
            "Name the results.json that `python -m ml study` wrote, or a copy of it.",
        ) from error


def _row(report: str, system: str, claim: float | None, trials: dict[tuple[str, str], Any]) -> str:
    published, free = trials.get((system, "as-published")), trials.get((system, "leak-free"))
    cells = (
        f"[{Path(report).name}]({report}.html)",
        system,
        (free or published or {})["started_from"],
        "none" if claim is None else f"{claim * 100:.2f}",
        _cell(published and published["figures"]),
        _cell(free and free["figures"]),
        _cell(free and free["out_of_fold"]),
    )
    return f"| {' | '.join(cells)} |"


def _cell(figures: dict[str, Any] | None) -> str:
    found = (figures or {}).get(_FIGURE)
    if not found:
        return ""
    value, low, high = (f"{found[name] * 100:.1f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high}), {found['n']} {found['unit']}s"
