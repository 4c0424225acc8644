"""A diagnosis -> `manifest.csv`, `findings.json` and `review.html` in a folder."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from pathlib import Path

from ml.data import likeness, manifest
from ml.data.doctor import examine, page
from ml.data.doctor.diagnosis import AREA, LONGEST, SMALLEST, WORDS, Diagnosis
from ml.errors import DataError
from ml.scope import COLOUR_SHARE

REVIEW = "review.html"


def refuse(directory: Path, out: Path) -> None:
    """Raises DataError where `out` is the folder to be audited, whose own `manifest.csv` would be lost."""
    if out.resolve() == directory.resolve():
        raise DataError("--out is the folder that is audited.", "Choose another folder for what is written.")


def write(found: Diagnosis, out: Path) -> None:
    """Write the three files, each beside and then renamed; what was there is replaced.

    Raises:
        DataError: the folder can't be written to.
    """
    texts = {
        manifest.FILE: _table(found),
        manifest.FINDINGS: json.dumps(_facts(found, out), indent=1) + "\n",
        REVIEW: page.render(found),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (out / f"{name}.partial").write_text(text, encoding="utf-8", newline="")
        for name in texts:
            (out / f"{name}.partial").replace(out / name)
    except OSError as error:
        raise DataError(f"{out} can't be written to: {error.strerror}.", "Choose another folder.") from error


def _table(found: Diagnosis) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "label", "group", "patient", "findings"))
    for row in found.rows:
        image = row.image
        writer.writerow((image.name, image.label, row.group, image.patient, ";".join(row.findings)))
    return text.getvalue()


def _facts(found: Diagnosis, out: Path) -> dict[str, object]:
    groups: dict[str, list[str]] = {}
    for row in found.rows:
        groups.setdefault(row.group, []).append(row.image.name)
    counts = Counter(word for row in found.rows for word in row.findings)
    return {
        "directory": Path(os.path.relpath(found.directory.resolve(), out.resolve())).as_posix(),
        "layout": found.layout,
        "images": len(found.rows),
        "counts": {word: counts[word] for word in WORDS},
        "groups": [names for names in groups.values() if len(names) > 1],
        "links": [
            {"first": first, "second": second, "correlation": round(correlation, 4), "mirrored": mirrored}
            for first, second, correlation, mirrored in found.links
        ],
        "leaks": found.leaks,
        "problems": found.problems,
        "findings": {row.image.name: row.findings for row in found.rows if row.findings},
        "rules": {
            "near_copy_correlation": likeness.FINE,
            "blank_grey_levels": examine.BLANK,
            "colour_share": COLOUR_SHARE,
            "smallest_side_px": SMALLEST,
            "longest_side_ratio": LONGEST,
            "area_ratio": AREA,
            "fewest_grey_levels": examine.LEVELS,
        },
    }
