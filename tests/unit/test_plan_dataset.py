"""What a Dataset does next, as tables: drift of each field, settling, deletion only when empty."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.api.status import Intent
from controller.core.actions import CreateDataset, DeleteDataset, Hold, RecordIntent, Release, UpdateDataset
from controller.core.dataset import difference, plan
from controller.core.dependency import Availability
from controller.core.facts import QuotaFacts
from controller.core.plan import Standing
from controller.core.reasons import Reason
from tests.unit.plan_inputs import (
    NOW,
    dataset_facts,
    dataset_spec,
    dependencies,
    leaving,
    ledger,
    observed_dataset,
)

DRIFT: list[tuple[str, dict[str, Any], str]] = [
    (
        "templateId",
        {"templateId": "Official:ImageManagement"},
        "templateId Official:AllFunction → Official:ImageManagement",
    ),
    ("description", {"description": "holiday"}, "description unset → holiday"),
    ("maxBindCount", {"quotas": {"maxBindCount": 5}}, "quotas.maxBindCount 10 → 5"),
    ("maxFileCount", {"quotas": {"maxFileCount": 5}}, "quotas.maxFileCount 100 → 5"),
    ("maxEntityCount", {"quotas": {"maxEntityCount": 5}}, "quotas.maxEntityCount 1000 → 5"),
    ("maxRelationCount", {"quotas": {"maxRelationCount": 5}}, "quotas.maxRelationCount 10000 → 5"),
    ("maxTotalFileSize", {"quotas": {"maxTotalFileSize": 5}}, "quotas.maxTotalFileSize 100000 → 5"),
]
SAME: list[tuple[str, dict[str, Any]]] = [
    ("nothing-managed", {}),
    ("all-equal", {"templateId": "Official:AllFunction", "quotas": {"maxBindCount": 10, "maxTotalFileSize": 100_000}}),
]


@pytest.mark.parametrize(("spec", "change"), [row[1:] for row in DRIFT], ids=[row[0] for row in DRIFT])
def test_drift_of_each_field_is_an_update_of_that_field_alone(spec: dict[str, Any], change: str) -> None:
    """The update names the field with both values and leaves every other one out."""
    decided = plan(dataset_spec(**spec), observed_dataset(dataset=dataset_facts()), NOW)
    [action] = decided.actions
    assert isinstance(action, RecordIntent)
    update = action.announces
    assert isinstance(update, UpdateDataset)
    assert (change,) == update.changes
    given = [update.template_id, update.description, *(getattr(update.quotas, f) for f in QuotaFacts.__slots__)]
    assert 1 == sum(value is not None for value in given)
    assert (Standing.PROGRESSING, Reason.UPDATING) == (decided.verdict.standing, decided.verdict.reason)


@pytest.mark.parametrize("spec", [row[1] for row in SAME], ids=[row[0] for row in SAME])
def test_a_dataset_as_specified_is_ready_and_left_alone(spec: dict[str, Any]) -> None:
    """A field the spec leaves out is not managed."""
    decided = plan(dataset_spec(**spec), observed_dataset(dataset=dataset_facts()), NOW)
    assert ((), Standing.READY) == (decided.actions, decided.verdict.standing)


def test_several_drifted_fields_make_one_update() -> None:
    """One call, whatever differs."""
    update = difference(dataset_spec(description="new", quotas={"maxBindCount": 1, "maxFileCount": 2}), dataset_facts())
    assert update is not None
    assert (QuotaFacts(max_bind_count=1, max_file_count=2), "new", None) == (
        update.quotas,
        update.description,
        update.template_id,
    )
    assert 3 == len(update.changes)


def test_a_quota_the_cloud_does_not_tell_counts_as_different() -> None:
    """An unknown value is not an equal one."""
    found = dataset_facts(quotas=QuotaFacts())
    update = difference(dataset_spec(quotas={"maxBindCount": 3}), found)
    assert update is not None
    assert ("quotas.maxBindCount unset → 3",) == update.changes


def update_intent(age: float, **spec: Any) -> Intent:
    """The intent of the update that `spec` asks for, `age` seconds old."""
    [record] = plan(dataset_spec(**spec), observed_dataset(dataset=dataset_facts()), NOW).actions
    assert isinstance(record, RecordIntent)
    return record.intent.model_copy(update={"recorded_at": NOW - timedelta(seconds=age)})


SETTLING = [(0, True), (10, True), (340, True), (359, True), (361, False), (4000, False)]


@pytest.mark.parametrize(("age", "waits"), SETTLING)
def test_an_accepted_update_is_not_repeated_until_it_had_time_to_show(age: float, *, waits: bool) -> None:
    """Six minutes of Settling, looked at within 30 s each time, then it is tried once more."""
    open_intent = ledger(intent=update_intent(age, description="new"))
    decided = plan(dataset_spec(description="new"), observed_dataset(dataset=dataset_facts(), ledger=open_intent), NOW)
    if waits:
        assert ((), Reason.SETTLING) == (decided.actions, decided.verdict.reason)
        assert decided.verdict.look_again is not None
        assert 0 < decided.verdict.look_again <= 30
    else:
        [action] = decided.actions
        assert isinstance(action, RecordIntent)
        assert NOW == action.intent.recorded_at


def test_the_update_is_submitted_from_its_acknowledged_intent() -> None:
    """The same pass that wrote the intent makes the call."""
    written = ledger(intent=update_intent(0, description="new"), acknowledged=True)
    [action] = plan(
        dataset_spec(description="new"), observed_dataset(dataset=dataset_facts(), ledger=written), NOW
    ).actions
    assert isinstance(action, UpdateDataset)


def test_an_update_that_shows_field_by_field_is_not_sent_again() -> None:
    """The cloud has the new quota and not yet the new description: that is the same update, still on its way."""
    spec = {"description": "new", "quotas": {"maxBindCount": 5}}
    half = dataset_facts(quotas=replace(dataset_facts().quotas, max_bind_count=5))
    decided = plan(
        dataset_spec(**spec), observed_dataset(dataset=half, ledger=ledger(intent=update_intent(9, **spec))), NOW
    )
    assert ((), Reason.SETTLING) == (decided.actions, decided.verdict.reason)


def test_another_edit_while_settling_is_not_held_up() -> None:
    """Settling is of one update, not of the object."""
    open_intent = ledger(intent=update_intent(5, description="new"))
    observed = observed_dataset(dataset=dataset_facts(), ledger=open_intent)
    [action] = plan(dataset_spec(description="newer"), observed, NOW).actions
    assert isinstance(action, RecordIntent)


def test_what_shows_is_settled_at_once() -> None:
    """The cloud's answer ends the wait, not the clock."""
    open_intent = ledger(intent=update_intent(5, description="new"))
    observed = observed_dataset(dataset=dataset_facts(description="new"), ledger=open_intent)
    assert Standing.READY == plan(dataset_spec(description="new"), observed, NOW).verdict.standing


