"""The form beside the drop zone: what is known of all files of one upload."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, MultipleFileField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional, Regexp

from webapp.models import new_uid
from webapp.services.filing import Fields
from webapp.services.names import clean_text

_SHORT = Length(max=64, message="At most 64 characters.")


class UploadForm(FlaskForm):
    """Everything but the files may be left empty: it is then taken from a DICOM header where it stands.

    `batch` holds together the files of one drop that are sent one by one: 32 hexadecimal digits.
    """

    files = MultipleFileField("Scans, or a zip of scans")
    patient_reference = StringField("Patient reference", [_SHORT])
    accession = StringField("Accession number", [_SHORT])
    laterality = SelectField(
        "Laterality",
        [Optional()],
        choices=[
            SelectChoice(value, label)
            for value, label in (("", "Not stated"), ("L", "Left"), ("R", "Right"), ("B", "Both"))
        ],
    )
    view = StringField("View", [_SHORT])
    note = TextAreaField("Note", [Length(max=4000, message="At most 4000 characters.")])
    batch = HiddenField("Batch", [Optional(), Regexp(r"[0-9a-f]{32}\Z")], default=new_uid)

    def fields(self) -> Fields:
        """What the form says, as one value."""
        return Fields(
            patient_reference=clean_text(self.patient_reference.data, 64),
            accession=clean_text(self.accession.data, 64),
            laterality=self.laterality.data or None,
            view=clean_text(self.view.data, 64),
            note=(self.note.data or "").replace("\x00", "").strip(),
            batch=self.batch.data or new_uid(),
        )
