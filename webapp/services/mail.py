"""Mail by SMTP, where MAIL_URL names a server. What is mailed is shown on the page too."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from webapp import config
from webapp.errors import Unavailable

PATIENCE = 10
"""Seconds for each answer of the mail server: somebody waits for the page."""
_PORTS = {"smtp": 587, "smtps": 465}


class NotMailed(Unavailable):
    """The mail server can't be reached, or takes no mail from us."""

    code, title = "not_mailed", "The mail could not be sent"
    default = "The mail could not be sent. Hand on the link yourself, and have the mail server looked at."


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of plain text to one address."""

    to: str
    subject: str
    text: str


def is_set_up() -> bool:
    """Whether there is a mail server."""
    return config.current().mail_url is not None


def send(letter: Letter) -> None:
    """Hand `letter` to the mail server. Raises NotMailed; ValueError where none is set up."""
    settings = config.current()
    if settings.mail_url is None or settings.mail_from is None:
        raise ValueError("MAIL_URL is not set: ask is_set_up first.")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, letter.to, letter.subject
    message.set_content(letter.text)
    try:
        _hand_over(message, settings.mail_url.get_secret_value())
    except (smtplib.SMTPException, OSError) as error:
        raise NotMailed() from error


def _hand_over(message: EmailMessage, url: str) -> None:
    """Encrypted always with `smtps`; with `smtp` where the server offers it, and where a password is sent."""
    where, safe = urlsplit(url), ssl.create_default_context()
    host, port = where.hostname or "localhost", where.port or _PORTS[where.scheme]
    with (
        smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=safe)
        if where.scheme == "smtps"
        else smtplib.SMTP(host, port, timeout=PATIENCE)
    ) as server:
        server.ehlo()
        if where.scheme == "smtp" and (where.username or server.has_extn("starttls")):
            server.starttls(context=safe)
        if where.username:
            server.login(unquote(where.username), unquote(where.password or ""))
        server.send_message(message)
