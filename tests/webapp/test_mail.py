"""Links are mailed where there is a mail server, and shown in any case."""

from __future__ import annotations

import logging
import re

import pytest
from flask import Flask
from pydantic import SecretStr, ValidationError

from tests.mail import MailServer
from tests.services_support import free_port
from tests.support import Visitor
from webapp import create_app
from webapp.config import AppConfig

FROM = "SecondRead <reads@hospital.example>"
INVITED = {"email": "new@north.example", "group": "North", "roles": ["radiologist"]}


def with_mail(config: AppConfig, url: str) -> Flask:
    app = create_app(config.model_copy(update={"mail_url": SecretStr(url), "mail_from": FROM}))
    app.test_client_class = Visitor
    return app


def invite(app: Flask) -> tuple[str, str]:
    """The page after inviting somebody, and the link on it."""
    admin = app.test_client()
    admin.sign_in("admin@north.example")
    page = admin.submit("/people/invite", INVITED, page="/people/invite").text
    found = re.search(r'id="link" value="([^"]+)"', page)
    assert found is not None
    return page, found[1]


def test_an_invitation_is_mailed_with_the_link_that_the_page_shows(config: AppConfig) -> None:
    with MailServer() as server:
        page, link = invite(with_mail(config, server.url))
    assert "Sent to new@north.example by mail" in page
    (letter,) = server.received
    assert (letter["To"], letter["From"]) == ("new@north.example", FROM)
    assert link in letter.get_content()
    assert "as radiologist in North" in letter.get_content()


def test_a_link_to_a_new_password_says_so(config: AppConfig) -> None:
    with MailServer() as server:
        app = with_mail(config, server.url)
        admin = app.test_client()
        admin.sign_in("admin@north.example")
        admin.submit("/people/1/new-password", {}, page="/people/1")
    assert server.received[0]["Subject"] == "A new password for SecondRead"


@pytest.mark.parametrize("away", [True, False])
def test_a_mail_that_was_not_sent_is_said_and_the_link_is_there(
    config: AppConfig, away: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with MailServer(refuse=True) as server, caplog.at_level(logging.WARNING):
        url = f"smtp://127.0.0.1:{free_port()}" if away else server.url
        page, link = invite(with_mail(config, url))
    assert "could not be sent" in page
    assert "/invitation/" in link
    assert "not mailed" in caplog.text
    assert "new@north.example" not in caplog.text


def test_the_operators_invitation_is_mailed_too(config: AppConfig) -> None:
    with MailServer() as server:
        args = ["invite", "ada@west.example", "--group", "West", "--role", "admin"]
        result = with_mail(config, server.url).test_cli_runner().invoke(args=args)
    assert "Sent by mail too." in result.stderr
    assert result.stdout.strip() in server.received[0].get_content()


def test_a_password_is_never_sent_in_the_clear(config: AppConfig) -> None:
    with MailServer() as server:
        page, _ = invite(with_mail(config, server.url.replace("//", "//me:secret@")))
    assert "could not be sent" in page
    assert server.received == []


@pytest.mark.parametrize(
    ("url", "sender"), [("http://mail.example", FROM), ("smtp:", FROM), ("smtp://mail.example", None)]
)
def test_a_mail_server_that_is_none_or_has_no_sender_is_refused(url: str, sender: str | None) -> None:
    with pytest.raises(ValidationError, match="MAIL_"):
        AppConfig(demo=True, mail_url=url, mail_from=sender)
