"""The filters of the history, as they stand in the address."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from wtforms import DateField, Form, HiddenField, SearchField, SelectField
from wtforms.validators import Length, Optional, Regexp

from webapp.forms.choices import CLASSES, choices
from webapp.services.filters import Filters, Reading, Result

RESULTS = {
    "suspicious": "Suspicious",
    "not_suspicious": "Not suspicious",
    "out_of_scope": "Out of scope",
    "waiting": "Waiting",
    "failed": "Failed",
}
CHECKSUM = Regexp(r"[0-9a-f]{64}\Z", message="A network is named by the checksum of its weights.")
"""Links lead to it (Networks): nobody types one."""
READING = {"unread": "Not read", "unread_by_me": "Not read by me", "read": "Read"}


class FilterForm(Form):
    """Read from the address, so that a view can be kept as a bookmark; it changes nothing, so no token."""

    q = SearchField("Search", [Optional(), Length(max=200)])
    label = SelectField("Class", choices=choices("Any class", CLASSES), default="")
    result = SelectField("Result", choices=choices("Any result", RESULTS), default="")
    reading = SelectField("Read", choices=choices("Read or not", READING), default="")
    reader = SelectField("Reader", choices=choices("Any reader", {}), default="")
    since = DateField("From", [Optional()])
    until = DateField("To", [Optional()])
    network = HiddenField("Network", [Optional(), CHECKSUM])

    def with_readers(self, readers: list[tuple[int, str]]) -> FilterForm:
        """This form, offering these (id, name) as readers."""
        self.reader.choices = choices("Any reader", {str(id_): name for id_, name in readers})
        return self

    def filters(self, zone: ZoneInfo) -> Filters:
        """What the valid fields ask for; the others are left out. Days are those of `zone`, both included."""
        wrong = self.errors
        kept = {name: value for name, value in self.data.items() if name not in wrong}
        return Filters(
            text=(kept.get("q") or "").strip(),
            label=kept.get("label") or None,
            result=cast(Result | None, kept.get("result") or None),
            since=start_of(kept.get("since"), zone),
            until=start_of(kept.get("until"), zone, days=1),
            reader=int(kept["reader"]) if kept.get("reader") else None,
            reading=cast(Reading | None, kept.get("reading") or None),
            network=kept.get("network") or None,
        )

    def address(self) -> dict[str, str]:
        """The fields that are set, as arguments of an address."""
        kept = {name: field.data for name, field in self._fields.items() if field.data and not field.errors}
        return {name: str(value) for name, value in kept.items()}


def start_of(day: date | None, zone: ZoneInfo, days: int = 0) -> datetime | None:
    """When `day` (plus `days`) begins in `zone`."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time(), zone).astimezone(UTC)
