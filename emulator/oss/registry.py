"""OSS's table of operations, filled by the modules of this folder."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from emulator.call import Call, Handler, Operations, Provenance, Reply
from emulator.oss.digest import check_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.state import Cloud

OPERATIONS = Operations("oss")


def serves(name: str, *params: str, provenance: Provenance = "sdk") -> Callable[[Handler], Handler]:
    """Register a handler, as `Operations.serves` does, for bodies that have the digest their request says.

    Answers are shaped as the official SDKs read them; an operation whose rules were read in its reference says so.
    """

    def register(handler: Handler) -> Handler:
        @wraps(handler)
        def checked(cloud: Cloud, call: Call) -> Reply:
            check_digest(call)
            return handler(cloud, call)

        OPERATIONS.serves(name, *params, provenance=provenance)(checked)
        return handler

    return register
