"""Networks at the command line: `flask --app wsgi networks list | switch | reanalyse | progress | cancel`."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select

from webapp.errors import AppError, NotFound
from webapp.extensions import db
from webapp.models import Group
from webapp.services import networks, reanalysis

group = AppGroup("networks", help="Which network analyses, and analysing again.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(group)


@group.command("list")
def list_known() -> None:
    """List the networks known here; a star marks the active one."""
    known, unusable = networks.known()
    active = networks.active_name()
    for one in known:
        mark = "*" if active is not None and active.checksum == one.checksum else " "
        click.echo(f"{mark} {one.checksum}  {one.card.name} {one.card.version}  {one.label}")
    for folder in unusable:
        click.echo(f"! {folder.label}: {folder.error}", err=True)


@group.command("switch")
@click.argument("checksum")
def switch(checksum: str) -> None:
    """Let the network whose checksum begins with CHECKSUM analyse. It is loaded and asked once before."""
    try:
        row = networks.switch(None, _whole(checksum))
    except AppError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{row.name} {row.version} is the active network now.")


@group.command("reanalyse")
@click.option("--group", "name", help="Only the cases of this group.")
@click.option("--dry-run", is_flag=True, help="Only count.")
def reanalyse(name: str | None, dry_run: bool) -> None:
    """Ask the active network for every analysed frame that it has not answered. The workers do it."""
    try:
        group_id = _group_id(name)
        if dry_run:
            click.echo(f"{reanalysis.due(group_id)} frames.")
            return
        row = reanalysis.start(None, group_id)
    except AppError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{row.frames} frames wait to be analysed by {row.name} {row.version}.")


@group.command("progress")
def progress() -> None:
    """How the newest re-analysis stands."""
    newest = reanalysis.latest()
    if newest is None:
        click.echo("None was asked for yet.")
        return
    said = f"{newest.done} of {newest.row.frames} frames, {newest.failed} failed, {newest.skipped} cancelled"
    click.echo(f"{newest.percent}%: {said}, {newest.left} left.")


@group.command("cancel")
def cancel() -> None:
    """Cancel what still waits of the newest re-analysis. What is done stays."""
    newest = reanalysis.latest()
    spared = 0 if newest is None else reanalysis.cancel(None, newest.row.uid)
    click.echo(f"{spared} frames cancelled.")


def _whole(beginning: str) -> str:
    found = [one.checksum for one in networks.known()[0] if one.checksum.startswith(beginning)]
    if len(found) != 1:
        many = "More than one network begins so." if found else "There is no such network here."
        raise NotFound(f"{many} `flask networks list` shows them.")
    return found[0]


def _group_id(name: str | None) -> int | None:
    if name is None:
        return None
    found = db.session.scalar(select(Group.id).where(Group.name == name))
    if found is None:
        raise NotFound(f"There is no group {name!r}.")
    return found
