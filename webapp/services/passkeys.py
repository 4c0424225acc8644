"""Passkeys: WebAuthn by py_webauthn, with challenges that are good for one answer (`ceremonies`).

Beside a password any passkey is a second factor. In place of the password one has to have asked its owner for
PIN, finger or face ("user verification"): having it and being its owner are the two factors then.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import cbor2
import webauthn
from sqlalchemy import select, update
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import parse_authentication_credential_json, parse_registration_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from webapp.errors import InvalidInput
from webapp.extensions import db
from webapp.models import Passkey, Step, User, now
from webapp.services import ceremonies

ISSUER = "SecondRead"
LONGEST_NAME = 64
_MALFORMED = (WebAuthnException, cbor2.CBORError, ValueError, KeyError, TypeError, IndexError, AttributeError)
"""What parsing somebody's bytes may end with, in py_webauthn and in what it stands on."""
_PREFERRED = UserVerificationRequirement.PREFERRED


class PasskeyRefused(InvalidInput):
    """The answer of the authenticator does not pass."""

    code, title = "passkey_refused", "This passkey was not accepted"
    default = "This passkey was not accepted. Try again, or take another way."


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pages are reached: the host's name (the "RP ID") and the origin, `https://host[:port]`."""

    host: str
    origin: str


def creation_options(step: Step, user: User, place: Place) -> str:
    """JSON for `navigator.credentials.create`. Gives the person a user handle where there is none yet."""
    user.fs_webauthn_user_handle = user.fs_webauthn_user_handle or secrets.token_hex(32)
    known = [PublicKeyCredentialDescriptor(id=key.credential_id) for key in of(user)]
    options = webauthn.generate_registration_options(
        rp_id=place.host,
        rp_name=ISSUER,
        user_id=user.fs_webauthn_user_handle.encode(),
        user_name=user.email,
        user_display_name=user.name,
        challenge=ceremonies.challenge(step),
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=_PREFERRED
        ),
    )
    return webauthn.options_to_json(options)


def request_options(step: Step, user: User | None, place: Place) -> str:
    """JSON for `navigator.credentials.get`: one of the passkeys of `user`, or where None whichever the
    browser has for this place, its owner verified."""
    mine = [PublicKeyCredentialDescriptor(id=key.credential_id) for key in of(user)] if user else []
    options = webauthn.generate_authentication_options(
        rp_id=place.host,
        challenge=ceremonies.challenge(step),
        allow_credentials=mine,
        user_verification=_PREFERRED if user else UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def of(user: User) -> list[Passkey]:
    """The person's passkeys, the oldest first."""
    mine = select(Passkey).where(Passkey.user_id == user.id).order_by(Passkey.id)
    return list(db.session.scalars(mine))


def problem_of_name(user: User, name: str, but: Passkey | None = None) -> str:
    """What is wrong with a name for a new passkey, or for the one that has it now; "" where nothing is."""
    if not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        return f"Give a name of 1 to {LONGEST_NAME} characters."
    taken = {key.name for key in of(user) if key is not but}
    return "You have a passkey of that name." if name.strip() in taken else ""


def made(user: User, place: Place, asked: bytes, answer: str, name: str) -> Passkey:
    """The new passkey that the browser's `answer` to the challenge `asked` speaks of. The caller commits.

    Raises PasskeyRefused.
    """
    try:
        credential = parse_registration_credential_json(answer)
        verified = _verify_new(credential, place, asked)
    except _MALFORMED as error:
        raise PasskeyRefused() from error
    if db.session.scalar(select(Passkey.id).where(Passkey.credential_id == verified.credential_id)):
        raise PasskeyRefused("This passkey is set up already.")
    key = Passkey(user_id=user.id, name=name.strip(), credential_id=verified.credential_id)
    key.public_key, key.sign_count = verified.credential_public_key, verified.sign_count
    key.backed_up = verified.credential_backed_up
    key.transports = [transport.value for transport in credential.response.transports or []]
    db.session.add(key)
    return key


def _verify_new(credential: RegistrationCredential, place: Place, asked: bytes) -> VerifiedRegistration:
    return webauthn.verify_registration_response(
        credential=credential,
        expected_challenge=asked,
        expected_rp_id=place.host,
        expected_origin=place.origin,
    )


def owner(place: Place, asked: bytes, answer: str, user: User | None) -> User:
    """Whose passkey signed the challenge `asked`: of `user`, or where None of anybody, its owner verified.

    The authenticator's counter is moved on; the caller commits. Raises PasskeyRefused.
    """
    try:
        credential = parse_authentication_credential_json(answer)
    except _MALFORMED as error:
        raise PasskeyRefused() from error
    key = db.session.scalar(select(Passkey).where(Passkey.credential_id == credential.raw_id))
    whose = db.session.get(User, key.user_id) if key else None
    if key is None or whose is None or (user is not None and whose.id != user.id) or not whose.active:
        raise PasskeyRefused()
    handle = credential.response.user_handle
    if handle is not None and handle != (whose.fs_webauthn_user_handle or "").encode():
        raise PasskeyRefused()
    try:
        verified = _verify(credential, place, asked, key, owner_verified=user is None)
    except _MALFORMED as error:
        raise PasskeyRefused() from error
    _count_on(key, verified)
    return whose


def _verify(
    credential: AuthenticationCredential, place: Place, asked: bytes, key: Passkey, owner_verified: bool
) -> VerifiedAuthentication:
    return webauthn.verify_authentication_response(
        credential=credential,
        expected_challenge=asked,
        expected_rp_id=place.host,
        expected_origin=place.origin,
        credential_public_key=key.public_key,
        credential_current_sign_count=key.sign_count,
        require_user_verification=owner_verified,
    )


def _count_on(key: Passkey, verified: VerifiedAuthentication) -> None:
    """Of two answers with the same count one is taken (WebAuthn Level 2, section 6.1.1)."""
    values = {"sign_count": verified.new_sign_count, "backed_up": verified.credential_backed_up}
    same = update(Passkey).where(Passkey.id == key.id, Passkey.sign_count == key.sign_count)
    if not db.session.scalars(same.values(**values, used_at=now()).returning(Passkey.id)).all():
        raise PasskeyRefused()
