"""Lists of teaching cases, and the presentation of one."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import Form, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import NumberRange, Optional

from webapp.forms.choices import CLASSES, named
from webapp.services.hands import ANSWERS, MOST, Hands

ORDERS = {"fixed": "As here", "shuffled": "Shuffled anew for each class"}
HANDS = {**CLASSES, "unsure": "Not sure"}
"""What a class can answer: value -> words."""


class ListForm(FlaskForm):
    """Name and order of a list. What is wrong with the name the service says."""

    name = StringField("Name")
    order = RadioField("Order of the cases", choices=named(ORDERS), default="fixed", validate_choice=False)


class NotesForm(FlaskForm):
    """What the tutor wants to say to a case."""

    notes = TextAreaField("Notes")

    def words(self) -> str:
        """As they are kept."""
        return (self.notes.data or "").replace("\x00", "").replace("\r\n", "\n")


class HandsForm(FlaskForm):
    """A hand count; an empty field counts as none."""

    benign = IntegerField(validators=[Optional(), NumberRange(0, MOST)])
    malignant = IntegerField(validators=[Optional(), NumberRange(0, MOST)])
    normal = IntegerField(validators=[Optional(), NumberRange(0, MOST)])
    unsure = IntegerField(validators=[Optional(), NumberRange(0, MOST)])

    def hands(self) -> Hands:
        """What was counted."""
        return Hands(**{answer: self[answer].data or 0 for answer in ANSWERS})

    def problems(self) -> dict[str, str]:
        """What is wrong, by field."""
        return {name: f"A whole number from 0 to {MOST}." for name, errors in self.errors.items() if errors}


class PlaceForm(Form):
    """Where a presentation stands, in its address."""

    case = IntegerField(validators=[Optional(), NumberRange(0, 10_000)])
    step = StringField()

    def place(self) -> tuple[int, str]:
        """Number of the sheet, and the step."""
        valid = self.validate()
        return (self.case.data or 0) if valid else 0, self.step.data or ""
