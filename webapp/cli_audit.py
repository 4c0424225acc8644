"""Commands of the audit log: `flask --app wsgi audit verify`."""

from __future__ import annotations

import time

import click
from flask import Flask
from flask.cli import AppGroup

from webapp.errors import InvalidInput
from webapp.services import audit_verify
from webapp.services.audit_verify import Checkpoint

MOST_SHOWN = 100

group = AppGroup("audit", help="The audit log.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(group)


@group.command("verify")
@click.option(
    "--checkpoint", "kept", multiple=True, metavar="NUMBER:HASH", help="As printed by an earlier run."
)
def verify(kept: tuple[str, ...]) -> None:
    """Read the whole log and name every entry that was changed, removed, moved or slipped in.

    The last line is a checkpoint: kept outside of this machine and given to a later run, it proves that
    nothing before it was written anew. Ends with status 1 where anything is wrong.
    """
    began = time.perf_counter()
    try:
        report = audit_verify.verify([Checkpoint.parse(text) for text in kept])
    except InvalidInput as error:
        raise click.BadParameter(error.message, param_hint="--checkpoint") from error
    for fault in report.faults[:MOST_SHOWN]:
        click.echo(f"{fault.code}: {fault.words}")
    if len(report.faults) > MOST_SHOWN:
        click.echo(f"... and {len(report.faults) - MOST_SHOWN} more.")
    click.echo(f"{report.entries} entries read in {time.perf_counter() - began:.1f} s: {_outcome(report)}.")
    click.echo(f"checkpoint {report.end}")
    raise SystemExit(0 if report.whole else 1)


def _outcome(report: audit_verify.Report) -> str:
    if report.whole:
        return "the log is whole"
    count = len(report.faults)
    return f"{count} fault{'' if count == 1 else 's'}"
