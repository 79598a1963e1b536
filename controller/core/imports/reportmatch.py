"""Which lines of a task the entries of its report name.

An entry may name product and picture, only one of them, or the picture with the folder that it lies in. One that names
no line, or more than one, means that the report is not understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from controller.core.imports.reportreader import Entry
from controller.core.manifest.lines import Line

_Name = tuple[str, str | None]  # product, empty where it is not named; picture


class Stray(NamedTuple):
    """An entry that names no line of ours, or several, in words."""

    words: str


def match(entries: Sequence[Entry], items: Iterable[tuple[int, Line]], path: str) -> dict[int, Entry] | Stray:
    """The entry of each line that is named, by the line's index."""
    wanted = _by_name(entries)
    found: dict[int, Entry] = {}
    taken: set[_Name] = set()
    wide: dict[str, int] = {}
    for index, line in items:
        if line.pic_name is None:
            wide[line.product_id] = index
        name = next((one for one in _names(line, path) if one in wanted), None)
        if name is None:
            continue
        if name in taken:
            return Stray(f"more than one line by {_words(name)}")
        taken.add(name)
        found[index] = wanted[name]
    for name in wanted:
        if name in taken:
            continue
        at = wide.get(name[0])  # a picture of a product that is deleted as a whole
        if at is None:
            return Stray(f"{_words(name)}, which is no line of the task")
        found[at] = _worse(found.get(at), wanted[name])
    return found


def _by_name(entries: Sequence[Entry]) -> dict[_Name, Entry]:
    wanted: dict[_Name, Entry] = {}
    for one in entries:
        name = one.product_id, one.pic_name
        wanted[name] = _worse(wanted.get(name), one)
    return wanted


def _names(line: Line, path: str) -> Iterator[_Name]:
    """Everything that a line may be named by, the surest first."""
    product, picture = line.product_id, line.pic_name
    yield product, picture
    if picture is not None:
        if path:
            yield product, path + picture
        yield product, None
        yield "", picture
        if path:
            yield "", path + picture


def _worse(one: Entry | None, other: Entry) -> Entry:
    """Of two words on one line the one that is no success."""
    return other if one is None or one.ok else one


def _words(name: _Name) -> str:
    product, picture = name
    return " ".join(
        filter(None, (f"product {product!r}" if product else "", f"picture {picture!r}" if picture else ""))
    )
