"""A directory that holds one emulator's state, changed before answers leave.

Each answer waits until every change made before it is on disk, its own and those it may have seen of others. Requests
that come while the disk is busy are written together, so many callers share one fsync.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO

from emulator.persistence.blobs import Blobs
from emulator.persistence.capture import Batch, Recorder
from emulator.persistence.codec import Codec, UnreadableDocumentError
from emulator.persistence.failures import CannotOpenError, NotSavedError
from emulator.persistence.records import Records
from emulator.persistence.tables import Watch
from emulator.persistence.tree import Node, blobs_of, build

log = logging.getLogger(__name__)

COMPACT_AT_START = 1024**2  # bytes of changes
COMPACT_FROM = 64 * 1024**2  # bytes of changes; below, superseded ones are cheaper to keep than to remove
COMPACT_GROWTH = 4  # times the size after the last time
SWEEP_FROM = 64 * 1024**2  # bytes of contents written; below, superseded ones are left for later


class Store:
    """One open directory.

    Args:
        directory: Made if it is missing.
        root_type: The dataclass that holds everything to keep.

    Raises:
        CannotOpenError: It is in use, cannot be written, has another format or is damaged.
    """

    def __init__(self, directory: Path, root_type: type) -> None:
        self.directory = directory
        self._root_type = root_type
        self._recorder = Recorder(root_type)
        self._lock = _lock(directory)
        try:
            self._blobs = Blobs(directory / "blobs")
            self._records = Records(directory)
        except (OSError, CannotOpenError) as error:
            self._lock.close()
            raise error if isinstance(error, CannotOpenError) else _unusable(directory, error) from error
        self._compact_at = max(COMPACT_FROM, COMPACT_GROWTH * self._records.size)
        self._sweep_at = max(SWEEP_FROM, self._blobs.held)
        self._root: Callable[[], Any] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._pending: list[Batch] = []
        self._captured = 0  # batches found
        self._saved = 0  # batches on disk
        self._writing: asyncio.Task[None] | None = None
        self._bug = ""

    @property
    def watch(self) -> Watch:
        """Pause it while something runs that only reads."""
        return self._recorder.watch

    def load(self) -> Any | None:
        """What the directory holds, or None if it is new.

        Raises:
            CannotOpenError: It does not fit this release, or is damaged.
        """
        tree = self._records.take()
        if self._records.size > COMPACT_AT_START:
            self._compact()
        if tree.document is None:
            self._blobs.keep(())
            return None
        self._sweep(tree)
        codec = Codec(_no_blob, self._blobs.read)
        try:
            return build(codec, self._root_type, tree)
        except (UnreadableDocumentError, KeyError, TypeError, ValueError) as error:
            raise CannotOpenError(
                f"{self.directory} cannot be read by this release ({error}): start the release that wrote it, "
                "or choose another directory"
            ) from error

    def follow(self, root: Callable[[], Any], *, loaded: bool) -> None:
        """Keep what `root` returns from now on; `loaded`: it is what the directory holds."""
        self._root = root
        if loaded:
            self._recorder.adopt(root())

    async def saved(self) -> None:
        """Return when every change made so far is on disk.

        Raises:
            NotSavedError: It is not; a later call tries again.
        """
        self._capture()
        wanted = self._captured
        while self._saved < wanted:
            if self._writing is None:
                self._writing = asyncio.create_task(self._write())
            try:
                await asyncio.shield(self._writing)
            except OSError as error:
                raise NotSavedError(
                    f"the emulator could not save this change in {self.directory}: {error.strerror or error}. "
                    "It is in effect, and lost if the emulator ends before it can save again."
                ) from error

    async def close(self) -> None:
        """Save what is left and let others use the directory."""
        try:
            await self.saved()
        except NotSavedError as error:
            log.error("the last changes are lost: %s", error)  # noqa: TRY400 - the message says it all
        finally:
            self.release()

    def release(self) -> None:
        """Let others use the directory, without saving anything more."""
        self._thread.shutdown()
        self._records.close()
        self._lock.close()

    def _capture(self) -> None:
        if self._root is None:
            return
        if self._bug:
            raise NotSavedError(self._bug)
        try:
            batch = self._recorder.capture(self._root())
        except Exception as error:
            self._bug = f"the emulator has a bug and saves nothing any more: {error}; restart it"
            raise NotSavedError(self._bug) from error
        if batch.changes:
            self._pending.append(batch)
            self._captured += 1

    async def _write(self) -> None:
        """Write every batch that waits, as one; they wait on if that fails."""
        batches, self._pending = self._pending, []
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write_now, batches)
            self._saved += len(batches)
        except BaseException:
            self._pending = batches + self._pending
            raise
        finally:
            self._writing = None

    def _write_now(self, batches: list[Batch]) -> None:
        """Contents first: a document never refers to one that is not there."""
        for batch in batches:
            self._blobs.write(batch.blobs)
        self._records.append(batches)
        if self._records.size > self._compact_at or self._blobs.added > self._sweep_at:
            self._compact()

    def _compact(self) -> None:
        try:
            tree = self._records.compact()
        except OSError:
            log.exception("the changes could not be compacted; they are all there, and it is tried again")
            self._compact_at *= 2
            self._sweep_at *= 2
            return
        self._sweep(tree)
        self._compact_at = max(COMPACT_FROM, COMPACT_GROWTH * self._records.size)

    def _sweep(self, tree: Node) -> None:
        """Remove contents that nothing names any more; the next time when as much again has been written."""
        self._blobs.keep(set(blobs_of(tree)))
        self._sweep_at = max(SWEEP_FROM, self._blobs.held)


def _unusable(directory: Path, error: OSError) -> CannotOpenError:
    return CannotOpenError(f"the data directory {directory} cannot be used: {error.strerror or error}")


def _lock(directory: Path) -> TextIO:
    """Take the directory for this process, for as long as the file is open."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds secrets of keys
        file = (directory / "lock").open("a+")
    except OSError as error:
        raise _unusable(directory, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise CannotOpenError(
            f"{directory} is in use by another emulator (process {holder}): stop it, or choose another directory"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _no_blob(digest: str, content: bytes) -> None:
    raise LookupError(f"reading stores nothing, and was given {digest} of {len(content)} bytes")
