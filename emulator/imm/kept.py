"""URIs of files, and what of an entry an answer shows (`WithFields`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.imm import params, refusals
from emulator.imm.fields import FILE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from emulator.call import Call
    from emulator.imm.state import IndexedFile

# The vendor's struct InputFile; whether a drive's names have rules of their own is not said there.
OBJECT_URI = re.compile(r"oss://[a-z0-9][a-z0-9-]{1,61}[a-z0-9]/.+", re.DOTALL)
DRIVE_URI = re.compile(r"pds://domains/[^/]+/drives/[^/]+/files/[^/]+/revisions/[^/]+")


def is_of_a_drive(uri: str) -> bool:
    """Whether it names a file of Drive and Photo Service."""
    return DRIVE_URI.fullmatch(uri) is not None


def check_object_uri(uri: str) -> None:
    """Refuse with InvalidArgument what is no `oss://bucket/key`."""
    if OBJECT_URI.fullmatch(uri) is None:
        raise refusals.invalid_argument(f"The URI {uri} is not valid: it must be oss://bucket/object.")


def check_file_uri(uri: str) -> None:
    """Refuse with InvalidArgument what names neither an object nor a file of Drive and Photo Service."""
    if uri.startswith("pds://") and not is_of_a_drive(uri):
        form = "pds://domains/domain/drives/drive/files/file/revisions/revision"
        raise refusals.invalid_argument(f"The URI {uri} is not valid: it must be {form}.")
    if not is_of_a_drive(uri):
        check_object_uri(uri)


def content_of(file: Mapping[str, object]) -> tuple[str, str]:
    """Bucket and key of what a file (`InputFile` or `File`) is read from; both empty if that lies in no bucket.

    This cloud holds no drives: of a file of one, only what OSSURI names can be read.
    """
    uri = str(file["URI"])
    bucket, _, key = (
        str((file.get("OSSURI") or "") if is_of_a_drive(uri) else uri).removeprefix("oss://").partition("/")
    )
    return bucket, key


def wanted_fields(call: Call) -> frozenset[str]:
    """The call's WithFields; empty means all.

    Raises:
        Refusal: InvalidArgument for a name that is no field of `File`.
    """
    wanted = params.texts(call, "WithFields") or []
    unknown = sorted(set(wanted) - FILE_FIELDS.keys())
    if unknown:
        raise refusals.invalid_argument(f"WithFields names {unknown[0]}, which is not a field of File.")
    return frozenset(wanted)


def shown_files(held: Iterable[IndexedFile], wanted: frozenset[str]) -> list[dict[str, object]]:
    """Entries as an answer shows them, for reading only."""
    if not wanted:
        return [item.meta for item in held]
    return [{name: value for name, value in item.meta.items() if name in wanted} for item in held]
