"""The form in which a reader answers the second read with an own one."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, TextAreaField
from wtforms.validators import Length, Optional

from webapp.forms.choices import AGREEMENT, BIRADS, CLASSES, CONFIDENCE, ON_LESION, choices
from webapp.models import Read
from webapp.services.reads import Answer

MAX_COMMENT = 4000
"""Characters."""


class ReadForm(FlaskForm):
    """Nothing is required by itself: an empty BI-RADS says "not assessed", which is not category 0."""

    agrees = RadioField("Second read", [Optional()], choices=choices("", AGREEMENT))
    own_class = RadioField("My class", [Optional()], choices=choices("", CLASSES))
    birads = SelectField("BI-RADS", [Optional()], choices=choices("Not assessed", BIRADS))
    confidence = RadioField("Confidence, %", [Optional()], choices=choices("", CONFIDENCE))
    heatmap_on_lesion = RadioField("Heatmap on the lesion", [Optional()], choices=choices("", ON_LESION))
    comment = TextAreaField("Comment", [Length(max=MAX_COMMENT)])
    analysis = HiddenField("Analysis", [Length(max=32)])

    def answer(self) -> Answer:
        """What the form says; fields left alone are None."""
        return Answer(
            agrees={"yes": True, "no": False}.get(self.agrees.data or ""),
            own_class=self.own_class.data or None,
            birads=self.birads.data or None,
            confidence=int(self.confidence.data) if self.confidence.data else None,
            heatmap_on_lesion=self.heatmap_on_lesion.data or None,
            comment=(self.comment.data or "").strip().replace("\r\n", "\n"),
        )

    def problems(self) -> dict[str, str]:
        """What is wrong, by field, in one sentence each."""
        return {name: " ".join(errors) for name, errors in self.errors.items() if name}

    @classmethod
    def showing(cls, read: Read | None) -> ReadForm:
        """A form filled with an earlier read, to be changed into the next version; empty where None."""
        if read is None:
            return cls(formdata=None)
        said = {None: "", True: "yes", False: "no"}[read.agrees]
        return cls(
            formdata=None,
            agrees=said,
            own_class=read.own_class or "",
            birads=read.birads or "",
            confidence="" if read.confidence is None else str(read.confidence),
            heatmap_on_lesion=read.heatmap_on_lesion or "",
            comment=read.comment,
            analysis=read.analysis.uid if read.analysis else "",
        )
