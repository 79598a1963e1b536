"""A small soak in every run of the tests; the long one is `tests/e2e/test_import_soak_long.py`."""

from __future__ import annotations

import pytest

from tests.integration.import_room import ImportRoom
from tests.integration.import_soak import soak
from tests.integration.world import World


@pytest.mark.timeout(600)
def test_a_small_soak(world: World) -> None:
    """Six imports, one kill."""
    room = ImportRoom(world)
    room.open()
    soak(room, imports=6, files=40, kills=1, seconds=120, seed=7)
