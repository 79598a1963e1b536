"""The small stack on mocks, and the local cloud."""

from __future__ import annotations

import pytest
from mocked_stack import Declared, declare, settings

from emulator.testing import cloud

__all__ = ["cloud", "stack"]


@pytest.fixture
def stack() -> Declared:
    """The small stack, declared."""
    return declare(settings())
