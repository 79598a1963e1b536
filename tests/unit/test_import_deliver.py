"""Messages to runs: journalled before they may be deleted, foreign ones left or set aside, and none kept for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from controller.api.events import ForeignMessages
from controller.core.facts import Received
from controller.core.imports.identity import user_data
from controller.core.imports.messages import read_notice
from controller.core.imports.records import Verdicts
from controller.reconcile.imports.deliver import Disposition, deliver
from emulator.testing import LocalCloud, cloud
from tests.unit.import_world import DATASET, PHOTOS, PROJECT, WORK, ImportWorld

__all__ = ["cloud"]
RUN = "0123456789abcdef" * 2


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[ImportWorld]:
    """A world for one test."""
    made = ImportWorld(cloud)
    yield made
    made.close()


def message(body: str, number: int = 0) -> Received:
    """As a queue hands it out."""
    return Received(f"m{number}", f"h{number}", body, 0.0, 1)


def told(run: str, nonce: str, uris: Sequence[str], **more: Any) -> str:
    """A result as IMM publishes it."""
    files = [{"URI": uri, "Error": ""} for uri in uris]
    said = {"ProjectName": PROJECT, "DatasetName": DATASET, "Success": True, "Message": "", "Files": files}
    return json.dumps(said | {"UserData": user_data(run, nonce, 0)} | more)


def hand(
    world: ImportWorld, bodies: Sequence[str], foreign: ForeignMessages = ForeignMessages.LEAVE
) -> list[Disposition]:
    """Deliver bodies; what becomes of each."""
    received = [message(body, number) for number, body in enumerate(bodies)]
    notices = [(one, read_notice(one.body)) for one in received]
    fates = deliver(world.context, notices, foreign, [("team", "account")])
    return [fates[one.id] for one in received]


def under_way(world: ImportWorld, count: int = 3) -> tuple[Any, str, list[str]]:
    """An import that waits for its results: its key, its nonce, its files."""
    uris = world.upload(count)
    key = world.batch(uris)
    world.settle(key)
    run = world.context.runs.find(world.status(key).run or "")
    assert run is not None
    return key, run.record.nonce, uris


def test_a_verdict_is_in_the_journal_when_the_message_may_go(world: ImportWorld) -> None:
    """One segment for the whole batch."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    puts = world.guard.writes.count("put_new")
    assert [Disposition.DELETE] * 3 == hand(world, [told(run, nonce, [uri]) for uri in uris])
    assert 1 == world.guard.writes.count("put_new") - puts
    assert [((0, 1),), ((1, 2),), ((2, 3),)] == [
        one.succeeded for one in world.journal(run) if isinstance(one, Verdicts)
    ]


def test_what_cannot_be_made_durable_is_left(world: ImportWorld) -> None:
    """It comes again, and counts then."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    fault = {"status": 503, "code": "ServiceUnavailable"}
    world.cloud.fault({"service": "oss", "operation": "PutObject", "error": fault})
    assert [Disposition.LEAVE] == hand(world, [told(run, nonce, uris)])
    assert [] == [one for one in world.journal(run) if isinstance(one, Verdicts)]
    world.cloud.fault()
    assert [Disposition.DELETE] == hand(world, [told(run, nonce, uris)])
    world.settle(key)
    assert "Complete" == world.status(key).phase


def test_a_duplicate_goes_and_costs_nothing(world: ImportWorld) -> None:
    """It was durable before."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    hand(world, [told(run, nonce, uris)])
    requests = world.requests()
    assert [Disposition.DELETE] == hand(world, [told(run, nonce, uris)])
    assert requests == world.requests()


def test_a_run_that_is_not_loaded_is_found_by_the_status_that_names_it(world: ImportWorld) -> None:
    """After a restart, before the object's first pass."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    world.restart()
    assert [Disposition.DELETE] == hand(world, [told(run, nonce, uris)])
    world.settle(key)
    assert "Complete" == world.status(key).phase


def test_a_run_whose_status_was_lost_is_found_by_its_record(world: ImportWorld) -> None:
    """Its owner stands in it."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    world.cluster.bodies[key]["status"] = {"observedGeneration": -1}
    world.restart()
    assert [Disposition.DELETE] == hand(world, [told(run, nonce, uris)])
    world.settle(key)
    assert "Complete" == world.status(key).phase


