"""When a project is worth a look every few seconds: while the cloud is at work on one of its bindings, only then."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.datasetbinding import DatasetBinding
from controller.runtime.poller import spaced, under_way

READY = ("Ready", "True", "Succeeded")
CASES: list[tuple[str, list[tuple[str, str, str]], int, bool]] = [
    ("ready", [READY], 1, False),
    ("edited", [READY], 0, True),
    ("scanning", [("Reconciling", "True", "Indexing"), ("Ready", "False", "Indexing")], 1, True),
    ("confirming", [("Reconciling", "True", "Confirming"), ("Ready", "False", "Confirming")], 1, True),
    ("a-later-reason", [("Reconciling", "True", "Dreaming"), ("Ready", "False", "Dreaming")], 1, True),
    ("stopped", [("Stalled", "True", "BindingStopped"), ("Ready", "False", "BindingStopped")], 1, False),
    ("drifted", [("Stalled", "True", "DriftDetected"), ("Ready", "False", "DriftDetected")], 1, False),
    ("suspended", [("Ready", "Unknown", "Suspended"), ("Suspended", "True", "Suspended")], 1, False),
    ("waiting", [("Reconciling", "True", "DependencyNotReady"), ("Ready", "False", "DependencyNotReady")], 1, False),
    ("alone", [("Reconciling", "True", "DependencyNotFound"), ("Ready", "False", "DependencyNotFound")], 1, False),
    ("never-seen", [], -1, True),
]


@pytest.mark.parametrize(("conditions", "observed", "busy"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_what_stands_still_is_not_polled_for(
    conditions: list[tuple[str, str, str]], observed: int, *, busy: bool
) -> None:
    """One stopped binding must not have its project listed every five seconds for ever."""
    told = [
        {"type": kind, "status": truth, "reason": reason, "lastTransitionTime": "2026-08-01T12:00:00Z"}
        for kind, truth, reason in conditions
    ]
    spec: dict[str, Any] = {"accountRef": {"name": "a"}, "dataset": {"ref": "d"}, "bucket": "photos"}
    body = {
        "metadata": {"name": "b", "namespace": "team", "generation": 1},
        "spec": spec,
        "status": {"observedGeneration": observed, "conditions": told},
    }
    assert busy == under_way(DatasetBinding.read(body))


@pytest.mark.parametrize(
    ("bindings", "rate", "seconds"), [(1, 80.0, 5.0), (1_000, 80.0, 5.0), (10_000, 80.0, 6.25), (10_000, 5.0, 100.0)]
)
def test_the_listings_of_a_large_project_leave_nine_tenths_of_its_rate(
    bindings: int, rate: float, seconds: float
) -> None:
    """Ten thousand bindings are fifty pages: at 80 calls a second they are listed eight times in fifty seconds."""
    assert seconds == spaced(5.0, bindings, rate)
