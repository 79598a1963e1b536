"""The fields of a line, whoever wrote them down, held against every rule: a `Line`, or all that is wrong with it.

This is the definition. `controller.core.manifest.quick` knows good lines sooner, and refuses nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from controller.api.importsource import Operation
from controller.core.imports.items import Finding, Severity
from controller.core.imports.rules import shown
from controller.core.manifest import rules
from controller.core.manifest.lines import Line
from controller.core.manifest.rules import Rule
from controller.core.manifest.values import check, written

ATTRIBUTES = {
    "OperationType": "operation",
    "ProductId": "product_id",
    "PicName": "pic_name",
    "CategoryId": "category_id",
    "IntAttr": "int_attr",
    "StrAttr": "str_attr",
    "CustomContent": "custom_content",
    "Crop": "crop",
    "Region": "region",
}
# Parameters of AddImage (Image Search 2020-12-14) that a manifest does not know.
OF_ADD_IMAGE = frozenset(
    {"InstanceName", "PicContent"} | {f"{name}{n}" for name in ("IntAttr", "StrAttr") for n in (2, 3, 4)}
)
SHOWN_NAME = 64  # characters of a field's name that is none of ours
_SPELLINGS = {name.lower(): name for name in ATTRIBUTES}


class Judged(NamedTuple):
    """A line, where warnings are all that is to be said of it, and what is to be said."""

    line: Line | None
    findings: tuple[Finding, ...]


def judge(where: str, pairs: Iterable[tuple[str, Any]], names: Mapping[str, str] | None = None) -> Judged:
    """The line that these fields make.

    Args:
        where: The place, for people.
        pairs: Fields by their names in a manifest, in order, those too that are there twice.
        names: What the source calls them, where it calls them something else.
    """
    fields: dict[str, Any] = {}
    said: list[tuple[str, Rule, str, str]] = []
    for name, value in pairs:
        if name in fields:
            said.append((name, rules.DUPLICATE_KEY, written(value), ""))
            continue
        fields[name] = value
        broken = check(name, value) if name in ATTRIBUTES else (_unknown(name),)
        said += [(name, rule, written(value), detail) for rule, detail in broken]
    said += [(name, rule, "", "") for name, rule in _missing(fields)]
    if fields.keys() >= {"Region", "Crop"}:
        said.append(("Crop", rules.CROP_IGNORED, written(fields["Crop"]), ""))
    names = names or {}
    found = tuple(
        rule.broken(where, _printed(names.get(name, name)), value, detail) for name, rule, value, detail in said
    )
    if any(finding.severity is Severity.PROBLEM for finding in found):
        return Judged(None, found)
    values = {ATTRIBUTES[name]: value for name, value in fields.items()}
    return Judged(Line(**values | {"operation": Operation(fields["OperationType"])}), found)


def _missing(fields: Mapping[str, Any]) -> Iterator[tuple[str, Rule]]:
    """What is not there under any spelling."""
    there = {_plain(name) for name in fields}
    needed = {"OperationType": rules.MISSING, "ProductId": rules.MISSING}
    if fields.get("OperationType") == Operation.ADD:
        needed |= {"PicName": rules.MISSING_OF_ADD, "CustomContent": rules.MISSING_OF_ADD}
    yield from ((name, rule) for name, rule in needed.items() if name.lower() not in there)


def _unknown(name: str) -> tuple[Rule, str]:
    spelling = _SPELLINGS.get(_plain(name))
    if spelling is not None:
        return rules.SPELLING, f"it is {spelling}"
    return (rules.ADD_IMAGE_ONLY if name in OF_ADD_IMAGE else rules.UNKNOWN), ""


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").strip()


def _printed(name: str) -> str:
    """A field's name, whatever is in it."""
    name = shown(name[:SHOWN_NAME])
    return name if name and name.isprintable() else repr(name)
