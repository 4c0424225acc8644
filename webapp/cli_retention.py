"""How long cases are kept: `flask --app wsgi retention run | erase UID | erased`."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select

from webapp import config
from webapp.errors import AppError
from webapp.extensions import db
from webapp.models import Erasure
from webapp.services import erasing, retention
from webapp.services.erasing import Plan

group = AppGroup("retention", help="Erase cases that are no longer to be kept.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(group)


@group.command("run")
@click.option("--days", type=click.IntRange(min=1), help="Instead of RETENTION_DAYS.")
@click.option("--group", "name", help="Only the cases of this group.")
@click.option("--dry-run", is_flag=True, help="Only list what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask: for a timer.")
def run(days: int | None, name: str | None, dry_run: bool, yes: bool) -> None:
    """Erase the cases that nothing came to for RETENTION_DAYS. A tombstone with hashes stays of each."""
    days = days or config.current().retention_days
    if days is None:
        raise click.UsageError("RETENTION_DAYS is not set, so cases are kept. Choose with --days.")
    try:
        plans = list(retention.due(days, name))
    except AppError as error:
        raise click.ClickException(error.message) from error
    for planned in plans:
        click.echo(_line(planned))
    click.echo(f"{len(plans)} cases untouched for {days} days.")
    if dry_run or not plans:
        return
    if not yes:
        click.confirm("Erase them? This can't be undone.", abort=True)
    erased = list(retention.run(days, name))
    click.echo(f"{len(erased)} cases erased.")
    _warn_of(erased)


@group.command("erase")
@click.argument("uids", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(uids: tuple[str, ...], yes: bool) -> None:
    """Erase the cases UIDS, as they stand in the address of their page and in the logs. For cases that an
    older backup brought back: `retention erased` lists them."""
    try:
        for uid in uids:
            click.echo(_line(erasing.plan(uid)))
        if not yes:
            click.confirm("Erase them? This can't be undone.", abort=True)
        erased = [erasing.erase(uid, "hand", None) for uid in uids]
    except AppError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{len(erased)} cases erased.")
    _warn_of(erased)


@group.command("erased")
def erased() -> None:
    """List the cases that were erased, one identifier a line, oldest first."""
    for uid in db.session.scalars(select(Erasure.exam_uid).order_by(Erasure.id)):
        click.echo(uid)


def _line(planned: Plan) -> str:
    return (
        f"{planned.exam_uid}  {planned.group}  last touched {planned.last_touched:%Y-%m-%d}"
        f"  {planned.files} files, {planned.size_bytes} bytes, {planned.analyses} analyses,"
        f" {planned.reads} reads, {planned.outcomes} outcomes"
    )


def _warn_of(erased: list[Erasure]) -> None:
    left = sum(len(stone.left_over) for stone in erased)
    if left:
        click.echo(f"{left} files could not be removed now; the worker tries again each day.", err=True)
