"""`review.html`: thumbnails side by side in one file, without script and without anything from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from html import escape

from ml.data.doctor.diagnosis import WORDS, Diagnosis, Row

SHOWN_GROUPS, SHOWN_OF_GROUP, SHOWN = 300, 12, 60
"""Groups, images of a group, and images of each other finding that are shown; the rest is counted."""

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  color: #1a1a1a; background: #fff }
h2 { margin-top: 2.5rem }
.row { display: flex; flex-wrap: wrap; gap: .75rem; padding: .75rem 0; border-top: 1px solid #ccc }
figure { margin: 0; width: 8.5rem; font-size: .8rem; overflow-wrap: anywhere }
img { max-width: 100%; display: block; background: #000 }
.grave { border-left: .3rem solid #b00020; padding-left: .75rem }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #121212 } .row { border-color: #444 } }
"""


def render(found: Diagnosis) -> str:
    """The page as text. Thumbnails are pictures of the data set: its licence holds for this file too."""
    return "".join(_parts(found))


def _parts(found: Diagnosis) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Dataset review</title><style>{_STYLE}</style></head><body><main>"
    yield f"<h1>Dataset review</h1><p>{len(found.rows)} images, read as {escape(found.layout)}.</p>"
    yield from _summary(found)
    yield from _groups(found)
    yield from _list(
        "Patients and copies in two parts",
        [f"{who}: {', '.join(parts)}" for who, parts in found.leaks.items()],
    )
    yield from _list("Faults of tables and files", found.problems)
    for word, title in WORDS.items():
        if word not in ("near-copy", "conflict", "leak", "unreadable"):
            yield from _finding(title, [row for row in found.rows if word in row.findings])
    yield "</main></body></html>\n"


def _summary(found: Diagnosis) -> Iterator[str]:
    yield "<table><caption>Images with each finding</caption>"
    for word, title in WORDS.items():
        count = sum(word in row.findings for row in found.rows)
        yield f'<tr><th scope="row">{escape(title)}</th><td>{count}</td></tr>'
    yield "</table>"


def _groups(found: Diagnosis) -> Iterator[str]:
    groups: dict[str, list[Row]] = {}
    for row in found.rows:
        groups.setdefault(row.group, []).append(row)
    several = [rows for rows in groups.values() if len(rows) > 1]
    several.sort(key=lambda rows: ("conflict" not in rows[0].findings, rows[0].group))
    if several:
        yield f"<h2>Near copies: {len(several)} groups</h2>"
        yield "<p>Marked groups carry different labels. Training leaves them out.</p>"
    for rows in several[:SHOWN_GROUPS]:
        grave = " grave" if "conflict" in rows[0].findings else ""
        yield f'<div class="row{grave}">{"".join(map(_figure, rows[:SHOWN_OF_GROUP]))}</div>'
        yield _rest(len(rows) - SHOWN_OF_GROUP)
    yield _rest(len(several) - SHOWN_GROUPS, "groups")


def _finding(title: str, rows: list[Row]) -> Iterator[str]:
    if rows:
        yield f"<h2>{escape(title)}: {len(rows)}</h2>"
        yield f'<div class="row">{"".join(map(_figure, rows[:SHOWN]))}</div>{_rest(len(rows) - SHOWN)}'


def _list(title: str, lines: Iterable[str]) -> Iterator[str]:
    lines = list(lines)
    if lines:
        yield f"<h2>{escape(title)}: {len(lines)}</h2><ul>"
        yield from (f"<li>{escape(line)}</li>" for line in lines[:SHOWN])
        yield f"</ul>{_rest(len(lines) - SHOWN, 'lines')}"


def _figure(row: Row) -> str:
    name, label = escape(row.image.name), escape(row.image.label or "no label")
    source = b64encode(row.look.jpeg).decode()
    part = f", {escape(row.image.part)}" if row.image.part else ""
    return (
        f'<figure><img src="data:image/jpeg;base64,{source}" alt="{name}">'
        f"<figcaption><strong>{label}</strong>{part}<br>{name}</figcaption></figure>"
    )


def _rest(count: int, what: str = "images") -> str:
    return f"<p>... and {count} more {what}: see findings.json.</p>" if count > 0 else ""
