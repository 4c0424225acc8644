"""Second factors in Chromium, with its virtual authenticator (Chrome DevTools Protocol, WebAuthn domain)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from io import BytesIO

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.browser.conftest import Desk
from tests.live import Site
from tests.phone import Phone
from tests.support import PASSWORD

OVERVIEW = "/account/second-factor"
PHONE = {"width": 390, "height": 844}

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def page(site: Site, chromium: Browser) -> Iterator[Page]:
    """A window of a person of their own, at the name localhost: an address of digits has no passkeys."""
    email = f"keys-{time.monotonic_ns()}@live.example"
    site.add_person(email, "tutor")
    desk = Desk(site, chromium)
    desk.url, desk.email, desk.password = site.url.replace("127.0.0.1", "localhost"), email, PASSWORD
    context = desk.open()
    page = context.new_page()
    desk.sign_in(page)
    page.goto(OVERVIEW)
    yield page
    context.close()
    assert desk.complaints == []


def plug_in(page: Page, verifies: bool = True) -> tuple[CDPSession, str]:
    """A key in the computer of `page`; with `verifies` its owner touches it and gives the PIN."""
    wire = page.context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasResidentKey": True,
        "hasUserVerification": verifies,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    return wire, wire.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def add_passkey(page: Page, name: str) -> None:
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the passkey").click()


def sign_out(page: Page) -> None:
    page.locator(".who summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")


def give_password(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def email_of(page: Page) -> str:
    return page.locator(".who-menu p").text_content() or ""


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [fault["id"] for fault in found if fault["impact"] in {"serious", "critical"}]


def test_a_passkey_is_made_and_signs_in_beside_the_password_and_alone(page: Page) -> None:
    email = email_of(page)
    wire, key = plug_in(page)
    add_passkey(page, "Blue key")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert len(page.get_by_label("Shown this once").input_value().split()) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator(".lines")).to_contain_text("Blue key")
    sign_out(page)

    give_password(page, email)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/")
    sign_out(page)

    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/")
    page.goto(OVERVIEW)
    expect(page.locator(".lines")).to_contain_text("last used")
    assert wire.send("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"][0]["signCount"] >= 3


def test_the_same_key_twice_and_none_at_all_are_told_in_words(page: Page) -> None:
    wire, key = plug_in(page)
    add_passkey(page, "Once")
    page.get_by_role("link", name="I have kept them").click()
    add_passkey(page, "Twice")
    expect(page.locator("[data-passkey-fault]")).to_contain_text("has a passkey of yours already")
    wire.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("[data-passkey-fault]")).to_contain_text("take another way")


def test_the_picture_of_the_app_is_read_by_a_camera_and_its_code_signs_in(page: Page) -> None:
    email = email_of(page)
    page.get_by_role("link", name="Set up an app").click()
    picture = Image.open(BytesIO(page.locator(".qr").screenshot(scale="css"))).convert("RGB")
    seen, *_ = cv2.QRCodeDetectorAruco().detectAndDecode(np.asarray(picture.resize((600, 600))))
    found = re.search(r"^otpauth://totp/SecondRead:.*[?&]secret=([A-Z2-7]+)", seen)
    assert found is not None, seen
    phone = Phone(found[1] + "=" * (-len(found[1]) % 8))
    assert found[1] == re.sub("[ -]", "", page.get_by_label("The key").input_value())
    page.get_by_label("The six digits").fill(phone.code(-1))
    page.get_by_role("button", name="Use this app").click()
    page.get_by_role("link", name="I have kept them").click()
    sign_out(page)
    give_password(page, email)
    page.get_by_label("Code of the app").fill(phone.code())
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_pages_have_no_serious_fault_and_fit_a_phone(page: Page, theme: str) -> None:
    plug_in(page)
    for address in (OVERVIEW, f"{OVERVIEW}/app", f"{OVERVIEW}/passkey"):
        page.goto(address)
        page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
        assert serious(page) == [], address
        page.set_viewport_size(PHONE)
        wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, address
