"""Second factors over HTTP: the authenticator app, recovery codes, what a session is worth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from pydantic import SecretStr

from tests.phone import APP, Phone, codes_of, scan, set_up
from tests.support import PASSWORD, Visitor
from webapp import create_app
from webapp.config import AppConfig
from webapp.extensions import db
from webapp.models import AuditEntry, User, now
from webapp.services import accounts

WHO = "radiologist@north.example"
OVERVIEW = "/account/second-factor"
SECOND = "/login/second"


def signed_in(app: Flask, who: str = WHO) -> Visitor:
    visitor = app.test_client()
    assert visitor.sign_in(who).location == "/"
    return visitor


def at_second_step(app: Flask, who: str = WHO, page: str = "/login") -> Visitor:
    """A browser in which the password was given, and it is not enough."""
    visitor = app.test_client()
    assert visitor.sign_in(who, page=page).location == SECOND
    assert visitor.get("/account").status_code == 302
    return visitor


def give(visitor: Visitor, code: str):
    return visitor.submit(f"{SECOND}/code", {"code": code}, page=SECOND)


def copy_of(visitor: Visitor, app: Flask) -> Visitor:
    thief = app.test_client()
    thief.set_cookie("secondread", visitor.get_cookie("secondread").value)
    return thief


def acts(app: Flask) -> list[tuple[str, dict[str, object]]]:
    with app.app_context():
        entries = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))
        return [(one.action, one.detail) for one in entries]


def change(app: Flask, **columns: object) -> None:
    with app.app_context():
        db.session.execute(sa.update(User).where(User.email == WHO).values(**columns))
        db.session.commit()


def grow_stale(visitor: Visitor) -> None:
    """Eleven minutes go by since the password was given."""
    with visitor.session_transaction() as session:
        session["fs_paa"] -= 11 * 60


@pytest.fixture
def phone(app: Flask) -> Phone:
    """The phone of the radiologist, who set it up in another browser."""
    return set_up(signed_in(app))[0]


def test_an_app_is_set_up_and_signing_in_takes_its_code(app: Flask) -> None:
    here = signed_in(app)
    phone, codes = set_up(here)
    assert len(set(codes)) == 10
    assert "in use" in here.get(OVERVIEW).text
    visitor = at_second_step(app)
    answer = give(visitor, phone.code())
    assert (answer.status_code, answer.location) == (303, "/")
    assert visitor.get("/account").status_code == 200


def test_the_secret_is_encrypted_in_the_database(app: Flask, phone: Phone) -> None:
    with app.app_context():
        kept = accounts.find(WHO).tf_totp_secret
    assert phone.key not in kept
    assert '"enckey"' in kept


def test_a_wrong_first_code_sets_up_nothing_and_keeps_the_key_shown(app: Flask) -> None:
    here = signed_in(app)
    phone = scan(here)
    answer = here.submit(APP, {"code": phone.wrong()}, page=APP)
    assert answer.status_code == 422
    assert "Is the clock of the phone right?" in answer.text
    assert scan(here) == phone
    assert app.test_client().sign_in(WHO).location == "/"


def test_a_code_is_taken_once(app: Flask, phone: Phone) -> None:
    code = phone.code()
    assert give(at_second_step(app), code).status_code == 303
    again = give(at_second_step(app), code)
    assert again.status_code == 422
    assert "each is taken once" in again.text


def test_the_code_of_the_set_up_signs_nobody_in(app: Flask, phone: Phone) -> None:
    assert give(at_second_step(app), phone.code(-1)).status_code == 422


def test_a_code_of_long_ago_or_far_ahead_is_refused(app: Flask, phone: Phone) -> None:
    visitor = at_second_step(app)
    assert [give(visitor, phone.code(ahead)).status_code for ahead in (-4, 4)] == [422, 422]


def test_guessing_codes_has_to_wait_longer_and_longer_in_whatever_browser(app: Flask, phone: Phone) -> None:
    visitor = at_second_step(app)
    assert [give(visitor, phone.wrong()).status_code for _ in range(5)] == [422] * 5
    change(app, tf_failures=7)
    for browser in (visitor, at_second_step(app)):
        answer = give(browser, phone.code())
        assert answer.status_code == 429
        assert "again in 4 minutes" in answer.text
    change(app, tf_failed_at=now() - timedelta(minutes=4, seconds=1))
    assert give(visitor, phone.code()).status_code == 303
    with app.app_context():
        assert accounts.find(WHO).tf_failures == 0


def test_a_recovery_code_signs_in_once_even_while_codes_have_to_wait(app: Flask) -> None:
    phone, (code, *_) = set_up(signed_in(app))
    change(app, tf_failures=9, tf_failed_at=now())
    visitor = at_second_step(app)
    assert give(visitor, phone.code()).status_code == 429
    assert give(visitor, f" {code.upper()} ").status_code == 303
    assert "9 left" in visitor.get(OVERVIEW).text
    assert give(at_second_step(app), code).status_code == 422


def test_recovery_codes_are_shown_once_and_new_ones_end_the_earlier(app: Flask) -> None:
    here = signed_in(app)
    _, codes = set_up(here)
    assert codes[0] not in here.get(OVERVIEW).text
    renewed = codes_of(here.submit(f"{OVERVIEW}/codes", {}, page=OVERVIEW).text)
    assert not set(codes) & set(renewed)
    visitor = at_second_step(app)
    assert give(visitor, codes[1]).status_code == 422
    assert give(visitor, renewed[0]).status_code == 303


def test_what_was_done_and_what_failed_is_in_the_audit_log_without_a_code(app: Flask) -> None:
    phone, codes = set_up(signed_in(app))
    visitor = at_second_step(app)
    give(visitor, phone.wrong())
    give(visitor, codes[0])
    mine = [act for act in acts(app) if "factor" in act[0] or "recovery" in act[0]]
    assert mine == [
        ("second_factor_set", {"how": "app"}),
        ("recovery_codes_made", {"count": 10}),
        ("second_factor_failed", {"how": "app"}),
        ("recovery_code_used", {"left": 9}),
    ]


def test_the_session_from_before_the_second_step_is_worth_nothing_after_it(app: Flask, phone: Phone) -> None:
    visitor = at_second_step(app)
    token = visitor.token(SECOND)
    before = copy_of(visitor, app)
    give(visitor, phone.code())
    assert before.get("/account").status_code == 302
    assert before.get(SECOND).location == "/login"
    late = before.post(f"{SECOND}/code", data={"csrf_token": token, "code": phone.code(1)})
    assert late.location == "/login"
    assert visitor.post("/account/theme", data={"theme": "light", "csrf_token": token}).status_code == 400


def test_setting_up_renews_this_session_and_ends_the_others(app: Flask) -> None:
    here, elsewhere = signed_in(app), signed_in(app)
    before = copy_of(here, app)
    set_up(here)
    assert [action for action, _ in acts(app)].count("sign_in") == 2
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    assert before.get("/account").status_code == 302


def test_the_second_step_is_over_after_ten_minutes(
    app: Flask, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = at_second_step(app)
    token, later = visitor.token(SECOND), now() + timedelta(minutes=10, seconds=1)
    monkeypatch.setattr("webapp.services.ceremonies.now", lambda: later)
    answer = visitor.post(f"{SECOND}/code", data={"csrf_token": token, "code": phone.code()})
    assert answer.location == "/login"
    assert "Sign in again" in visitor.get("/login").text


def test_who_is_locked_between_the_steps_stays_out(app: Flask, phone: Phone) -> None:
    visitor = at_second_step(app)
    token = visitor.token(SECOND)
    change(app, active=False)
    answer = visitor.post(f"{SECOND}/code", data={"csrf_token": token, "code": phone.code()})
    assert answer.location == "/login"
    assert visitor.get("/account").status_code == 302


def test_a_code_needs_the_form_token_of_the_page(app: Flask, phone: Phone) -> None:
    assert at_second_step(app).post(f"{SECOND}/code", data={"code": phone.code()}).status_code == 400


def test_the_second_step_leads_back_to_the_page_asked_for(app: Flask, phone: Phone) -> None:
    visitor = at_second_step(app, page="/login?next=/account?tab%3Da")
    assert give(visitor, phone.code()).location == "/account?tab=a"


@pytest.mark.parametrize("path", ["/app", "/passkey"])
def test_setting_up_asks_for_the_password_first_where_it_was_not_given_just_now(
    app: Flask, path: str
) -> None:
    here = signed_in(app)
    grow_stale(here)
    asked = here.get(OVERVIEW + path)
    assert asked.location == f"/verify?next={OVERVIEW}{path}"
    back = here.submit(asked.location, {"password": PASSWORD}, page=asked.location)
    assert back.location.endswith(OVERVIEW + path)
    assert here.get(OVERVIEW + path).status_code == 200


def test_removing_asks_for_the_password_first_then_the_password_alone_signs_in(app: Flask) -> None:
    here = signed_in(app)
    set_up(here)
    grow_stale(here)
    assert here.submit(f"{OVERVIEW}/app/remove", {}, page=OVERVIEW).location.startswith("/verify")
    assert app.test_client().sign_in(WHO).location == SECOND
    here.submit("/verify", {"password": PASSWORD}, page="/verify")
    assert here.submit(f"{OVERVIEW}/app/remove", {}, page=OVERVIEW).location == OVERVIEW
    assert signed_in(app).get(OVERVIEW).text.count("in use") == 0
    with app.app_context():
        assert accounts.find(WHO).mf_recovery_codes is None
    assert ("second_factor_removed", {"how": "app"}) in acts(app)


def test_guessing_the_password_of_an_open_session_is_braked(app: Flask) -> None:
    here = signed_in(app)
    answers = [here.submit("/verify", {"password": f"guess number {n}"}, page="/verify") for n in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2


def test_an_admin_resets_the_second_factor_of_who_lost_it(
    app: Flask, phone: Phone, login: Callable[..., Visitor]
) -> None:
    here = at_second_step(app)
    give(here, phone.code())
    admin = login("admin")
    with app.app_context():
        page = f"/people/{accounts.find(WHO).id}"
    shown = admin.get(page).text
    assert "10 recovery codes left" in shown
    assert "Make sure first that it is" in shown
    grow_stale(admin)
    came = {"Referer": f"http://localhost{page}"}
    asked = admin.submit(f"{page}/reset-second-factors", {}, page=page, headers=came)
    assert asked.location == f"/verify?next={page}"
    admin.submit("/verify", {"password": PASSWORD}, page="/verify")
    assert admin.submit(f"{page}/reset-second-factors", {}, page=page).location == page
    assert here.get("/account").status_code == 302
    assert "None is set up." in admin.get(page).text
    assert signed_in(app).get("/account").status_code == 200
    (reset,) = [detail for action, detail in acts(app) if action == "second_factor_reset"]
    assert reset == {"app": True, "passkeys": 0, "sessions": 2}


def test_a_link_to_a_new_password_is_no_way_around_the_second_step(
    app: Flask, phone: Phone, login: Callable[..., Visitor]
) -> None:
    admin = login("admin")
    with app.app_context():
        page = f"/people/{accounts.find(WHO).id}"
    made = admin.submit(f"{page}/new-password", {}, page=page).text
    (link,) = re.findall(r'value="http://localhost(/invitation/[^"]+)"', made)
    guest = app.test_client()
    guest.submit(link, {"password": "a password of my own"}, page=link)
    assert guest.sign_in(WHO, "a password of my own").location == SECOND


OLD_KEY, NEW_KEY = "kP3x9_Zq7Lw2Vt8NfYb4RmHs6Gd1JcAe", "w7Rf_Xk2Qm9Tz4Lc8Vb1Hn6Yd3Sg5Jp0"


def with_keys(config: AppConfig, *keys: str) -> Flask:
    """The application with these in TOTP_KEY."""
    app = create_app(config.model_copy(update={"totp_key": SecretStr(", ".join(keys)) if keys else None}))
    app.test_client_class = Visitor
    return app


@pytest.mark.parametrize("earlier", [(), (OLD_KEY,)], ids=["made from SECRET_KEY", "in TOTP_KEY"])
def test_the_key_is_changed_and_phones_go_on(app: Flask, config: AppConfig, earlier: tuple[str, ...]) -> None:
    phone, _ = set_up(signed_in(with_keys(config, *earlier)))
    both = with_keys(config, NEW_KEY, *earlier)
    assert give(at_second_step(both), phone.code()).status_code == 303
    for told in ("Encrypted anew: 1.", "Encrypted anew: 0."):
        assert told in both.test_cli_runner().invoke(args=["reencrypt-second-factors"]).output
    change(app, tf_last_counter=None)
    assert give(at_second_step(with_keys(config, NEW_KEY)), phone.code()).status_code == 303


def test_a_secret_that_no_key_opens_is_said_when_keys_are_changed(app: Flask, config: AppConfig) -> None:
    set_up(signed_in(with_keys(config, OLD_KEY)))
    result = with_keys(config, NEW_KEY).test_cli_runner().invoke(args=["reencrypt-second-factors"])
    assert result.exit_code == 1
    assert "Opened by no key in TOTP_KEY: 1." in result.output


def test_another_key_of_the_server_is_said_and_recovery_codes_still_work(
    app: Flask, config: AppConfig
) -> None:
    phone, codes = set_up(signed_in(with_keys(config, OLD_KEY)))
    visitor = at_second_step(with_keys(config, NEW_KEY))
    assert "ask an administrator" in give(visitor, phone.code()).text
    assert give(visitor, codes[0]).status_code == 303


@pytest.fixture
def strict(config: AppConfig, app: Flask) -> Iterator[Flask]:
    """The same people, in a house where radiologists have to have a second factor."""
    asking = create_app(
        config.model_copy(update={"second_factor_required_roles": frozenset({"radiologist"})})
    )
    asking.test_client_class = Visitor
    yield asking
    with asking.app_context():
        db.engine.dispose()


def test_whose_role_asks_for_a_second_factor_sets_it_up_and_is_let_in(strict: Flask) -> None:
    here = signed_in(strict)
    assert here.get("/").location == OVERVIEW
    assert "Your role asks for one" in here.get(OVERVIEW).text
    phone, _ = set_up(here)
    assert here.get("/").status_code == 200
    assert give(at_second_step(strict), phone.code()).status_code == 303


def test_the_only_second_factor_that_a_role_asks_for_stays(strict: Flask) -> None:
    here = signed_in(strict)
    set_up(here)
    answer = here.submit(f"{OVERVIEW}/app/remove", {}, page=OVERVIEW)
    assert answer.status_code == 409
    assert "Set up another first" in answer.text