def test_an_absent_dataset_is_created_from_an_intent() -> None:
    """With everything that the spec gives."""
    spec = dataset_spec(templateId="Official:ImageManagement", description="d", quotas={"maxBindCount": 2})
    [record] = plan(spec, observed_dataset(), NOW).actions
    assert isinstance(record, RecordIntent)
    wanted = CreateDataset("media", "pictures", "Official:ImageManagement", "d", QuotaFacts(max_bind_count=2))
    assert wanted == record.announces
    written = ledger(intent=record.intent, acknowledged=True)
    assert (wanted,) == plan(spec, observed_dataset(ledger=written), NOW).actions


def test_an_update_intent_of_a_dataset_that_is_gone_does_not_hold_up_its_creation() -> None:
    """Another operation's intent says nothing about this one."""
    intent = update_intent(5, description="new")
    [action] = plan(dataset_spec(description="new"), observed_dataset(ledger=ledger(intent=intent)), NOW).actions
    assert isinstance(action, RecordIntent)
    assert "CreateDataset" == action.intent.operation


def test_without_the_project_it_stalls_and_names_pulumi() -> None:
    """The project is Pulumi's to make."""
    verdict = plan(dataset_spec(), observed_dataset(project_exists=False), NOW).verdict
    assert (Standing.STALLED, Reason.PROJECT_NOT_FOUND) == (verdict.standing, verdict.reason)
    assert "pulumi up" in verdict.message


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        (Availability.NOT_FOUND, Reason.DEPENDENCY_NOT_FOUND),
        (Availability.NOT_READY, Reason.DEPENDENCY_NOT_READY),
    ],
)
def test_it_waits_for_its_account(account: Availability, reason: Reason) -> None:
    """Nothing is done meanwhile."""
    decided = plan(dataset_spec(), observed_dataset(needs=dependencies(account)[:1]), NOW)
    assert ((), reason) == (decided.actions, decided.verdict.reason)


