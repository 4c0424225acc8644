"""The key that signs sessions and form tokens: strong, or no start.

In demo mode, where none is given, one is made on the first start and kept in the instance folder, so
that web and worker share it and a restart signs nobody out.
"""

from __future__ import annotations

import hmac
import os
import secrets
import time
from pathlib import Path

from pydantic import SecretStr

MIN_BYTES = 32
"""256 bits, the strength of the HMAC behind the signature (RFC 2104, section 3)."""

_ADVICE = 'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
MISSING = f"SECRET_KEY is missing: outside demo mode (DEMO=1) there is no default. {_ADVICE}"
_WELL_KNOWN = ("changeme", "secret", "password", "example", "insecure", "default", "development", "qwerty")
_FEWEST_SYMBOLS = 10


def weakness(key: str) -> str | None:
    """Why `key` is weak, or None. A guard against slips, not a measure of entropy."""
    plain = key.lower().translate(str.maketrans("", "", "-_ ."))
    if len(key.encode()) < MIN_BYTES:
        return f"it is shorter than {MIN_BYTES} bytes"
    if len(set(key)) < _FEWEST_SYMBOLS or key in (key + key)[1:-1]:
        return "it repeats itself"
    if any(word in plain for word in _WELL_KNOWN):
        return "it contains a well-known word"
    return None


def require_strong(key: str, name: str = "SECRET_KEY") -> None:
    """Raise ValueError, which says what to do and does not show the key, where the setting `name` is weak."""
    if reason := weakness(key):
        raise ValueError(f"{name} is weak: {reason}. {_ADVICE}")


def derived(key: str, purpose: str) -> str:
    """Another key for one purpose, from which `key` can't be had: HMAC-SHA-256 (as HKDF-Expand, RFC 5869)."""
    return hmac.digest(key.encode(), f"secondread {purpose}".encode() + b"\x01", "sha256").hex()


def fingerprint(key: str) -> str:
    """Eight characters that tell keys apart and say nothing of them."""
    return hmac.digest(key.encode(), b"secondread fingerprint", "sha256").hex()[:8]


def for_app(given: SecretStr | None, instance: Path) -> str:
    """The key given, or that of the demo kept in the folder `instance` (made there at need)."""
    return given.get_secret_value() if given else _kept_in(instance / "secret-key")


def _kept_in(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_urlsafe(48))
    try:
        os.link(fresh, path)  # web and worker may start together: the first link wins, both read it
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text().strip()
