"""The filters of the logs, as they stand in the address, and the form that signs a review."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, Form, HiddenField, IntegerField, SearchField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from webapp.forms.choices import choices
from webapp.forms.filters import CHECKSUM, start_of
from webapp.models import ACTIONS
from webapp.services.log_reviews import LONGEST_NOTE
from webapp.services.log_search import LogFilters

ON_CASES = (
    "uploaded", "viewed", "original_downloaded", "analysis_asked", "analysed", "analysis_failed",
    "read_saved", "outcome_saved", "outcome_withdrawn", "teaching_marked", "teaching_unmarked", "erased",
    "log_viewed",
)  # fmt: skip
"""The acts that are done to cases."""
_WRONG_CASE = "A case is named by 32 digits and letters from a to f, as in its address."


def _words(action: str) -> str:
    return ACTIONS[action][0].upper() + ACTIONS[action][1:]


class LogFilterForm(Form):
    """Read from the address, so that a view can be kept as a bookmark; it changes nothing, so no token."""

    case = SearchField(
        "Case",
        [Optional(), Regexp(r"[0-9a-f]{32}\Z", message=_WRONG_CASE)],
        filters=[lambda text: text.strip().lower() if text else None],
        id="q",
    )
    person = SelectField("Person", choices=choices("Anybody", {}), default="")
    action = SelectField(
        "Act", choices=choices("Any act", {name: _words(name) for name in ACTIONS}), default=""
    )
    since = DateField("From", [Optional()])
    until = DateField("To", [Optional()])
    network = HiddenField("Network", [Optional(), CHECKSUM])

    def offering(self, people: dict[int, str], *, on_cases: bool) -> LogFilterForm:
        """This form, offering these people, and the server; with `on_cases` only the acts on cases."""
        offered = {"0": "Nobody signed in, or the server"} | {str(id_): name for id_, name in people.items()}
        self.person.choices = choices("Anybody", offered)
        if on_cases:
            self.action.choices = choices("Any act", {name: _words(name) for name in ON_CASES})
        return self

    def filters(self, zone: ZoneInfo, *, on_cases: bool) -> LogFilters:
        """What the valid fields ask for; the others are left out. Days are those of `zone`, both included."""
        kept = {name: value for name, value in self.data.items() if value and name not in self.errors}
        return LogFilters(
            person=int(kept["person"]) if "person" in kept else None,
            action=kept.get("action"),
            since=start_of(kept.get("since"), zone),
            until=start_of(kept.get("until"), zone, days=1),
            case=kept.get("case"),
            network=kept.get("network"),
            on_cases=on_cases,
        )

    def address(self) -> dict[str, str]:
        """The fields that are set, as arguments of an address."""
        kept = {name: field.data for name, field in self._fields.items() if field.data and not field.errors}
        return {name: str(value) for name, value in kept.items()}


class ReviewForm(FlaskForm):
    """The signature under a review: up to which entry, as shown, and what is to be said of it."""

    up_to = IntegerField(validators=[InputRequired(), NumberRange(min=1, max=2**62)])
    entry_hash = HiddenField(validators=[InputRequired(), Length(min=64, max=64)])
    note = TextAreaField("Note", [Length(max=LONGEST_NOTE, message=f"At most {LONGEST_NOTE} characters.")])

    def problems(self) -> dict[str, str]:
        """What is wrong, by field. What the page itself fills in was damaged on the way."""
        damaged = "This page is damaged: load it again, and sign."
        wrong = {name: words[0] for name, words in self.errors.items() if name == "note"}
        return wrong or ({"note": damaged} if self.errors else {})
