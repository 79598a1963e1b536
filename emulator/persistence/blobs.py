"""Contents by digest, one file each. A file under its final name is whole and durable."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path

from emulator.persistence.failures import CannotOpenError
from emulator.persistence.records import sync_directory


class Blobs:
    """The contents of one directory. For one thread at a time.

    Attributes:
        held: Bytes of all of them.
        added: Bytes written since the last `keep`, which took out what nothing named any more.

    Raises:
        OSError: The directory cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(exist_ok=True)
        for rest in directory.glob("*.new"):
            rest.unlink()  # of a crash
        self._known = {path.name: path.stat().st_size for path in directory.iterdir()}
        self.held = sum(self._known.values())
        self.added = 0

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Store what is not there yet; on return it survives a crash."""
        missing = {digest: content for digest, content in contents.items() if digest not in self._known}
        if not missing:
            return
        for digest, content in missing.items():
            _write(self._directory / digest, content)
        sync_directory(self._directory)
        sizes = {digest: len(content) for digest, content in missing.items()}
        self._known |= sizes
        self.held += sum(sizes.values())
        self.added += sum(sizes.values())

    def read(self, digest: str) -> bytes:
        """A content by its digest.

        Raises:
            CannotOpenError: It is missing or damaged.
        """
        path = self._directory / digest
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CannotOpenError(f"{path} cannot be read ({error.strerror}): restore the directory") from error
        if sha256(content).hexdigest() != digest:
            raise CannotOpenError(f"{path} is damaged: its content does not have its digest; restore the directory")
        return content

    def keep(self, digests: Collection[str]) -> None:
        """Remove what none of `digests` names."""
        for digest in self._known.keys() - set(digests):
            (self._directory / digest).unlink(missing_ok=True)
            self.held -= self._known.pop(digest)
        self.added = 0


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
