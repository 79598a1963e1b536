"""Some thousand lines of a source on their way through the checks: what is said of each, and which of them are good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from controller.api.importsource import Operation
from controller.core.imports.items import Finding, Severity
from controller.core.manifest.lines import Line
from controller.core.manifest.rules import category_problem
from controller.reconcile.imports.line_rows import LineRow

MOST_LINES = 5000  # of a batch: what a restart has to check again at most
HEAVIEST = 8 * 1024 * 1024  # characters and the like that a batch may keep; odd lines fill it sooner
OF_A_FINDING = 256
GROUP = 200  # lines whose pictures are looked at before somebody may stop the batch
Numbered = tuple[int, Line]


class Batch:
    """Lines with what is to be said of them, in their order.

    Args:
        service_type: Of the instance; None where it is not known.
        where: The place of a line, for people.
    """

    def __init__(self, service_type: int | None, where: Callable[[int, Line | None], str]) -> None:
        self._service_type = service_type
        self._where = where
        self._weight = 0
        self._read: list[int] = []
        self._said: dict[int, tuple[Finding, ...]] = {}
        self._lines: dict[int, Line] = {}
        self._looked = 0
        self._pictured: list[Numbered] = []

    def __len__(self) -> int:
        """How many lines there are, good or not."""
        return len(self._read)

    @property
    def full(self) -> bool:
        """Whether it takes no more."""
        return len(self._read) >= MOST_LINES or self._weight >= HEAVIEST

    @property
    def last(self) -> int:
        """The number of its last line."""
        return self._read[-1]

    @property
    def names(self) -> set[str]:
        """Of the pictures that its lines add."""
        return {line.pic_name for _, line in self._pictured if line.pic_name is not None}

    def take(self, row: LineRow) -> None:
        """One more line."""
        number, line, said = row
        self._read.append(number)
        self._weight += OF_A_FINDING * len(said)
        if line is not None:
            self._weight += len(line.custom_content or "")
            self._lines[number] = line
            if line.operation is Operation.ADD:
                self._pictured.append((number, line))
                if line.category_id is not None:
                    where = self._where(number, line)
                    finding = category_problem(line, self._service_type, where=where)
                    said = said if finding is None else (*said, finding)
        if said:
            self._said[number] = said

    @property
    def looked(self) -> float:
        """How much of it was looked at, from 0 to 1: by its pictures, as they take the time."""
        return self._looked / len(self._pictured) if self._pictured else 1.0

    def unseen(self) -> list[Numbered]:
        """The next lines whose pictures are to be looked at; none when all are."""
        return list(islice(self._pictured, self._looked, self._looked + GROUP))

    def seen(self, lines: Sequence[Numbered], said: dict[int, tuple[Finding, ...]]) -> None:
        """The pictures of these lines were looked at, which is what `unseen` had."""
        lines_by_number = dict(lines)
        self._looked += len(lines)
        for number, findings in said.items():
            self.say(number, _at(self._where(number, lines_by_number[number]), findings))

    def say(self, number: int, findings: tuple[Finding, ...]) -> None:
        """Something is to be said of a line."""
        self._said[number] = (*self._said.get(number, ()), *findings)

    def good(self) -> list[Numbered]:
        """The lines of which nothing is said that is a problem."""
        for number, findings in self._said.items():
            if any(finding.severity is Severity.PROBLEM for finding in findings):
                self._lines.pop(number, None)
        return list(self._lines.items())

    def findings(self) -> list[Finding]:
        """Everything that is said, in the order of the lines."""
        return [finding for number in sorted(self._said) for finding in self._said[number]]


def _at(where: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings with the place as this source has it."""
    return tuple(one if one.where == where else msgspec.structs.replace(one, where=where) for one in findings)
