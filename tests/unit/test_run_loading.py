"""A run is loaded in one go from a work bucket that fails now and then, however many records it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from controller.cloud.errors import Corrupted, Denied, TimedOut, Unavailable
from controller.cloud.ports import OssPort
from controller.reconcile.imports.allowances import Allowances
from controller.reconcile.imports.runs import load
from emulator.testing import LocalCloud, cloud
from tests.unit.import_world import WORK, ImportWorld

__all__ = ["cloud"]


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[ImportWorld]:
    """A world for one test."""
    made = ImportWorld(cloud)
    yield made
    made.close()


class Shaky:
    """Every second read fails."""

    def __init__(self, port: OssPort, failure: type[Exception]) -> None:
        self._port = port
        self._failure = failure
        self.reads = 0

    def get_object(self, *args: Any, **kwargs: Any) -> bytes | None:
        """Or not."""
        self.reads += 1
        if self.reads % 2:
            raise self._failure("oss:GetObject", "now and then")
        return self._port.get_object(*args, **kwargs)


def run_of(world: ImportWorld) -> str:
    """A run of sixty files, with a dozen objects on record."""
    object.__setattr__(world.context, "allowances", Allowances(700))
    key = world.batch(world.upload(60))
    world.finish(key)
    run = world.status(key).run
    assert run is not None
    return run


@pytest.mark.parametrize("failure", [Unavailable, TimedOut, Corrupted])
def test_a_read_that_fails_is_made_again(world: ImportWorld, failure: type[Exception]) -> None:
    """Not all of them."""
    run = run_of(world)
    shaky = Shaky(world.oss(), failure)
    loaded = load(run, cast("OssPort", shaky), WORK)
    assert loaded is not None
    assert 60 == loaded.state.totals().succeeded
    steady = load(run, world.oss(), WORK)
    assert steady is not None
    assert steady.state.totals() == loaded.state.totals()
    assert shaky.reads > 20


def test_a_refusal_is_not_asked_for_again(world: ImportWorld) -> None:
    """It would be the same."""
    refused = Shaky(world.oss(), Denied)
    with pytest.raises(Denied):
        load(run_of(world), cast("OssPort", refused), WORK)
    assert 1 == refused.reads


def test_a_bucket_that_does_not_answer_is_not_asked_for_ever(world: ImportWorld) -> None:
    """The pass fails, and the next one comes later."""
    run = run_of(world)
    world.cloud.fault({"service": "oss", "operation": "GetObject", "when": "before", "drop": True})
    with pytest.raises(TimedOut):
        load(run, world.oss(), WORK)
