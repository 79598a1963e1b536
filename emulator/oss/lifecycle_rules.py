"""Lifecycle rules as values: read from the document that a bucket keeps, refused where the document is wrong.

Limits and shapes: www.alibabacloud.com/help/en/oss/developer-reference/putbucketlifecycle. What the emulator would not
carry out (transitions by access time) is refused, so that nobody waits for it.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from emulator.refusal import Refusal
from emulator.wire.xml import child_text, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_RULES = 1000
LONGEST_ID = 255
CLASSES = frozenset({"IA", "Archive", "ColdArchive", "DeepColdArchive"})
DAY = 86400
_MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\dT00:00:00(?:\.000)?Z")
_RULE = {
    *("ID", "Prefix", "Status", "Tag", "Filter", "Expiration", "AbortMultipartUpload", "Transition"),
    *("NoncurrentVersionExpiration", "NoncurrentVersionTransition"),
}


@dataclass(frozen=True, slots=True)
class When:
    """When an action is due: `days` after the last change, or for what was last changed `before` a date, or `date`."""

    days: int | None = None
    before: float | None = None  # seconds since the epoch
    date: float | None = None

    def is_due(self, changed: float, now: float) -> bool:
        """Whether what was last changed at `changed` is due at `now`."""
        if self.days is not None:
            return now >= changed + self.days * DAY
        if self.before is not None:
            return changed < self.before
        return self.date is not None and now >= self.date


@dataclass(frozen=True, slots=True)
class Scope:
    """Which keys a rule is for: prefix, tags and sizes, without what `excluded` names as (prefix, tag)."""

    prefix: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    larger_than: int | None = None
    smaller_than: int | None = None
    excluded: tuple[tuple[str | None, tuple[str, str] | None], ...] = ()

    def covers(self, key: str, tags: Iterable[tuple[str, str]], size: int) -> bool:
        """Whether an object of this key, these tags and this size is meant."""
        held = set(tags)
        if not key.startswith(self.prefix) or not set(self.tags) <= held:
            return False
        if self.larger_than is not None and size <= self.larger_than:
            return False
        if self.smaller_than is not None and size >= self.smaller_than:
            return False
        return not any(
            (prefix is None or key.startswith(prefix)) and (tag is None or tag in held) for prefix, tag in self.excluded
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One enabled rule."""

    scope: Scope
    expire: When | None = None
    expire_lone_markers: bool = False
    abort: When | None = None
    transitions: tuple[tuple[When, str], ...] = ()
    expire_noncurrent: int | None = None  # days
    noncurrent_transitions: tuple[tuple[int, str], ...] = ()


def rules_of(document: bytes) -> list[Rule]:
    """The enabled rules of a document that `take_rules` has accepted."""
    root = parse(document)
    rules = [] if root is None else root.findall("Rule")
    return [_rule(rule) for rule in rules if child_text(rule, "Status") == "Enabled"]


def take_rules(root: Element) -> None:
    """Check a document, and give every rule without an id one.

    Raises:
        Refusal: MalformedXML or InvalidArgument; `NotImplemented.Emulator` for a transition by access time.
    """
    rules = root.findall("Rule")
    if not 1 <= len(rules) <= MOST_RULES:
        raise _malformed(f"A lifecycle has 1 to {MOST_RULES} rules, not {len(rules)}.")
    ids = [child_text(rule, "ID") for rule in rules if child_text(rule, "ID")]
    if len(set(ids)) != len(ids) or any(len(text) > LONGEST_ID for text in ids):
        raise _invalid(f"Rule ids must be unique and have at most {LONGEST_ID} characters.")
    for rule in rules:
        unknown = {child.tag for child in rule} - _RULE
        if unknown:
            raise _malformed(f"A lifecycle rule has no element {', '.join(sorted(map(str, unknown)))}.")
        read = _rule(rule)
        if read == Rule(read.scope):
            raise _malformed("A lifecycle rule needs an action.")
        if not child_text(rule, "ID"):
            given = rule.find("ID")
            (SubElement(rule, "ID") if given is None else given).text = str(uuid.uuid4())
        if rule.find("Prefix") is None:
            SubElement(rule, "Prefix").text = ""


