"""What an import does when calls are throttled, refused, too long, lost, or not allowed to be made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from controller.cloud.errors import NotLeading
from controller.core.imports.records import Planned, Turned
from controller.reconcile.imports.allowances import Allowances
from emulator.testing import LocalCloud, cloud
from tests.unit.import_world import ImportWorld

__all__ = ["cloud"]
INDEX = "BatchIndexFileMeta"


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[ImportWorld]:
    """A world for one test."""
    made = ImportWorld(cloud)
    yield made
    made.close()


def fault(operation: str = INDEX, *, when: str = "before", times: int | None = None, **effect: Any) -> dict[str, Any]:
    """A fault rule for IMM."""
    return {"service": "imm", "operation": operation, "when": when, **({"times": times} if times else {}), **effect}


def error(code: str, status: int = 400, **more: Any) -> dict[str, Any]:
    """An error in the service's shape."""
    return {"error": {"status": status, "code": code, "message": f"says {code}", **more}}


def limit(world: ImportWorld, size: int) -> None:
    """How long a request may be."""
    object.__setattr__(world.context, "allowances", Allowances(size))


def test_throttling_slows_down_and_the_same_chunk_goes_out_again(world: ImportWorld) -> None:
    """No error, no chunk that is turned, one call that took effect."""
    key = world.batch(world.upload(3))
    world.cloud.fault(fault(times=2, **error("Throttling.User", retryAfterMs=10)))
    outcome = world.run(key)
    assert not outcome.failed
    run = world.status(key).run
    assert run is not None
    assert not [one for one in world.journal(run) if isinstance(one, Turned)]
    assert 1 == sum(isinstance(one, Planned) for one in world.journal(run))
    assert 3 == world.calls(INDEX)
    assert "Complete" == world.finish(key).phase


@pytest.mark.parametrize("refusal", ["414-html", "414-json", "400-json"])
def test_a_request_that_is_too_long_is_made_shorter_for_all(world: ImportWorld, refusal: str) -> None:
    """The allowance is halved until the gateway takes the calls; no file fails."""
    world.cloud.switch("request_target_max", 2000)
    world.cloud.switch("request_target_refusal", refusal)
    first = world.batch(world.upload(60))
    status = world.finish(first)
    assert ("Complete", 60) == (status.phase, status.totals.succeeded if status.totals else 0)
    refused = world.calls(INDEX)
    second = world.batch(world.upload(10, start=100), name="more")
    world.finish(second)
    session = world.signed_in()
    run = world.status(second).run
    assert run is not None
    assert refused
    assert "Complete" == world.status(second).phase
    assert not [one for one in world.journal(run) if isinstance(one, Turned)], session


def test_one_file_that_is_too_long_by_itself_fails_by_name(world: ImportWorld) -> None:
    """The others go through."""
    world.cloud.switch("request_target_max", 1500)
    uris = world.upload(3)
    long = {"uri": uris[0], "customLabels": {"a": "é" * 400}}
    key = world.batch([long, *uris[1:]])
    status = world.finish(key)
    assert ("Failed", 2, 1) == (
        status.phase,
        status.totals.succeeded if status.totals else None,
        status.totals.failed if status.totals else None,
    )
    (failed,) = status.failures
    assert uris[0] == failed.item
    assert "longer than the gateway takes" in failed.error


LOST = pytest.mark.parametrize("lost", [{"drop": True}, {"html": 503}], ids=["drop", "503"])


@LOST
def test_a_lost_answer_is_looked_into_before_anything_is_sent_again(world: ImportWorld, lost: dict[str, Any]) -> None:
    """The dataset is asked, once a word of the cloud has had its time; what it has not goes out again, and counts."""
    key = world.batch(world.upload(4))
    world.cloud.fault(fault(when="before", times=1, **lost))
    world.settle(key)
    assert (1, 0) == (world.calls(INDEX), world.calls("BatchGetFileMeta"))
    world.work(key)
    assert (2, 1) == (world.calls(INDEX), world.calls("BatchGetFileMeta"))
    world.work(key)
    status = world.status(key)
    assert status.totals is not None
    assert ("Complete", 4, 4) == (status.phase, status.totals.succeeded, status.totals.resent)


