"""Wildcards of policies: `*` is any text, the empty one and slashes and colons included, `?` any one character."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_RUN = re.compile(r"\*{2,}")
_SIGNS = {"*": ".*", "?": "."}


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern stands for the text; case counts."""
    return _compiled(pattern).fullmatch(text) is not None


def any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression whose `fullmatch` finds what any of the patterns stands for."""
    return re.compile("|".join(f"(?:{_translated(pattern)})" for pattern in patterns), re.DOTALL)


@lru_cache(maxsize=2048)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_translated(pattern), re.DOTALL)


def _translated(pattern: str) -> str:
    return "".join(_SIGNS.get(sign) or re.escape(sign) for sign in _RUN.sub("*", pattern))
