"""Pages of an ordered list: NextToken is where to go on, lexicographically, and is empty when nothing remains."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from emulator.imm import params, refusals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.call import Call

DEFAULT_PAGE = 100
MAX_PAGE = 200


def page(call: Call, names: list[str], largest: int = MAX_PAGE) -> tuple[list[str], str]:
    """The part of sorted `names` after the call's NextToken, at most MaxResults of them, and the next token.

    MaxResults of 0 or none means 100 (vendor: every List operation's MaxResults).
    """
    size = params.integer(call, "MaxResults", 0, largest) or DEFAULT_PAGE
    begin = bisect_right(names, call.params.get("NextToken", ""))
    chosen = names[begin : begin + size]
    return chosen, chosen[-1] if begin + size < len(names) else ""


def page_by(call: Call, keys: Iterable[str], largest: int) -> tuple[list[str], str]:
    """The same over keys in the call's Order: ASC (the default) or DES, DESC; NextToken is the last key shown."""
    order = call.params.get("Order", "").upper() or "ASC"
    if order not in {"ASC", "DES", "DESC"}:
        raise refusals.malformed("Order")
    size = params.integer(call, "MaxResults", 0, largest) or min(DEFAULT_PAGE, largest)
    after = call.params.get("NextToken", "")
    if order == "ASC":
        rest = sorted(key for key in keys if key > after)
    else:
        rest = sorted((key for key in keys if not after or key < after), reverse=True)
    return rest[:size], rest[size - 1] if len(rest) > size else ""