def test_before_everything_is_known_nothing_is_decided(world: ImportWorld) -> None:
    """Neither before the first LIST, nor before the account has signed in."""
    key, nonce, uris = under_way(world)
    body = told(world.status(key).run or "", nonce, uris)
    world.restart()
    world.cluster.complete = False
    assert [Disposition.LEAVE] == hand(world, [body], ForeignMessages.DEAD_LETTER)
    world.cluster.complete = True
    world.context.sessions.drop("team", "account")
    assert [Disposition.LEAVE] == hand(world, [body], ForeignMessages.DEAD_LETTER)


FOREIGN = {
    "nothing of IMM's": "hello",
    "an index call of somebody else": json.dumps(
        {"ProjectName": PROJECT, "DatasetName": DATASET, "Success": True, "Message": "", "Files": [], "UserData": "x"}
    ),
    "a run that nobody knows": told(RUN, "nonce", ["oss://photos/a"]),
}


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize(
    ("foreign", "fate"),
    [(ForeignMessages.LEAVE, Disposition.LEAVE), (ForeignMessages.DEAD_LETTER, Disposition.DEAD_LETTER)],
)
def test_what_is_not_ours_is_left_or_set_aside_and_never_deleted(
    world: ImportWorld, body: str, foreign: ForeignMessages, fate: Disposition
) -> None:
    """As the account says; whether such a run exists is asked once."""
    assert [fate] == hand(world, [body], foreign)
    requests = world.requests()
    assert [fate] == hand(world, [body], foreign)
    assert requests == world.requests()


@pytest.mark.parametrize("wrong", [{"ProjectName": "other"}, {"DatasetName": "other"}, {"nonce": "guessed"}])
def test_a_message_that_does_not_know_the_nonce_or_the_place_tells_nothing(
    world: ImportWorld, wrong: dict[str, str]
) -> None:
    """Anybody with rights on the topic may publish."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    body = told(run, wrong.get("nonce", nonce), uris, **{name: wrong[name] for name in wrong if name != "nonce"})
    assert [Disposition.LEAVE] == hand(world, [body])
    assert [] == [one for one in world.journal(run) if isinstance(one, Verdicts)]


def test_what_is_told_of_a_deleted_import_is_on_record_for_the_next_one_of_its_name(world: ImportWorld) -> None:
    """Deleted and made again in the middle of its run, it has the verdict; a guessed nonce loads nothing."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    gone = world.cluster.bodies.pop(key)
    world.restart()
    assert [Disposition.LEAVE] == hand(world, [told(run, "guessed", uris)])
    assert [] == world.context.runs.active()
    assert [Disposition.DELETE] == hand(world, [told(run, nonce, uris)])
    world.context.runs.keep(lambda _owner, _run: False, lambda _run: False)
    billed = world.calls("BatchIndexFileMeta")
    world.cluster.bodies[key] = gone | {"status": {"observedGeneration": -1}}
    world.settle(key)
    assert ("Complete", run, billed) == (
        world.status(key).phase,
        world.status(key).run,
        world.calls("BatchIndexFileMeta"),
    )


def test_what_is_told_of_work_that_changed_is_on_record_should_it_come_back(world: ImportWorld) -> None:
    """The new run is what the object follows; the old spec finds the old run, and nothing is sent again."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    world.batch(uris[:1])
    world.settle(key)
    assert run != world.status(key).run
    assert [Disposition.DELETE] == hand(world, [told(run, nonce, uris)])
    billed = world.calls("BatchIndexFileMeta")
    world.batch(uris)
    world.settle(key)
    assert ("Complete", run, billed) == (
        world.status(key).phase,
        world.status(key).run,
        world.calls("BatchIndexFileMeta"),
    )


def test_messages_of_a_run_that_ended_and_has_no_import_any_more_go_and_are_counted_apart(world: ImportWorld) -> None:
    """No word changes what ended."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    world.finish(key)
    del world.cluster.bodies[key]
    world.restart()
    assert [Disposition.OVER] == hand(world, [told(run, nonce, uris)])


