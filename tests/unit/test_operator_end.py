"""Kopf's part of the process may wait without end for a watch that nobody answers: it is not waited for without end."""

from __future__ import annotations

import asyncio

import pytest

from controller.runtime.operator import end_of


async def never() -> None:
    """As Kopf, whose stop waits for a watch."""
    await asyncio.Event().wait()


async def soon() -> None:
    """As a part that ends in order."""


async def broken() -> None:
    """As Kopf, whose watch broke."""
    raise RuntimeError("a watch broke")


async def test_who_never_ends_is_left_when_it_is_overdue(caplog: pytest.LogCaptureFixture) -> None:
    """And that is said."""
    theirs = asyncio.create_task(never())
    async with asyncio.timeout(30):
        await end_of(theirs, asyncio.create_task(soon()))
    assert "Kopf's has not" in caplog.text
    assert not theirs.done()
    theirs.cancel()


async def test_who_ends_in_time_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is said of it."""
    overdue = asyncio.create_task(never())
    async with asyncio.timeout(30):
        await end_of(asyncio.create_task(soon()), overdue)
    assert "" == caplog.text
    overdue.cancel()


async def test_the_error_of_who_ends_in_time_is_told() -> None:
    """It is the process's."""
    overdue = asyncio.create_task(never())
    with pytest.raises(RuntimeError, match="a watch broke"):
        await end_of(asyncio.create_task(broken()), overdue)
    overdue.cancel()
