"""Six imports into two instances at once, under faults of every service and two kills: in the end all is the truth."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.integration.import_soak import UNAVAILABLE
from tests.integration.import_truth import runs_on_record
from tests.integration.picture_room import INCREASE, PICTURES, PictureRoom, inline, line, own, target, text_of
from tests.integration.picture_truth import assert_pictures_true, tasks_of
from tests.integration.replicas import revive
from tests.integration.world import World

IMPORTS, LINES = 6, 40
CAPACITY = IMPORTS // 2 * LINES - 15  # of each instance: the last import of each fails in part
DENIED = {"status": 403, "code": "DeniedRequest", "message": "Request was denied due to instance flow control."}
TENTH: tuple[dict[str, Any], ...] = (
    {"service": "imagesearch", "error": DENIED, "probability": 0.025},
    {"service": "oss", "error": UNAVAILABLE, "probability": 0.025},
    {"error": UNAVAILABLE, "probability": 0.025},
    {"when": "before", "drop": True, "probability": 0.025},
    {"when": "after", "drop": True, "probability": 0.025},
)
KILLS = (1, 5)  # once so many batches were asked for
PATIENCE = 240


@pytest.mark.timeout(600)
def test_six_imports_of_two_instances_survive_faults_and_two_kills(world: World) -> None:
    """One task for each attempt; what failed is sent again, alone, once there is room for it."""
    room = PictureRoom(world)
    room.open()
    for number in range(2):
        room.instance(instance_of(number), capacity=CAPACITY)
        world.user.grant({"target": target(instance_of(number))})  # while the cloud still answers every call
    names = [f"soak-{number}" for number in range(IMPORTS)]
    lines = {name: catalogue(room, name) for name in names}
    sources = {name: source(room, name, lines[name]) for name in names}
    before = runs_on_record(room)
    world.cloud.fault(*TENTH)
    for number, name in enumerate(names):
        submit(room, number, sources[name])
    for kill in KILLS:
        world.until("some batches", partial(enough, room, kill), PATIENCE)
        revive(world)
    failed = await_ends(room, names)
    check(room, lines)
    assert 1 <= len(failed) <= 4
    assert IMPORTS == len(runs_on_record(room) - before)

    for number in range(2):
        room.instance(instance_of(number), capacity=2 * CAPACITY)
    world.cloud.fault(*TENTH)
    for name in failed:
        submit(room, names.index(name), sources[name], retry={"failedItems": "more room"})
    world.until("retries to begin", lambda: all(room.status(name).get("lastRetry") for name in failed), PATIENCE)
    assert [] == await_ends(room, names)
    check(room, lines)
    assert IMPORTS == len(runs_on_record(room) - before)
    assert IMPORTS + len(failed) == sum(len(tasks_of(room, instance_of(number))) for number in range(2))


def instance_of(number: int) -> str:
    """Of the import of that number."""
    return f"soak-{'ab'[number % 2]}"


def catalogue(room: PictureRoom, name: str) -> list[dict[str, Any]]:
    """Lines of their own products, and their pictures."""
    lines = [line(f"{name}-{number}", f"{number:02}.jpg") for number in range(LINES)]
    room.draw(*(f"{name}/{one['PicName']}" for one in lines))
    return lines


def source(room: PictureRoom, name: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """In each form in turn: inline, a table, a manifest of the user's own."""
    form = int(name[-1]) % 3
    if form == 0:
        return inline(lines)
    if form == 1:
        key = f"tables/{name}.jsonl"
        room.write(key, text_of(lines))
        return {"table": {"bucket": PICTURES, "key": key}}
    room.manifest(name, lines)
    return own(name)


def submit(room: PictureRoom, number: int, from_: dict[str, Any], **spec: Any) -> None:
    """Apply an import; what is left of a user's own manifest may be put in its place."""
    into = target(instance_of(number), f"soak-{number}/")
    room.apply(f"soak-{number}", from_, target=into, allowManifestReplace=True, **spec)


def enough(room: PictureRoom, submits: int) -> bool:
    """Whether so many batches were asked for, refused ones included."""
    return room.world.cloud.counts().get("imagesearch", {}).get(INCREASE, 0) >= submits


def await_ends(room: PictureRoom, names: list[str]) -> list[str]:
    """Wait until every import ended, and have nothing fail any more; those that failed."""

    def phases() -> dict[str, str]:
        return {name: str(room.status(name).get("phase")) for name in names}

    def ended() -> bool:
        return set(phases().values()) <= {"Complete", "Failed"}

    room.world.until("all to end", ended, PATIENCE, lambda: f"{phases()}\n{[room.said(name) for name in names]}")
    room.world.cloud.fault()
    return [name for name, phase in phases().items() if phase == "Failed"]


def check(room: PictureRoom, lines: dict[str, list[dict[str, Any]]]) -> None:
    """Every verdict is the truth, and every attempt one task."""
    for number, (name, own_lines) in enumerate(lines.items()):
        adds = [(one["ProductId"], one["PicName"]) for one in own_lines]
        assert_pictures_true(room, name, adds=adds, instance=instance_of(number))
