"""The fixture of `image_batch_room`, apart because a module of fixtures is loaded as a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import oss2
import pytest

from tests.emulator.image_batch_room import BatchRoom, room_of

if TYPE_CHECKING:
    from emulator.testing import LocalCloud


@pytest.fixture
def shop(cloud: LocalCloud, bucket: oss2.Bucket) -> BatchRoom:
    """An instance of product search, and a bucket with one picture, `a.jpg`."""
    made = room_of(cloud)
    made.put("a.jpg")
    return made
