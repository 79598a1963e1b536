"""What has changed in the state since the last look, as documents to write.

One look happens between two handlers, so what it finds is consistent: it is written as one batch or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, reduce
from hashlib import blake2b
from operator import attrgetter, is_
from typing import Any, NamedTuple

from emulator.persistence.codec import Codec
from emulator.persistence.hints import TableField, frozen_item, is_flat, is_frozen, kept_fields, tables_of
from emulator.persistence.tables import At, Table, Watch

_NOTHING = object()
_to_json = partial(json.dumps, separators=(",", ":"))


class ListLook(NamedTuple):
    """The look of an entry that lists values which never change: each value, and its document.

    A bucket's older versions are such entries. Each put adds one; without the documents of the others, all of their
    contents would be digested again.
    """

    items: tuple[Any, ...]
    texts: tuple[str, ...]


@dataclass(slots=True)
class Batch:
    """Changes that belong together, each a line of JSON without its end, and the contents they refer to."""

    changes: list[str] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)


class Recorder:
    """Finds changes under one root.

    Args:
        root_type: A dataclass; whatever else is kept hangs below it.
    """

    def __init__(self, root_type: type) -> None:
        self.watch = Watch()
        self._root_type = root_type
        self._batch = Batch()
        self._adopting = False
        self._codec = Codec(self._put_blob, _unreadable)
        self._written_root: Any = _NOTHING
        self._looks: dict[Any, Callable[[Any], Any] | None] = {}

    def capture(self, root: Any) -> Batch:
        """The changes since the last call; everything at the first one.

        Raises:
            TypeError: The state holds something that cannot be kept.
        """
        batch = self._batch = Batch()
        self._written_root = self._entry(self._root_type, root, (), self._written_root)
        return batch

    def adopt(self, root: Any) -> None:
        """Take `root` as written already."""
        self._adopting = True
        self.capture(root)
        self._adopting = False

    def _put_blob(self, digest: str, content: bytes) -> None:
        self._batch.blobs[digest] = content

    def _entry(self, kind: Any, value: Any, at: At, written: Any) -> Any:
        """Write one entry's document if it has changed, and what has changed in its tables; its new look."""
        item = frozen_item(kind)
        if item is not None:
            return self._sequence(item, value, at, written)
        look = self._look(kind)
        text = "" if look else self._document(kind, value)
        seen = look(value) if look else blake2b(text.encode(), digest_size=16).digest()
        if not self._adopting and (written is _NOTHING or not _same(seen, written)):
            self._batch.changes.append(f'{{"at":{_to_json(at)},"to":{text or self._document(kind, value)}}}')
        for table in tables_of(kind):
            self._table(table, value, at, is_known=written is not _NOTHING)
        return seen

    def _sequence(self, item: Any, value: list[Any], at: At, written: Any) -> ListLook:
        """The same for an entry that lists values which never change."""
        known = written if isinstance(written, ListLook) else ListLook((), ())
        if written is not _NOTHING and len(value) == len(known.items) and all(map(is_, value, known.items)):
            return known
        texts = {id(one): text for one, text in zip(known.items, known.texts, strict=True)}
        made = ListLook(tuple(value), tuple([texts.get(id(one)) or self._document(item, one) for one in value]))
        if not self._adopting:
            self._batch.changes.append(f'{{"at":{_to_json(at)},"to":[{",".join(made.texts)}]}}')
        return made

    def _table(self, declared: TableField, owner: Any, at: At, *, is_known: bool) -> None:
        place = (*at, declared.name)
        holder = reduce(getattr, declared.attributes[:-1], owner)
        table = getattr(holder, declared.attributes[-1])
        if not (is_known and isinstance(table, Table) and table.belongs(place, self.watch)):
            if is_known:
                self._batch.changes.append(f'{{"at":{_to_json(place)},"to":null}}')
            table = Table(dict(table), place, self.watch)
            setattr(holder, declared.attributes[-1], table)
        self._entries(table, declared.entry)
        table.settle()

    def _entries(self, table: Table, kind: Any) -> None:
        """Deal with the entries that may have changed, in the table's own order where that matters: new ones."""
        keys = list(table.taken)
        if table.all_taken:
            keys = [*(key for key in table.written if key not in table), *table]
        for key in keys:
            at = (*table.at, key)
            if key in table.gone or key not in table:
                if table.written.pop(key, _NOTHING) is not _NOTHING:
                    self._batch.changes.append(f'{{"at":{_to_json(at)},"to":null}}')
                if key not in table:
                    continue
            value = dict.__getitem__(table, key)
            table.written[key] = self._entry(kind, value, at, table.written.get(key, _NOTHING))

    def _document(self, kind: Any, value: Any) -> str:
        return _to_json(self._codec.encode(kind, value))

    def _look(self, kind: Any) -> Callable[[Any], Any] | None:
        """How to tell one content of an entry from another; None for an entry whose document must be compared."""
        if kind not in self._looks:
            look: Callable[[Any], Any] | None = None
            if is_frozen(kind):
                look = _itself
            elif is_flat(kind) and len(kept_fields(kind)) > 1:
                look = attrgetter(*kept_fields(kind))
            self._looks[kind] = look
        return self._looks[kind]


def _same(seen: Any, written: Any) -> bool:
    return seen is written or (isinstance(seen, tuple | bytes) and seen == written)


def _itself(value: Any) -> Any:
    return value


def _unreadable(digest: str) -> bytes:
    raise LookupError(f"a recorder reads no blobs, and was asked for {digest}")
