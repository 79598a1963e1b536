"""Files that a command writes. A manifest is there as a whole, or not at all: it is made beside its place first."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from controller.cli.access import Unusable, plain


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write these files, and the folders that they need.

    Raises:
        Unusable: one cannot be written.
    """
    for place, text in texts.items():
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise Unusable(f"{plain(str(error.filename or place))} cannot be written: {error.strerror}") from error


class OutputFile:
    """What is written into it appears with `publish`; without that there is no trace of it.

    Args:
        place: Where it goes; None is standard output.
        force: Whether a file that is there may be replaced.

    Attributes:
        path: Of the file that is being written; None where it has no name.

    Raises:
        Unusable: it cannot be written there, or something is there.
    """

    def __init__(self, place: Path | None, *, force: bool) -> None:
        self.path: Path | None = None
        self._place = place
        self._force = force
        if place is None:
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it is open until the block ends
            return
        if place.is_dir():
            raise Unusable(f"{plain(str(place))} is a folder: name a file in it")
        if place.exists() and not force:
            raise Unusable(self._there())
        try:
            handle, name = tempfile.mkstemp(prefix=f".{place.name[:64]}.", suffix=".tmp", dir=place.parent)
        except OSError as error:
            raise Unusable(f"{plain(str(place))} cannot be written: {error.strerror}") from error
        self.path = Path(name)
        self._file = os.fdopen(handle, "wb")

    def __enter__(self) -> Self:
        """Write."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind but what was published."""
        try:
            self._file.close()
        finally:
            if self.path is not None:
                self.path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Write some more.

        Raises:
            Unusable: there is no room for it.
        """
        try:
            self._file.write(data)
        except OSError as error:
            raise Unusable(f"the manifest cannot be written: {error.strerror}") from error

    def publish(self) -> None:
        """Put it where it belongs.

        Raises:
            Unusable: another one was put there meanwhile, or it cannot be done.
        """
        if self._place is None or self.path is None:
            self._file.seek(0)
            shutil.copyfileobj(self._file, sys.stdout.buffer)
            sys.stdout.flush()
            return
        try:
            self._file.flush()
            os.fchmod(self._file.fileno(), 0o666 & ~_umask())
            os.fsync(self._file.fileno())
            self._move(self.path, self._place)
        except FileExistsError as error:
            raise Unusable(self._there()) from error
        except OSError as error:
            raise Unusable(f"{plain(str(self._place))} cannot be written: {error.strerror}") from error

    def _move(self, made: Path, place: Path) -> None:
        if self._force:
            made.replace(place)
            return
        try:
            place.hardlink_to(made)  # which overwrites nothing, whoever came first
        except FileExistsError:
            raise
        except OSError:  # a file system without such links
            if place.exists():
                raise FileExistsError from None
            made.rename(place)

    def _there(self) -> str:
        return f"{plain(str(self._place))} is there already: name another file, or add --force to replace it"


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