@LOST
def test_a_lost_answer_of_a_call_whose_messages_come_costs_nothing_again(
    world: ImportWorld, lost: dict[str, Any]
) -> None:
    """It took effect, and its files are told of before anybody asks: nothing is billed twice."""
    key = world.batch(world.upload(4))
    world.cloud.fault(fault(when="after", times=1, **lost))
    status = world.finish(key)
    assert (1, 0) == (world.calls(INDEX), world.calls("BatchGetFileMeta"))
    assert status.totals is not None
    assert ("Complete", 4, 0) == (status.phase, status.totals.succeeded, status.totals.resent)


def test_a_lost_answer_of_a_call_that_the_dataset_shows_is_not_repeated(world: ImportWorld) -> None:
    """It took effect, and the files were read before the dataset was asked."""
    key = world.batch(world.upload(4))
    mute = fault("BatchGetFileMeta", **error("ServiceUnavailable", 503))
    world.cloud.fault(fault(when="after", times=1, drop=True), mute)
    world.settle(key)
    world.cloud.advance(60)
    assert world.run(key).failed
    world.cloud.fault()
    world.settle(key)
    status = world.status(key)
    assert (1, "Complete") == (world.calls(INDEX), status.phase)
    assert status.totals is not None
    assert (4, 0) == (status.totals.succeeded, status.totals.resent)


def test_a_bad_file_fails_alone_when_the_whole_request_is_refused_for_it(world: ImportWorld) -> None:
    """The call is made two, and the one with that file again, until it goes alone; the others are indexed once."""
    uris = world.upload(6)
    refused, passes = fault(times=1, **error("InvalidArgument")), fault(times=1, latency=0)
    world.cloud.fault(refused, passes, refused, passes, refused, passes, refused)  # whole, 0-2, 3-5, 3, 4-5, 4, 5
    key = world.batch(uris)
    status = world.finish(key)
    assert status.totals is not None
    assert (5, 1) == (status.totals.succeeded, status.totals.failed)
    (failed,) = status.failures
    assert (uris[5], "InvalidArgument says InvalidArgument") == (failed.item, failed.error)
    assert set(uris[:5]) == set(world.indexed())
    assert 7 == world.calls(INDEX)


def test_a_refusal_of_every_request_fails_every_file_with_the_clouds_words(world: ImportWorld) -> None:
    """Code and message of each."""
    key = world.batch(world.upload(3))
    world.cloud.fault(fault(**error("InvalidArgument")))
    status = world.finish(key)
    assert status.totals is not None
    assert (0, 3) == (status.totals.succeeded, status.totals.failed)
    assert {"InvalidArgument says InvalidArgument"} == {one.error for one in status.failures}


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("NoPermission", 403, "AccessDenied"),
        ("InvalidAccessKeyId.NotFound", 400, "CredentialsRejected"),
        ("LimitExceededError", 400, "QuotaExceeded"),
    ],
)
def test_what_a_person_has_to_mend_stalls_and_leaves_the_files_unsent(
    world: ImportWorld, code: str, status: int, reason: str
) -> None:
    """When it is mended, it goes on by itself."""
    key = world.batch(world.upload(3))
    world.cloud.fault(fault(**error(code, status)))
    world.run(key)
    assert ("False", reason) == world.ready(key)
    found = world.status(key)
    assert found.totals is not None
    assert (0, 0) == (found.totals.failed, found.totals.submitted)
    world.cloud.fault()
    world.run(world.account)
    assert "Complete" == world.finish(key).phase


def test_a_refused_key_is_told_to_its_account(world: ImportWorld) -> None:
    """The account signs in again before anybody uses the key again."""
    key = world.batch(world.upload(1))
    world.cloud.fault(fault(**error("InvalidAccessKeyId.NotFound")))
    world.run(key)
    assert world.context.sessions.get("team", "account") is None
    assert {("team", "account"): 0.0} == world.context.sessions.take_wakes()


def test_after_a_refusal_one_chunk_is_tried_before_many(world: ImportWorld) -> None:
    """Each refused request is billed."""
    limit(world, 700)
    key = world.batch(world.upload(20))
    world.cloud.fault(fault(**error("LimitExceededError")))
    world.run(key)
    first = world.calls(INDEX)
    world.run(key)
    assert (1, True) == (world.calls(INDEX) - first, first >= 1)
    world.cloud.fault()
    assert "Complete" == world.finish(key).phase


def test_a_dataset_that_is_gone_stalls_and_fails_nobody(world: ImportWorld) -> None:
    """The parent's absence says nothing of the files."""
    key = world.batch(world.upload(2), target={"dataset": {"project": "media", "name": "nowhere"}})
    world.run(key)
    status, _ = world.ready(key)
    found = world.status(key)
    assert found.totals is not None
    assert ("False", 0) == (status, found.totals.failed)


