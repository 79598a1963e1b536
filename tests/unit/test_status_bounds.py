"""A status keeps below 32 KiB and within its own schema, whatever the cloud says and however long names are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api import crd
from controller.api.batchimport import FailedItem, PastRun, Phase, TaskStatus, Totals
from controller.api.bounds import MORE, cut
from controller.api.kind import Kind
from controller.api.status import Condition, Drift, Identity, Intent
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile.report import summarize
from tests.contract.health_states import NOW, SPECS, can_be_suspended
from tests.unit.operator_doubles import World
from tests.unit.steps_room import poll

MOST = 32 * 1024
LONGEST_TIME = 40
LONGEST = {"string": LONGEST_TIME, "integer": 20, "boolean": 5}  # a string of no bound is a time
kinds = pytest.mark.parametrize("kind", crd.ALL, ids=lambda kind: kind.kind())
# What hurts: four bytes in UTF-8, six in the API server's JSON, half a surrogate pair, and plain text.
characters = st.sampled_from(["😀", "中", "<", "\u2028", "\x00", '"', "\ud83d", "a", "é"])
texts = st.builds(lambda some, times: "".join(some) * times, st.lists(characters, max_size=8), st.integers(0, 2000))


def stored(value: Any) -> str:
    """JSON as the API server may write it: Go escapes what HTML would trip over."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def schema_of(kind: type[Kind]) -> dict[str, Any]:
    """The schema of a kind's status."""
    root = crd.definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return dict(root["properties"]["status"])


def most(schema: dict[str, Any], path: str) -> int:
    """Bytes that a value of this schema takes at its worst, if its texts count in bytes, as `cut` does."""
    if "enum" in schema:
        return max(len(stored(value)) for value in schema["enum"])
    match schema["type"]:
        case "object":
            fields = schema["properties"].items()
            return 2 + sum(len(name) + 4 + most(child, f"{path}.{name}") for name, child in fields)
        case "array":
            assert "maxItems" in schema, f"{path} has no bound"
            return 2 + int(schema["maxItems"]) * (1 + most(schema["items"], f"{path}[]"))
        case "string" if schema.get("format") != "date-time":
            assert "maxLength" in schema, f"{path} has no bound: use a type of controller/api/bounds.py"
            return 2 + int(schema["maxLength"])
        case scalar:
            return LONGEST[scalar]


@kinds
def test_everything_in_a_status_is_bounded_and_all_of_it_fits(kind: type[Kind]) -> None:
    """By the schema alone: every text, every list and their sum."""
    assert most(schema_of(kind), "status") < MOST


@given(text=texts, limit=st.integers(4, 1024))
def test_a_text_is_cut_between_characters(text: str, limit: int) -> None:
    """It takes no more than its bound, is a beginning of the whole, and says where something is missing."""
    short = cut(text, limit)
    whole = text.encode("utf-8", "replace").decode()
    assert len(stored(short).encode()) - 2 <= limit
    assert short == whole or (short.endswith(MORE) and whole.startswith(short.removesuffix(MORE)))
    assert short == cut(short, limit)
    assert short == whole or len(stored(whole).encode()) - 2 > limit


def test_what_fits_stays_as_it_is() -> None:
    """To the last byte."""
    assert ["a" * 64, "é" * 32, "😀" * 16] == [cut(text, 64) for text in ("a" * 64, "é" * 32, "😀" * 16)]
    assert ["a" * 61 + MORE, "é" * 30 + MORE] == [cut("a" * 65, 64), cut("é" * 33, 64)]


