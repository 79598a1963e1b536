"""The kinds as models: what a spec may say, how an object reads, and how it is written."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.events import Events, ForeignMessages
from controller.api.fields import AccountId, BucketName, Endpoint, ImmName, MnsName, ObjectName, RegionId
from tests.unit.informer_inputs import body

NAMES: list[tuple[str, Any, list[str], list[str]]] = [
    ("object", ObjectName, ["a", "a-b.c0", "0"], ["", "A", "-a", "a-", "a..b", "a_b", "a" * 254, "a\n"]),
    ("imm", ImmName, ["a", "_a", "A-b_9", "a" * 128], ["", "9a", "-a", "a.b", "a b", "a" * 129, "a\n"]),
    ("bucket", BucketName, ["abc", "a-0", "a" * 63], ["ab", "Abc", "-ab", "ab-", "a_b", "a.b", "a" * 64, "abc\n"]),
    ("mns", MnsName, ["a", "0", "Imm-9-", "a" * 120], ["", "-a", "a_b", "a.b", "a/b", "a" * 121, "a\n"]),
    ("account", AccountId, ["12345", "1234567890123456"], ["1234", "12a45", "1" * 21, " 12345", "12345\n"]),
    ("region", RegionId, ["cn-hangzhou", "ap-southeast-1"], ["hangzhou", "CN-x", "cn-", "oss-cn-hangzhou"]),
    (
        "endpoint",
        Endpoint,
        ["http://127.0.0.1:8080", "https://imm.cn-hangzhou.aliyuncs.com"],
        ["127.0.0.1:8080", "ftp://x", "http://x/", "http://x/path", "http://u:p@x", "http://x?a=b", "http://x\n"],
    ),
]


@pytest.mark.parametrize(("kind", "good", "bad"), [row[1:] for row in NAMES], ids=[row[0] for row in NAMES])
def test_names_follow_the_vendors_rules(kind: Any, good: list[str], bad: list[str]) -> None:
    """The same spelling is refused by the CRD, the Pulumi program and the docs."""
    check = TypeAdapter(kind)
    for text in good:
        assert text == check.validate_python(text)
    for text in bad:
        with pytest.raises(ValidationError):
            check.validate_python(text)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"foreignMessages": "DeadLetter"}, "foreignMessages: DeadLetter needs a queue to move them to"),
        ({"deadLetterQueue": "q"}, "deadLetterQueue is the queue that is read"),
        ({"foreignMessages": "DeadLetter", "deadLetterQueue": "q"}, "deadLetterQueue is the queue that is read"),
    ],
)
def test_events_without_a_place_for_what_is_set_aside_are_refused(fields: dict[str, str], said: str) -> None:
    """Also where the object was stored before the API server knew the rules."""
    with pytest.raises(ValidationError, match=re.escape(f"spec.events.{said}")):
        Events.model_validate({"topic": "t", "queue": "q"} | fields)


def test_messages_of_others_are_left_unless_said_otherwise() -> None:
    """The default loses nothing and needs nothing."""
    events = Events.model_validate({"topic": "t", "queue": "q"})
    assert (ForeignMessages.LEAVE, None) == (events.foreign_messages, events.dead_letter_queue)
    assert {"topic": "t", "queue": "q"} == events.model_dump(by_alias=True, exclude_defaults=True)


def test_an_unknown_spec_field_is_refused() -> None:
    """A typo is not ignored."""
    stored = body("Dataset")
    stored["spec"]["quota"] = {}
    with pytest.raises(ValidationError):
        Dataset.read(stored)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ready": True}, True),
        ({"ready": False, "observed": 1}, False),
        ({}, False),
    ],
)
def test_ready_is_ready_true_of_the_present_generation(fields: dict[str, Any], *, expected: bool) -> None:
    """What was said of an older spec does not count."""
    assert expected == DatasetBinding.read(body("DatasetBinding", **fields)).ready
    newer = body("DatasetBinding", **fields)
    newer["metadata"]["generation"] = 2
    assert not DatasetBinding.read(newer).ready


def test_a_status_survives_being_stored() -> None:
    """Written without its defaults, read back equal: else every pass would write."""
    status = {
        "observedGeneration": 3,
        "adopted": False,
        "state": "Running",
        "intent": {"operation": "CreateBinding", "id": "x", "recordedAt": "2026-08-01T12:00:00.123456Z"},
        "identity": {"accountId": "12345", "region": "cn-hangzhou"},
        "plannedChanges": ["a"],
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "R", "lastTransitionTime": "2026-08-01T12:00:00Z"}
        ],
    }
    first = DatasetBinding.read(body("DatasetBinding") | {"status": status})
    stored = first.status.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert first.status == DatasetBinding.read(body("DatasetBinding") | {"status": stored}).status


def test_a_manifest_is_what_a_person_would_write() -> None:
    """No status, no defaults, the vendor's spelling of nothing."""
    stored = body("DatasetBinding", ready=True)
    manifest = DatasetBinding.read(stored).manifest()
    assert stored["spec"] == manifest["spec"]
    assert {"apiVersion", "kind", "metadata", "spec"} == set(manifest)
