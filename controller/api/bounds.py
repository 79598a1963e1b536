"""Texts and lists of a status that keep to their bounds by themselves, whatever the cloud says.

A status that its own schema refuses could never be written: the object would be stuck, and nobody could say why. So
what is too long is cut where it is read into a model. A bound counts bytes as the API server stores them, where `<`
takes six and a character beyond Latin up to four; in characters, as the schema counts, a text is then never longer.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

MORE = "…"
# Go writes these escaped into JSON: how many bytes more than in UTF-8.
ESCAPED = {**{chr(code): 5 for code in range(32)}, **dict.fromkeys("<>&", 5), "\u2028": 3, "\u2029": 3}
ESCAPED |= dict.fromkeys('"\\\n\r\t', 1)
SPECIAL = re.compile(f"[{re.escape(''.join(ESCAPED))}]")


def cut(text: str, limit: int, more: str = MORE) -> str:
    """As much of a text as takes at most `limit` bytes, whole characters, with `more` where something is missing.

    Half a surrogate pair, which no JSON can carry, becomes a question mark.
    """
    if len(text) <= limit and text.isascii() and not SPECIAL.search(text):
        return text
    text = text.encode("utf-8", "replace").decode()
    used, room, end = 0, limit - sum(map(_size, more)), 0
    for index, character in enumerate(text, 1):
        used += _size(character)
        if used > limit:
            return text[:end] + more
        if used <= room:
            end = index
    return text


def _size(character: str) -> int:
    return len(character.encode()) + ESCAPED.get(character, 0)


def at_most(limit: int) -> BeforeValidator:
    """Cut a text, or a list to its first entries; the field's own `max_length` says the same to the API server."""

    def shorten(value: Any) -> Any:
        match value:
            case str():
                return cut(value, limit)
            case list() | tuple():
                return value[:limit]
            case _:
                return value

    return BeforeValidator(shorten)


Word = Annotated[str, Field(max_length=64), at_most(64)]
Name = Annotated[str, Field(max_length=128), at_most(128)]
Value = Annotated[str, Field(max_length=256), at_most(256)]
Line = Annotated[str, Field(max_length=512), at_most(512)]
Words = Annotated[str, Field(max_length=1024), at_most(1024)]
