"""The small stack on mocks, and the local cloud."""

from __future__ import annotations

import pytest

from emulator.testing import cloud
from tests.infra.mocked_stack import Declared, declare, settings

__all__ = ["cloud", "stack"]


@pytest.fixture
def stack() -> Declared:
    """The small stack, declared."""
    return declare(settings())
