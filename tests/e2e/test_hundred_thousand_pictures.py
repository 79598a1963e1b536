"""A hundred thousand lines over 400 pictures, with a kill while they are checked and one behind the submit."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.instance import Instance
from emulator.oss.store import find_bucket
from sandbox.apiserver.cluster import Cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.e2e.test_hundred_thousand import peak
from tests.integration.import_room import WORK
from tests.integration.picture_room import PICTURES, PictureRoom, line, picture, text_of
from tests.integration.picture_truth import assert_pictures_true, looks_at, tasks_of
from tests.integration.world import World, opened

pytestmark = pytest.mark.e2e

FEW, MANY, BATCH = 1_000, 100_000, 5_000  # lines; so many are checked together
OF_A_BATCH = 20  # pictures
DISTINCT = MANY // BATCH * OF_A_BATCH
LOST = (7, 211, 399)  # pictures that are removed when they have been checked
MOST = 1.6  # times the memory of a run of a hundredth of the lines
log = logging.getLogger(__name__)


@pytest.fixture
def world(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> Iterator[World]:
    """A cloud whose batches go as fast as they can."""
    install(kubectl)
    with opened(cluster, kubectl, tmp_path, {"IMM_OPERATOR_POLL_INTERVAL": "1"}) as made:
        yield made


def catalogue(count: int) -> list[dict[str, Any]]:
    """So many products, those of each batch with twenty pictures of its own."""
    return [line(f"p{n:06}", name_of(n // BATCH * OF_A_BATCH + n % OF_A_BATCH)) for n in range(count)]


def name_of(number: int) -> str:
    """A picture's name."""
    return f"{number % 7}/{number:04}.jpg"


def table(room: PictureRoom, name: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """An instance, its pictures, and the lines in a table."""
    room.instance(name)
    names = sorted({one["PicName"] for one in lines})
    room.world.cloud.put_objects(PICTURES, [(f"{name}/{one}", picture(number)) for number, one in enumerate(names)])
    key = f"tables/{name}.jsonl"
    room.write(key, text_of(lines))
    return {"table": {"bucket": PICTURES, "key": key}}


def checked(room: PictureRoom) -> int:
    """How many batches were checked, by what lies in the work bucket."""

    def look(instance: Instance) -> int:
        bucket = find_bucket(instance.cloud, WORK)
        return sum("/checked/" in key for key in bucket.objects) if bucket is not None else 0

    return room.world.cloud.run(look)


@pytest.mark.timeout(1800)
def test_a_hundred_thousand_lines(world: World) -> None:
    """Each is imported by one task, and each picture looked at once but for those of the batch that was killed."""
    room = PictureRoom(world)
    room.open()
    world.cloud.image_batches(turn_seconds=0.5)
    few, many = catalogue(FEW), catalogue(MANY)
    room.apply("few", table(room, "few", few))
    room.await_phase("few", "Complete", 120)
    small = peak(world)

    before, source = checked(room), table(room, "many", many)
    room.hold()
    began = time.monotonic()
    room.apply("many", source)
    world.until("half of it to be checked", lambda: checked(room) - before >= MANY // BATCH // 2, 600)
    peaks = [peak(world)]
    world.kill()
    assert checked(room) - before < MANY // BATCH, "it was killed too late"
    world.start()
    world.until("the submit", lambda: bool(tasks_of(room, "many")), 900)
    peaks.append(peak(world))
    world.kill()
    world.start()
    task = room.await_task("many")
    for number in LOST:
        room.remove(f"many/{name_of(number)}")
    room.work()
    status = room.await_phase("many", "Failed", 900)
    took, large = time.monotonic() - began, max(*peaks, peak(world))

    lost = {name_of(number) for number in LOST}
    isolated = {(one["ProductId"], one["PicName"]) for one in many if one["PicName"] in lost}
    good = MANY - len(isolated)
    assert (good, len(isolated), 0, 0) == room.counts("many")
    assert (MANY, 0) == (status["totals"]["items"], status["totals"]["unchecked"])
    assert [task] == [one.id for one in tasks_of(room, "many")]
    assert 1 == room.submits("many")
    assert good == len(room.held("many"))
    assert isolated == {(one["ProductId"], one["PicName"]) for one in room.report("many")}
    assert_pictures_true(room, "many", adds=[(one["ProductId"], one["PicName"]) for one in many])
    looks = looks_at(room, "many/")
    assert DISTINCT == len(looks)
    again = looks.total() - DISTINCT
    assert again <= OF_A_BATCH, "more than one batch's pictures were looked at again"
    log.info(
        "%d lines in %.0f s; %d pictures looked at again; memory %d KiB at %d lines, %d KiB at %d",
        MANY, took, again, small, FEW, large, MANY,
    )  # fmt: skip
    assert large <= MOST * small
