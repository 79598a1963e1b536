"""When a project is worth a look every few seconds: while the cloud is at work on one of its bindings, only then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.api.datasetbinding import DatasetBinding
from controller.core.facts import BindingFacts
from controller.runtime.poller import is_told, spaced, under_way

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


FOUND = BindingFacts("media", "d", "photos", "Running", "IncrementalScanning", "", "2026-08-01T12:00:00Z")
TOLD: dict[str, Any] = {"state": "Running", "phase": "IncrementalScanning"}


@pytest.mark.parametrize(
    ("found", "status", "told"),
    [
        (FOUND, TOLD, True),
        (FOUND, TOLD | {"state": "Ready"}, False),
        (FOUND, TOLD | {"observedGeneration": 0}, False),
        (FOUND, {}, False),
        (replace(FOUND, state="Failed", reason="no such bucket"), TOLD, False),
        (replace(FOUND, reason="x" * 600), TOLD | {"reason": "x" * 512}, True),
        (None, TOLD, False),
    ],
)
def test_what_a_status_says_already_is_no_news(
    found: BindingFacts | None, status: dict[str, Any], *, told: bool
) -> None:
    """At a start every binding is new in the first listing: thousands must not go ahead of a person's edit."""
    body = {
        "metadata": {"name": "b", "namespace": "team", "generation": 1},
        "spec": {"accountRef": {"name": "a"}, "dataset": {"ref": "d"}, "bucket": "photos"},
        "status": {"observedGeneration": 1} | status,
    }
    assert told == is_told(DatasetBinding.read(body), found)


@pytest.mark.parametrize(
    ("bindings", "rate", "seconds"), [(1, 80.0, 5.0), (1_000, 80.0, 5.0), (10_000, 80.0, 6.25), (10_000, 5.0, 100.0)]
)
def test_the_listings_of_a_large_project_leave_nine_tenths_of_its_rate(
    bindings: int, rate: float, seconds: float
) -> None:
    """Ten thousand bindings are fifty pages: at 80 calls a second they are listed eight times in fifty seconds."""
    assert seconds == spaced(5.0, bindings, rate)
