"""Commands that keep what the clinic has: `flask --app wsgi backup FILE` and `restore FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext

from webapp.errors import AppError
from webapp.services import backup, restore
from webapp.services.backup import Progress

INCOMPLETE = 2
"""Exit status of a backup that is whole but for files that were missing or damaged in the storage."""
_FILE = click.Path(dir_okay=False, path_type=Path)


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(make)
    app.cli.add_command(bring_back)


@click.command("backup")
@click.argument("file", type=_FILE)
@with_appcontext
def make(file: Path) -> None:
    """Write database and files to FILE (.tar, or .tar.gz to compress). The application may run meanwhile."""
    with _named_errors(), _bar("Saving") as progress:
        made = backup.make(file, progress)
    click.echo(f"{made.rows} rows and {made.files} files saved to {file}.")
    _warn_of(made.missing)
    sys.exit(INCOMPLETE if made.missing else 0)


@click.command("restore")
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="First remove every row and file that is there.")
@click.option("--yes", is_flag=True, help="With --force: do not ask.")
@click.option("--check", "only_check", is_flag=True, help="Only check FILE; change nothing.")
@with_appcontext
def bring_back(file: Path, force: bool, yes: bool, only_check: bool) -> None:
    """Bring back FILE into an empty database and storage, then compare both with it. Stop web and worker
    before. A backup made on SQLite may be restored on Postgres, and the other way round."""
    with _named_errors():
        if only_check:
            header = restore.check(file)
            click.echo(f"{file} is whole: made at {header.made_at}, {header.total} rows and files.")
            return
        if force and not yes:
            click.confirm("Everything in the database and the storage will be removed. Go on?", abort=True)
        with _bar("Restoring") as progress:
            restored = restore.restore(file, force=force, progress=progress)
    click.echo(
        f"{restored.rows} rows and {restored.files} files of {restored.made_at} are back; each was compared."
    )
    _warn_of(restored.missing)


def _warn_of(missing: tuple[str, ...]) -> None:
    if missing:
        click.echo(
            f"{len(missing)} files were missing or damaged in the storage when the backup was made:", err=True
        )
    for key in missing:
        click.echo(f"  {key}", err=True)


@contextmanager
def _bar(words: str) -> Iterator[Progress]:
    with click.progressbar(length=1, label=words, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield progress


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except AppError as error:
        raise click.ClickException(error.message) from error
