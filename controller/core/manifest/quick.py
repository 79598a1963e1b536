"""Many lines at once, where all of them are good: in C, but for what the types of a `Line` cannot say.

It never takes what `controller.core.manifest.pairs_parser` refuses. What would go unseen is a field that is there
twice, of which msgspec keeps the last, and a null, which it takes for nothing. So the lines are encoded again, and
their quotes counted: a key has two, a text has two and those within it, and encoding adds none, so what was dropped
shows. Only a quote that is written by its number would not count; lines with one are left to the other parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from controller.api.importsource import Operation
from controller.core.imports.lines import LONGEST
from controller.core.manifest.lines import Line, decode, encode
from controller.core.manifest.rules import FORBIDDEN, Rule, read_region
from controller.core.manifest.values import CONTROL, PIC_NAME

_SPACE = b" \t\r"
_PIC_NAMES = re.compile(rf"(?:{PIC_NAME}\n)*+")


def take(raws: Sequence[bytes]) -> list[Line] | None:
    """The lines, or None if any of them may be anything but good. None has a line break."""
    block = b"\n".join(raws)
    if len(block) > LONGEST and max(map(len, raws)) > LONGEST:
        return None
    if not _apart(block, len(raws)):
        raws = [raw.strip(_SPACE) for raw in raws]
        block = b"\n".join(raws)
        if not _apart(block, len(raws)):
            return None
    try:
        lines = decode(block)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if len(lines) != len(raws) or rb"\u0022" in block or block.count(b'"') != encode(lines).count(b'"'):
        return None
    if (b"\\" in block or b"\x7f" in block) and _has_control(lines):
        return None
    return lines if _is_complete(lines) and _keeps_rules(lines) else None


def _apart(block: bytes, count: int) -> bool:
    """Whether each line begins with { and ends with }.

    A line break within an object is then between two objects: there is none within a text, and objects hold no others.
    """
    return block.startswith(b"{") and block.endswith(b"}") and block.count(b"}\n{") == count - 1


def _has_control(lines: Sequence[Line]) -> bool:
    texts = (text for line in lines for text in (line.product_id, line.pic_name, line.str_attr) if text)
    return any(CONTROL.search(text) for text in texts)


def _is_complete(lines: Sequence[Line]) -> bool:
    """Whether nothing is missing of an ADD."""
    if None not in [line.pic_name for line in lines] and None not in [line.custom_content for line in lines]:
        return True
    return all(
        line.operation is Operation.DELETE or (line.pic_name is not None and line.custom_content is not None)
        for line in lines
    )


def _keeps_rules(lines: Sequence[Line]) -> bool:
    names = [line.pic_name for line in lines if line.pic_name is not None]
    if not _PIC_NAMES.fullmatch("\n".join([*names, ""])):
        return False
    attributes = "".join([line.str_attr for line in lines if line.str_attr])
    if any(character in attributes for character in FORBIDDEN):
        return False
    regions = {line.region for line in lines if line.region is not None}
    return not any(isinstance(read_region(region), Rule) for region in regions)
