"""Whether fault rules can ever match: apart from `faults`, which the state holds, because this knows every service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.faults import DELIVERY
from emulator.services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.faults import FaultRule


def check_names(rules: Sequence[FaultRule]) -> None:
    """Refuse rules that could never match, because nothing of that name is served.

    Raises:
        ValueError: A rule names an unknown service or operation.
    """
    for rule in rules:
        if rule.service is not None and rule.service not in SERVICES:
            raise ValueError(f"there is no service {rule.service!r}; there are: {', '.join(SERVICES)}")
        if rule.operation is None or (rule.is_for_messages and rule.operation == DELIVERY[1]):
            continue
        asked = SERVICES if rule.service is None else {rule.service: SERVICES[rule.service]}
        if not any(rule.operation in served.by_name for served in asked.values()):
            raise ValueError(f"no operation {rule.operation!r} is served by {', '.join(asked)}")
