"""The fixtures `empty_room` and `room`, apart from `Room` itself: pytest loads this module as a plugin."""

from __future__ import annotations

import pytest

from emulator.clock import Clock
from emulator.imm import lifecycle
from emulator.oss.state import Bucket
from emulator.state import Account, Cloud
from tests.emulator.imm_room import ACCOUNT, REGION, START, Room


@pytest.fixture
def empty_room() -> Room:
    """An account with the guide's bucket and nothing in IMM."""
    cloud = Cloud(Clock(START), region=REGION)
    cloud.accounts[ACCOUNT] = Account(ACCOUNT)
    cloud.object_listeners.append(lifecycle.on_object_change)
    cloud.oss.buckets["test-bucket"] = Bucket("test-bucket", ACCOUNT, REGION, START)
    return Room(cloud)


@pytest.fixture
def room(empty_room: Room) -> Room:
    """The same with the guide's project and dataset."""
    empty_room.do("CreateProject", ProjectName="test-project")
    empty_room.in_dataset("CreateDataset")
    return empty_room
