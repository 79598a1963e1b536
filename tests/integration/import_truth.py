"""What an import says of each file, in its journal, its report and its status, beside what the local cloud holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import oss2

from controller.cloud.credentials import Credentials
from controller.cloud.limiter import Limiter
from controller.cloud.oss import Oss
from controller.core.imports.records import Planned
from controller.core.imports.run import Fate
from controller.reconcile.imports.journal import read_segments
from controller.reconcile.imports.runs import load
from tests.integration.import_room import WORK, ImportRoom, uri

COUNTED = ("succeeded", "failed", "unknown", "cancelled")


def work_bucket(room: ImportRoom) -> Oss:
    """The work bucket as its owner sees it, through the operator's own adapter."""
    cloud = room.world.cloud
    keys = Credentials(cloud.access_key_id, cloud.access_key_secret)
    return Oss(keys, region=cloud.region, endpoint=cloud.url, limiter=Limiter("test", rate=500, burst=500))


def fates(room: ImportRoom, run: str) -> dict[str, str]:
    """The verdict on each file by URI, from the journal alone."""
    found = load(run, work_bucket(room), WORK)
    assert found is not None
    every = range(len(found.state.fates))
    return {item.uri: Fate(found.state.fates[index]).name.lower() for index, item in found.parts.items(every)}


def repeated_chunks(room: ImportRoom, run: str) -> list[int]:
    """The chunks that were sent again because nobody knew what became of them."""
    segments = read_segments(work_bucket(room), WORK, run)
    plans = (record for segment in segments for record in segment if isinstance(record, Planned))
    return [number for plan in plans for number in plan.again]


def runs_on_record(room: ImportRoom) -> set[str]:
    """The ids of all runs in the work bucket."""
    listed = oss2.ObjectIterator(room.world.bucket(WORK), prefix="runs/")
    return {found.key.split("/")[1] for found in listed if found.key.endswith("/record.json")}


def assert_true(room: ImportRoom, name: str, adds: Iterable[str] = (), deletes: Iterable[str] = ()) -> dict[str, Any]:
    """Journal, report, verdict on record and status say the same of each file, and it is what the cloud holds.

    Args:
        room: Where.
        name: An import that ended.
        adds: Keys of the files it adds; those whose objects are not there cannot have succeeded.
        deletes: Keys of the files whose metadata it removes.

    Returns:
        The status.
    """
    status = room.status(name)
    held, told = set(room.indexed()), fates(room, status["run"])
    added, gone = {uri(key) for key in adds}, {uri(key) for key in deletes}
    assert added | gone == set(told)
    right = {one: one in held for one in added} | {one: one not in held for one in gone}
    assert right == {one: fate == "succeeded" for one, fate in told.items()}, (name, status)
    counted, totals = Counter(told.values()), status["totals"]
    assert {fate: counted[fate] for fate in COUNTED} == {fate: totals[fate] for fate in COUNTED}
    assert totals["items"] == sum(totals[fate] for fate in COUNTED)
    assert totals["submitted"] == totals["items"] - totals["cancelled"]
    bad = {one: fate for one, fate in told.items() if fate != "succeeded"}
    assert bad == _report(room, status) if bad else bool(totals["skipped"]) == ("report" in status), status
    shown = {one["item"] for one in status.get("failures", [])}
    assert len(shown - bad.keys()) <= totals["skipped"]
    end = json.loads(room.world.bucket(WORK).get_object(f"runs/{status['run']}/end.json").read())
    assert (end["totals"], end["phase"]) == (totals, status["phase"])
    return status


def _report(room: ImportRoom, status: dict[str, Any]) -> dict[str, str]:
    key = status["report"].removeprefix(f"oss://{WORK}/")
    lines = room.world.bucket(WORK).get_object(key).read().decode().splitlines()
    return {line["uri"]: line["outcome"] for line in map(json.loads, lines)}
