"""Mode Observe and mode DryRun as tables: what counts as drift, field by field, and what a plan says it would cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.api.status import Drift, Intent
from controller.core import binding, dataset
from controller.core.actions import CreateBinding
from controller.core.dependency import Availability
from controller.core.drift import differs
from controller.core.facts import BucketFacts
from controller.core.plan import Standing
from controller.core.reasons import Reason
from tests.unit.plan_inputs import (
    NOW,
    REGION,
    binding_facts,
    binding_spec,
    dataset_facts,
    dataset_spec,
    dependencies,
    ledger,
    observed_binding,
    observed_dataset,
)

Row = tuple[str, str, str]
ABSENT = ("binding", "present", "absent")


def rows(drift: tuple[Drift, ...]) -> list[Row]:
    """Field, wanted, actual."""
    return [(one.field, one.wanted, one.actual) for one in drift]


BINDINGS: list[tuple[str, dict[str, Any], list[Row]]] = [
    ("settled", {"binding": binding_facts("Running", "IncrementalScanning")}, []),
    ("scanning", {"binding": binding_facts("Running", "FullScanning")}, []),
    ("just-made", {"binding": binding_facts("Ready")}, []),
    ("retrying", {"binding": binding_facts("Retrying")}, []),
    ("unknown", {"binding": binding_facts("Hibernating")}, []),
    ("stopped", {"binding": binding_facts("Stopped")}, [("state", "Running", "Stopped")]),
    ("failed", {"binding": binding_facts("Failed")}, [("state", "Running", "Failed")]),
    ("deleted", {"binding": binding_facts("Deleted"), "made": True}, [ABSENT]),
    ("vanished", {"made": True}, [ABSENT]),
    ("never-made", {}, [ABSENT]),
    ("no-bucket", {"bucket": None}, [ABSENT]),
    ("no-account", {"needs": dependencies(Availability.NOT_FOUND)}, []),
    ("dataset-not-ready", {"needs": dependencies(dataset=Availability.NOT_READY)}, []),
]


@pytest.mark.parametrize(("seen", "drift"), [row[1:] for row in BINDINGS], ids=[row[0] for row in BINDINGS])
def test_a_bindings_drift_is_a_standstill_or_an_absence(seen: dict[str, Any], drift: list[Row]) -> None:
    """What the cloud works on, and what cannot be looked at, is none; nothing is ever written."""
    decided = binding.plan(binding_spec(mode="Observe"), observed_binding(**seen), NOW)
    assert ((), drift) == (decided.actions, rows(decided.verdict.drift))
    if drift:
        [(field, wanted, actual)] = drift
        assert (Standing.STALLED, Reason.DRIFT_DETECTED) == (decided.verdict.standing, decided.verdict.reason)
        assert f"{field}: wanted {wanted}, is {actual}" in decided.verdict.message
    else:
        assert Reason.DRIFT_DETECTED is not decided.verdict.reason


def test_a_stopped_bindings_drift_still_tells_the_way_out() -> None:
    """The console's steps are in the message, as in mode Apply."""
    observed = observed_binding(binding=binding_facts("Stopped"))
    assert "IMM console" in binding.plan(binding_spec(mode="Observe"), observed, NOW).verdict.message


def test_a_create_that_is_being_confirmed_is_no_drift_yet() -> None:
    """Its answer was lost in mode Apply; two look-ups decide whether it is there."""
    intent = Intent(operation="CreateBinding", id="x", recorded_at=NOW - timedelta(seconds=5), absent_since=NOW)
    decided = binding.plan(binding_spec(mode="Observe"), observed_binding(ledger=ledger(intent=intent)), NOW)
    assert (Reason.CONFIRMING, ()) == (decided.verdict.reason, decided.verdict.drift)


DATASETS: list[tuple[str, dict[str, Any], dict[str, Any], list[Row]]] = [
    ("nothing-managed", {}, {"dataset": dataset_facts()}, []),
    ("equal", {"quotas": {"maxBindCount": 10}}, {"dataset": dataset_facts()}, []),
    (
        "template",
        {"templateId": "Official:ImageManagement"},
        {"dataset": dataset_facts()},
        [("templateId", "Official:ImageManagement", "Official:AllFunction")],
    ),
    ("description", {"description": "ours"}, {"dataset": dataset_facts()}, [("description", "ours", "unset")]),
    (
        "every-quota",
        {
            "quotas": {
                "maxBindCount": 1,
                "maxFileCount": 2,
                "maxEntityCount": 3,
                "maxRelationCount": 4,
                "maxTotalFileSize": 5,
            }
        },
        {"dataset": dataset_facts()},
        [
            ("quotas.maxBindCount", "1", "10"),
            ("quotas.maxFileCount", "2", "100"),
            ("quotas.maxEntityCount", "3", "1000"),
            ("quotas.maxRelationCount", "4", "10000"),
            ("quotas.maxTotalFileSize", "5", "100000"),
        ],
    ),
    ("absent", {}, {}, [("dataset", "present", "absent")]),
    ("no-project", {}, {"project_exists": False}, []),
    ("no-account", {}, {"needs": dependencies(Availability.NOT_FOUND)[:1]}, []),
]