def worst(kind: type[Kind], text: str, number: int = 2**63 - 1) -> dict[str, Any]:
    """The status that the reporter writes when all that the cloud and people say is `text`, and all lists are long."""
    body = {"metadata": {"name": "x", "namespace": "team", "generation": 1}, "kind": kind.kind()}
    target = kind.read(body | {"spec": SPECS[kind.kind()], "status": {"observedGeneration": -1}})
    condition = Condition(type=text, status="False", reason=text, message=text, last_transition_time=NOW)
    drift = tuple(Drift(field=text, wanted=text, actual=text) for _ in range(50))
    said = {"identity": Identity(account_id=text, region=text), "conditions": [condition] * 50}
    fields = type(target.status).model_fields
    said |= {name: text for name, field in fields.items() if "str" in str(field.annotation) and name not in said}
    said |= {"adopted": True, "intent": Intent(operation=text, id=text, recorded_at=NOW, absent_since=NOW)}
    for name in getattr(type(target.status), "figures", ()):
        model = next(one for one in fields[name].annotation.__args__ if one is not type(None))  # type: ignore[union-attr] # an optional model
        said[name] = model(**dict.fromkeys(model.model_fields, number))
    said |= {"phase": Phase.SUBMITTING, "started_at": NOW, "ended_at": NOW}
    said["failures"] = [FailedItem(item=text, error=text)] * 50
    said["warnings"] = [text] * 50
    said["task"] = TaskStatus(id=number, state=text, message=text, submitted_at=NOW)
    totals = Totals(**dict.fromkeys(Totals.model_fields, number))
    said["history"] = [PastRun(run=text, phase=Phase.SUBMITTING, totals=totals, ended_at=NOW)] * 50
    status = target.status.model_copy(update={name: value for name, value in said.items() if name in fields})
    suspended = can_be_suspended(kind)
    verdict = Verdict(
        Standing.STALLED, Reason.PLANNED, text, suspended=suspended, planned_changes=(text,) * 50, drift=drift
    )
    first = summarize(target, status, verdict, NOW)
    written = summarize(target, first, verdict, NOW + timedelta(seconds=1))
    assert first == written  # what was cut once is no news
    return written.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def check(schema: dict[str, Any], value: Any, path: str = "status") -> None:
    """The bounds of a schema, as the API server counts them: in characters."""
    match value:
        case dict():
            for name, child in value.items():
                check(schema["properties"][name], child, f"{path}.{name}")
        case list():
            assert len(value) <= schema["maxItems"], path
            for child in value:
                check(schema["items"], child, f"{path}[]")
        case str() if "maxLength" in schema:
            assert len(value) <= schema["maxLength"], path
            value.encode()


@kinds
@given(text=texts)
def test_whatever_is_said_the_status_is_one_that_can_be_written(kind: type[Kind], text: str) -> None:
    """Within its schema, below 32 KiB, and the same at the next pass: no object is stuck for what it would say."""
    status = worst(kind, text)
    check(schema_of(kind), status)
    assert len(stored(status).encode()) < MOST
    assert status == kind.model_fields["status"].annotation.model_validate(status).model_dump(  # type: ignore[union-attr] # a model
        mode="json", by_alias=True, exclude_defaults=True
    )


def test_a_cloud_that_talks_too_much_neither_sticks_nor_keeps_an_object_busy() -> None:
    """Through whole passes: written once, then nothing more."""
    world = World()
    world.sign_in()
    key = world.binding()
    world.run(key)
    world.cloud.set_state("photos", "中" * 500, "<" * 500, "\ud83d" + "😀" * 5000)
    world.clock.advance(60)
    poll(world)
    world.run(key)
    world.cluster.writes.clear()
    for _ in range(3):
        world.clock.advance(60)
        poll(world)
        world.run(key)
    assert [] == world.cluster.writes
    status = world.cluster.read(key).status
    assert status.state.startswith("中")
    assert len(json.dumps(world.cluster.bodies[key]["status"], ensure_ascii=False).encode()) < MOST


def test_a_request_is_echoed_as_far_as_it_is_looked_at() -> None:
    """A long one in another script settles, too: the same bytes on both sides."""
    world = World()
    world.cluster.mark(world.account, annotations={"imm-operator.dev/reconcile-requested-at": "😀" * 100})
    world.run(world.account)
    world.cluster.writes.clear()
    world.cloud.calls.clear()
    world.clock.advance(61)
    world.run(world.account)
    assert ([], []) == (world.cluster.writes, world.cloud.calls)
    status = world.cluster.read(world.account).status
    assert "😀" * 32 == status.last_handled_reconcile_at


def test_times_have_a_longest_form() -> None:
    """The bound of a status counts with it."""
    assert len(f'"{datetime.max.replace(tzinfo=UTC).isoformat()}"') <= LONGEST_TIME
