"""Every command that the pages for people name is there, with the options that they name."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from flask import Flask
from flask.cli import FlaskGroup

from webapp.config import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
UNITS = sorted((ROOT / "docs" / "administration").glob("*.service"))
# As the operator types it; behind the command its options, up to the end of line, sentence or comment.
_COMMAND = re.compile(
    r"(?:\bflask(?: --app wsgi)?|-u secondread secondread|`secondread) ((?:[a-z][a-z-]*)[^\n`#;]*)"
)


def named(path: Path) -> list[str]:
    """The flask commands, with what stands behind them, that a page or unit names."""
    return [found.strip() for found in _COMMAND.findall(path.read_text(encoding="utf-8"))]


ALL = sorted({(path.name, words) for path in [*PAGES, *UNITS] for words in named(path)})


def command_of(app: Flask, words: list[str]) -> click.Command:
    """The command that the first words name. Raises KeyError where there is none."""
    here: click.Command = FlaskGroup(create_app=lambda: app)
    with app.app_context():
        while isinstance(here, click.Group):
            known = click.Context(here)
            known.obj = None
            name = words.pop(0)
            found = (
                app.cli.commands.get(name) if isinstance(here, FlaskGroup) else here.get_command(known, name)
            )
            if found is None:
                raise KeyError(name)
            here = found
            if not words:
                break
    return here


def test_the_pages_name_many_commands() -> None:
    assert len(ALL) > 15
    assert {"backup", "restore", "audit", "retention", "worker", "db", "invite"} <= {
        w.split()[0] for _, w in ALL
    }


@pytest.mark.parametrize(("page", "words"), ALL)
def test_a_command_that_is_named_exists_with_its_options(app: Flask, page: str, words: str) -> None:
    said = words.split()
    command = command_of(app, said.copy())
    options = {option for parameter in command.params for option in parameter.opts}
    assert {each.partition("=")[0].rstrip(".,)") for each in said if each.startswith("--")} <= options
    with app.app_context():
        shown = app.test_cli_runner().invoke(command, ["--help"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("Usage:")
