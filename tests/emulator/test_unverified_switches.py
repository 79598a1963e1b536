"""Every switch, every value: what the local cloud then does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.unverified import switches
from tests.emulator.switch_probes import CHOSEN, PROBES

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]


def readings() -> list[tuple[str, object]]:
    """Every switch with every value, or with the value chosen for a range."""
    return [
        (name, value)
        for name, switch in switches().items()
        if name in PROBES
        for value in (switch.values or (CHOSEN[name],))
    ]


@pytest.mark.parametrize(("name", "value"), readings())
def test_a_switch_does_what_its_value_says(room: Room, name: str, value: object) -> None:
    """A probe that knows nothing of the switch finds out its value from what the cloud does."""
    setattr(room.cloud.switches, name, value)
    assert value == PROBES[name](room)
