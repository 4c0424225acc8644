"""What the pages for people point to is there: files, folders, links, contracts, words of the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from webapp.config import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = "webapp|ml|tests|templates|static|migrations|script|docs"
_PATH = re.compile(rf"`((?:{ROOMS})/[\w./-]*)`")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_DIAGRAM = re.compile(r"\b((?:ml/|services/)?[\w/]+\.py|\w+/)(?=[\]: +,])")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def pointers(page: Path) -> list[Path]:
    text = page.read_text(encoding="utf-8")
    return [ROOT / path for path in _PATH.findall(text)] + [
        page.parent / link for link in _LINK.findall(text)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    assert [str(path) for path in pointers(page) if not path.exists()] == []


def test_the_walk_names_many_files() -> None:
    assert len(_PATH.findall(ARCHITECTURE)) > 50


def test_every_file_of_the_picture_is_there() -> None:
    picture = ARCHITECTURE.split("```")[1]
    named = _DIAGRAM.findall(picture)
    assert len(named) > 8
    missing = [name for name in named if not any((ROOT / room / name).exists() for room in (".", "webapp"))]
    assert missing == []


def test_the_table_of_contracts_is_that_of_the_tool() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    told = re.findall(
        r"^\| ([^|]+) \| [^|]+ \|$", ARCHITECTURE.split("## Arrows")[1].split("##")[0], re.MULTILINE
    )
    assert told[1:] == [contract["name"] for contract in contracts]