def test_a_late_word_on_a_final_verdict_goes_without_loading_the_run(world: ImportWorld) -> None:
    """Nothing could change: one look at the record, once."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    world.finish(key)
    world.restart()
    assert [Disposition.OVER] == hand(world, [told(run, nonce, uris)])
    assert [] == world.context.runs.active()


def test_messages_of_another_clusters_run_are_not_ours(world: ImportWorld) -> None:
    """It may have the same work bucket, and it has its own operator."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    del world.cluster.bodies[key]
    world.cluster.identity = "cluster-two"
    world.restart()
    assert [Disposition.LEAVE] == hand(world, [told(run, nonce, uris)])


def test_a_file_that_the_call_did_not_hold_is_passed_over(world: ImportWorld) -> None:
    """The message is ours all the same."""
    key, nonce, uris = under_way(world)
    run = world.status(key).run or ""
    body = told(run, nonce, [uris[0], f"oss://{PHOTOS}/other.txt"])
    assert [Disposition.DELETE] == hand(world, [body])
    counted = world.context.runs.find(run)
    assert counted is not None
    assert (1, 2) == (counted.totals.succeeded, counted.totals.items - counted.totals.submitted)


def test_messages_of_several_runs_in_one_batch_are_told_apart(world: ImportWorld) -> None:
    """One append each."""
    first, nonce, uris = under_way(world)
    second = world.batch(uris, name="second")
    world.settle(second)
    other = world.context.runs.find(world.status(second).run or "")
    assert other is not None
    puts = world.guard.writes.count("put_new")
    bodies = [told(world.status(first).run or "", nonce, uris), told(other.id, other.record.nonce, uris), "hello"]
    assert [Disposition.DELETE, Disposition.DELETE, Disposition.LEAVE] == hand(world, bodies)
    assert 2 == world.guard.writes.count("put_new") - puts
    for key in (first, second):
        world.settle(key)
        assert "Complete" == world.status(key).phase


def test_a_run_that_its_pass_let_go_of_meanwhile_is_looked_at_again(world: ImportWorld) -> None:
    """A verdict that came in between is not lost on a state that another thread loaded."""
    world.cloud.fault({"service": "mns", "operation": "Deliver", "lose": True})
    key = world.batch([f"oss://{PHOTOS}/missing.txt"])
    world.settle(key)
    run = world.context.runs.find(world.status(key).run or "")
    assert run is not None
    world.cloud.advance(16 * 60)
    world.settle(key)
    assert [] == world.context.runs.active()
    loaded = world.context.runs.open(run.id, world.oss(), WORK)
    assert loaded is not None
    world.context.runs.drop(run.id)
    again = world.context.runs.open(run.id, world.oss(), WORK)
    missing = f"oss://{PHOTOS}/missing.txt"
    found = world.context.runs.find

    def stale(name: str) -> Any:
        return loaded if not loaded.journal.broken and loaded.totals.unknown else found(name)

    files = [{"URI": missing, "Error": "[InvalidArgument] gone"}]
    body = told(run.id, run.record.nonce, [], Files=files)
    runs = world.context.runs
    object.__setattr__(world.context, "runs", _Finding(runs, stale))
    assert [Disposition.DELETE] == hand(world, [body])
    object.__setattr__(world.context, "runs", runs)
    assert again is not None
    world.settle(key)
    counted = world.status(key).totals
    assert counted is not None
    assert (1, 0) == (counted.failed, counted.unknown)


class _Finding:
    """The runs, as a consumer sees them that found one a moment ago."""

    def __init__(self, runs: Any, find: Any) -> None:
        self.runs = runs
        self._first = [find]
        self._find = find

    def find(self, run: str) -> Any:
        return self._first.pop()(run) if self._first else self.runs.find(run)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.runs, name)
