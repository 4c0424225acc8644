"""Every requirement is explained, with the range that is asked for."""

from __future__ import annotations

import re

import pytest

from webapp.config import ROOT


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_each_requirement_has_its_row_with_range_licence_and_reason(name: str) -> None:
    asked = re.findall(r"^([A-Za-z][\w.-]*(?:\[.*?\])?)([=<>]\S*)", (ROOT / name).read_text(), re.MULTILINE)
    page = (ROOT / "docs" / "dependencies.md").read_text().split(f"({name})")[1].split("\n## ")[0]
    explained = re.findall(r"^\| (\S+) \| `(\S+)` \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    assert explained == asked