@pytest.mark.parametrize("call", ["index", "put_new"])
@pytest.mark.parametrize("opens_in", [None, 3.0])
def test_a_process_that_may_not_write_stops_and_records_no_failure(
    world: ImportWorld, opens_in: float | None, call: str
) -> None:
    """Where it may later, it comes again then; where never, it says nothing more."""
    key = world.batch(world.upload(3))

    def fence(name: str) -> None:
        if name == call:
            raise NotLeading("imm:BatchIndexFileMeta", "another leads", opens_in=opens_in)

    world.guard.before_call = fence
    outcome = world.run(key)
    assert (opens_in, False) == (outcome.look_again, outcome.failed)
    world.guard.before_call = lambda _name: None
    status = world.finish(key)
    assert status.totals is not None
    assert ("Complete", 3, 0) == (status.phase, status.totals.succeeded, status.totals.resent)


def test_no_more_chunks_are_on_their_way_than_there_are_workers(world: ImportWorld) -> None:
    """Planned and not answered, at any moment."""
    limit(world, 700)
    key = world.batch(world.upload(40))
    most = 0

    def count(name: str) -> None:
        nonlocal most
        if name == "index":
            run = next(iter(world.context.runs.active()))
            with run.lock:
                most = max(most, sum(one.answered_at is None for one in run.state.open.values()))

    world.guard.before_call = count
    world.settle(key)
    assert world.workers >= most > 1
    assert "Complete" == world.finish(key).phase


def test_a_wave_of_answers_and_the_next_plan_share_a_segment(world: ImportWorld) -> None:
    """Far fewer requests to the work bucket than calls."""
    limit(world, 700)
    key = world.batch(world.upload(60))
    world.settle(key)
    puts = world.guard.writes.count("put_new")
    assert puts <= world.calls(INDEX) + 6, (puts, world.calls(INDEX))


def test_a_topic_that_is_not_there_stalls_and_fails_no_file(world: ImportWorld) -> None:
    """A typing error in the account is no fault of a file."""
    world.cloud.switch("topic_missing", "InvalidArgument")
    world.cluster.put("CloudAccount", "account", world.account_spec(events={"topic": "typo", "queue": "results"}))
    key = world.batch(world.upload(2))
    world.run(key)
    found = world.status(key)
    assert found.totals is not None
    assert ("False", 0) == (world.ready(key)[0], found.totals.failed)


def test_a_service_that_is_down_is_asked_a_few_times_a_pass_and_then_later(world: ImportWorld) -> None:
    """Four calls in a row that fail end a pass, and the next one waits longer."""
    limit(world, 700)
    key = world.batch(world.upload(60))
    world.cloud.fault(fault(**error("ServiceUnavailable", 503)))
    assert world.run(key).failed
    assert 4 <= world.calls(INDEX) <= 4 + world.workers
    world.cloud.fault()
    assert "Complete" == world.finish(key).phase


def test_one_call_that_fails_among_many_holds_nothing_up(world: ImportWorld) -> None:
    """Its files go out again in the same pass, or a second later; the import does not back off."""
    limit(world, 700)
    key = world.batch(world.upload(60))
    world.cloud.fault(fault(times=1, **error("ServiceUnavailable", 503)))
    outcome = world.run(key)
    assert not outcome.failed
    found = world.status(key)
    assert found.totals is not None
    assert "Complete" == world.finish(key).phase


@pytest.mark.parametrize("means", ["index", "delete"])
def test_a_defect_in_one_call_loses_that_call_alone(world: ImportWorld, means: str) -> None:
    """The others' answers are kept, and what became of its files is looked for at once, not after a restart."""
    uris = world.upload(20)
    items: list[dict[str, Any]] = [{"uri": uri} for uri in uris]
    if means == "delete":
        world.finish(world.batch(uris, name="before"))
        items = [one | {"operation": "DELETE"} for one in items]
    limit(world, 600)
    met: list[str] = []

    def stumble(name: str) -> None:
        if name == means and not met:
            met.append(name)
            raise AssertionError("a defect")

    world.guard.before_call = stumble
    key = world.batch(items)
    world.settle(key)
    for _ in range(2):
        world.work(key)
    status = world.status(key)
    assert status.totals is not None
    assert (20, 0, "Complete") == (status.totals.succeeded, status.totals.unknown, status.phase)
    assert 0 < status.totals.resent < 20
    assert [means] == met
