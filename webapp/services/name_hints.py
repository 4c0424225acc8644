"""What a file name, or any words, may give away of a patient: a reference, a date, a number, a name.

It is better to warn of nothing than to miss something: words that are usual in names of scans are known,
every other one may be somebody's name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

_USUAL = frozenset(
    """
    a abnormal acc anatomy and annotated anti antiradial areola aus axilla axillary b benign bi
    biopsy birads bmp breast bus busbra busi cancer carcinoma case cc cine cist class clip clock col
    color colour core crop cropped cyst cystic dcm dense di dicom distal doppler dup dx elastogram
    exam example export fibroadenoma fig figure file final frame full gray grey id im image images
    img index inner irregular jpeg jpg l left lesion lin long longitudinal loop lower lt lump
    malignant mammo mammogram mask mass medial ml mlo mode multiframe nipple no node normal oclock
    of old orig original outer page part patient pic picture plane png point pos post pre proximal
    pt quadrant r rad radial raw right rt sample scan scans screen screenshot select series side sin
    slice smooth solid sono sonogram sonography still study synthetic tag teaching test the tif tiff
    trans transverse tumor tumour type ultrasound unnamed untitled upper us usg v ver version video
    view volume webp x y zip
    """.split()  # noqa: SIM905  a table is easier to read than a column of words
)
_WORD = re.compile(r"[^\W\d_]+")
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DATES = tuple(
    re.compile(rf"(?<!\d){form}(?!\d)")
    for form in (
        rf"{_YEAR}[-._ ]?(?P<month>\d\d)[-._ ]?(?P<day>\d\d)",
        rf"(?P<day>\d\d)(?P<month>\d\d){_YEAR}",
        r"(?P<day>\d{1,2})[-._ ](?P<month>\d{1,2})[-._ ](?P<year>(?:19|20)?\d\d)",
    )
)
_NUMBER = re.compile(r"\d{5,}")
_SHORT = 3
"""Up to so many characters a secret must stand alone: "P1" is not part of "step 12"."""


def holds_any(text: str, secrets: Iterable[str | None]) -> bool:
    """Whether `text` holds one of `secrets`, whatever the capitals and the signs between the characters."""
    plain = _plain(text)
    return any(_pattern(secret).search(plain) for secret in secrets if secret and _alnum(_plain(secret)))


def of_filename(filename: str, reference: str | None = None, accession: str | None = None) -> tuple[str, ...]:
    """What the name of a file may tell, in words that quote nothing of it; empty where nothing was seen."""
    name = stem(filename)
    found = {
        "the patient reference": holds_any(name, [reference]),
        "the accession number": holds_any(name, [accession]),
        "a date": _holds_date(name),
        "a long number": bool(_NUMBER.search(name)),
        "a word that may be a name": any(_may_be_name(word) for word in _WORD.findall(_plain(name))),
    }
    return tuple(words for words, seen in found.items() if seen)


def stem(filename: str) -> str:
    """The name without its ending."""
    return filename.rpartition(".")[0] or filename


def _plain(text: str) -> str:
    """Without marks over letters and without capitals: Müller, MULLER and muller are one name.

    By way of capitals, because some letters share one: the dotless i of Turkish has that of i.
    """
    folded = unicodedata.normalize("NFKD", text).upper().casefold()
    apart = unicodedata.normalize("NFKD", folded)
    return "".join(character for character in apart if not unicodedata.combining(character))


def _alnum(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _pattern(secret: str) -> re.Pattern[str]:
    characters = _alnum(_plain(secret))
    loose = r"[\W_]*".join(map(re.escape, characters))
    return re.compile(loose if len(characters) > _SHORT else rf"(?<![^\W_]){loose}(?![^\W_])")


def _may_be_name(word: str) -> bool:
    return len(word) > 1 and word not in _USUAL


def _holds_date(text: str) -> bool:
    """Each form by itself: the same digits may be a date in one and none in another."""
    return any(_is_date(found) for form in _DATES for found in form.finditer(text))


def _is_date(found: re.Match[str]) -> bool:
    """Whether the digits name a day, in either order of day and month."""
    year, month, day = (int(found[name]) for name in ("year", "month", "day"))
    year += 2000 if year < 100 else 0
    return _exists(year, month, day) or _exists(year, day, month)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
