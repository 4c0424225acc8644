"""Commands to try the application at its size: `flask --app wsgi seed-cases N` and `reindex`."""

from __future__ import annotations

import sys

import click
from flask import Flask
from flask.cli import with_appcontext

from webapp.errors import AppError
from webapp.services import demo, seeding, words


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(seed_cases)
    app.cli.add_command(reindex)


@click.command("seed-cases")
@click.argument("number", type=click.IntRange(1, 10_000_000))
@click.option("--group", default=demo.GROUP, show_default=True, help="Whose cases; made where there is none.")
@click.option("--force", is_flag=True, help="Also outside demo mode.")
@with_appcontext
def seed_cases(number: int, group: str, force: bool) -> None:
    """Add NUMBER made-up cases with analyses and reads, but without files, to see how the pages bear it."""
    try:
        with click.progressbar(length=number, label="Seeding", file=sys.stderr) as bar:
            seeding.seed(number, group, force=force, progress=lambda done: bar.update(done - bar.pos))
    except AppError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{number} made-up cases added to {group}.")


@click.command("reindex")
@with_appcontext
def reindex() -> None:
    """Write anew what the history finds cases by. Only needed where rows were changed by hand."""
    click.echo(f"{words.rebuild()} cases indexed.")
