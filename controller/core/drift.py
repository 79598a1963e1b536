"""Drift: where the cloud is not as the spec wants it, field by field, as mode Observe reports it.

What is under way (a scan, an accepted update that does not show yet) is not drift: nobody has to do anything about it.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.api.status import Drift

UNSET = "unset"


def differs(field: str, wanted: object, actual: object) -> Drift:
    """One field that differs; `actual` None or empty means that the cloud has no value for it."""
    return Drift(field=field, wanted=str(wanted), actual=UNSET if actual in {None, ""} else str(actual))


def absent(what: str) -> Drift:
    """The whole thing is missing."""
    return Drift(field=what, wanted="present", actual="absent")


def in_words(drift: Sequence[Drift]) -> str:
    """For messages and events: `description: wanted ours, is theirs`."""
    return "; ".join(f"{one.field}: wanted {one.wanted}, is {one.actual}" for one in drift)


def as_change(one: Drift) -> str:
    """The same as what an update does about it: `description theirs → ours`."""
    return f"{one.field} {one.actual} → {one.wanted}"
