"""The fixture `images`, apart from `Images` itself: pytest loads this module as a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.image_room import NAME, Images, images_of

if TYPE_CHECKING:
    from emulator.testing import LocalCloud


@pytest.fixture
def images(cloud: LocalCloud) -> Images:
    """A new instance of product search."""
    cloud.image_search_instance(NAME)
    return images_of(cloud)
