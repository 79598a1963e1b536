"""What the tables of an import's decisions share, be it of files or of pictures: a run, a row, how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.api.batchimport import Phase, Totals
from controller.core.conditions import MAX_MESSAGE
from controller.core.dependency import Availability, Dependency
from controller.core.imports.job import Decision, ObservedImport, ObservedRun, Step
from controller.core.plan import Standing
from controller.core.reasons import Reason

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUN = "0123456789abcdef" * 2
READY = Dependency("CloudAccount", "main", Availability.READY)
# Its name, what is observed, fields of the spec, and what is decided.
Row = tuple[str, ObservedImport, dict[str, Any], Phase | None, Reason, Step | None]


def run(succeeded: int = 0, failed: int = 0, unknown: int = 0, cancelled: int = 0, **changed: Any) -> ObservedRun:
    """A run of ten items; those with no verdict are unsent, unless said otherwise."""
    totals = Totals(
        items=10,
        submitted=succeeded + failed + unknown,
        succeeded=succeeded,
        failed=failed,
        unknown=unknown,
        cancelled=cancelled,
    )
    left = 10 - succeeded - failed - unknown - cancelled
    made = ObservedRun(
        totals, left, 0, (), (), None, NOW - HOUR, cancelled=cancelled > 0, token="", concluded=False, holder=""
    )
    return replace(made, **changed)


def each_of(rows: Sequence[Row]) -> pytest.MarkDecorator:
    """A test for each row of a table, by its name."""
    named = [row[1:] for row in rows]
    return pytest.mark.parametrize(
        ("observed", "fields", "phase", "reason", "step"), named, ids=[row[0] for row in rows]
    )


def assert_decided(decided: Decision, phase: Phase | None, reason: Reason, step: Step | None) -> None:
    """As its row says; with words that fit, and a step only where something is to be done."""
    assert (phase, reason, step) == (decided.phase, decided.verdict.reason, decided.step)
    assert len(decided.verdict.message) <= MAX_MESSAGE
    assert decided.step is None or decided.verdict.standing is Standing.PROGRESSING
