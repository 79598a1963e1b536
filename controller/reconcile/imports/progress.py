"""How far the check of an import's pictures is, in the work bucket: what a restart goes on from.

One object, overwritten after each batch, has the counts, where the source goes on, and the lines that fill no part yet.
What only grows is written once, a piece for each batch: where the good lines stood, so that a pair that comes again is
named with both places, and what the pictures' bytes said, so that none is asked for again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

import msgspec

from controller.cloud.ports import OssPort
from controller.core.imports.documents import Document, Unreadable
from controller.core.imports.identity import RUNS, progress_key
from controller.core.manifest.rules import Rule
from controller.core.pictures import rules
from controller.core.pictures.inspection import Inspection
from controller.reconcile.imports.line_rows import Position
from controller.reconcile.imports.pictures import Look, Looks
from controller.reconcile.imports.problems import Listed

LARGEST_PROGRESS = LARGEST_PIECE = 64 * 1024 * 1024  # bytes; of usual lines it has a few hundred thousand
VOID = b"{}\n"  # it says nothing of how far a check is
RECENT = 4  # batches whose pictures are known again after a restart, as many as are kept in memory anyway
_rules = {rule.id: rule for rule in rules.RULES}


class Counts(msgspec.Struct):
    """Of lines, but for `unchecked`, which is of pictures, and `problems` and `warnings`."""

    read: int = 0
    items: int = 0
    adds: int = 0
    deletes: int = 0
    wide: int = 0
    skipped: int = 0
    unchecked: int = 0
    problems: int = 0
    warnings: int = 0


class Progress(Document, frozen=True, kw_only=True, rename="camel"):
    """How far it is after `batches` batches.

    Attributes:
        content: The folder under runs/ with the parts.
        parts: How many there are; `digest` is that of all of them (`controller.reconcile.imports.checking`), in hex.
        pending: The lines that follow them, as they are written in a part.
        over: Whether the source was read to its end.
        report: How much of the report is stored.
    """

    content: str
    position: Position
    counts: Counts
    batches: int
    parts: int
    digest: str
    pending: str
    report: Listed
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    over: bool


class _Piece(Document, frozen=True, kw_only=True, rename="camel"):
    """What one batch found: numbers of its good lines as first and last of ranges, and looks at pictures."""

    lines: tuple[tuple[int, int], ...]
    sizes: dict[str, tuple[int, Inspection]]
    refused: dict[str, str]  # picture: id of the rule that it breaks


_decoder = msgspec.json.Decoder(Progress)
_pieces = msgspec.json.Decoder(_Piece)


def read_progress(oss: OssPort, bucket: str, reading: str) -> Progress | None:
    """How far the check is; None where it has not begun, or where this version cannot tell.

    Raises:
        controller.cloud.errors.CloudError: the work bucket did not answer.
    """
    data = oss.get_object(bucket, progress_key(reading), largest=LARGEST_PROGRESS)
    if data is None:
        return None
    try:
        found = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if found.version == Document().version else None


def write_progress(oss: OssPort, bucket: str, reading: str, progress: Progress) -> None:
    """Put it over what is there; raises as `read_progress`."""
    oss.put_object(bucket, progress_key(reading), msgspec.json.encode(progress))


def void_progress(oss: OssPort, bucket: str, reading: str) -> None:
    """Have the next check begin anew; raises as `read_progress`."""
    # Not deleted: a right to delete here would be one to delete journals, and whoever lost those is billed twice.
    oss.put_object(bucket, progress_key(reading), VOID)


def write_piece(oss: OssPort, bucket: str, content: str, batch: int, numbers: Sequence[int], looks: Looks) -> None:
    """Write what a batch found, before the progress that counts it; the numbers rise; raises as `read_progress`."""
    piece = _Piece(
        lines=tuple(_ranges(numbers)),
        sizes={name: look for name, look in looks.items() if not isinstance(look, Rule)},
        refused={name: look.id for name, look in looks.items() if isinstance(look, Rule)},
    )
    oss.put_object(bucket, piece_key(content, batch), msgspec.json.encode(piece))


def read_piece(oss: OssPort, bucket: str, content: str, batch: int) -> tuple[Iterator[int], Looks]:
    """The numbers of a batch's good lines, and its looks.

    Raises:
        controller.core.imports.documents.Unreadable: it is gone, or nobody of this version wrote it.
        controller.cloud.errors.CloudError: the work bucket did not answer.
    """
    data = oss.get_object(bucket, piece_key(content, batch), largest=LARGEST_PIECE)
    try:
        piece = _pieces.decode(data or b"")
        refused: dict[str, Look] = {name: _rules[rule] for name, rule in piece.refused.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise Unreadable(f"oss://{bucket}/{piece_key(content, batch)} is gone, or somebody changed it") from error
    numbers = chain.from_iterable(range(first, last + 1) for first, last in piece.lines)
    return numbers, refused | piece.sizes


def piece_key(content: str, batch: int) -> str:
    """Where a batch's piece lies, counted from 0."""
    return f"{RUNS}/{content}/checked/{batch:06}.json"


def _ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    if not numbers:
        return
    first = numbers[0]
    for before, number in pairwise(numbers):
        if number != before + 1:
            yield first, before
            first = number
    yield first, numbers[-1]
