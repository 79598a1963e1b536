"""The file of changes: one line per batch with its checksum, after a line that says what file this is.

A batch counts when its line is whole. What a crash left of a line at the end is cut off: nobody was told that it was
saved. A broken line with whole ones after it is damage, and is never skipped silently.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

from emulator.persistence.capture import Batch
from emulator.persistence.failures import CannotOpenError
from emulator.persistence.tree import Node, changes_of, fold

FORMAT = 1
NAME = "changes.jsonl"
_KIND = "imm-operator emulator state"


class Records:
    """An open file of changes. For one thread at a time.

    Raises:
        CannotOpenError: It is of another format, or damaged.
        OSError: It cannot be read or written.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        if not self.path.exists():
            _replace(self.path, [])
        self._root, whole = _read(self.path)
        self._file = self.path.open("r+b", buffering=0)
        self._file.truncate(whole)
        self.size = whole
        _sync(self._file.fileno())

    def take(self) -> Node:
        """What the file held when it was opened, once."""
        root, self._root = self._root, Node()
        return root

    def append(self, batches: Iterable[Batch]) -> None:
        """Add batches and return when they are on disk; after an OSError nothing of them counts."""
        data = b"".join(_line(batch.changes) for batch in batches)
        try:
            self._file.truncate(self.size)
            self._file.seek(self.size)
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
            _sync(self._file.fileno())
        except OSError:
            self._cut()
            raise
        self.size += len(data)

    def compact(self) -> Node:
        """Write the file anew with each document once, as one step; what it holds now."""
        root, _ = _read(self.path)
        _replace(self.path, changes_of(root))
        self._file.close()
        self._file = self.path.open("r+b", buffering=0)
        self.size = self.path.stat().st_size
        return root

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _cut(self) -> None:
        try:
            self._file.truncate(self.size)
        except OSError:
            return  # the next append cuts first, and a start cuts what is not whole


def sync_directory(path: Path) -> None:
    """Make new and renamed files of a directory durable."""
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _sync(number: int) -> None:
    os.fdatasync(number)


def _line(changes: list[str]) -> bytes:
    text = f'{{"changes":[{",".join(changes)}]}}'.encode()
    return b"%08x %b\n" % (crc32(text), text)


def _replace(path: Path, changes: Iterable[str]) -> None:
    """Put a file with these changes, one per line, in the place of `path`."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        header = json.dumps({"kind": _KIND, "format": FORMAT}).encode()
        file.write(b"%08x %b\n" % (crc32(header), header))
        for change in changes:
            file.write(_line([change]))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_directory(path.parent)


def _read(path: Path) -> tuple[Node, int]:
    """The documents, and how many bytes of the file are whole."""
    with path.open("rb") as file:
        header = file.readline()
        _check_header(path, header)
        root, whole, broken = Node(), len(header), False
        for line in file:
            batch = _parse(line)
            if batch is None:
                broken = True
            elif broken:
                raise CannotOpenError(
                    f"{path} is damaged after byte {whole}: a broken line with whole ones after it. Restore the "
                    "directory from a copy, or cut the file there to go on with what was saved before."
                )
            else:
                fold(root, batch["changes"])
                whole += len(line)
    return root, whole


def _check_header(path: Path, line: bytes) -> None:
    header = _parse(line)
    if header is None or header.get("kind") != _KIND:
        raise CannotOpenError(f"{path} is not a file of this emulator: choose another directory")
    if header.get("format") != FORMAT:
        raise CannotOpenError(
            f"{path.parent} has format {header.get('format')}, and this release reads format {FORMAT}: "
            "start the release that wrote it, or choose another directory"
        )


def _parse(line: bytes) -> Any:
    """The line's document; None if it is not whole."""
    checksum, _, text = line.partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % crc32(text[:-1]):
        return None
    return json.loads(text)


def lines_of(path: Path) -> Iterator[Any]:
    """Every whole line's document, the first one included; for tests and for people with a question."""
    with path.open("rb") as file:
        for line in file:
            document = _parse(line)
            if document is not None:
                yield document
