"""A folder of this machine as a bucket's folder, for the operator's own readers: nothing of it is ever written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from controller.cloud.errors import Conflict, Denied
from controller.cloud.ports import ObjectPage, ObjectRange, OssReads
from controller.core.facts import BucketFacts, ObjectFacts
from controller.reconcile.imports.pictures import OssPictures

READ = "open"


class LocalFolder:
    """What `controller.cloud.ports.OssReads` says, of files.

    Args:
        root: The folder.
        path: What its files' keys begin with: empty, or with a / at its end.
        named: Files by keys of their own, wherever they lie.
        hidden: Files that are not listed, as they are written here.
    """

    def __init__(
        self, root: Path, path: str = "", *, named: Mapping[str, Path] | None = None, hidden: Iterable[Path] = ()
    ) -> None:
        self._root = root.resolve()
        self._path = path
        self._named = named or {}
        self._hidden = {one.parent.resolve() / one.name for one in hidden}
        self._listing: tuple[str | None, Iterator[ObjectFacts]] = None, iter(())

    def get_bucket(self, bucket: str) -> BucketFacts | None:
        """It is there, and in no region."""
        return BucketFacts(bucket, region="")

    def get_range(
        self,
        bucket: str,  # noqa: ARG002 - as `OssReads` has it
        key: str,
        first: int,
        count: int,
        *,
        etag: str | None = None,
    ) -> ObjectRange | None:
        """A part of a file, None without it; its version is its time, size and place.

        Raises:
            Conflict: it is another version.
            Denied: it may not be read.
        """
        path = self._named.get(key) or self._root / key.removeprefix(self._path)
        try:
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # of a pipe nobody may write to, it does not wait
        except PermissionError as error:
            raise Denied(READ, f"{path} may not be read") from error
        except (OSError, ValueError):  # there is none, or there can be none of that name
            return None
        try:
            facts = os.fstat(file)
            if not stat.S_ISREG(facts.st_mode):
                return None
            version = f"{facts.st_mtime_ns}-{facts.st_size}-{facts.st_ino}"
            if etag is not None and etag != version:
                raise Conflict(READ, f"{path} was changed while it was read: start again")
            return ObjectRange(os.pread(file, count, first), facts.st_size, version)
        except OSError as error:
            raise Denied(READ, f"{path} cannot be read: {error.strerror}") from error
        finally:
            os.close(file)

    def list_objects(
        self,
        bucket: str,  # noqa: ARG002 - likewise
        prefix: str,
        *,
        after: str | None = None,
        most: int = 1000,
    ) -> ObjectPage:
        """A page of the files below the folder, in the order of their keys. Links to folders are not followed.

        Raises:
            Denied: a folder may not be read.
        """
        if after is None or self._listing[0] != after:
            files = (one for one in self._files(self._root, self._path) if one.key.startswith(prefix))
            self._listing = after, (one for one in files if after is None or one.key > after)
        objects = tuple(islice(self._listing[1], most))
        more = objects[-1].key if len(objects) == most else None
        self._listing = more, self._listing[1]
        return ObjectPage(objects, more)

    def _files(self, folder: Path, path: str) -> Iterator[ObjectFacts]:
        try:
            with os.scandir(folder) as entries:
                found = sorted((f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name) for one in entries)
        except OSError as error:
            raise Denied(READ, f"{folder} cannot be read: {error.strerror}") from error
        for name in found:
            here = folder / name
            if name.endswith("/"):
                yield from self._files(here, path + name)
            elif here not in self._hidden and here.is_file():
                yield ObjectFacts(path + name, 0, "")  # of no use to anybody, and gone by the next moment maybe


@dataclass(frozen=True, slots=True)
class LocalPictures(OssPictures):
    """Pictures in a folder of this machine; a name that OSS would not take is refused all the same."""

    root: Path

    def address(self, name: str) -> str:
        """The file."""
        return str(self.root / name)


class Metered:
    """Knows how far one object was read, for whoever shows progress. Everything is passed on as it is.

    Attributes:
        read: Bytes from the begin of the object to the end of what was read last.
        size: Bytes of the object.
        rows: Objects that were listed.
    """

    def __init__(self, oss: OssReads, key: str) -> None:
        self.read = self.size = self.rows = 0
        self.get_bucket: Callable[[str], BucketFacts | None] = oss.get_bucket
        self._oss = oss
        self._key = key

    def get_range(
        self, bucket: str, key: str, first: int, count: int, *, etag: str | None = None
    ) -> ObjectRange | None:
        """See `OssReads`."""
        got = self._oss.get_range(bucket, key, first, count, etag=etag)
        if got is not None and key == self._key:
            self.read, self.size = first + len(got.data), got.size
        return got

    def list_objects(self, bucket: str, prefix: str, *, after: str | None = None, most: int = 1000) -> ObjectPage:
        """See `OssReads`."""
        page = self._oss.list_objects(bucket, prefix, after=after, most=most)
        self.rows += len(page.objects)
        return page
