"""Content-MD5 of MNS: the digest of a request's body, in either of the two forms that clients send.

RFC 1864 has base64 of the sixteen bytes. The vendor's Python SDK sends base64 of their hexadecimal text, and is let in.
"""

from __future__ import annotations

import base64
from hashlib import md5
from typing import TYPE_CHECKING

from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.switches import Switches


def check_body(switches: Switches, call: Call) -> Refusal | None:
    """The refusal of a body that has not the digest that the request says; None where it says none."""
    claimed = call.headers.get("content-md5")
    code = switches.mns_wrong_digest
    if not claimed or code == "accepted":
        return None
    digest = md5(call.body, usedforsecurity=False)
    forms = (digest.digest(), digest.hexdigest().encode(), digest.hexdigest().upper().encode())
    if claimed in {base64.b64encode(form).decode() for form in forms}:
        return None
    return Refusal(400, code, "The Content-MD5 you specified is invalid.")
