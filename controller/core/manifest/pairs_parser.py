"""One line of a manifest as anybody may have written it: every field that stands in it, those too that are there twice.

Other parsers keep the last of two fields of one name and say nothing. This one is slow, so it sees only the lines that
`controller.core.manifest.quick` does not know to be good.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from controller.core.imports.items import Finding
from controller.core.imports.lines import BYTE_ORDER_MARK, LONGEST
from controller.core.imports.rules import shown
from controller.core.manifest import rules
from controller.core.manifest.judging import Judged, judge
from controller.core.manifest.values import Odd

SPACE = " \t\r"  # of JSON, but for the line break
SHOWN_REST = 32  # characters from where a line is no JSON any more
DIGITS = 20  # of a number that may fit into 64 bits, with its sign


def check_line(raw: bytes, where: str) -> Judged:
    """A line without its line break: what it is, or everything that is wrong with it."""
    if len(raw) > LONGEST:
        return Judged(None, (rules.TOO_LONG.broken(where),))
    before: list[Finding] = []
    if raw.startswith(BYTE_ORDER_MARK):
        before.append(rules.BYTE_ORDER_MARK.broken(where))
        raw = raw.removeprefix(BYTE_ORDER_MARK)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before.append(rules.NOT_UTF_8.broken(where, detail=f"from byte {error.start + 1}"))
        text = raw.decode(errors="replace")
    line, found = _check_text(text, where)
    return Judged(None if before else line, (*before, *found))


def _check_text(text: str, where: str) -> Judged:
    text = text.rstrip(SPACE)
    begin = len(text) - len(text.lstrip(SPACE))
    if not text:
        return Judged(None, (rules.BLANK.broken(where),))
    before: tuple[Finding, ...] = ()
    try:
        try:
            value, end = _strict.raw_decode(text, begin)
        except json.JSONDecodeError:
            value, end = _lax.raw_decode(text, begin)
            before = (rules.RAW_CONTROL.broken(where),)
    except json.JSONDecodeError as error:
        return Judged(None, (_no_json(text, error.pos, where),))
    except RecursionError:
        return Judged(None, (rules.TOO_DEEP.broken(where),))
    line, found = _check_value(text, value, end, where)
    return Judged(None if before else line, (*before, *found))


def _check_value(text: str, value: Any, end: int, where: str) -> Judged:
    """A value that ends at character `end` of the line."""
    rest = text[end:].lstrip(SPACE)
    if rest.lstrip(SPACE + ",").startswith(("{", "[")):
        return Judged(None, (rules.SEVERAL.broken(where),))
    if rest:
        return Judged(None, (_no_json(text, len(text) - len(rest), where),))
    match value:
        case tuple():
            return judge(where, value)
        case list():
            return Judged(None, (rules.ARRAY.broken(where),))
    return Judged(None, (rules.SCALAR.broken(where, value=shown(text)),))


def _no_json(text: str, position: int, where: str) -> Finding:
    rest = shown(text[position : position + SHOWN_REST])
    return rules.NOT_JSON.broken(where, value=rest, detail=f"from character {position + 1} on")


def _integer(text: str) -> int | Odd:
    return int(text) if len(text) <= DIGITS else Odd(text, rules.INTEGER_RANGE)


_decoder = partial(
    json.JSONDecoder,
    object_pairs_hook=tuple,  # an array stays a list
    parse_int=_integer,
    parse_float=lambda text: Odd(text, rules.INTEGER),
    parse_constant=lambda text: Odd(text, rules.NO_NUMBER),
)
_strict, _lax = _decoder(strict=True), _decoder(strict=False)  # the second takes control characters as they are
