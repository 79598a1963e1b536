"""SIGTERM at every write of an import into Image Search: it is finished and known, so nothing is done again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.runtime.ending import LONGEST
from sandbox.apiserver.cluster import Cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.integration.held_writes import HELD
from tests.integration.import_truth import runs_on_record
from tests.integration.picture_kills import CHECKED, LINES, WRITES, Point, finish, prepare, start
from tests.integration.picture_room import INCREASE, PictureRoom
from tests.integration.picture_truth import looks_at, uploads
from tests.integration.replicas import exit_code, has_ended, log_of, signalled
from tests.integration.world import opened

pytestmark = pytest.mark.e2e

SUBMIT = WRITES.index((INCREASE, "task"))
POINTS = [*(Point(number, "after") for number in range(len(WRITES))), Point(SUBMIT, "late")]
SLACK = 10.0  # seconds: the machine is shared


@pytest.fixture(scope="module")
def room(cluster: Cluster, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PictureRoom]:
    """Everything an import into Image Search needs."""
    install(kubectl)
    directory: Path = tmp_path_factory.mktemp("operator")
    with opened(cluster, kubectl, directory, {"IMM_OPERATOR_POLL_INTERVAL": "0.3"}) as world:
        made = PictureRoom(world)
        made.open()
        yield made


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_stopped_at_a_write_to_the_cloud(room: PictureRoom, point: Point) -> None:
    """It ends with 0 as soon as that is answered; no picture that was checkpointed is looked at again."""
    name, world = f"s-{point.number:02}-{point.when}", room.world
    lines, runs = prepare(room, name), runs_on_record(room)
    point.hold(room)
    start(room, name)
    point.await_held(room)
    began = signalled(world)
    world.until("the operator to end", lambda: has_ended(world), LONGEST + SLACK, lambda: log_of(world)[-3000:])
    took = time.monotonic() - began
    assert 0 == exit_code(world)
    assert took < HELD[point.when] + SLACK
    assert "released the lease" in log_of(world)
    assert "everything under way is finished" in log_of(world)
    room.calm()
    world.stop()
    world.start()
    finish(room, name, lines, runs)
    assert 1 == room.submits(name)
    looks = looks_at(room, f"{name}/")
    assert LINES == len(looks)
    assert max(looks.values()) <= (1 if point.number >= CHECKED else 2), looks
    assert [] == uploads(room, name)
