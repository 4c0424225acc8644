"""What is said in a mail: here is your link."""

from __future__ import annotations

import logging
from typing import Literal

from webapp.services import mail
from webapp.services.invitations import Link
from webapp.services.mail import Letter, NotMailed

log = logging.getLogger(__name__)
Fate = Literal["sent", "failed", "none"]
"""What became of a letter; "none" where there is no mail server."""


def send_link(link: Link, address: str) -> Fate:
    """Mail the link to whom it is for. Where it could not be sent, that is said and the link stays good."""
    if not mail.is_set_up():
        return "none"
    try:
        mail.send(_letter(link, address))
    except NotMailed as error:
        log.warning("invitation %s not mailed: %s", link.invitation.uid, type(error.__cause__).__name__)
        return "failed"
    return "sent"


def _letter(link: Link, address: str) -> Letter:
    invitation = link.invitation
    if invitation.user_id:
        subject, why = "A new password for SecondRead", "Set a new password for SecondRead here:"
    else:
        subject = "Your invitation to SecondRead"
        place = f"{', '.join(invitation.roles)} in {invitation.group.name}"
        why = f"You are invited to SecondRead as {place}. Begin here:"
    until = invitation.expires_at.strftime("%Y-%m-%d %H:%M UTC")
    end = f"The link works once, until {until}. If you do not know what this is about, do nothing."
    return Letter(invitation.email, subject, f"{why}\n\n{address}\n\n{end}\n")
