"""How values are said on a page: times in the reader's zone, probabilities, sizes, names of classes."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Flask
from flask_security import current_user
from markupsafe import Markup

from webapp.forms.choices import CLASSES
from webapp.models import now
from webapp.permissions import WRITERS, roles_of

SIDES = {"L": "left", "R": "right", "B": "both"}
CALLS = {"suspicious": "Suspicious", "not_suspicious": "Not suspicious"}
_UNITS = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))


def init_app(app: Flask) -> None:
    """Give the templates their filters and tables of words."""
    for filter_ in (local_time, ago, probability, of_hundred, file_size, millimetres):
        app.add_template_filter(filter_)
    app.jinja_env.globals.update(SIDES=SIDES, CALLS=CALLS, CLASSES=CLASSES, may_write=may_write)
    settings = app.extensions["config"]
    app.jinja_env.globals.update(
        max_file_bytes=settings.max_file_bytes, max_upload_files=settings.max_upload_files
    )


def may_write() -> bool:
    """Whether whoever is signed in may upload and read: what they may not do is not offered."""
    return not roles_of(current_user).isdisjoint(WRITERS)


def signed_in_zone(default: str = "UTC") -> ZoneInfo:
    """The time zone of whoever is signed in; `default` where nobody is."""
    return ZoneInfo(getattr(current_user, "timezone", None) or default)


def local_time(instant: datetime) -> Markup:
    """A `<time>`: absolute in the reader's zone, to the minute; the relative and the zone in the tooltip."""
    zone = signed_in_zone()
    text = instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    tooltip = f"{ago(instant)}, {zone.key}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        instant.astimezone(UTC).isoformat(timespec="seconds"), tooltip, text
    )


def ago(instant: datetime, at: datetime | None = None) -> str:
    """How long before `at` (default: now) in one unit, rounded down: "3 hours ago", "just now"."""
    seconds = ((at or now()) - instant).total_seconds()
    for size, unit in _UNITS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def probability(value: float) -> str:
    """Two decimals, but never a certainty that the network does not have: "<0.01" and ">0.99" at the ends."""
    if value < 0.01:
        return "<0.01"
    return ">0.99" if value > 0.99 else f"{value:.2f}"


def of_hundred(value: float) -> str:
    """A probability as a count out of 100 scans, in words that fit after "were": "about 27"."""
    if value < 0.01:
        return "fewer than 1"
    return "more than 99" if value > 0.99 else f"about {round(value * 100)}"


def file_size(size: int) -> str:
    """Bytes in the largest unit that keeps at least one digit before the point: "1.4 MB" (powers of 1000)."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def millimetres(pixels: int, spacing_mm: float | None) -> str | None:
    """A length in mm from pixels and mm per pixel; None where the spacing is not known."""
    return None if spacing_mm is None else f"{pixels * spacing_mm:.0f} mm"
