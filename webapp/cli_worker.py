"""Commands of the work behind the pages: `flask --app wsgi worker` and `flask --app wsgi demo`."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

import ml
from webapp import config, logs, worker
from webapp.errors import AppError
from webapp.services import demo


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(run_worker)
    app.cli.add_command(seed_demo)


@click.command("worker")
@with_appcontext
def run_worker() -> None:
    """Analyse what waits until stopped (SIGTERM). Several may run at once; each may be killed."""
    logs.configure(config.current().log_format)
    try:
        worker.run(current_app._get_current_object())  # type: ignore[attr-defined]
    except ml.MlError as error:
        raise click.ClickException(f"The network can't be loaded. {error}") from error


@click.command("demo")
@with_appcontext
def seed_demo() -> None:
    """Fill a demo: three accounts and a dozen scans drawn by code. Running it again adds nothing."""
    try:
        made = demo.seed()
    except AppError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{made} synthetic scans added. Sign in, password {demo.PASSWORD}, as:")
    for account in demo.ACCOUNTS:
        click.echo(f"  {account.email}")
