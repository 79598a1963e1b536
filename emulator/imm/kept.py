"""URIs of files, and what of an entry an answer shows (`WithFields`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.imm import params, refusals
from emulator.imm.fields import FILE_FIELDS
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.state import IndexedFile

OBJECT_URI = re.compile(r"oss://([a-z0-9][a-z0-9-]{1,61}[a-z0-9])/(.+)", re.DOTALL)


def parse_file_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `oss://bucket/key`.

    Raises:
        Refusal: InvalidArgument; `NotImplemented.Emulator` for Drive and Photo Service, which is not served.
    """
    if uri.startswith("pds://"):
        raise Refusal(
            refusals.BAD_REQUEST,
            "NotImplemented.Emulator",
            f"{uri}: Drive and Photo Service is not served by the local cloud: index files in OSS.",
        )
    matched = OBJECT_URI.fullmatch(uri)
    if matched is None:
        raise refusals.invalid_argument(f"The URI {uri} is not valid: it must be oss://bucket/object.")
    return matched[1], matched[2]


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


def shown_file(held: IndexedFile, wanted: frozenset[str]) -> dict[str, object]:
    """An entry as an answer shows it, for reading only."""
    if not wanted:
        return held.meta
    return {name: value for name, value in held.meta.items() if name in wanted}
