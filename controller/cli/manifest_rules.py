"""The page of everything that is checked of a manifest and its pictures, printed from the rules that check it."""

from __future__ import annotations

from collections.abc import Iterable

from controller.core.imports import tasks
from controller.core.imports.items import Severity
from controller.core.manifest import rules as of_lines
from controller.core.manifest.rules import Rule
from controller.core.pictures import rules as of_pictures

INTRODUCTION = """# Rules of a manifest

<!-- Generated from controller/core by `make crds`. Do not edit. -->

What is checked of an import into Image Search before it is submitted ([pictures.md](pictures.md)): every line, whatever
the ones before it were, then the pictures that it adds. `imm-operator manifest check` does the same on your machine.

- A **problem** has the import rejected with `onInvalid: Reject`, and the line left out with `Skip`. A **warning** is
  counted, and the line is imported.
- **What it says** stands in `status.failures`, in `status.warnings` and in the report, behind line, field and value.
  The **id** is the rule's own and never changes.
- **Source** is the section or row of the vendor's guide to batch operations, unless it names another page; "ours" is
  what no page says.
"""
LINES = """## Lines

The guide requires PicName and CustomContent, and its own example has DELETE lines without them. So ADD is taken
strictly, and DELETE as in the example. `wide-delete` refuses the import as a whole (`WholeProductDelete`), whatever
`onInvalid` says.
"""
PICTURES = f"""## Pictures

Of a picture at most 64 KiB are read, at the places that its container names; what they do not tell is
`picture-unchecked`, never taken for checked.

- An Orientation of 1 says that a picture is not rotated, and nearly every camera writes it: it passes. Any other value
  is refused, those too that EXIF does not define.
- Whether 4 MB are {of_pictures.SURE_BYTES:,} or {of_pictures.MOST_BYTES:,} bytes the guide does not say: more than the
  latter are refused, what lies between is a warning.
- A name may differ from the content: only the content counts.
- "Transmission latency must be less than 5 seconds" is a rule of the guide too, and cannot be checked from outside.
"""
STATES = """## States of a batch task

Three vocabularies speak of a batch task; this is the only table of them. Success of the task is not success of its
lines: those are told by its report.
"""


def page() -> str:
    """The whole page, in Markdown."""
    parts = [
        INTRODUCTION,
        LINES,
        _table(of_lines.RULES),
        PICTURES,
        _table(of_pictures.RULES),
        STATES,
        tasks.table(),
    ]
    return "\n".join(parts)


def _table(rules: Iterable[Rule]) -> str:
    rows = ["| id | severity | what it says | source |", "| --- | --- | --- | --- |"]
    rows += [f"| `{rule.id}` | {_severity(rule)} | {cell(rule.text)} | {cell(rule.source)} |" for rule in rules]
    return "\n".join(rows) + "\n"


def _severity(rule: Rule) -> str:
    return "warning" if rule.severity is Severity.WARNING else "problem"


def cell(text: str) -> str:
    """Text that cannot end a table's cell."""
    return " ".join(text.replace("|", "\\|").split())
