"""What is said of a case for a class, and what is cut off its picture."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, Form, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, NumberRange, Optional

from webapp.forms.choices import CLASSES, KNOWN_BY, choices
from webapp.models import Edges
from webapp.services.teaching import MAX_NOTES, MAX_TITLE, Telling

SIDES = ("top", "right", "bottom", "left")


class EdgesForm(Form):
    """Pixels to cut off, from an address; anything else than a whole number counts as none."""

    top = IntegerField("Top", [Optional(), NumberRange(0, 100_000)])
    right = IntegerField("Right", [Optional(), NumberRange(0, 100_000)])
    bottom = IntegerField("Bottom", [Optional(), NumberRange(0, 100_000)])
    left = IntegerField("Left", [Optional(), NumberRange(0, 100_000)])

    def edges(self) -> Edges:
        """What the form says."""
        return _edges(self)


class TellingForm(FlaskForm):
    """Title, truth and notes of a teaching case."""

    title = StringField("Title", [Length(max=MAX_TITLE, message=f"At most {MAX_TITLE} characters.")])
    truth = RadioField("Truth", [Optional()], choices=choices("Not known", CLASSES))
    known_by = SelectField("Known by", [Optional()], choices=choices("Not stated", KNOWN_BY))
    notes = TextAreaField(
        "Notes for tutors", [Length(max=MAX_NOTES, message=f"At most {MAX_NOTES} characters.")]
    )

    def telling(self) -> Telling:
        """What the form says."""
        return Telling(
            title=(self.title.data or "").replace("\x00", ""),
            notes=(self.notes.data or "").replace("\x00", "").replace("\r\n", "\n"),
            truth=self.truth.data or None,
            known_by=self.known_by.data or None,
        )

    def problems(self) -> dict[str, str]:
        """What is wrong, by field, in one sentence each."""
        return {name: " ".join(errors) for name, errors in self.errors.items() if name}

    @classmethod
    def showing(cls, telling: Telling) -> TellingForm:
        """A form filled with what was said before."""
        return cls(formdata=None, **_said(telling))


class MarkForm(TellingForm):
    """The same before an image is marked, with what is cut off and the confirmation."""

    top = IntegerField("Top", [Optional(), NumberRange(0, 100_000)])
    right = IntegerField("Right", [Optional(), NumberRange(0, 100_000)])
    bottom = IntegerField("Bottom", [Optional(), NumberRange(0, 100_000)])
    left = IntegerField("Left", [Optional(), NumberRange(0, 100_000)])
    confirmed = BooleanField("I have looked: nothing in this picture tells who the patient is")

    def edges(self) -> Edges:
        """What is cut off."""
        return _edges(self)

    @classmethod
    def before(cls, telling: Telling, edges: Edges) -> MarkForm:
        """A form filled with what could be said, or was said before."""
        return cls(formdata=None, **_said(telling), **{side: getattr(edges, side) for side in SIDES})


class SearchForm(Form):
    """Which teaching cases are looked for; in the address."""

    q = StringField("Search", [Length(max=200)])
    truth = SelectField("Truth", [Optional()], choices=choices("Any", CLASSES))


def _said(telling: Telling) -> dict[str, str]:
    return {
        "title": telling.title,
        "notes": telling.notes,
        "truth": telling.truth or "",
        "known_by": telling.known_by or "",
    }


def _edges(form: EdgesForm | MarkForm) -> Edges:
    return Edges(**{side: 0 if form[side].errors else form[side].data or 0 for side in SIDES})
