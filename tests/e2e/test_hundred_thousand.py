"""A hundred thousand files, end to end, with a kill in the middle: counted right, resumed, in flat memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.apiserver.cluster import Cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.integration.import_room import ImportRoom, lines, many
from tests.integration.replicas import process_of
from tests.integration.world import World, opened

pytestmark = pytest.mark.e2e

FEW, MANY, PER_CALL = 1_000, 100_000, 100
WORKERS = 16  # calls under way at once: settings.import_workers
MOST = 1.6  # times the memory of a run of a hundredth of the files
log = logging.getLogger(__name__)


@pytest.fixture
def world(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> Iterator[World]:
    """A cloud without a rate, and an operator whose calls carry a hundred files each."""
    install(kubectl)
    settings = {"IMM_OPERATOR_POLL_INTERVAL": "1", "IMM_OPERATOR_IMM_REQUEST_BYTES": "200000"}
    with opened(cluster, kubectl, tmp_path, settings) as made:
        yield made


def peak(world: World) -> int:
    """The most memory the operator's process ever had, in KiB."""
    status = Path(f"/proc/{process_of(world)}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


@pytest.mark.timeout(1800)
def test_a_hundred_thousand_files(world: World) -> None:
    """Each is indexed; a process that is killed leaves no more to be sent again than was under way."""
    room = ImportRoom(world)
    room.open()
    few, keys = many("few", FEW), many("many", MANY)
    room.upload([*few, *keys])
    room.apply("few", room.table("tables/few.jsonl", lines(few)))
    room.await_phase("few", "Complete", 120)
    small = peak(world)

    calls, began = room.billed(), time.monotonic()
    room.apply("many", room.table("tables/many.jsonl", lines(keys)))
    world.until("a third to be sent", lambda: room.billed() - calls > MANY // PER_CALL // 3, 600)
    first = peak(world)
    world.kill()
    world.start()
    status = room.await_phase("many", "Complete", 1200)
    took, large = time.monotonic() - began, max(first, peak(world))

    totals = status["totals"]
    assert (MANY, MANY, MANY) == (totals["items"], totals["submitted"], totals["succeeded"])
    assert totals["resent"] <= WORKERS * PER_CALL
    needed = MANY // PER_CALL
    assert needed <= room.billed() - calls <= needed + 2 * WORKERS
    assert FEW + MANY == len(room.indexed())
    log.info("%d files in %.0f s; memory %d KiB at %d files, %d KiB at %d", MANY, took, small, FEW, large, MANY)
    assert large <= MOST * small
