"""What a DatasetBinding does next, as tables: observation in, actions and verdict out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.api.status import Intent
from controller.core.actions import Action, CreateBinding, DeleteBinding, Hold, RecordIntent, Release
from controller.core.binding import ObservedBinding, plan
from controller.core.dependency import Availability
from controller.core.facts import BucketFacts, Scanned
from controller.core.plan import Standing
from controller.core.reasons import Reason
from tests.unit.plan_inputs import (
    NOW,
    REGION,
    binding_facts,
    binding_spec,
    dependencies,
    leaving,
    ledger,
    observed_binding,
)

READY, PROGRESSING, STALLED = Standing.READY, Standing.PROGRESSING, Standing.STALLED
CREATE = CreateBinding("media", "pictures", "photos")
DELETE = DeleteBinding("media", "pictures", "photos")

STATES = [
    ("Ready", "", PROGRESSING, Reason.INDEXING),
    ("Running", "", PROGRESSING, Reason.INDEXING),
    ("Running", "FullScanning", PROGRESSING, Reason.INDEXING),
    ("Running", "IncrementalScanning", READY, Reason.SUCCEEDED),
    ("Ready", "IncrementalScanning", PROGRESSING, Reason.INDEXING),
    ("Retrying", "", PROGRESSING, Reason.INDEXING),
    ("Retrying", "FullScanning", PROGRESSING, Reason.INDEXING),
    ("Retrying", "IncrementalScanning", PROGRESSING, Reason.INDEXING),
    ("Failed", "", STALLED, Reason.BINDING_FAILED),
    ("Failed", "FullScanning", STALLED, Reason.BINDING_FAILED),
    ("Failed", "IncrementalScanning", STALLED, Reason.BINDING_FAILED),
    ("Stopped", "", STALLED, Reason.BINDING_STOPPED),
    ("Stopped", "FullScanning", STALLED, Reason.BINDING_STOPPED),
    ("Stopped", "IncrementalScanning", STALLED, Reason.BINDING_STOPPED),
    ("Deleted", "", STALLED, Reason.BINDING_VANISHED),
    ("Deleted", "IncrementalScanning", STALLED, Reason.BINDING_VANISHED),
    ("Hibernating", "", PROGRESSING, Reason.INDEXING),
    ("Running", "DeepScanning", PROGRESSING, Reason.INDEXING),
    ("", "", PROGRESSING, Reason.INDEXING),
    ("running", "incrementalscanning", PROGRESSING, Reason.INDEXING),
]


@pytest.mark.parametrize(
    ("state", "phase", "standing", "reason"), STATES, ids=[f"{row[0] or 'none'}-{row[1] or 'none'}" for row in STATES]
)
@pytest.mark.parametrize("made", [True, False], ids=["on-record", "adopted-now"])
def test_each_state_has_its_verdict_and_nothing_to_do(
    state: str, phase: str, standing: Standing, reason: Reason, *, made: bool
) -> None:
    """Every pair of the vendor's guide, and pairs it does not know: those are work under way, never success."""
    observed = observed_binding(binding=binding_facts(state, phase), made=made)
    decided = plan(binding_spec(), observed, NOW)
    if state == "Deleted" and not made:
        assert (RecordIntent,) == kinds(decided.actions)
        return
    assert (standing, reason, ()) == (decided.verdict.standing, decided.verdict.reason, decided.actions)


@pytest.mark.parametrize(("state", "phase"), [("Ready", ""), ("Running", "FullScanning"), ("Hibernating", "")])
def test_what_is_under_way_is_looked_at_again_soon(state: str, phase: str) -> None:
    """A scan is followed, and its state is in the message."""
    verdict = plan(binding_spec(), observed_binding(binding=binding_facts(state, phase)), NOW).verdict
    assert 30.0 == verdict.look_again
    assert f"({f'{state} {phase}'.strip()})" in verdict.message


@pytest.mark.parametrize("state", ["Failed", "Stopped", "Running"])
def test_the_clouds_own_reason_is_passed_on(state: str) -> None:
    """What the cloud says belongs in the message a person reads."""
    found = binding_facts(state, "FullScanning", "the role cannot read the bucket")
    assert (
        "the role cannot read the bucket" in plan(binding_spec(), observed_binding(binding=found), NOW).verdict.message
    )


@pytest.mark.parametrize(
    ("state", "hint"), [("Failed", "spec.recreatePolicy"), ("Stopped", "console"), ("Deleted", "spec.recreatePolicy")]
)
def test_a_stalled_binding_says_the_way_out(state: str, hint: str) -> None:
    """A message without a next step is no message."""
    observed = observed_binding(binding=binding_facts(state), made=True)
    assert hint in plan(binding_spec(), observed, NOW).verdict.message


