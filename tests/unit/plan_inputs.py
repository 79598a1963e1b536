"""Desired and observed values for the tests of the plans: a complete, settled one each, to be varied by keyword."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from controller.api.dataset import DatasetSpec
from controller.api.datasetbinding import DatasetBindingSpec
from controller.api.fields import DeletionPolicy
from controller.core.binding import BindingName, ObservedBinding
from controller.core.dataset import ObservedDataset
from controller.core.deletion import Leaving
from controller.core.dependency import Availability, Dependency
from controller.core.facts import BindingFacts, BucketFacts, DatasetFacts, QuotaFacts
from controller.core.intents import Ledger

NOW = datetime(2026, 8, 1, 12, 0, 0, tzinfo=UTC)
REGION = "cn-hangzhou"
NAME = BindingName("media", "pictures", "photos")


def ledger(**fields: Any) -> Ledger:
    """No intent, looked at now."""
    return Ledger(**{"intent": None, "acknowledged": False, "looked_at": NOW} | fields)


def dependencies(
    account: Availability = Availability.READY, dataset: Availability = Availability.READY, detail: str = ""
) -> tuple[Dependency, Dependency]:
    """An account and a dataset."""
    return Dependency("CloudAccount", "account", account, detail), Dependency("Dataset", "pictures", dataset, detail)


def binding_spec(**fields: Any) -> DatasetBindingSpec:
    """Bucket photos into media/pictures."""
    given: dict[str, Any] = {
        "accountRef": {"name": "account"},
        "dataset": {"project": "media", "name": "pictures"},
        "bucket": "photos",
    }
    return DatasetBindingSpec.model_validate(given | fields)


def binding_facts(state: str, phase: str = "", reason: str = "") -> BindingFacts:
    """The binding in the cloud."""
    return BindingFacts("media", "pictures", "photos", state, phase, reason)


def observed_binding(**fields: Any) -> ObservedBinding:
    """Held, dependencies ready, no binding yet, a small bucket of the region."""
    usual: dict[str, Any] = {
        "held": True,
        "needs": dependencies(),
        "name": NAME,
        "made": False,
        "binding": None,
        "bucket": BucketFacts("photos", REGION, objects=100, size=1),
        "region": REGION,
        "ledger": ledger(),
    }
    return ObservedBinding(**usual | fields)


def dataset_spec(**fields: Any) -> DatasetSpec:
    """Dataset media/pictures with nothing managed."""
    given: dict[str, Any] = {"accountRef": {"name": "account"}, "project": "media", "name": "pictures"}
    return DatasetSpec.model_validate(given | fields)


def dataset_facts(**fields: Any) -> DatasetFacts:
    """The dataset in the cloud, with the cloud's own quotas."""
    usual: dict[str, Any] = {
        "project": "media",
        "name": "pictures",
        "template_id": "Official:AllFunction",
        "description": "",
        "quotas": QuotaFacts(10, 100, 1000, 10_000, 100_000),
    }
    return DatasetFacts(**usual | fields)


def observed_dataset(**fields: Any) -> ObservedDataset:
    """Held, account ready, the project is there and the dataset is not."""
    usual: dict[str, Any] = {
        "held": True,
        "needs": dependencies()[:1],
        "project_exists": True,
        "dataset": None,
        "ledger": ledger(),
    }
    return ObservedDataset(**usual | fields)


def leaving(**fields: Any) -> Leaving:
    """Something made, policy Delete, the grace period just begun."""
    usual: dict[str, Any] = {
        "what": "the thing",
        "policy": DeletionPolicy.DELETE,
        "grace_period": "10m",
        "since": NOW,
        "grace_ended": False,
        "detached": False,
        "made": True,
    }
    return Leaving(**usual | fields)
