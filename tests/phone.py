"""A person's own devices: an authenticator app (RFC 6238) and a security key (WebAuthn Level 2), each written
from its standard and not from the code under test."""

from __future__ import annotations

import hmac
import json
import re
import secrets
import struct
import time
from base64 import b32decode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support import Visitor

APP = "/account/second-factor/app"
ORIGIN = "http://localhost"
UP, UV, AT = 0x01, 0x04, 0x40
"""Flags of authenticator data: user present, user verified, attested credential data (section 6.1)."""


@dataclass(frozen=True)
class Phone:
    """An authenticator app with one key, in base32."""

    key: str

    def code(self, periods: int = 0) -> str:
        """The six digits of now, or of so many periods of 30 s later."""
        counter = struct.pack(">Q", int(time.time()) // 30 + periods)
        digest = hmac.digest(b32decode(self.key), counter, "sha1")
        offset = digest[-1] & 15
        (number,) = struct.unpack(">I", digest[offset : offset + 4])
        return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"

    def wrong(self) -> str:
        """Six digits that are right neither now nor in the periods around."""
        right = {self.code(periods) for periods in range(-3, 4)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


def scan(visitor: Visitor) -> Phone:
    """The phone after typing in the key that the set-up page shows."""
    shown = re.search(r'<textarea[^>]*id="key"[^>]*>([A-Z2-7 -]+)</textarea>', visitor.get(APP).text)
    assert shown is not None
    key = re.sub("[ -]", "", shown[1])
    return Phone(key + "=" * (-len(key) % 8))


def set_up(visitor: Visitor) -> tuple[Phone, list[str]]:
    """An app taken into use, and the recovery codes shown with it."""
    phone = scan(visitor)
    answer = visitor.submit(APP, {"code": phone.code(-1)}, page=APP)
    assert answer.status_code == 200, answer.text
    return phone, codes_of(answer.text)


def codes_of(page: str) -> list[str]:
    shown = re.search(r'<textarea[^>]*id="codes"[^>]*>([^<]+)</textarea>', page)
    assert shown is not None
    return shown[1].split()


@dataclass
class Key:
    """A security key with one credential. `verifies`: it asks for a PIN."""

    verifies: bool = True
    count: int = 0
    origin: str = ORIGIN
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    handle: bytes = b""
    _secret: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def make(self, options: str) -> str:
        """The answer to `navigator.credentials.create` with these options, with attestation "none"."""
        asked = json.loads(options)
        self.handle = _bytes(asked["user"]["id"])
        point = self._secret.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        made = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(cose)
        data = self._data(asked["rp"]["id"], AT) + made
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        said = {"attestationObject": _text(statement), "transports": ["usb"]}
        return self._answer({**said, "clientDataJSON": _text(self._client("webauthn.create", asked))})

    def sign(self, options: str) -> str:
        """The answer to `navigator.credentials.get` with these options."""
        asked = json.loads(options)
        self.count += 1
        client, data = self._client("webauthn.get", asked), self._data(asked["rpId"], 0)
        signature = self._secret.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        said = {
            "authenticatorData": _text(data),
            "signature": _text(signature),
            "userHandle": _text(self.handle),
        }
        return self._answer({**said, "clientDataJSON": _text(client)})

    def _data(self, place: str, flags: int) -> bytes:
        flags |= UP | (UV if self.verifies else 0)
        return sha256(place.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _client(self, kind: str, asked: dict[str, str]) -> bytes:
        return json.dumps({"type": kind, "challenge": asked["challenge"], "origin": self.origin}).encode()

    def _answer(self, response: dict[str, object]) -> str:
        name = _text(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
