"""Content-MD5 of OSS: the digest of a request's body, checked for every operation before its handler runs."""

from __future__ import annotations

import base64
import binascii
from hashlib import md5
from typing import TYPE_CHECKING

from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call


def check_digest(call: Call) -> None:
    """Refuse a body whose Content-MD5 is malformed or wrong."""
    claimed = call.headers.get("content-md5")
    if claimed is None:
        return
    try:
        digest = base64.b64decode(claimed, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    actual = md5(call.body, usedforsecurity=False).digest()
    if len(digest) != len(actual):
        raise Refusal(400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
    if digest != actual:
        message = "The Content-MD5 you specified did not match what we received."
        raise Refusal(400, "InvalidDigest", message)
