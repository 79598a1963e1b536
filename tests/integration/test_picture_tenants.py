"""Two namespaces import into one Image Search instance, with one key: neither can follow or disturb the other's run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.import_room import IMPORT
from tests.integration.picture_room import PICTURES, PictureRoom, inline, line, manifest_of
from tests.integration.world import World

NAME = "shared"
LINES = [line("p0", "a.jpg"), line("p1", "b.jpg")]


@pytest.fixture(scope="module")
def room(world: World) -> PictureRoom:
    """The first tenant, and an operator that watches both."""
    there = f"{world.namespace}-other"
    world.kubectl("create", "namespace", there)
    world.restart(IMM_OPERATOR_NAMESPACES=f"{world.namespace},{there}")
    made = PictureRoom(world)
    made.open()
    made.instance(NAME)
    made.draw(f"{NAME}/a.jpg", f"{NAME}/b.jpg")
    return made


@pytest.fixture
def other(room: PictureRoom) -> Iterator[PictureRoom]:
    """The second tenant, with the very rights of the first: the same key, buckets and instance."""
    there = replace(room.world, namespace=f"{room.world.namespace}-other", operator=None)
    there.user = room.world.user
    made = PictureRoom(there)
    made.account()
    yield made
    room.calm()
    there.kubectl("delete", IMPORT, NAME, f"--namespace={there.namespace}", "--ignore-not-found")


def told(room: PictureRoom, run: str, task: int) -> list[Any]:
    """What an object says that only the first tenant's may: its run, or its task."""
    status = room.status(NAME)
    return [status.get("run") == run, (status.get("task") or {}).get("id") == task, run in json.dumps(status)]


def test_the_same_import_of_another_namespace_is_another_run(room: PictureRoom, other: PictureRoom) -> None:
    """It waits for its turn, shows nothing of the other's task, and submits its own."""
    task = room.begun(NAME, inline(LINES))
    run, etag = room.status(NAME)["run"], room.world.bucket(PICTURES).head_object(manifest_of(NAME)).etag
    other.apply(NAME, inline(LINES))
    other.await_said(NAME, "1 import comes before")
    assert "Queued" == other.world.condition(IMPORT, NAME, "Ready")["reason"]
    assert [False] * 3 == told(other, run, task)
    assert etag == room.world.bucket(PICTURES).head_object(manifest_of(NAME)).etag
    room.work()
    room.await_phase(NAME, "Complete", 40)
    other.await_phase(NAME, "Complete", 40)
    assert [False] * 3 == told(other, run, task)
    assert (run, task) == (room.status(NAME)["run"], room.status(NAME)["task"]["id"])
    assert 2 == room.submits(NAME)


def test_a_status_that_was_forged_leads_nowhere(room: PictureRoom, other: PictureRoom) -> None:
    """Whoever may write its own status names the other's run and task there: neither is followed."""
    room.draw(f"{NAME}/d.jpg")
    lines = [line("p3", "d.jpg")]
    room.apply(NAME, inline(lines))
    room.world.until("its end", lambda: room.status(NAME).get("totals", {}).get("succeeded") == 1, 40)
    room.await_phase(NAME, "Complete", 40)
    run, task, submits = room.status(NAME)["run"], room.status(NAME)["task"]["id"], room.submits(NAME)
    other.apply(NAME, inline(lines), suspend=True)
    other.world.until("Suspended", lambda: other.world.condition(IMPORT, NAME, "Suspended").get("status") == "True")
    body = other.world.get(IMPORT, NAME) or {}
    forged = room.status(NAME) | {"observedGeneration": -1}
    other.world.kubectl("replace", "--subresource=status", "--filename=-", text=json.dumps(body | {"status": forged}))
    other.apply(NAME, inline(lines), runToken="own")
    other.world.request(IMPORT, NAME, "look")
    other.await_phase(NAME, "Complete", 40)
    assert [False, False] == told(other, run, task)[:2]
    assert submits + 1 == room.submits(NAME)
    assert (run, task) == (room.status(NAME)["run"], room.status(NAME)["task"]["id"])


def test_deleting_one_of_them_leaves_the_others_task_alone(room: PictureRoom, other: PictureRoom) -> None:
    """Nothing is said to be going on that is not its own."""
    room.draw(f"{NAME}/c.jpg")
    lines = [*LINES, line("p2", "c.jpg")]
    task = room.begun(NAME, inline(lines))
    other.apply(NAME, inline(lines))
    other.await_said(NAME, "1 import comes before")
    other.world.delete(IMPORT, NAME)
    other.world.await_gone(IMPORT, NAME)
    room.work()
    room.await_phase(NAME, "Complete", 40)
    assert (task, (3, 0, 0, 0)) == (room.status(NAME)["task"]["id"], room.counts(NAME))
    assert [] == [said for _, said in other.world.events(IMPORT, NAME) if f"task {task} " in said]
