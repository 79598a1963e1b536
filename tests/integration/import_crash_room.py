"""What the tests share that kill the operator in the middle of an import into a dataset.

A story is an import that does everything with its files that there is to do, one call at a time, so that its writes
come in one order. The cloud indexes only when it is told to: before that, what was sent is all that is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from emulator.instance import Instance
from emulator.oss.store import find_bucket
from tests.integration.held_writes import OF_OSS, HeldWrite
from tests.integration.import_room import DATASET, IMPORT, WORK, ImportRoom, lines, uri
from tests.integration.import_truth import assert_true, fates, repeated_chunks, runs_on_record
from tests.integration.world import PROJECT, World

ONE = {"IMM_OPERATOR_IMPORT_WORKERS": "1"}  # call at a time
NEW, ABSENT, EACH = 4, 2, 2  # files that are new, that are not there, and that are relabelled, and removed
SENDING = (
    ("PutObject", "problems"),
    ("PutObject", "items 0"),
    ("PutObject", "resolution"),
    ("PutObject", "record"),
    ("PutObject", "journal 0"),  # a plan
    ("BatchIndexFileMeta", "files"),
    ("PutObject", "journal 1"),  # the answer, and a plan
    ("BatchUpdateFileMeta", "labels"),
    ("PutObject", "journal 2"),  # verdicts, and a plan
    ("BatchDeleteFileMeta", "files"),
    ("PutObject", "journal 3"),  # verdicts
)
TELLING = (
    ("PutObject", "journal 4"),  # verdicts of a message
    ("BatchDeleteMessage", "the message"),
    ("PutObject", "report"),
    ("PutObject", "end"),
)
SENT = sum(what.startswith("journal") for _, what in SENDING)  # segments, when everything is sent
READING = ("BatchGetFileMeta", "BatchReceiveMessage")
KEYS = {
    r"[0-9a-f]+\.problems\.jsonl": "problems",
    r"[0-9a-f]+\.json": "resolution",
    r"[0-9a-f]+/items/(\d+)\.jsonl": "items",
    r"[0-9a-f]+/journal/(\d+)\.jsonl": "journal",
    r"[0-9a-f]+/(record|upload|end)\.json": "",
    r"[0-9a-f]+/(report)\.jsonl": "",
}


class Sent(HeldWrite):
    """A write up to the moment when everything is sent."""

    writes = SENDING


class Told(HeldWrite):
    """A write from the moment on when the cloud tells what became of the files."""

    writes = TELLING


@dataclass
class Stock:
    """Files that the dataset has: each story relabels some, and removes others for good."""

    room: ImportRoom
    keys: list[str] = field(default_factory=list)

    def fill(self, count: int) -> None:
        """Have so many indexed."""
        self.keys = [f"stock/{number:04}.txt" for number in range(count)]
        self.room.upload(self.keys)
        self.room.apply("stock", self.room.table("tables/stock.jsonl", lines(self.keys)))
        self.room.await_phase("stock", "Complete", 60)

    def take(self) -> list[str]:
        """A few of them, for one story."""
        taken, self.keys = self.keys[:EACH], self.keys[EACH:]
        return taken


@dataclass
class Story:
    """An import of new files, two that are not there, known ones with labels, some to be removed, and a wrong line."""

    room: ImportRoom
    name: str
    known: list[str]
    gone: list[str]
    new: list[str] = field(init=False)
    source: dict[str, Any] = field(init=False)
    runs: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.new = [f"{self.name}/{number}.txt" for number in range(NEW + ABSENT)]
        self.room.upload(self.new[:NEW])
        labelled = lines(self.known, customLabels={"story": self.name})
        rows = [*lines(self.new), *labelled, *lines(self.gone, operation="DELETE"), "no JSON"]
        self.source = self.room.table(f"tables/{self.name}.jsonl", rows)
        self.runs = runs_on_record(self.room)

    def apply(self, **spec: Any) -> None:
        """Begin it, or change what steers it."""
        target = {"dataset": {"project": PROJECT, "name": DATASET, "onExisting": "UpdateLabels"}}
        self.room.apply(self.name, self.source, target=target, onInvalid="Skip", **spec)

    def send(self, **spec: Any) -> None:
        """Begin it, and wait until everything is sent and on record, and only messages are awaited."""
        self.apply(**spec)
        self.room.world.until("everything to be sent", lambda: self.room.journalled(self.name) == SENT, 40)

    def finish(self, phase: str = "Failed") -> dict[str, Any]:
        """To the end: the truth, in one run, with no call made twice but the one that was under way."""
        self.room.world.until(f"import {self.name} to be {phase}", lambda: self._ended(phase), 60, self._said)
        status = assert_one_run(self.room, self.name, [*self.new, *self.known], self.gone, self.runs, window=1)
        totals, held = status["totals"], self.room.indexed()
        assert (1, 0, 0) == (totals["skipped"], totals["unknown"], totals["cancelled"])
        assert (0 if phase == "Complete" else ABSENT) == totals["failed"]
        assert [self.name] * EACH == [held[uri(key)]["CustomLabels"]["story"] for key in self.known]
        return status

    def _ended(self, phase: str) -> bool:
        tell(self.room)  # what a killed process had sent, and the one after it sent again
        return self.room.status(self.name).get("phase") == phase

    def _said(self) -> str:
        return str(self.room.status(self.name))


def assert_one_run(
    room: ImportRoom, name: str, adds: Iterable[str], deletes: Iterable[str], runs: set[str], *, window: int
) -> dict[str, Any]:
    """`assert_true`, of the one run that there is beside `runs`, with no more sent again than was under way."""
    status = assert_true(room, name, adds, deletes)
    again = repeated_chunks(room, status["run"])
    assert len(again) <= window
    assert bool(again) == bool(status["totals"]["resent"])
    assert {status["run"]} == runs_on_record(room) - runs
    return status


def be_silent(room: ImportRoom) -> None:
    """Have the cloud index nothing, and so tell nothing, until it is told to."""
    room.settings(index_delay_seconds=3600.0)


def tell(room: ImportRoom, most: int | None = None) -> None:
    """Have the cloud index what it was sent, or some calls of it, and whatever comes, and tell of it."""

    def work(instance: Instance) -> None:
        held = instance.cloud.imm(room.world.cloud.account_id, room.world.cloud.region)
        for job in held.jobs[:most]:
            job.due = instance.cloud.clock.now()

    room.settings(index_delay_seconds=0.1)
    room.world.cloud.run(work)


def told(room: ImportRoom, name: str) -> int:
    """How many files of an import have a verdict on record."""
    run = room.status(name).get("run")
    return sum(fate not in {"unsent", "sent"} for fate in fates(room, run).values()) if run is not None else 0


def writes_since(room: ImportRoom, since: int) -> list[tuple[str, str]]:
    """What was written to the cloud since a request, as `SENDING` has it; of what is no object, its operation alone."""
    made = room.world.cloud.requests(since=since)
    return [(str(one["operation"]), written(one)) for one in made if _writes(one)]


def written(request: dict[str, Any]) -> str:
    """What kind of object of the work bucket a request is about; empty of other requests."""
    if request["service"] != "oss" or request["resource"][0] != WORK:
        return ""
    key = str(request["resource"][1])
    for pattern, kind in KEYS.items():
        found = re.fullmatch(f"runs/{pattern}", key)
        if found is not None:
            return " ".join([kind, *(one.lstrip("0") or "0" for one in found.groups())]).strip()
    return key


def unended_uploads(room: ImportRoom, name: str) -> list[str]:
    """The uploads of an import's report that were begun, and are neither whole nor dropped."""
    run = room.status(name)["run"]

    def look(instance: Instance) -> list[str]:
        bucket = find_bucket(instance.cloud, WORK)
        held = bucket.uploads.items() if bucket is not None else ()
        return [id_ for id_, one in held if one.template.key.startswith(f"runs/{run}/")]

    return room.world.cloud.run(look)


def replace_by_force(world: World, name: str) -> None:
    """Kubectl replace --force: deleted, and made anew with another uid and without a status."""
    body = world.get(IMPORT, name) or {}
    kept = {key: body["metadata"][key] for key in ("name", "namespace")}
    text = json.dumps({key: body[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": kept})
    world.kubectl("replace", "--force", "--filename=-", text=text)


def _writes(request: dict[str, Any]) -> bool:
    operation = str(request["operation"])
    if request["service"] == "oss":
        return operation.startswith(OF_OSS) and WORK in request["resource"]
    return operation.startswith(("Batch", "SendMessage")) and operation not in READING
