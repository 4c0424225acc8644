"""The forms in which a radiologist enters what pathology or follow-up said, or withdraws it."""

from __future__ import annotations

from datetime import date
from typing import cast

from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, RadioField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from webapp.forms.choices import CLASSES, METHODS, SIDES, named
from webapp.models import Outcome
from webapp.services.outcomes import Entry

MAX_WORDS = 4000
"""Characters."""


class _OfSide(FlaskForm):
    """`known`: how many versions of outcomes the case had when the form was shown."""

    laterality = RadioField("Side", choices=named(SIDES))
    words = TextAreaField("Histology", [Length(max=MAX_WORDS)])
    known = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(min=0)])

    def said(self) -> str:
        """The text as typed, without the spaces around it."""
        return (self.words.data or "").strip().replace("\r\n", "\n").replace("\x00", "")

    def problems(self) -> dict[str, str]:
        """What is wrong, by field, in one sentence each."""
        return {name: " ".join(errors) for name, errors in self.errors.items() if name}


class OutcomeForm(_OfSide):
    """Everything but the histology is needed: half an outcome can't be counted."""

    method = RadioField("From", [InputRequired("Say where it is known from.")], choices=named(METHODS))
    result = RadioField("Result", [InputRequired("Choose a result.")], choices=named(CLASSES))
    dated = DateField(
        "Date", [InputRequired("Give the day of the specimen, or the last day of the follow-up.")]
    )

    def entry(self) -> Entry:
        """What the valid form says."""
        return Entry(
            self.laterality.data, self.method.data, self.result.data, cast(date, self.dated.data), self.said()
        )

    @classmethod
    def showing(cls, outcome: Outcome | None, laterality: str | None = None) -> OutcomeForm:
        """A form filled with an outcome, to be corrected; where None, an empty one for a side."""
        if outcome is None:
            return cls(formdata=None, laterality=laterality or "B")
        return cls(formdata=None, obj=outcome)


class WithdrawalForm(_OfSide):
    """Why is worth a line, but not asked for by force."""
