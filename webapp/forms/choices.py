"""The answers that may be chosen in more than one form: value -> words."""

from __future__ import annotations

from collections.abc import Mapping

from wtforms.fields.choices import SelectChoice

CLASSES = {"benign": "Benign", "malignant": "Malignant", "normal": "Normal"}
BIRADS = {
    "0": "0 incomplete",
    "1": "1 negative",
    "2": "2 benign",
    "3": "3 probably benign",
    "4": "4 suspicious",
    "4A": "4A low suspicion",
    "4B": "4B moderate suspicion",
    "4C": "4C high suspicion",
    "5": "5 highly suggestive of malignancy",
    "6": "6 known malignancy",
}
"""Assessment categories and their words, ACR BI-RADS Atlas, 5th edition."""
AGREEMENT = {"yes": "Agree", "no": "Disagree"}
CONFIDENCE = {"0": "0", "25": "25", "50": "50", "75": "75", "100": "100"}
"""Percent: five steps are quicker to hit than a slider, and a slider has no place for "not said"."""
METHODS = {"pathology": "Pathology", "follow_up": "Follow-up"}
SIDES = {"L": "Left", "R": "Right", "B": "Both"}
ON_LESION = {"yes": "Yes", "partly": "Partly", "no": "No"}

KNOWN_BY = {
    "pathology": "Pathology",
    "follow_up": "Follow-up",
    "consensus": "Agreed by several readers",
    "synthetic": "Drawn by code",
}
"""How the truth of a teaching case is known."""


def choices(nothing: str, values: Mapping[str, str]) -> list[SelectChoice]:
    """Options for a select or radio field: first `nothing` with an empty value, then `values`."""
    return [SelectChoice("", nothing), *named(values)]


def named(values: Mapping[str, str]) -> list[SelectChoice]:
    """Options for a field that must be answered."""
    return [SelectChoice(value, words) for value, words in values.items()]
