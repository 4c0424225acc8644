"""Commands of the work behind the pages: `flask --app wsgi worker` and `flask --app wsgi demo`."""

from __future__ import annotations

import sys

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

import ml
from webapp import config, logs, worker
from webapp.errors import AppError
from webapp.services import demo, likenesses


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(run_worker)
    app.cli.add_command(seed_demo)
    app.cli.add_command(index_copies)


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


@click.command("index-copies")
@with_appcontext
def index_copies() -> None:
    """Compare the images with each other that came before near copies were told. Broken off, it goes on."""
    try:
        with click.progressbar(length=0, label="Comparing", file=sys.stderr) as bar:

            def advance(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            filled = likenesses.fill(advance)
    except AppError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{filled.compared} images compared.")
    if filled.passed_over:
        click.echo(f"{filled.passed_over} passed over: their file is missing, changed or can't be read.")
