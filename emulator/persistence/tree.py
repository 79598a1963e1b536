"""Documents by their place, while a file of changes is read: the last word on each, in the order of the first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from emulator.persistence.codec import Codec
from emulator.persistence.hints import tables_of


@dataclass(slots=True)
class Node:
    """A document with the tables under it: table name → key → node."""

    document: Any = None
    tables: dict[str, dict[str | int, Node]] = field(default_factory=dict)


def fold(root: Node, changes: Iterable[dict[str, Any]]) -> None:
    """Apply changes. A place is table, key, table, key …; one that ends in a table means the whole table."""
    for change in changes:
        place, document = change["at"], change["to"]
        pairs = len(place) // 2
        node = root
        for depth in range(pairs - (len(place) % 2 == 0)):
            node = node.tables.setdefault(place[2 * depth], {}).setdefault(place[2 * depth + 1], Node())
        if len(place) % 2:
            node.tables.pop(place[-1], None)
        elif not place:
            root.document = document
        elif document is None:
            node.tables.get(place[-2], {}).pop(place[-1], None)
        else:
            node.tables.setdefault(place[-2], {}).setdefault(place[-1], Node()).document = document


def changes_of(node: Node, place: tuple[str | int, ...] = ()) -> Iterator[str]:
    """The changes that make such a tree from nothing, as JSON."""
    if node.document is not None:
        yield json.dumps({"at": place, "to": node.document}, separators=(",", ":"))
    for table, entries in node.tables.items():
        for key, entry in entries.items():
            yield from changes_of(entry, (*place, table, key))


def build(codec: Codec, kind: Any, node: Node) -> Any:
    """The value of a tree.

    Raises:
        UnreadableDocumentError: A document does not fit its type.
    """
    declared = {table.name: table.entry for table in tables_of(kind)}
    tables = {
        name: {key: build(codec, entry, node.tables[name][key]) for key in node.tables[name]}
        for name, entry in declared.items()
        if name in node.tables
    }
    return codec.decode(kind, node.document, tables)


def blobs_of(node: Node) -> Iterator[str]:
    """Digests that the documents may refer to. A caller's own `blob` field is taken for one: it does no harm."""
    waiting: list[Any] = [node]
    while waiting:
        value = waiting.pop()
        match value:
            case Node():
                waiting.append(value.document)
                waiting.extend(entry for table in value.tables.values() for entry in table.values())
            case {"blob": str(digest)}:
                yield digest
                waiting.extend(value.values())
            case dict():
                waiting.extend(value.values())
            case list():
                waiting.extend(value)
            case _:
                pass
