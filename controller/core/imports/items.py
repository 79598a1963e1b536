"""One file of a run, as it is frozen in the work bucket: one JSON line, always the same bytes for the same item."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from controller.api.importsource import Operation

PART = 5000  # items in one object of the frozen content


class Item(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A file and what is done with it."""

    uri: str
    operation: Operation = Operation.ADD
    custom_id: str | None = None
    labels: dict[str, str] = {}
    file_hash: str | None = None
    oss_uri: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """Something wrong in a source: where, which field, its value, and the rule it breaks."""

    where: str  # `line 17`, `items[3]`, `photos/x.jpg`
    field: str
    value: str
    rule: str

    def __str__(self) -> str:
        """For people. A value that is not there is not shown, nor `line` where nothing of it can be."""
        if self.value:
            return f"{self.where}: {self.field} {self.value!r}: {self.rule}"
        return f"{self.where}: {self.rule}" if self.field == "line" else f"{self.where}: {self.field}: {self.rule}"


class Severity(StrEnum):
    """What a finding means for its line: left out or rejected, or sent all the same."""

    PROBLEM = "problem"
    WARNING = "warning"


class Finding(Problem, frozen=True):
    """A problem of a line of a manifest or of its picture, or something that may become one, which is a warning."""

    severity: Severity = Severity.PROBLEM


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Item)


def encode(items: Iterable[Item]) -> bytes:
    """The lines of a part."""
    return _encoder.encode_lines(list(items))  # msgspec 0.22 never lets go of any other iterable


def decode(lines: bytes) -> list[Item]:
    """The items of a part.

    Raises:
        msgspec.DecodeError: it is no part that this version wrote.
    """
    return _decoder.decode_lines(lines)


def fingerprint(uri: str) -> int:
    """64 bits that tell one file of a run from every other: what is kept in memory of each."""
    return int.from_bytes(hashlib.blake2b(uri.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
