"""Commands for the operator: `flask --app wsgi COMMAND`."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import with_appcontext

from webapp import cli_worker
from webapp.errors import InvalidInput
from webapp.models import ROLES
from webapp.services import accounts


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(create_user)
    cli_worker.init_app(app)


@click.command("create-user")
@click.argument("email")
@click.option("--name", required=True, help="The person's name as shown on the pages.")
@click.option("--group", required=True, help="The practice or class; made where there is none of that name.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.password_option(help=f"At least {accounts.MIN_PASSWORD} characters. Asked for where not given.")
@with_appcontext
def create_user(email: str, name: str, group: str, roles: tuple[str, ...], password: str) -> None:
    """Make an account for EMAIL. Accounts are only made here: there is no self-registration."""
    try:
        user = accounts.create(accounts.NewUser(email, name, password, group, roles))
    except InvalidInput as error:
        problems = "\n".join(f"  {field}: {words}" for field, words in error.problems.items())
        raise click.ClickException(f"{error.message}\n{problems}") from error
    click.echo(f"{user.email} may now sign in as {', '.join(roles)} of {group}.")
