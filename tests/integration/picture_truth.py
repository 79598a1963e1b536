"""What an import into Image Search says of each line, beside what the local cloud holds: pictures, tasks, manifest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Any

from controller.core.imports.identity import MARK_HEADER, original_key
from controller.core.imports.records import Answered, Uploaded
from controller.core.imports.run import Fate
from controller.reconcile.imports.journal import read_segments
from controller.reconcile.imports.runs import load
from emulator.imagesearch.batch_state import Task
from emulator.instance import Instance
from emulator.oss.store import find_bucket
from tests.integration.import_room import WORK
from tests.integration.import_truth import COUNTED, work_bucket
from tests.integration.picture_room import PICTURES, PictureRoom, manifest_of

Pair = tuple[str, str]


def tasks_of(room: PictureRoom, instance: str, path: str | None = None) -> list[Task]:
    """The truth: every batch task of an instance, in their order; those of one path, as a target has it."""

    def look(running: Instance) -> list[Task]:
        search = running.cloud.imagesearch(room.world.cloud.account_id, room.world.cloud.region)
        found = search.instances[instance].tasks.values()
        return [one for one in found if path is None or one.path == f"/{path.strip('/')}"]

    return room.world.cloud.run(look)


def told_of(room: PictureRoom, run: str) -> dict[tuple[str, Pair], str]:
    """The verdict on each line by its operation and pair, from the journal alone."""
    found = load(run, work_bucket(room), WORK)
    assert found is not None
    lines = found.parts.lines(range(len(found.state.fates)))
    return {
        (line.operation.value, (line.product_id, line.pic_name or "")): Fate(found.state.fates[index]).name.lower()
        for index, line in lines
    }


def looks_at(room: PictureRoom, prefix: str, since: int = 0) -> Counter[str]:
    """How often each picture below a prefix was read, by key; of requests with a number greater than `since`."""
    asked = room.world.cloud.requests("oss", "GetObject", since)
    keys = [str(one["resource"][1]) for one in asked if one["resource"][0] == PICTURES]  # type: ignore[index] # the journal's JSON
    return Counter(key for key in keys if key.startswith(prefix) and key.endswith(".jpg"))


def uploads(room: PictureRoom, name: str) -> list[str]:
    """The uploads of an import's manifest that were begun, and are neither whole nor dropped."""

    def look(running: Instance) -> list[str]:
        bucket = find_bucket(running.cloud, PICTURES)
        held = bucket.uploads.items() if bucket is not None else ()
        return [id_ for id_, one in held if one.template.key == manifest_of(name)]

    return room.world.cloud.run(look)


def assert_pictures_true(
    room: PictureRoom, name: str, *, adds: Iterable[Pair], deletes: Iterable[Pair] = (), instance: str = ""
) -> dict[str, Any]:
    """Journal, report, verdict on record and status say the same of each line, and it is what the cloud holds.

    One task for each attempt, and what lies in the manifest's place is the last one's.

    Args:
        room: Where.
        name: An import of its own path that ended.
        adds: The pairs it adds; those that the service isolated cannot have succeeded.
        deletes: The pairs it removes.
        instance: Where to; that of its own name unless said.

    Returns:
        The status.
    """
    status = room.status(name)
    run = status["run"]
    held, told = room.held(instance or name), told_of(room, run)
    added, gone = {("ADD", one) for one in adds}, {("DELETE", one) for one in deletes}
    assert added | gone == set(told)
    right = {one: (one[1] in held) == (one in added) for one in told}
    assert right == {one: fate == "succeeded" for one, fate in told.items()}, (name, status)
    counted, totals = Counter(told.values()), status["totals"]
    assert {fate: counted[fate] for fate in COUNTED} == {fate: totals[fate] for fate in COUNTED}
    assert totals["items"] == totals["submitted"] + totals["cancelled"] == sum(totals[fate] for fate in COUNTED)
    bad = {one[1]: fate for one, fate in told.items() if fate != "succeeded"}
    if bad:
        assert bad == {(one["ProductId"], one["PicName"]): one["outcome"] for one in room.report(name)}, status
    end = json.loads(room.world.bucket(WORK).get_object(f"runs/{run}/end.json").read())
    assert (end["totals"], end["phase"]) == (totals, status["phase"])
    _assert_tasks(room, name, instance or name, status)
    return status


def _assert_tasks(room: PictureRoom, name: str, instance: str, status: dict[str, Any]) -> None:
    """Exactly one task for each attempt, all of them ours, none lost; and the manifest is the last attempt's."""
    found = load(status["run"], work_bucket(room), WORK)
    assert found is not None
    records = list(chain.from_iterable(read_segments(work_bucket(room), WORK, status["run"])))
    answered = [int(one.event) for one in records if isinstance(one, Answered)]
    made = [one.id for one in tasks_of(room, instance, f"{name}/")]
    assert answered == made, (name, records)
    assert found.state.attempts == len(made)
    assert status["task"]["id"] == made[-1]
    written = [one for one in records if isinstance(one, Uploaded)]
    lying = room.world.bucket(PICTURES).head_object(manifest_of(name))
    if not written:
        assert MARK_HEADER not in lying.headers
        assert found.record.source_etag == lying.etag
        return
    assert (f"{status['run']}/{len(made)}", written[-1].etag) == (lying.headers[MARK_HEADER], lying.etag)
    assert written[-1].lines == len(room.lies(name)) == tasks_of(room, instance, f"{name}/")[-1].entries


def original(room: PictureRoom, name: str) -> bytes:
    """The user's own manifest, as it was kept before another took its place."""
    return bytes(room.world.bucket(WORK).get_object(original_key(room.status(name)["run"])).read())