@pytest.mark.parametrize(("spec", "seen", "drift"), [row[1:] for row in DATASETS], ids=[row[0] for row in DATASETS])
def test_a_datasets_drift_is_each_managed_field(spec: dict[str, Any], seen: dict[str, Any], drift: list[Row]) -> None:
    """Under the field's name in the spec, with both values; a field that the spec leaves out is not managed."""
    decided = dataset.plan(dataset_spec(mode="Observe", **spec), observed_dataset(**seen), NOW)
    assert ((), drift) == (decided.actions, rows(decided.verdict.drift))
    assert bool(drift) == (decided.verdict.reason is Reason.DRIFT_DETECTED)


def test_an_update_on_its_way_is_no_drift() -> None:
    """Accepted in mode Apply a minute ago; it has five to show."""
    spec = {"description": "ours"}
    [record] = dataset.plan(dataset_spec(**spec), observed_dataset(dataset=dataset_facts()), NOW).actions
    intent = record.intent.model_copy(update={"recorded_at": NOW - timedelta(seconds=60)})  # type: ignore[union-attr] # the one action is a RecordIntent
    observed = observed_dataset(dataset=dataset_facts(), ledger=ledger(intent=intent))
    verdict = dataset.plan(dataset_spec(mode="Observe", **spec), observed, NOW).verdict
    assert (Reason.SETTLING, ()) == (verdict.reason, verdict.drift)


@pytest.mark.parametrize("mode", ["Apply", "DryRun"])
def test_only_mode_observe_reports_drift(mode: str) -> None:
    """Apply mends it, DryRun plans it."""
    observed = observed_dataset(dataset=dataset_facts())
    assert () == dataset.plan(dataset_spec(mode=mode, description="ours"), observed, NOW).verdict.drift


def test_a_suspended_observer_goes_on_reporting() -> None:
    """Suspension stops writes, not looks."""
    observed = observed_dataset(dataset=dataset_facts())
    verdict = dataset.plan(dataset_spec(mode="Observe", suspend=True, description="ours"), observed, NOW).verdict
    assert (True, [("description", "ours", "unset")]) == (verdict.suspended, rows(verdict.drift))


def test_a_long_value_is_cut_to_what_the_schema_takes() -> None:
    """Whatever somebody put into the cloud, the status stays within its bounds."""
    drift = differs("description", "a" * 256, "b" * 9000)
    assert "a" * 256 == drift.wanted
    assert drift.actual.startswith("bbb")
    assert len(drift.actual) <= 256


TEMPLATES = [("Official:ImageManagement", "template Official:ImageManagement"), ("", "the template in force then")]


@pytest.mark.parametrize(("template", "words"), TEMPLATES)
def test_dry_run_tells_what_a_scan_covers_and_by_which_template(template: str, words: str) -> None:
    """Both decide what it costs."""
    bucket = BucketFacts("photos", REGION, objects=100_000)
    observed = observed_binding(bucket=bucket, template=template)
    verdict = binding.plan(binding_spec(mode="DryRun"), observed, NOW).verdict
    assert (
        CreateBinding("media", "pictures", "photos").describe(),
        f"scan and bill the 100000 objects of oss://photos, with {words}",
    ) == verdict.planned_changes
    assert verdict.planned_changes[1] in verdict.message


def test_dry_run_tells_it_of_a_failed_binding_that_would_be_made_again() -> None:
    """The costliest step of all."""
    observed = observed_binding(binding=binding_facts("Failed"), made=True, template="T")
    changes = binding.plan(binding_spec(mode="DryRun", recreatePolicy="Always"), observed, NOW).verdict.planned_changes
    assert "scan and bill the 100 objects of oss://photos, with template T" in changes


def test_dry_run_with_nothing_to_do_costs_nothing() -> None:
    """A settled binding is Ready, and no scan is announced."""
    observed = observed_binding(binding=binding_facts("Running", "IncrementalScanning"), template="T")
    verdict = binding.plan(binding_spec(mode="DryRun"), observed, NOW).verdict
    assert ((), Standing.READY) == (verdict.planned_changes, verdict.standing)


@pytest.mark.parametrize(
    ("given", "project", "told"), [(None, "P", True), ("T", "P", False), (None, "", False)], ids=["left", "given", "-"]
)
def test_dry_run_of_a_dataset_tells_the_template_it_would_get(given: str | None, project: str, *, told: bool) -> None:
    """Where the spec leaves it to the project."""
    spec = {"templateId": given} if given else {}
    verdict = dataset.plan(dataset_spec(mode="DryRun", **spec), observed_dataset(project_template=project), NOW).verdict
    assert told == any("the project's template, P" in change for change in verdict.planned_changes)
