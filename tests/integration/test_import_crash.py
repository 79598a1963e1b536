"""The operator is killed at every kind of write of a run, before and after it took effect, and begun anew.

The cloud holds the write, the process ends meanwhile, and the write takes effect all the same, or has already: nobody
is left who would hear the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import oss2
import pytest
import yaml

from sandbox.demo.operator import ROOT, install
from sandbox.kubectl import Kubectl
from tests.integration.import_crash_room import assert_one_run, replace_by_force
from tests.integration.import_room import IMPORT, WORK, ImportRoom, lines, many
from tests.integration.import_truth import runs_on_record
from tests.integration.replicas import has_ended, pause, revive, wake
from tests.integration.silence import PROBE, silent
from tests.integration.world import World

WINDOW = 2
FILES, ABSENT = 60, 4
SMALL = {"IMM_OPERATOR_IMM_REQUEST_BYTES": "1024", "IMM_OPERATOR_IMPORT_WORKERS": str(WINDOW)}
SOON = {"resultTimeout": "10s"}
CRD = ROOT / "crds" / "batchimports.yaml"
MANY = 1_000_000  # files: what no import of another test in this cluster has
HELD = 3.0  # seconds; a process begins anew in about as long


@pytest.fixture(scope="module")
def room(world: World) -> ImportRoom:
    """Everything an import needs, and an operator that makes small calls."""
    world.restart(**SMALL)
    made = ImportRoom(world)
    made.open()
    return made


@pytest.fixture(autouse=True)
def alive(room: ImportRoom) -> Iterator[None]:
    """A test that failed between a kill and a start leaves an operator to the next."""
    yield
    if room.world.operator is None or has_ended(room.world):
        revive(room.world)


def prepare(room: ImportRoom, name: str) -> tuple[list[str], dict[str, Any]]:
    """Sixty files for some seven calls, of which the last few are not there; their keys, and the source."""
    keys = many(name, FILES)
    room.upload(keys[:-ABSENT])
    return keys, room.table(f"tables/{name}.jsonl", lines(keys))


def finish(room: ImportRoom, name: str, keys: list[str], runs: set[str]) -> dict[str, Any]:
    """To the end: the truth, in one run, with no more sent again than was under way."""
    room.await_phase(name, "Failed", 60)
    status = assert_one_run(room, name, keys, (), runs, window=WINDOW)
    assert ABSENT == status["totals"]["failed"] + status["totals"]["unknown"]
    return status


# Of OSS the frozen content, the resolution, the run record, the first plan, and the first answers with a later plan.
POINTS = [
    *(("oss", "PutObject", nth, when) for nth in (0, 1, 2, 3, 4) for when in ("before", "after")),
    *(("imm", "BatchIndexFileMeta", nth, when) for nth in (0, 2) for when in ("before", "after")),
    *(("mns", "BatchDeleteMessage", 0, when) for when in ("before", "after")),
]


@pytest.mark.parametrize(
    ("service", "operation", "nth", "when"), POINTS, ids=[f"{when} {what} {nth}" for _, what, nth, when in POINTS]
)
def test_killed_at_a_write_to_the_cloud(room: ImportRoom, service: str, operation: str, nth: int, when: str) -> None:
    """Nothing is lost, and no more is done twice than was under way."""
    name, runs = f"{operation.lower()}-{nth}-{when}", runs_on_record(room)
    held = {"service": service, "operation": operation, "times": 1}
    passing = [held | {"latency": 0.0, "times": nth}] if nth else []  # lets the first ones through
    keys, source = prepare(room, name)
    room.world.cloud.fault(*passing, held | {"when": when, "latency": HELD})
    room.apply(name, source, **SOON)
    room.world.until("the write to be held", lambda: room.struck()[-1] == 1, 40)
    revive(room.world)
    finish(room, name, keys, runs)


@pytest.mark.parametrize("calls", [2, 6], ids=["early", "late"])
def test_killed_after_a_write_to_the_cluster(room: ImportRoom, calls: int) -> None:
    """The status says how far it was once; the records say what is to be done."""
    name, runs, billed = f"status-{calls}", runs_on_record(room), room.billed()
    keys, source = prepare(room, name)
    slow = {"service": "imm", "operation": "BatchIndexFileMeta", "when": "before", "latency": 0.5}
    room.world.cloud.fault(slow, {"delay": 4})
    room.apply(name, source, **SOON)
    room.world.until("some calls", lambda: room.billed() >= billed + calls and "run" in room.status(name), 40)
    revive(room.world)
    finish(room, name, keys, runs)


@pytest.mark.parametrize("named", [False, True], ids=["nothing", "the run alone"])
def test_killed_before_a_write_to_the_cluster(room: ImportRoom, *, named: bool) -> None:
    """A run that no status names sends nothing; one that is named is done, and the next process reads what became."""
    room.apply(PROBE, room.items("probe.txt"), suspend=True)
    name, runs, billed = f"no-status-{int(named)}", runs_on_record(room), room.billed()
    keys, source = prepare(room, name)
    if named:
        room.world.cloud.fault({"service": "imm", "operation": "BatchIndexFileMeta", "latency": 2.0})
        room.apply(name, source, **SOON)
        room.world.until("the run's name", lambda: "run" in room.status(name))
    with silent(room.world):
        if named:
            room.world.until("the verdict to be on record", lambda: bool(ended(room) - runs), 90)
            assert room.status(name)["phase"] not in {"Complete", "Failed"}
            billed = room.billed()
        else:
            room.apply(name, source, **SOON)
            room.world.until("the run record", lambda: bool(runs_on_record(room) - runs))
            assert billed == room.billed()
        room.world.kill()
    revive(room.world)
    status = finish(room, name, keys, runs)
    assert 0 == status["totals"]["resent"]
    if named:
        assert billed == room.billed()


def test_an_object_that_was_replaced_behind_its_back(room: ImportRoom) -> None:
    """The process is stopped in a call, its cache grows old, and it goes on with an object that is no more."""
    name, runs = "stale", runs_on_record(room)
    keys, source = prepare(room, name)
    held = {"service": "imm", "operation": "BatchIndexFileMeta", "when": "after", "latency": 2.0, "times": 2}
    room.world.cloud.fault(held)
    room.apply(name, source, **SOON)
    room.world.until("a call to be held", lambda: room.struck()[-1] > 0, 40)
    pause(room.world)
    try:
        room.world.delete(IMPORT, name)
        room.world.await_gone(IMPORT, name)
        room.apply(name, source, **SOON)
    finally:
        wake(room.world)
    finish(room, name, keys, runs)


@pytest.fixture(scope="module")
def done(room: ImportRoom) -> str:
    """A finished import."""
    room.put("done/1.txt", "done/2.txt")
    room.apply("done", room.items("done/1.txt", "done/2.txt"))
    room.await_phase("done", "Complete")
    return "done"


class TestFinished:
    """A finished import costs nothing again, whatever is done to its object, its kind or the operator."""

    @pytest.fixture(autouse=True)
    def costs_nothing(self, room: ImportRoom, done: str) -> Iterator[None]:
        """Neither a call that is billed nor another run, and the same status in the end."""
        billed, runs, before = room.billed(), runs_on_record(room), room.status(done)
        yield
        room.await_phase(done, "Complete")
        same = ("run", "totals", "work", "startedAt", "endedAt")
        assert [before[key] for key in same] == [room.status(done)[key] for key in same]
        assert (billed, runs) == (room.billed(), runs_on_record(room))

    @pytest.mark.parametrize("restarted", [False, True], ids=["at work", "and restarted"])
    def test_its_status_is_taken_away(self, room: ImportRoom, done: str, *, restarted: bool) -> None:
        """As a restore without status, or a hand, does."""
        if restarted:
            room.world.stop()
        where = (IMPORT, done, f"--namespace={room.world.namespace}")
        room.world.kubectl("patch", *where, "--subresource=status", "--type=merge", "--patch", '{"status": null}')
        if restarted:
            room.world.start()
        room.world.until("the status to be back", lambda: room.status(done).get("phase") == "Complete")

    def test_the_object_is_replaced_by_force(self, room: ImportRoom, done: str) -> None:
        """Kubectl replace --force: deleted, and made anew with another uid."""
        uid = (room.world.get(IMPORT, done) or {})["metadata"]["uid"]
        replace_by_force(room.world, done)
        assert uid != (room.world.get(IMPORT, done) or {})["metadata"]["uid"]
        room.await_phase(done, "Complete")

    def test_the_definition_gains_defaults(self, room: ImportRoom, done: str, installed: Kubectl) -> None:
        """A newer one with defaults for fields that are no work; each object is stored with them at its next write."""
        newer = yaml.safe_load(CRD.read_text())
        spec = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        spec["maxItems"]["default"], spec["deadline"]["default"] = MANY, "720h"
        # As the install applies it: in the same cluster other tests may be about to do just that.
        applied = ("apply", "--server-side", "--force-conflicts", "--filename=-")
        try:
            installed(*applied, text=json.dumps(newer))
            room.world.until(
                "the default", lambda: (room.world.get(IMPORT, done) or {})["spec"].get("maxItems") == MANY
            )
            room.world.request(IMPORT, done, "with-defaults")
            room.world.stop()
            room.world.start()
            room.world.request(IMPORT, done, "with-defaults-after-a-restart")
        finally:
            installed(*applied, text=CRD.read_text())

    def test_the_operator_is_installed_anew(self, room: ImportRoom, done: str, installed: Kubectl) -> None:
        """With another Lease, after everything of it was applied again."""
        room.world.stop()
        install(installed)
        room.world.settings["IMM_OPERATOR_LEASE_NAME"] = f"{room.world.namespace}-again"
        try:
            room.world.start()
            room.world.request(IMPORT, done, "after-the-reinstall")
        finally:
            room.world.stop()
            del room.world.settings["IMM_OPERATOR_LEASE_NAME"]
            room.world.start()


def ended(room: ImportRoom) -> set[str]:
    """The runs that have their verdict on record."""
    listed = oss2.ObjectIterator(room.world.bucket(WORK), prefix="runs/")
    return {found.key.split("/")[1] for found in listed if found.key.endswith("/end.json")}
