"""The networks: their cards, what each analysed, which one is active; switching, and analysing again."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.errors import Conflict
from webapp.services import network_cards, network_usage, networks, reanalysis
from webapp.services.networks import NetworkRefused
from webapp.signin import person

bp = Blueprint("networks", __name__, url_prefix="/networks")
switching = Blueprint("network_switching", __name__, url_prefix="/networks")
again = Blueprint("reanalyses", __name__, url_prefix="/networks/reanalyses")


@bp.get("")
def index() -> str:
    """Every network that is known, which is active, and what each analysed."""
    known, unusable = networks.known()
    return render_template(
        "networks/index.html",
        known=known,
        unusable=unusable,
        active=networks.active_name(),
        uses=network_usage.of_networks(person()),
        switches=networks.switches(),
        workers=network_usage.workers(),
    )


@bp.get("/<checksum>")
def show(checksum: str) -> str:
    """The model card as a page."""
    return _card(checksum)


@switching.post("/<checksum>/activate")
def activate(checksum: str) -> ResponseReturnValue:
    """Let this network analyse from now on."""
    try:
        row = networks.switch(person(), checksum)
    except NetworkRefused as error:
        return _card(checksum, refused=error.message), error.status
    except Conflict as error:
        flash(error.message, "info")
    else:
        flash(f"{row.name} {row.version} is the active network now.", "success")
    return redirect(url_for("networks.index"), 303)


@again.get("")
def index_again() -> str:
    """How many frames are due, how the newest re-analysis stands, and the earlier ones."""
    group_id = _group_id(request.args.get("group"))
    return render_template(
        "reanalyses/index.html",
        active=networks.active_name(),
        group_id=group_id,
        due=reanalysis.due(group_id),
        groups=reanalysis.groups(),
        reanalyses=reanalysis.newest(),
    )


@again.get("/progress")
def progress() -> ResponseReturnValue:
    """How the newest stands, as a part of the page. 204 while it stands as the asker knows it."""
    newest = reanalysis.latest()
    if newest is None or (not newest.over and request.args.get("known") == newest.standing):
        return "", 204
    return render_template("reanalyses/progress.html", one=newest)


@again.post("")
def start() -> ResponseReturnValue:
    """Ask the active network for all that it has not answered."""
    try:
        row = reanalysis.start(person(), _group_id(request.form.get("group")))
    except Conflict as error:
        flash(error.message, "info")
    else:
        flash(f"{row.frames} frames wait to be analysed by {row.name} {row.version}.", "success")
    return redirect(url_for("reanalyses.index_again"), 303)


@again.post("/<uid>/cancel")
def cancel(uid: str) -> ResponseReturnValue:
    """Cancel what still waits."""
    spared = reanalysis.cancel(person(), uid)
    flash(f"Cancelled: {spared} frames keep the analyses that they have.", "success")
    return redirect(url_for("reanalyses.index_again"), 303)


def _card(checksum: str, refused: str | None = None) -> str:
    known = networks.find(checksum)
    uses = network_usage.of_networks(person(), checksum)
    return render_template(
        "networks/show.html",
        known=known,
        card=known.card,
        judged=network_cards.judged(known.card),
        curves=network_cards.curves(known),
        active=networks.active_name(),
        use=uses[0] if uses else None,
        refused=refused,
    )


def _group_id(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
