"""Ids and keys that RAM makes."""

from __future__ import annotations

import secrets
import string

_LETTERS = string.ascii_letters + string.digits


def new_numeric_id() -> str:
    """18 digits, as users and roles have."""
    return str(secrets.randbelow(9 * 10**17) + 10**17)


def new_access_key_id() -> str:
    """`LTAI5t` and 18 letters or digits."""
    return "LTAI5t" + "".join(secrets.choice(_LETTERS) for _ in range(18))


def new_secret() -> str:
    """30 letters or digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(30))
