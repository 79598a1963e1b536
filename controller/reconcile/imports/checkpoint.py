"""The checkpoint of a checking: written behind each batch, and what a restart makes of it."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from controller.cloud.ports import OssPort
from controller.core.imports.documents import Unreadable
from controller.core.imports.items import PART
from controller.core.manifest.lines import Line, decode
from controller.reconcile.imports.line_parts import PartWriter
from controller.reconcile.imports.line_rows import Position
from controller.reconcile.imports.pairs import Pairs
from controller.reconcile.imports.parts import LINES, FrozenContentLost
from controller.reconcile.imports.pictures import Looks
from controller.reconcile.imports.problems import Listed, ProblemReport
from controller.reconcile.imports.progress import (
    RECENT,
    Counts,
    Progress,
    read_piece,
    read_progress,
    void_progress,
    write_piece,
    write_progress,
)


@dataclass(frozen=True, slots=True)
class Restored:
    """What there was before a restart.

    Attributes:
        looks: At the pictures of the last batches.
        replay: Makes the steps that take the lines of before down into the index, one after the other.
    """

    progress: Progress
    looks: Looks
    replay: Callable[[Pairs], Iterator[Callable[[], None]]]


class Checkpoint:
    """How far one reading of a source is, in the work bucket. The parts that it speaks of are written before it is.

    Attributes:
        content: The folder for parts of a checking that begins anew: another each time, as parts are written once.
    """

    def __init__(self, oss: OssPort, bucket: str, reading: str) -> None:
        self.content = f"{reading}-{secrets.token_hex(4)}"
        self._oss = oss
        self._bucket = bucket
        self._reading = reading
        self._batches = 0

    def restore(self, report: ProblemReport | None) -> Restored | None:
        """What to go on from, the report at the place that belongs to it; None to begin at the begin.

        Raises:
            controller.cloud.errors.CloudError: the work bucket did not answer.
        """
        found = read_progress(self._oss, self._bucket, self._reading)
        listed = found.report if found is not None else Listed()
        if report is not None and not report.go_on(listed):
            report.go_on(Listed())
            return None
        if found is None:
            return None
        looks: Looks = {}
        for batch in range(max(0, found.batches - RECENT), found.batches):
            looks |= self._piece(found, batch)[1]
        self._batches = found.batches
        return Restored(found, looks, lambda pairs: self._replay(found, pairs))

    def write_piece(self, numbers: Sequence[int], looks: Looks, *, content: str) -> None:
        """Write what a batch found, its good lines' numbers and its looks; `write` has to follow.

        Raises:
            controller.cloud.errors.CloudError: it could not be written.
        """
        write_piece(self._oss, self._bucket, content, self._batches, numbers, looks)

    def write(
        self,
        parts: PartWriter,
        *,
        position: Position,
        counts: Counts,
        report: ProblemReport | None,
        problems: Sequence[str],
        warnings: Sequence[str],
        over: bool,
    ) -> None:
        """Count one more batch; raises as `write_piece`."""
        progress = Progress(
            content=parts.content,
            position=position,
            counts=counts,
            batches=self._batches + 1,
            parts=parts.parts,
            digest=parts.digest,
            pending=parts.pending.decode(),
            report=report.listed if report is not None else Listed(),
            problems=tuple(problems),
            warnings=tuple(warnings),
            over=over,
        )
        write_progress(self._oss, self._bucket, self._reading, progress)
        self._batches += 1

    def drop(self) -> None:
        """Nothing is gone on from any more; raises as `write_piece`."""
        void_progress(self._oss, self._bucket, self._reading)

    def _replay(self, found: Progress, pairs: Pairs) -> Iterator[Callable[[], None]]:
        numbers: deque[int] = deque()
        batches = deque(range(found.batches))

        def take(lines: list[Line]) -> None:
            while len(numbers) < len(lines) and batches:
                numbers.extend(self._piece(found, batches[0])[0])
                batches.popleft()
            if len(numbers) < len(lines):
                raise FrozenContentLost("oss:GetObject", f"fewer lines are on record than runs/{found.content} holds")
            pairs.add_batch([(numbers.popleft(), line) for line in lines])

        def take_part(number: int) -> None:
            lines = LINES.read(self._oss, self._bucket, found.content, number)
            if len(lines) != PART:
                raise FrozenContentLost(
                    "oss:GetObject", f"a part of runs/{found.content} holds another number of lines"
                )
            take(lines)

        yield from (partial(take_part, number) for number in range(found.parts))
        yield lambda: take(decode(found.pending.encode()))

    def _piece(self, found: Progress, batch: int) -> tuple[Iterator[int], Looks]:
        try:
            return read_piece(self._oss, self._bucket, found.content, batch)
        except Unreadable as error:
            raise FrozenContentLost("oss:GetObject", str(error)) from error
