"""Recovery codes: in place of a lost phone or key. Each works once; they are shown when they are made, and
only their hashes are kept."""

from __future__ import annotations

import secrets
from hashlib import sha256

from webapp.models import User

COUNT = 10
_LETTERS = "abcdefghjkmnpqrstvwxyz0123456789"
"""32 signs without i, l, o and u, which are taken for others (Crockford's base 32)."""
_LENGTH = 24
"""Signs of one code: 120 bits. From 112 on a plain hash is enough (OWASP ASVS 5.0, 6.5.2)."""


def renew(user: User) -> tuple[str, ...]:
    """New codes in place of all earlier ones; what is returned is not to be had again. The caller commits."""
    codes = tuple("".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(COUNT))
    user.mf_recovery_codes = [_hash(code) for code in codes]
    return tuple(_in_groups(code) for code in codes)


def use(user: User, code: str) -> bool:
    """Strike `code` off; False where it is none of the person's. The caller holds the row and commits."""
    kept = list(user.mf_recovery_codes or [])
    mine = _hash(_plain(code))
    if mine not in kept:
        return False
    user.mf_recovery_codes = [one for one in kept if one != mine]
    return True


def _in_groups(code: str) -> str:
    return "-".join(code[start : start + 4] for start in range(0, _LENGTH, 4))


def _plain(code: str) -> str:
    """As it is hashed, whatever the capitals, gaps and look-alikes typed."""
    return code.lower().translate(str.maketrans("ilo", "110", " -\t\n\r"))


def _hash(code: str) -> str:
    return sha256(code.encode()).hexdigest()
