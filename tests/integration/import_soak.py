"""Imports at once, of every source, under faults of every kind and kills: what the soaks of two lengths share."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any

from tests.integration.import_room import FILES, ImportRoom, lines, many, uri
from tests.integration.import_truth import assert_true, runs_on_record
from tests.integration.replicas import revive

FORMS = ("inline", "jsonl", "csv", "prefix")
ABSENT = 10  # one file of so many
FIFTH = 5
MESSAGES: tuple[dict[str, Any], ...] = (
    {"duplicate": 1, "probability": 0.1},
    {"swap": 2.0, "probability": 0.1},
    {"delay": 4.0, "probability": 0.1},
    {"delay": 14.0, "probability": 0.05},  # longer than spec.resultTimeout
    {"lose": True, "probability": 0.1},
)
THROTTLING = {"status": 400, "code": "Throttling.User", "message": "Request was denied due to user flow control."}
UNAVAILABLE = {"status": 503, "code": "ServiceUnavailable", "message": "The service is unavailable."}
CALLS: tuple[dict[str, Any], ...] = (
    {"service": "imm", "error": THROTTLING, "probability": 0.025},
    {"error": UNAVAILABLE, "probability": 0.025},
    {"when": "before", "drop": True, "probability": 0.025},
    {"when": "after", "drop": True, "probability": 0.025},
)


@dataclass(frozen=True)
class Batch:
    """One import of the soak, and the keys it adds and removes."""

    name: str
    form: str
    adds: tuple[str, ...]
    deletes: tuple[str, ...]
    absent: int  # so many of the last keys have no object


def soak(room: ImportRoom, *, imports: int, files: int, kills: int, seconds: float, seed: int) -> None:
    """Apply the imports, disturb everything, kill the operator at random moments, and check each verdict.

    Args:
        room: Where.
        imports: How many, in parallel.
        files: Of each; the tenth part of what is added is not there.
        kills: Of the operator, which is begun anew each time.
        seconds: Until every import must have ended.
        seed: Of the moments.
    """
    dice = random.Random(seed)  # noqa: S311 - spreads kills, guards nothing
    batches = [_batch(number, files) for number in range(imports)]
    _index(room, [key for batch in batches for key in batch.deletes])
    before = runs_on_record(room)
    sources = [_source(room, batch) for batch in batches]
    room.world.cloud.fault(*MESSAGES, *CALLS)
    share = imports // (kills + 1)
    for number, (batch, source) in enumerate(zip(batches, sources, strict=True), start=1):
        room.apply(batch.name, source, resultTimeout="10s")
        if number % share == 0 and number // share <= kills:
            _kill(room, dice)
    _await(room, batches, seconds)
    room.world.cloud.fault()
    for batch in batches:
        room.await_phase(batch.name, "Failed" if batch.absent else "Complete")
        assert_true(room, batch.name, batch.adds, batch.deletes)
    assert imports == len(runs_on_record(room) - before)


def _kill(room: ImportRoom, dice: random.Random) -> None:
    """After some calls more, whose number the dice know."""
    calls = room.world.calls("BatchIndexFileMeta") + dice.randrange(1, 8)
    limit = time.monotonic() + 10
    room.world.until("some calls", lambda: room.world.calls("BatchIndexFileMeta") >= calls or time.monotonic() > limit)
    revive(room.world)


def _await(room: ImportRoom, batches: list[Batch], seconds: float) -> None:
    """Every import ended, and no file is unknown for want of a message that is on its way."""

    def waiting() -> list[str]:
        phases = {batch.name: room.status(batch.name).get("phase") for batch in batches}
        return [f"{name} {phase}" for name, phase in phases.items() if phase not in {"Complete", "Failed"}]

    room.world.until("all to end", lambda: not waiting(), seconds, lambda: ", ".join(waiting()))
    room.world.until("late messages to arrive", lambda: not room.messages("import-queue"), 60)


def _batch(number: int, files: int) -> Batch:
    """Every fifth removes metadata; the others take their files from each form of source in turn."""
    name = f"soak-{number:02}"
    keys = tuple(many(name, files))
    if number % FIFTH == FIFTH - 1:
        return Batch(name, "csv", (), keys, 0)
    form = FORMS[number % len(FORMS)]
    return Batch(name, form, keys, (), 0 if form == "prefix" else files // ABSENT)


def _index(room: ImportRoom, keys: list[str]) -> None:
    """Have the dataset know these files."""
    room.upload(keys)
    room.apply("soak-before", room.table("tables/soak-before.jsonl", lines(keys)))
    room.await_phase("soak-before", "Complete", 60)


def _source(room: ImportRoom, batch: Batch) -> dict[str, Any]:
    room.upload(batch.adds[: len(batch.adds) - batch.absent])
    if batch.form == "prefix":
        return {"prefix": {"bucket": FILES, "prefix": f"{batch.name}/"}}
    if batch.form == "inline":
        return room.items(*batch.adds)
    if batch.form == "jsonl":
        return room.table(f"tables/{batch.name}.jsonl", lines(batch.adds))
    rows = [*(f"{uri(key)},ADD" for key in batch.adds), *(f"{uri(key)},DELETE" for key in batch.deletes)]
    source = room.table(f"tables/{batch.name}.csv", ["uri,operation", *rows])
    source["table"] |= {"format": "CSV"}
    return source
