"""The vendor's indexing guide, played word for word: its requests, responses and notification messages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulator.imm import lifecycle
from emulator.unverified import switches
from tests.emulator.pictures import picture

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]

# These decide what the guide's messages look like; under every other reading of a fact the guide holds word for word.
TELLING = {"notification_enveloped": True, "notification_base64": True, "notification_user_data": "always"}
READINGS = [
    ("as the defaults are", None),
    *[
        (name, value)
        for name, switch in switches().items()
        for value in switch.values
        if value != switch.default and TELLING.get(name) != value
    ],
]
GUIDE = Path(__file__).parent / "fixtures" / "imm_guide"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?\+08:00")
REQUEST_ID = re.compile(r"[0-9A-F]{8}(-[0-9A-F*]{4,12})+|\d{8}-\d{4}-\d{4}-\d{4}-\d{12}")
EVENT_ID = re.compile(r"[0-9A-F]{3}-[0-9A-Za-z*]{22}")


@pytest.fixture(params=READINGS, ids=[f"{name}={value}" for name, value in READINGS])
def room(room: Room, request: pytest.FixtureRequest) -> Room:
    """The room under one reading of one unverified fact."""
    name, value = request.param
    if name in switches():
        setattr(room.cloud.switches, name, value)
    return room


def guide(name: str) -> dict[str, Any]:
    """One of the guide's documents."""
    document: dict[str, Any] = json.loads((GUIDE / f"{name}.json").read_text())
    return document


def shape(value: Any) -> Any:
    """A document with the values that differ from call to call replaced by what they are."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    for pattern, name in ((TIME, "<time>"), (EVENT_ID, "<event id>"), (REQUEST_ID, "<request id>")):
        if isinstance(value, str) and pattern.fullmatch(value):
            return name
    return value


def test_create_binding_answers_as_the_guide_shows(room: Room) -> None:
    """Step 1: State Ready, Phase empty, both times equal."""
    answer = room.do("CreateBinding", **guide("create_binding_request"))
    assert shape(guide("create_binding_response")) == shape(answer)
    assert answer["Binding"]["CreateTime"] == answer["Binding"]["UpdateTime"]


def test_get_binding_answers_as_the_guide_shows_once_the_scan_is_done(room: Room) -> None:
    """Step 2: State Running, Phase IncrementalScanning."""
    room.put("photo.jpg")
    room.do("CreateBinding", **guide("create_binding_request"))
    room.advance(10)
    answer = room.do("GetBinding", **guide("get_binding_request"))
    assert shape(guide("get_binding_response")) == shape(answer)


def _subscribe(room: Room) -> None:
    room.mns("CreateQueue", QueueName="results")
    room.mns("CreateTopic", TopicName="test-topic")
    room.mns(
        "Subscribe",
        TopicName="test-topic",
        SubscriptionName="results",
        PushType="queue",
        Endpoint="results",
        NotifyContentFormat="SIMPLIFIED",
    )


def _published(room: Room) -> list[str]:
    [mns] = room.cloud.accounts["1234567890123456"].mns.values()
    return [message.body for message in mns.queues["results"].messages.values()]


def _put_objects(room: Room) -> None:
    for number in (1, 2):
        room.put(f"test-object{number}.jpg", picture())


def test_batch_index_answers_and_notifies_as_the_guide_shows(room: Room) -> None:
    """Manual indexing of two files: one EventId at once, one message on the topic when it is done."""
    _put_objects(room)
    _subscribe(room)
    answer = room.do("BatchIndexFileMeta", **guide("batch_index_request"))
    assert shape(guide("batch_index_response")) == shape(answer)
    assert _published(room) == []
    room.advance(1)
    [body] = _published(room)
    assert shape(guide("batch_index_notification")) == shape(json.loads(body))
    assert list(guide("batch_index_notification")) == list(json.loads(body))


def test_index_answers_and_notifies_as_the_guide_shows(room: Room) -> None:
    """Manual indexing of one file."""
    _put_objects(room)
    _subscribe(room)
    answer = room.do("IndexFileMeta", **guide("index_request"))
    assert shape(guide("index_response")) == shape(answer)
    room.advance(1)
    [body] = _published(room)
    assert shape(guide("index_notification")) == shape(json.loads(body))


def test_the_guides_custom_labels_are_in_the_index(room: Room) -> None:
    """What the caller says about a file is kept with it."""
    _put_objects(room)
    _subscribe(room)
    room.do("BatchIndexFileMeta", **guide("batch_index_request"))
    room.advance(1)
    assert room.meta("test-object2.jpg")["CustomLabels"] == {"category": "Pets"}


def test_nothing_happens_before_its_time(room: Room) -> None:
    """An index call is only accepted: the entry is there after the delay, not before."""
    _put_objects(room)
    _subscribe(room)
    room.do("IndexFileMeta", **guide("index_request"))
    lifecycle.advance(room.cloud)
    assert room.keys() == []
    room.advance(0.2)
    assert room.keys() == ["test-object1.jpg"]
