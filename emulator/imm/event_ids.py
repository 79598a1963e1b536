"""Event, task and batch ids in the vendor's shapes, repeatable from the request they come from."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from emulator.call import Call

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def event_id(call: Call) -> str:
    """The id of the event that a call causes."""
    return event_id_of(f"{call.account}/{call.request_id}")


def event_id_of(seed_text: str) -> str:
    """An event id: `16C-` and 22 letters or digits."""
    seed = int.from_bytes(sha256(seed_text.encode()).digest(), "big")
    text = ""
    for _ in range(22):
        seed, digit = divmod(seed, 62)
        text += BASE62[digit]
    return f"{seed % 4096:03X}-{text}"


def prefixed_uuid(prefix: str, seed: str) -> str:
    """`batch-4eb9223f-…`, `FileMetaIndex-db7faf5a-…`."""
    return f"{prefix}-{UUID(bytes=sha256(seed.encode()).digest()[:16])}"
