"""Commands for the operator: `flask --app wsgi COMMAND`."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import with_appcontext

from webapp import cli_audit, cli_backup, cli_networks, cli_retention, cli_seed, cli_worker
from webapp.errors import InvalidInput
from webapp.models import ROLES
from webapp.services import accounts, authenticator, factors, invitations, letters, passwords


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(create_user)
    app.cli.add_command(invite)
    app.cli.add_command(reset_second_factors)
    app.cli.add_command(reencrypt_second_factors)
    cli_audit.init_app(app)
    cli_worker.init_app(app)
    cli_backup.init_app(app)
    cli_retention.init_app(app)
    cli_networks.init_app(app)
    cli_seed.init_app(app)


@click.command("create-user")
@click.argument("email")
@click.option("--name", required=True, help="The person's name as shown on the pages.")
@click.option("--group", required=True, help="The practice or class; made where there is none of that name.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.password_option(help=f"At least {passwords.SHORTEST} characters. Asked for where not given.")
@with_appcontext
def create_user(email: str, name: str, group: str, roles: tuple[str, ...], password: str) -> None:
    """Make an account for EMAIL at once. With `invite` nobody but the person knows the password."""
    try:
        user = accounts.create(accounts.NewUser(email, name, password, group, roles), recorded=True)
    except InvalidInput as error:
        raise _told(error) from error
    click.echo(f"{user.email} may now sign in as {', '.join(roles)} of {group}.")


@click.command("invite")
@click.argument("email")
@click.option("--group", required=True, help="The practice or class; made where there is none of that name.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option(
    "--site", default="http://127.0.0.1:8000", show_default=True, help="Where people reach the pages."
)
@with_appcontext
def invite(email: str, group: str, roles: tuple[str, ...], site: str) -> None:
    """Print a link with which EMAIL sets name and password. It works once, for INVITATION_HOURS."""
    try:
        link = invitations.invite(None, invitations.Wanted(email, group, roles))
    except InvalidInput as error:
        raise _told(error) from error
    address = f"{site.rstrip('/')}/invitation/{link.token}"
    mailed = letters.send_link(link, address)
    click.echo(address)
    until = link.invitation.expires_at.strftime("%Y-%m-%d %H:%M UTC")
    click.echo(
        f"For {link.invitation.email}, as {', '.join(roles)} of {group}, once, until {until}.", err=True
    )
    if mailed != "none":
        click.echo("Sent by mail too." if mailed == "sent" else "The mail could not be sent.", err=True)


@click.command("reset-second-factors")
@click.argument("email")
@with_appcontext
def reset_second_factors(email: str) -> None:
    """Take app, passkeys and recovery codes from EMAIL, who lost them: the password alone signs in then."""
    user = accounts.find(email)
    if user is None:
        raise click.ClickException(f"There is no account {email}.")
    factors.reset(None, user)
    click.echo(f"{user.email} is signed out everywhere and signs in with the password alone.")


@click.command("reencrypt-second-factors")
@with_appcontext
def reencrypt_second_factors() -> None:
    """Encrypt the secrets of all authenticator apps with the first key of TOTP_KEY; the others may go."""
    changed, lost = authenticator.encrypt_anew()
    click.echo(f"Encrypted anew: {changed}.")
    if lost:
        raise click.ClickException(
            f"Opened by no key in TOTP_KEY: {lost}. Add the key that is missing, or reset the second factors "
            "of those people: a passkey or a recovery code still signs them in."
        )


def _told(error: InvalidInput) -> click.ClickException:
    problems = "\n".join(f"  {field}: {words}" for field, words in error.problems.items())
    return click.ClickException(f"{error.message}\n{problems}")