ABSENT: list[tuple[str, dict[str, Any], dict[str, Any], tuple[type[Action], ...], Reason]] = [
    ("never-made", {}, {}, (RecordIntent,), Reason.CREATING),
    ("vanished", {}, {"made": True}, (), Reason.BINDING_VANISHED),
    ("vanished-recreate", {"recreatePolicy": "Always"}, {"made": True}, (RecordIntent,), Reason.CREATING),
    (
        "deleted-recreate",
        {"recreatePolicy": "Always"},
        {"made": True, "binding": binding_facts("Deleted")},
        (RecordIntent,),
        Reason.CREATING,
    ),
    ("no-bucket", {}, {"bucket": None}, (), Reason.BUCKET_NOT_FOUND),
    ("other-region", {}, {"bucket": BucketFacts("photos", "cn-beijing", 1)}, (), Reason.REGION_MISMATCH),
    ("too-many", {"maxObjects": 99}, {}, (), Reason.TOO_MANY_OBJECTS),
    ("too-many-none-allowed", {"maxObjects": 0}, {}, (), Reason.TOO_MANY_OBJECTS),
    ("just-enough", {"maxObjects": 100}, {}, (RecordIntent,), Reason.CREATING),
    (
        "empty-none-allowed",
        {"maxObjects": 0},
        {"bucket": BucketFacts("photos", REGION, 0)},
        (RecordIntent,),
        Reason.CREATING,
    ),
    ("vanished-and-no-bucket", {}, {"made": True, "bucket": None}, (), Reason.BINDING_VANISHED),
    (
        "recreate-into-too-many",
        {"recreatePolicy": "Always", "maxObjects": 1},
        {"made": True},
        (),
        Reason.TOO_MANY_OBJECTS,
    ),
    ("not-held", {}, {"held": False}, (Hold, RecordIntent), Reason.CREATING),
    ("refused-not-held", {"maxObjects": 1}, {"held": False}, (), Reason.TOO_MANY_OBJECTS),
]


@pytest.mark.parametrize(("spec", "seen", "actions", "reason"), [row[1:] for row in ABSENT], ids=[r[0] for r in ABSENT])
def test_an_absent_binding_is_made_only_where_nothing_speaks_against_it(
    spec: dict[str, Any], seen: dict[str, Any], actions: tuple[type[Action], ...], reason: Reason
) -> None:
    """What costs money is refused before it is submitted, and starts with an intent."""
    decided = plan(binding_spec(**spec), observed_binding(**seen), NOW)
    assert (actions, reason) == (kinds(decided.actions), decided.verdict.reason)
    assert bool(actions) != (decided.verdict.standing is STALLED)


@pytest.mark.parametrize(("state", "standing"), [("Running", READY), ("Failed", STALLED)])
def test_what_is_there_is_held_before_it_is_kept(state: str, standing: Standing) -> None:
    """Adopted is held, too; the verdict is what the cloud's state stands for."""
    found = binding_facts(state, "IncrementalScanning")
    decided = plan(binding_spec(), observed_binding(held=False, binding=found), NOW)
    assert ((Hold(),), standing) == (decided.actions, decided.verdict.standing)


def test_the_submit_follows_an_acknowledged_intent_of_this_very_pass() -> None:
    """First the intent, then the call that it announces, and that call only."""
    [first] = plan(binding_spec(), observed_binding(), NOW).actions
    assert isinstance(first, RecordIntent)
    assert (CREATE, "CreateBinding", NOW) == (first.announces, first.intent.operation, first.intent.recorded_at)
    acknowledged = ledger(intent=first.intent, acknowledged=True)
    assert (CREATE,) == plan(binding_spec(), observed_binding(ledger=acknowledged), NOW).actions


def test_an_open_intent_of_an_earlier_pass_submits_nothing() -> None:
    """After a crash nobody knows whether the call was made; look-ups decide."""
    intent = Intent(operation="CreateBinding", id="x", recorded_at=NOW - timedelta(seconds=5))
    decided = plan(binding_spec(), observed_binding(ledger=ledger(intent=intent)), NOW)
    assert Reason.CONFIRMING == decided.verdict.reason
    assert CREATE not in decided.actions


@pytest.mark.parametrize("phase", ["", "FullScanning"])
def test_a_failed_binding_is_removed_only_by_explicit_policy(phase: str) -> None:
    """With Always the failed one goes first."""
    observed = observed_binding(binding=binding_facts("Failed", phase), made=True)
    decided = plan(binding_spec(recreatePolicy="Always"), observed, NOW)
    assert ((DELETE,), Reason.DELETING) == (decided.actions, decided.verdict.reason)


