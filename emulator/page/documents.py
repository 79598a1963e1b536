"""What the parts of the page share: reading a request's query, and the outcome "there is no such thing"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Missing(Exception):
    """What the page asked about is not there, or not any more; answered with 404."""


def required(query: Mapping[str, str], name: str) -> str:
    """A value of the query.

    Raises:
        ValueError: It is absent or empty.
    """
    value = query.get(name, "")
    if not value:
        raise ValueError(f"the query needs {name}")
    return value


def whole(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A whole number of the query, at most `most`.

    Raises:
        ValueError: It is something else.
    """
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 15):  # noqa: PLR2004 - far above every count
        raise ValueError(f"{name} takes a whole number, not {text[:50]!r}")
    return min(int(text), most)
