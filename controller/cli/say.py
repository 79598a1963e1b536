"""A verdict in words, or as JSON: one document, whose findings are written as they come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

import click

from controller.cli.access import plain
from controller.cli.verdict import Verdict
from controller.core.imports.items import Finding, Severity


class Printer(Protocol):
    """Prints findings, and the verdict when there are no more."""

    def say(self, found: Sequence[Finding]) -> None:
        """Some more of what is to be said."""
        ...

    def close(self, about: str, verdict: Verdict) -> None:
        """Everything was said."""
        ...


class TextPrinter:
    """A line for each finding; a warning begins with that word."""

    def __init__(self, *, err: bool = False) -> None:
        self._err = err

    def say(self, found: Sequence[Finding]) -> None:
        """See `Printer`."""
        lines = [f"{'warning: ' if one.severity is Severity.WARNING else ''}{plain(str(one))}\n" for one in found]
        if lines:
            click.echo("".join(lines), nl=False, err=self._err)

    def close(self, about: str, verdict: Verdict) -> None:
        """See `Printer`."""
        click.echo(summary(about, verdict), err=self._err)


class JsonPrinter:
    """{"findings": […], "summary": {…}}, each finding on a line of its own."""

    def __init__(self) -> None:
        self._begun = False

    def say(self, found: Sequence[Finding]) -> None:
        """See `Printer`."""
        for one in found:
            document = {
                "severity": one.severity.value,
                "where": one.where,
                "field": one.field,
                "value": one.value,
                "rule": one.rule,
            }
            click.echo(f"{self._before()}{json.dumps(document)}", nl=False)

    def close(self, about: str, verdict: Verdict) -> None:
        """See `Printer`."""
        before = "\n" if self._begun else '{"findings": ['
        click.echo(f'{before}], "summary": {json.dumps(_document(about, verdict))}}}')

    def _before(self) -> str:
        before = ",\n" if self._begun else '{"findings": [\n'
        self._begun = True
        return before


def printer_of(output: str) -> Printer:
    """The printer of that name."""
    return JsonPrinter() if output == "json" else TextPrinter()


def summary(about: str, verdict: Verdict) -> str:
    """What came of it, in a few lines."""
    counts = verdict.counts
    lines = _count(counts.read, "line")
    good = f"{counts.items:,} good ({counts.adds:,} ADD, {counts.deletes:,} DELETE, {counts.wide:,} of a whole product)"
    pictures = "pictures were not looked at"
    if verdict.looked_at is not None:
        read = _count(verdict.picture_bytes, "byte")
        pictures = f"{_count(verdict.looked_at, 'picture')} looked at, {verdict.undecided:,} undecided, {read} read"
    end = f"{_count(counts.problems, 'problem')}, {_count(counts.warnings, 'warning')}"
    return f"{plain(about)}: {lines}, {good}\n{pictures}\n{end}"


def _document(about: str, verdict: Verdict) -> dict[str, object]:
    counts = verdict.counts
    return {
        "source": about,
        "lines": counts.read,
        "good": counts.items,
        "adds": counts.adds,
        "deletes": counts.deletes,
        "wholeProductDeletes": counts.wide,
        "skipped": counts.skipped,
        "problems": counts.problems,
        "warnings": counts.warnings,
        "picturesLookedAt": verdict.looked_at,
        "picturesUndecided": verdict.undecided,
        "pictureBytes": verdict.picture_bytes,
        "sourceBytes": verdict.source_bytes,
    }


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
