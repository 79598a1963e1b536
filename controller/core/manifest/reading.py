"""A manifest as it comes, in pieces of any size: each of its lines, with everything that is to be said of it.

Lines are checked by the hundred. Where any of them may be wrong the lot is cut into parts, and those again, until it
stands alone and is looked at; so the result never depends on how the bytes came.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, count, repeat

import msgspec

from controller.core.imports.items import Finding
from controller.core.imports.lines import LONGEST
from controller.core.manifest import rules
from controller.core.manifest.lines import Line
from controller.core.manifest.pairs_parser import check_line
from controller.core.manifest.quick import take
from controller.core.manifest.values import written

LOT = LONGEST + 1  # bytes of lines that are checked at once: any one that is not too long, with its line break
PARTS = 8  # that a lot with a wrong line is cut into, and those again
Notes = dict[int, tuple[Finding, ...]]  # what is to be said of lines, by their numbers


class Checked(msgspec.Struct, frozen=True, gc=False):
    """A line of a manifest.

    Attributes:
        number: From 1 on.
        end: Bytes from the begin of the manifest to the end of the line, its line break included.
        line: None where anything of `problems` is a problem.
        problems: Everything that is to be said of it, warnings included.
    """

    number: int
    end: int
    line: Line | None
    problems: tuple[Finding, ...]


class ManifestReader:
    """Takes pieces and gives the lines that they complete, in lists of some hundreds.

    A reader that is made with the `number`, `offset` and `crlf_said` of another, and fed what comes after `offset`,
    goes on where that was.

    Attributes:
        number: The next line's.
        offset: Bytes of all lines so far.
        crlf_said: Whether a line with a carriage return before its line break was met: only the first has the warning.
        wide: How many DELETEs without a picture there were.
    """

    def __init__(self, first_number: int = 1, offset: int = 0, *, crlf_said: bool = False) -> None:
        self.number = first_number
        self.offset = offset
        self.crlf_said = crlf_said
        self.wide = 0
        self._rest = b""  # of a line that goes on in the next piece
        self._passed = 0  # bytes of a line that is too long and goes on

    def feed(self, data: bytes) -> Iterator[list[Checked]]:
        """Iterate over the lines that are complete with this piece; to be used up before the next one is fed."""
        at = 0
        if self._passed:
            at = data.find(b"\n") + 1
            self._passed += at or len(data)
            if not at:
                return
            yield [self._too_long()]
        else:
            data = self._rest + data
        while end := data.rfind(b"\n", at, at + LOT) + 1 or data.find(b"\n", at + LOT) + 1:
            yield self._check(data[at:end])
            at = end
        self._rest = data[at:]
        if len(self._rest) > LONGEST:
            self._passed, self._rest = len(self._rest), b""

    def close(self) -> Iterator[list[Checked]]:
        """Iterate over the last line, if no line break ends it."""
        if self._passed:
            yield [self._too_long()]
        elif self._rest:
            rest, self._rest = self._rest, b""
            yield self._check(rest)

    def _check(self, lot: bytes) -> list[Checked]:
        raws = lot.removesuffix(b"\n").split(b"\n")
        ends = [*accumulate((len(raw) + 1 for raw in raws), initial=self.offset)][1:]
        self.offset = ends[-1] = self.offset + len(lot)
        notes: Notes = {}
        lines = _check_lines(raws, self.number, notes)
        if not self.crlf_said and b"\r\n" in lot:
            self._say_crlf(raws, notes)
        self.wide += sum([line is not None and line.pic_name is None for line in lines])
        found = map(notes.get, count(self.number), repeat(())) if notes else repeat(())
        checked = [*map(Checked, count(self.number), ends, lines, found)]
        self.number += len(raws)
        return checked

    def _say_crlf(self, raws: Sequence[bytes], notes: Notes) -> None:
        for number, raw in enumerate(raws, self.number):
            if raw.endswith(b"\r") and len(raw) <= LONGEST:
                self.crlf_said = True
                notes[number] = (*notes.get(number, ()), rules.CARRIAGE_RETURN.broken(f"line {number}"))
                return

    def _too_long(self) -> Checked:
        self.offset += self._passed
        self._passed = 0
        self.number += 1
        number = self.number - 1
        return Checked(number, self.offset, None, (rules.TOO_LONG.broken(f"line {number}"),))


def _check_lines(raws: Sequence[bytes], first: int, notes: Notes) -> list[Line | None]:
    """The lines, None of what is wrong; what is to be said of them goes to `notes`."""
    good = take(raws)
    if good is not None:
        for number, sound in enumerate(good, first):
            if sound.region is not None and sound.crop is not None:
                notes[number] = (rules.CROP_IGNORED.broken(f"line {number}", "Crop", written(sound.crop)),)
        return [*good]
    if len(raws) > 1:
        size = -(-len(raws) // PARTS)
        starts = range(0, len(raws), size)
        return [line for at in starts for line in _check_lines(raws[at : at + size], first + at, notes)]
    line, found = check_line(raws[0], f"line {first}")
    if found:
        notes[first] = found
    return [line]