AGES: list[tuple[str, float | None, bool, tuple[Action, ...], Reason]] = [
    ("age-unknown", None, False, (DELETE,), Reason.DELETING),
    ("failed-long-ago", 600, False, (DELETE,), Reason.DELETING),
    ("failed-again-at-once", 5, False, (), Reason.BINDING_FAILED),
    ("nearly", 599, False, (), Reason.BINDING_FAILED),
    ("asked-by-a-person", 5, True, (DELETE,), Reason.DELETING),
]


@pytest.mark.parametrize(("age", "asked", "actions", "reason"), [row[1:] for row in AGES], ids=[row[0] for row in AGES])
def test_a_binding_that_fails_again_and_again_is_not_paid_for_again_and_again(
    age: float | None, actions: tuple[Action, ...], reason: Reason, *, asked: bool
) -> None:
    """Ten minutes from one creation to the next, unless a person edits the object or asks."""
    made = (NOW - timedelta(seconds=age)).isoformat() if age is not None else "unreadable"
    found = replace(binding_facts("Failed"), created_at=made)
    observed = observed_binding(binding=found, made=True, asked=asked)
    decided = plan(binding_spec(recreatePolicy="Always"), observed, NOW)
    assert (actions, reason) == (decided.actions, decided.verdict.reason)
    if not actions and age is not None:
        assert 600 - age == decided.verdict.look_again
        assert "It is made again at 2026-08-01T12:" in decided.verdict.message


@pytest.mark.parametrize(
    ("bucket", "reason"),
    [(None, Reason.BUCKET_NOT_FOUND), (BucketFacts("photos", REGION, 100), Reason.TOO_MANY_OBJECTS)],
)
def test_a_failed_binding_stays_where_the_next_one_would_be_refused(bucket: BucketFacts | None, reason: Reason) -> None:
    """Refused before anything is removed."""
    observed = observed_binding(binding=binding_facts("Failed"), made=True, bucket=bucket)
    decided = plan(binding_spec(recreatePolicy="Always", maxObjects=99), observed, NOW)
    assert ((), reason) == (decided.actions, decided.verdict.reason)


@pytest.mark.parametrize("scanned", [None, Scanned(40, 100)])
def test_progress_is_in_the_message_where_it_is_known(scanned: Scanned | None) -> None:
    """Files in the dataset of objects in the bucket."""
    found = binding_facts("Running", "FullScanning")
    verdict = plan(binding_spec(), observed_binding(binding=found, scanned=scanned), NOW).verdict
    assert (scanned is not None) == ("(Running FullScanning): 40 of 100 objects" in verdict.message)


@pytest.mark.parametrize("state", ["Stopped", "Running", "Retrying", "Hibernating"])
def test_recreate_policy_always_touches_nothing_but_failed_and_absent_ones(state: str) -> None:
    """A paused or working binding is never thrown away."""
    observed = observed_binding(binding=binding_facts(state), made=True)
    assert () == plan(binding_spec(recreatePolicy="Always"), observed, NOW).actions


WAITS = [
    (Availability.NOT_FOUND, Availability.READY, Reason.DEPENDENCY_NOT_FOUND, "CloudAccount account"),
    (Availability.NOT_READY, Availability.READY, Reason.DEPENDENCY_NOT_READY, "CloudAccount account"),
    (Availability.READY, Availability.NOT_FOUND, Reason.DEPENDENCY_NOT_FOUND, "Dataset pictures"),
    (Availability.READY, Availability.NOT_READY, Reason.DEPENDENCY_NOT_READY, "Dataset pictures"),
    (Availability.NOT_READY, Availability.NOT_FOUND, Reason.DEPENDENCY_NOT_READY, "CloudAccount account"),
]


@pytest.mark.parametrize(("account", "dataset", "reason", "named"), WAITS)
@pytest.mark.parametrize("held", [True, False])
def test_it_waits_for_what_it_needs_and_names_it(
    account: Availability, dataset: Availability, reason: Reason, named: str, *, held: bool
) -> None:
    """Nothing is done meanwhile, not even the finalizer, and no look is scheduled: the other one's change wakes it."""
    observed = observed_binding(held=held, needs=dependencies(account, dataset, "AccountMismatch: wrong keys"))
    decided = plan(binding_spec(), observed, NOW)
    verdict = decided.verdict
    assert ((), PROGRESSING, reason, None) == (decided.actions, verdict.standing, verdict.reason, verdict.look_again)
    assert named in verdict.message
    assert ("wrong keys" in verdict.message) == (reason is Reason.DEPENDENCY_NOT_READY)


