"""The filters of the agreement page, as they stand in the address."""

from __future__ import annotations

from typing import cast
from zoneinfo import ZoneInfo

from wtforms import DateField, Form, SelectField
from wtforms.validators import Optional

from webapp.forms.choices import choices, named
from webapp.forms.filters import start_of
from webapp.services.agreement_rows import Drawn, Scope

DRAWN = {"real": "Scans of patients", "synthetic": "Scans drawn by code", "all": "Both"}


class AgreementForm(Form):
    """Read from the address; it changes nothing, so it has no token."""

    since = DateField("Uploaded from", [Optional()])
    until = DateField("To", [Optional()])
    group = SelectField("Group", default="")
    reader = SelectField("Reader", default="")
    network = SelectField("Network", default="")
    drawn = SelectField("Scans", choices=named(DRAWN), default="real")

    def offering(
        self, groups: list[tuple[int, str]], readers: list[tuple[int, str]], networks: list[tuple[str, str]]
    ) -> AgreementForm:
        """This form, with these to choose from."""
        self.group.choices = choices("Every group", {str(id_): name for id_, name in groups})
        self.reader.choices = choices("Every reader", {str(id_): name for id_, name in readers})
        self.network.choices = choices("The newest answer", dict(networks))
        return self

    def scope(self, zone: ZoneInfo) -> Scope:
        """What the valid fields ask for. Days are those of `zone`, both included."""
        wrong = self.errors
        kept = {name: value for name, value in self.data.items() if name not in wrong and value}
        return Scope(
            since=start_of(kept.get("since"), zone),
            until=start_of(kept.get("until"), zone, days=1),
            group=int(kept["group"]) if "group" in kept else None,
            reader=int(kept["reader"]) if "reader" in kept else None,
            network=kept.get("network"),
            drawn=cast(Drawn, kept.get("drawn", "real")),
        )
