"""People and invitations, for admins."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import InvalidInput
from webapp.forms.people import ROLE_WORDS, InviteForm, PeopleFilterForm, PlaceForm
from webapp.models import User, now
from webapp.routes.back import fresh
from webapp.services import accounts, factors, invitations, letters, people
from webapp.services.invitations import Link
from webapp.signin import person

bp = Blueprint("people", __name__, url_prefix="/people")


@bp.get("")
def index() -> str:
    """The list layout: people, and the links that nobody used yet. Filters live in the address."""
    form = PeopleFilterForm(request.args)
    return render_template(
        "people/people.html",
        people=people.everybody(person(), form.filters()),
        invitations=invitations.pending(person()),
        form=form,
        filtered=any(request.args.values()),
        now=now(),
    )


@bp.get("/invite")
def invite() -> str:
    """The form of an invitation."""
    return _invite_page(InviteForm(formdata=None, group=person().group.name), {})


@bp.post("/invite")
def send_invitation() -> ResponseReturnValue:
    """Make the link and show it, this once; the form again, with what was typed, where something is wrong."""
    form = InviteForm()
    try:
        link = invitations.invite(person(), form.wanted())
    except InvalidInput as error:
        return _invite_page(form, error.problems), error.status
    return _link_page(link)


@bp.post("/invitations/<uid>/withdraw")
def withdraw(uid: str) -> ResponseReturnValue:
    """Make a link stop working."""
    invitation = invitations.withdraw(person(), uid)
    flash(f"The link for {invitation.email} does not work any more.", "success")
    return redirect(url_for("people.index"), 303)


@bp.get("/<int:user_id>")
def show(user_id: int) -> str:
    """One person: place, roles, and what can be done for or against them."""
    user = people.one(person(), user_id)
    form = PlaceForm(formdata=None, group=user.group.name, roles=list(accounts.role_names(user)))
    return _person_page(user, form, {})


@bp.post("/<int:user_id>")
def change(user_id: int) -> ResponseReturnValue:
    """Keep group and roles; the page again, with what was typed, where something is wrong."""
    form = PlaceForm()
    try:
        user = people.change(person(), user_id, form.group.data or "", form.chosen())
    except InvalidInput as error:
        return _person_page(people.one(person(), user_id), form, error.problems), error.status
    return _back(user, "Saved.")


@bp.post("/<int:user_id>/lock")
def lock(user_id: int) -> ResponseReturnValue:
    """Keep the person out, at once."""
    user = people.lock(person(), user_id)
    return _back(user, f"{user.name} is locked out and signed out everywhere.")


@bp.post("/<int:user_id>/unlock")
def unlock(user_id: int) -> ResponseReturnValue:
    """Let the person in again."""
    user = people.unlock(person(), user_id)
    return _back(user, f"{user.name} may sign in again.")


@bp.post("/<int:user_id>/reset-second-factors")
@fresh
def reset_second_factors(user_id: int) -> ResponseReturnValue:
    """Take away phone, passkeys and recovery codes that the person lost."""
    user = people.reset_second_factors(person(), user_id)
    if user.id == person().id:
        return redirect(url_for("security.login"), 303)
    return _back(user, f"{user.name} is signed out everywhere and signs in with the password alone.")


@bp.post("/<int:user_id>/new-password")
def new_password(user_id: int) -> str:
    """Make a link to a new password and show it, this once."""
    return _link_page(invitations.offer_new_password(person(), user_id))


def _back(user: User, words: str) -> ResponseReturnValue:
    flash(words, "success")
    return redirect(url_for("people.show", user_id=user.id), 303)


def _link_page(link: Link) -> str:
    address = url_for("invitations.show", token=link.token, _external=True)
    mailed = letters.send_link(link, address)
    return render_template("people/link.html", address=address, invitation=link.invitation, mailed=mailed)


def _invite_page(form: InviteForm, problems: dict[str, str]) -> str:
    return render_template(
        "people/invite.html", form=form, problems=problems, groups=accounts.group_names(), roles=ROLE_WORDS
    )


def _person_page(user: User, form: PlaceForm, problems: dict[str, str]) -> str:
    return render_template(
        "people/person.html",
        user=user,
        factors=factors.of(user),
        form=form,
        problems=problems,
        groups=accounts.group_names(),
        roles=ROLE_WORDS,
    )