@pytest.mark.parametrize("present", [True, False])
def test_the_finalizer_comes_before_everything(*, present: bool) -> None:
    """Nothing is made or adopted that a delete could lose."""
    found = dataset_facts() if present else None
    actions = plan(dataset_spec(), observed_dataset(held=False, dataset=found), NOW).actions
    assert Hold() == actions[0]
    assert [RecordIntent] * (not present) == [type(action) for action in actions[1:]]


WOULD: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("create", {}, {}, "create dataset media/pictures with template of the project"),
    ("create-unheld", {}, {"held": False}, "create dataset media/pictures with template of the project"),
    (
        "update",
        {"description": "new"},
        {"dataset": dataset_facts()},
        "update dataset media/pictures: description unset → new",
    ),
]


@pytest.mark.parametrize("mode", ["Observe", "DryRun"])
@pytest.mark.parametrize(("spec", "seen", "change"), [row[1:] for row in WOULD], ids=[row[0] for row in WOULD])
def test_observe_and_dry_run_say_what_apply_would_do_and_do_nothing(
    mode: str, spec: dict[str, Any], seen: dict[str, Any], change: str
) -> None:
    """The finalizer is neither set nor waited for."""
    decided = plan(dataset_spec(mode=mode, **spec), observed_dataset(**seen), NOW)
    assert ((), (change,)) == (decided.actions, decided.verdict.planned_changes)
    reason = Reason.DRIFT_DETECTED if mode == "Observe" else Reason.PLANNED
    assert (Standing.STALLED, reason) == (decided.verdict.standing, decided.verdict.reason)


@pytest.mark.parametrize(("bindings", "files", "empty"), [(0, 0, True), (1, 0, False), (0, 1, False), (2, 7, False)])
def test_only_an_empty_dataset_is_deleted(bindings: int, files: int, *, empty: bool) -> None:
    """Nothing here purges; the message counts what is in the way and names both ways out."""
    found = dataset_facts(bind_count=bindings, file_count=files)
    decided = plan(None, observed_dataset(dataset=found, leaving=leaving(grace_ended=True)), NOW)
    if empty:
        assert (DeleteDataset("media", "pictures"),) == decided.actions
    else:
        assert ((), Reason.NOT_EMPTY) == (decided.actions, decided.verdict.reason)
        assert f"{bindings} bindings and {files} files" in decided.verdict.message
        assert "imm-operator.dev/detach" in decided.verdict.message


@pytest.mark.parametrize(("count", "named", "more"), [(2, 2, ""), (10, 10, ""), (12, 10, " and 2 more")])
def test_what_is_in_the_way_is_named_and_bounded(count: int, named: int, more: str) -> None:
    """Bindings by bucket, ten at most, and the next look is soon: people are busy emptying it."""
    found = dataset_facts(bind_count=count, file_count=3)
    bound = tuple(f"bucket-{n:02}" for n in range(count))
    leave = leaving(grace_ended=True)
    verdict = plan(None, observed_dataset(dataset=found, bound=bound, leaving=leave), NOW).verdict
    words = ", ".join(f"oss://{bucket}" for bucket in bound[:named])
    assert f"still has {count} bindings ({words}{more}) and 3 files" in verdict.message
    assert (Standing.STALLED, 60.0) == (verdict.standing, verdict.look_again)


@pytest.mark.parametrize("how", [{"detached": True}, {"made": False}], ids=["detached", "never-made"])
def test_a_full_dataset_can_still_be_let_go(how: dict[str, Any]) -> None:
    """Not empty only matters where it would be deleted."""
    found = dataset_facts(file_count=3)
    [action] = plan(None, observed_dataset(dataset=found, leaving=leaving(**how)), NOW).actions
    assert isinstance(action, Release)


def test_a_full_dataset_in_its_grace_period_says_grace_period() -> None:
    """It may be empty by then."""
    found = dataset_facts(file_count=3)
    decided = plan(None, observed_dataset(dataset=found, leaving=leaving()), NOW)
    assert Reason.DELETION_GRACE_PERIOD == decided.verdict.reason


def test_an_absent_dataset_is_released() -> None:
    """Absent, or the project is gone: nothing is left to delete."""
    for exists in (True, False):
        observed = observed_dataset(project_exists=exists, leaving=leaving(grace_ended=True))
        [action] = plan(None, observed, NOW).actions
        assert isinstance(action, Release)
        assert Reason.DELETED == action.reason


def test_a_delete_without_what_is_known_of_it_is_a_mistake() -> None:
    """The caller must say how the object leaves."""
    with pytest.raises(ValueError, match="leaving"):
        plan(None, replace(observed_dataset(), leaving=None), NOW)
