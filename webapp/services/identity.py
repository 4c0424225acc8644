"""Does anything tell who the patient is? The check before a case is shown to a class.

What a class sees is drawn from pixels alone, so whatever the file, its name or the case says is kept back.
The check names it all the same: whoever marks a case should know what it carries. What no program can tell
is whether letters are burned into the pixels: that is asked of the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import ml
from webapp.models import Edges, Image, User
from webapp.permissions import require_image
from webapp.services import name_hints
from webapp.services.decoding import imaging_limits
from webapp.services.storage import storage


@dataclass(frozen=True, slots=True)
class Check:
    """What was found. All of it but burned-in text stays behind when a class looks.

    `header`: keywords of filled-in attributes of PS3.15 Annex E, never their values; None where the file has
    no DICOM header. `private`: how many attributes of vendors. `filename`: what its name may tell, in words.
    `fields`: which of reference, accession and note the case has. `burned_in`: what the header says of text
    in the pixels, None where nothing.
    """

    header: tuple[str, ...] | None
    private: int
    filename: tuple[str, ...]
    fields: tuple[str, ...]
    burned_in: bool | None
    synthetic: bool

    @property
    def clean(self) -> bool:
        """Whether nothing at all was found."""
        return not (self.header or self.private or self.filename or self.fields or self.burned_in)

    def refuses(self, edges: Edges) -> bool:
        """Whether the picture must not be shown: its header says that it carries text, nothing is cut off."""
        return bool(self.burned_in) and not edges.any()


def check(user: User, image_uid: str) -> Check:
    """Look at the file and the case behind an image.

    Raises:
        NotFound: no such image for `user`.
        StorageError: the file can't be read.
    """
    image = require_image(user, image_uid)
    header = _header(image)
    exam = image.exam
    reference = exam.patient.reference if exam.patient else None
    has = {"patient reference": reference, "accession number": exam.accession, "note": exam.note.strip()}
    return Check(
        header=None if header is None else header.attributes,
        private=0 if header is None else header.private,
        filename=name_hints.of_filename(image.filename, reference, exam.accession),
        fields=tuple(name for name, value in has.items() if value),
        burned_in=None if header is None else header.burned_in,
        synthetic=exam.synthetic,
    )


def tells(image: Image, text: str) -> bool:
    """Whether `text` holds the reference, the accession number or a telling file name of the case."""
    exam = image.exam
    stems = [name_hints.stem(each.filename) for each in exam.images if name_hints.of_filename(each.filename)]
    reference = exam.patient.reference if exam.patient else None
    return name_hints.holds_any(text, [reference, exam.accession, *stems])


def _header(image: Image) -> ml.HeaderIdentity | None:
    """None where there is no DICOM header. One that can't be read to its end may hold anything."""
    if image.format != "dicom":
        return None
    try:
        return ml.identity(storage().read(image.storage_key), imaging_limits())
    except ml.ImageError:
        return ml.HeaderIdentity(("a header that can't be read to its end",), 0, None)