def test_without_the_datasets_name_it_waits() -> None:
    """A Dataset object that is ready but unknown by name cannot happen twice; it is waited for."""
    assert Reason.DEPENDENCY_NOT_READY == plan(binding_spec(), observed_binding(name=None), NOW).verdict.reason


MODES = ["Observe", "DryRun"]
WOULD: list[tuple[str, dict[str, Any], str]] = [
    ("create", {}, "bind oss://photos to dataset media/pictures"),
    ("create-unheld", {"held": False}, "bind oss://photos to dataset media/pictures"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("seen", "change"), [row[1:] for row in WOULD], ids=[row[0] for row in WOULD])
def test_observe_and_dry_run_say_what_apply_would_do_and_do_nothing(
    mode: str, seen: dict[str, Any], change: str
) -> None:
    """The finalizer is neither set nor waited for."""
    decided = plan(binding_spec(mode=mode), observed_binding(**seen), NOW)
    assert ((), change) == (decided.actions, decided.verdict.planned_changes[0])
    reason = Reason.DRIFT_DETECTED if mode == "Observe" else Reason.PLANNED
    assert (STALLED, reason) == (decided.verdict.standing, decided.verdict.reason)
    assert change in decided.verdict.message


@pytest.mark.parametrize("mode", MODES)
def test_observe_and_dry_run_show_the_removal_of_a_failed_binding(mode: str) -> None:
    """The costliest step of all is announced."""
    observed = observed_binding(binding=binding_facts("Failed"), made=True)
    verdict = plan(binding_spec(mode=mode, recreatePolicy="Always"), observed, NOW).verdict
    assert "unbind oss://photos from dataset media/pictures" == verdict.planned_changes[0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("phase", ["FullScanning", "IncrementalScanning"])
def test_without_a_difference_observe_and_dry_run_report_as_apply_does(mode: str, phase: str, *, held: bool) -> None:
    """A settled binding is Ready in every mode, and one that scans in progress."""
    found = binding_facts("Running", phase)
    observed = observed_binding(binding=found, held=held)
    applied = plan(binding_spec(), observed_binding(binding=found), NOW)
    assert applied == plan(binding_spec(mode=mode), observed, NOW)


@pytest.mark.parametrize("mode", ["Apply", *MODES])
@pytest.mark.parametrize("held", [True, False])
def test_suspended_nothing_is_done_in_any_mode(mode: str, *, held: bool) -> None:
    """Suspension holds everything back and shows what it holds back."""
    decided = plan(binding_spec(mode=mode, suspend=True), observed_binding(held=held), NOW)
    assert ((), True) == (decided.actions, decided.verdict.suspended)
    assert ("bind oss://photos to dataset media/pictures",) == decided.verdict.planned_changes


LEAVING: list[tuple[str, ObservedBinding, tuple[type[Action], ...]]] = [
    (
        "present",
        observed_binding(binding=binding_facts("Running"), leaving=leaving(grace_ended=True)),
        (DeleteBinding,),
    ),
    ("absent", observed_binding(leaving=leaving(grace_ended=True)), (Release,)),
    ("deleted", observed_binding(binding=binding_facts("Deleted"), leaving=leaving(grace_ended=True)), (Release,)),
    ("in-grace", observed_binding(binding=binding_facts("Running"), leaving=leaving()), ()),
    (
        "dataset-object-gone",
        observed_binding(
            binding=binding_facts("Running"),
            needs=dependencies(dataset=Availability.NOT_FOUND),
            leaving=leaving(grace_ended=True),
        ),
        (DeleteBinding,),
    ),
]


@pytest.mark.parametrize(("observed", "actions"), [row[1:] for row in LEAVING], ids=[row[0] for row in LEAVING])
def test_a_leaving_binding_goes_by_what_is_there(observed: ObservedBinding, actions: tuple[type[Action], ...]) -> None:
    """A binding listed as Deleted is as good as absent; dependencies do not hold a delete up."""
    assert actions == kinds(plan(None, observed, NOW).actions)


def test_a_delete_without_what_is_known_of_it_is_a_mistake() -> None:
    """The caller must say how the object leaves."""
    with pytest.raises(ValueError, match="leaving"):
        plan(None, observed_binding(), NOW)


def kinds(actions: tuple[Action, ...]) -> tuple[type[Action], ...]:
    """The types of actions."""
    return tuple(type(action) for action in actions)
