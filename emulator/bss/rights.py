"""What BssOpenApi's operations need; the action's name is assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.rights import Need, Table

if TYPE_CHECKING:
    from emulator.call import Call


def _everything(_: Call) -> tuple[str, ...]:
    return ("*",)


NEEDS: Table = {"QueryAvailableInstances": (Need("bss:DescribeInstances", _everything, source="assumed"),)}