def _rule(rule: Element) -> Rule:
    expiration, abort = rule.find("Expiration"), rule.find("AbortMultipartUpload")
    lone = expiration is not None and child_text(expiration, "ExpiredObjectDeleteMarker").lower() == "true"
    noncurrent = rule.find("NoncurrentVersionExpiration")
    return Rule(
        scope=_scope(rule),
        expire=None if expiration is None or lone else _when(expiration, "Days", "CreatedBeforeDate", "Date"),
        expire_lone_markers=lone,
        abort=None if abort is None else _when(abort, "Days", "CreatedBeforeDate"),
        transitions=tuple(
            (_when(node, "Days", "CreatedBeforeDate"), _storage_class(node)) for node in rule.findall("Transition")
        ),
        expire_noncurrent=None if noncurrent is None else _number(noncurrent, "NoncurrentDays"),
        noncurrent_transitions=tuple(
            (_number(node, "NoncurrentDays"), _storage_class(node))
            for node in rule.findall("NoncurrentVersionTransition")
        ),
    )


def _scope(rule: Element) -> Scope:
    only = rule.find("Filter")
    return Scope(
        prefix=child_text(rule, "Prefix"),
        tags=tuple(_tag(node) for node in rule.findall("Tag")),
        larger_than=None if only is None else _optional(only, "ObjectSizeGreaterThan"),
        smaller_than=None if only is None else _optional(only, "ObjectSizeLessThan"),
        excluded=() if only is None else tuple(_exclusion(node) for node in only.findall("Not")),
    )


def _exclusion(node: Element) -> tuple[str | None, tuple[str, str] | None]:
    tag = node.find("Tag")
    return node.findtext("Prefix"), None if tag is None else _tag(tag)


def _tag(node: Element) -> tuple[str, str]:
    if not child_text(node, "Key"):
        raise _malformed("A Tag needs a Key.")
    return child_text(node, "Key"), child_text(node, "Value")


def _when(node: Element, *allowed: str) -> When:
    given = [child.tag for child in node if child.tag in {"Days", "CreatedBeforeDate", "Date"}]
    if len(given) != 1 or given[0] not in allowed:
        raise _malformed(f"{node.tag} needs exactly one of {', '.join(allowed)}.")
    if given[0] == "Days":
        return When(days=_number(node, "Days"))
    text = child_text(node, given[0])
    if not _MIDNIGHT.fullmatch(text):
        raise _invalid(f"{given[0]} must be a midnight in UTC like 2026-01-31T00:00:00.000Z, not {text[:40]}.")
    try:
        seconds = datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise _invalid(f"{given[0]} is not a date: {text[:40]}.") from None
    return When(before=seconds) if given[0] == "CreatedBeforeDate" else When(date=seconds)


def _storage_class(node: Element) -> str:
    if child_text(node, "IsAccessTime").lower() == "true":
        message = "A transition by access time is not served by the local cloud (emulator/oss/lifecycle_rules.py)."
        raise Refusal(400, "NotImplemented.Emulator", message)
    storage_class = child_text(node, "StorageClass")
    if storage_class not in CLASSES:
        raise _invalid(f"{node.tag}: StorageClass must be one of {', '.join(sorted(CLASSES))}.")
    return storage_class


def _number(node: Element, name: str) -> int:
    text = child_text(node, name)
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise _invalid(f"{node.tag}: {name} must be a positive integer, not {text[:40]!r}.")
    return int(text)


def _optional(node: Element, name: str) -> int | None:
    return None if node.find(name) is None else _number(node, name)


def _malformed(detail: str) -> Refusal:
    message = "The XML you provided was not well-formed or did not validate against our published schema."
    return Refusal(400, "MalformedXML", f"{message} {detail}")


def _invalid(detail: str) -> Refusal:
    return Refusal(400, "InvalidArgument", detail)
