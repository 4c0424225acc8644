"""How values are said on a page: times in the reader's zone, probabilities, sizes, names of classes."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Flask, url_for
from flask_security import current_user
from markupsafe import Markup

from webapp import log_words
from webapp.forms.choices import CLASSES, KNOWN_BY, METHODS
from webapp.models import now
from webapp.permissions import TEACHERS, WRITERS, roles_of
from webapp.services import factors

SIDES = {"L": "left", "R": "right", "B": "both"}
CALLS = {"suspicious": "Suspicious", "not_suspicious": "Not suspicious"}
NAVIGATION: tuple[tuple[str, str, str, frozenset[str]], ...] = (
    ("worklist.index", "Worklist", "worklist", WRITERS),
    ("worklist.upload", "Upload", "upload", WRITERS),
    ("teaching.index", "Teaching", "teaching", TEACHERS),
    ("people.index", "People", "people", frozenset({"admin"})),
    ("case_log.index", "Case log", "case_log", frozenset({"admin"})),
    ("audit_log.index", "Audit log", "audit_log", frozenset({"admin"})),
    ("agreement.index", "Agreement", "agreement", frozenset({"admin", "radiologist"})),
    ("networks.index", "Networks", "networks", frozenset({"admin", "radiologist"})),
    ("retention.index", "Retention", "retention", frozenset({"admin"})),
)
"""The entries of the bar, in order: endpoint, words, the `section` that a page sets, and whose it is."""
_UNITS = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))


def init_app(app: Flask) -> None:
    """Give the templates their filters and tables of words."""
    for filter_ in (local_time, ago, probability, of_hundred, file_size, millimetres):
        app.add_template_filter(filter_)
    log_words.init_app(app)
    app.jinja_env.globals.update(
        SIDES=SIDES,
        CALLS=CALLS,
        CLASSES=CLASSES,
        KNOWN_BY=KNOWN_BY,
        METHODS=METHODS,
        may_write=may_write,
        has_role=has_role,
        navigation=navigation,
    )
    settings = app.extensions["config"]
    app.jinja_env.globals.update(
        max_file_bytes=settings.max_file_bytes,
        max_upload_files=settings.max_upload_files,
        mail_is_set_up=settings.mail_url is not None,
        session_hours=f"{settings.session_hours:g}",
    )


def may_write() -> bool:
    """Whether whoever is signed in may upload and read: what they may not do is not offered."""
    return not roles_of(current_user).isdisjoint(WRITERS)


def has_role(name: str) -> bool:
    """Whether whoever is signed in has the role `name`."""
    return name in roles_of(current_user)


def navigation() -> list[tuple[str, str, str]]:
    """(endpoint, words, section) of the bar's entries for whoever is signed in."""
    roles = roles_of(current_user)
    if factors.are_missing(current_user):  # nothing of it could be opened
        return []
    return [(endpoint, words, section) for endpoint, words, section, whose in NAVIGATION if roles & whose]


def start_page() -> str:
    """The address that the day of whoever is signed in starts with: the first entry of their bar."""
    entries = navigation()
    return url_for(entries[0][0] if entries else "account.show")


def signed_in_zone(default: str = "UTC") -> ZoneInfo:
    """The time zone of whoever is signed in; `default` where nobody is."""
    return ZoneInfo(getattr(current_user, "timezone", None) or default)


def local_time(instant: datetime) -> Markup:
    """A `<time>`: absolute in the reader's zone, to the minute; the relative and the zone in the tooltip."""
    zone = signed_in_zone()
    text = instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    tooltip = f"{ago(instant)}, {zone.key}"
    said = instant.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="%s" title="%s">%s</time>') % (said, tooltip, text)


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
