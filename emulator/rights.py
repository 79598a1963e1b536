"""Rights: which action on which resource a call needs. Each service declares its own in `emulator/<service>/rights.py`.

A need also says where its action's name comes from, because a policy with a name that no source confirms may fail in
the cloud although it works here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.switches import Switches

Source = Literal["documented", "assumed"]
Places = Callable[["Call"], tuple[str, ...]]  # names of the resources (ARNs) that a call is about


class Right(NamedTuple):
    """To do something, in RAM's words, to one resource."""

    action: str
    resource: str


@dataclass(frozen=True, slots=True)
class Need:
    """One action that an operation needs on each of its places.

    Attributes:
        action: As policies name it.
        places: On what.
        source: Whether a page of the vendor has the action with its resource, or its name and resource are guessed.
        when: Calls that need it; all of them if None.
        switch: The switch of `Switches` that says whether it is needed at all; none if empty.
    """

    action: str
    places: Places
    source: Source = "documented"
    when: Callable[[Call], bool] | None = None
    switch: str = ""


Table = Mapping[str, tuple[Need, ...]]  # by operation


def rights_of(table: Table, switches: Switches, call: Call) -> tuple[Right, ...]:
    """What the call needs, in order.

    Raises:
        KeyError: The operation is not declared.
    """
    return tuple(
        [
            Right(need.action, place)
            for need in table[call.operation]
            if (need.when is None or need.when(call)) and (not need.switch or getattr(switches, need.switch))
            for place in need.places(call)
        ]
    )
