"""Probes of unverified facts about messages, tasks and batches; see `tests.emulator.resource_probes`."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest

from emulator.call import Call
from emulator.mns import events
from emulator.mns.digest import check_body
from emulator.mns.state import Queue
from emulator.oss.state import Cause
from emulator.oss.store import make_object, put_object
from emulator.refusal import Refusal
from tests.emulator.imm_room import ACCOUNT, REGION, URI
from tests.emulator.resource_probes import outcome

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

TOPIC = {"MNS": {"TopicName": "results"}}


def notification_enveloped(room: Room) -> object:
    """Look for the envelope."""
    message = json.loads(one_body(room))
    assert ("content" in message) == ("ProjectName" not in message)
    return "content" in message


def notification_base64(room: Room) -> object:
    """Look at the body."""
    body = one_body(room)
    if body.startswith("{"):
        return False
    assert "test-project" == json.loads(b64decode(body, validate=True))["ProjectName"]
    return True


def notification_user_data(room: Room) -> object:
    """Look where UserData is, with one and without."""
    [given, absent] = [json.loads(body) for body in bodies(room, "mine", "")]
    [file] = given["Files"]
    if "UserData" in file:
        assert ("mine", False) == (file["UserData"], "UserData" in given)
        return "file"
    if "UserData" not in given:
        return "absent"
    assert "mine" == given["UserData"]
    return "always" if absent.get("UserData") == "" else "given"


def notification_request_id(room: Room) -> object:
    """Compare with the call's."""
    message = json.loads(one_body(room))
    return "call" if message["RequestId"] == room.last_request_id else "own"


def envelope_id(room: Room) -> object:
    """Compare with the call's EventId."""
    room.cloud.switches.notification_enveloped = True
    event = json.loads(one_body(room))
    return "event_id" if event["id"] == room.last_event_id else "own"


def topic_missing(room: Room) -> object:
    """Name a topic that does not exist, in an index call and in a batch."""
    room.put("a.txt")
    asked = {"File": {"URI": f"{URI}/a.txt"}, "Notification": TOPIC}
    said = {
        outcome(lambda: room.in_dataset("IndexFileMeta", **asked)),
        outcome(lambda: make_batch(room)),
    }
    [code] = said
    return "lost" if code == "done" else code


def event_id_is_task(room: Room) -> object:
    """Ask for the task of an index call."""
    room.put("bad.jpg", b"no picture")
    event = room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/bad.jpg"}, UserData="mine")["EventId"]
    asked = {"ProjectName": "test-project", "TaskType": "FileMetaIndex", "TaskId": event}
    said = outcome(lambda: room.do("GetTask", **asked))
    if said != "done":
        assert ("ResourceNotFound", []) == (said, room.do("ListTasks", ProjectName="test-project")["Tasks"])
        return False
    assert "Running" == room.do("GetTask", **asked)["Status"]
    room.advance(1)
    task = room.do("GetTask", **asked)
    assert ("Failed", "InvalidImage", "mine", event) == (
        task["Status"],
        task["Code"],
        task["UserData"],
        task["EventId"],
    )
    return True


def batch_notification(room: Room) -> object:
    """Count the messages of a batch of two files."""
    listen(room)
    room.put("a.txt")
    room.put("b.txt")
    make_batch(room)
    room.advance(60)
    messages = [json.loads(body) for body in published(room)]
    if len(messages) == 1:
        assert "Succeeded" == messages[0]["State"]
        return "batch"
    sources = [message["Sources"] for message in messages]
    assert [[{"URI": f"{URI}/a.txt"}], [{"URI": f"{URI}/b.txt"}]] == sources
    return "file"


def batch_state_code(room: Room) -> object:
    """Resume a batch that is ready."""
    made = make_batch(room)
    return outcome(lambda: room.do("ResumeBatch", ProjectName="test-project", Id=made))


def make_batch(room: Room) -> str:
    """A batch over the bucket that tells the topic."""
    made = room.do(
        "CreateBatch",
        ProjectName="test-project",
        ServiceRole="AliyunIMMBatchTriggerRole",
        Input={"OSS": {"Bucket": "test-bucket"}},
        Actions=[{"Name": "emulator/index", "Parameters": ["dataset=test-dataset"]}],
        Notification=TOPIC,
    )
    return str(made["Id"])


def listen(room: Room) -> None:
    """A queue behind the topic."""
    room.mns("CreateQueue", QueueName="q")
    room.mns("CreateTopic", TopicName="results")
    subscription = {"SubscriptionName": "s", "PushType": "queue", "Endpoint": "q", "NotifyContentFormat": "SIMPLIFIED"}
    room.mns("Subscribe", TopicName="results", **subscription)


def published(room: Room) -> list[str]:
    """What the queue holds."""
    return [message.body for message in room.cloud.mns(ACCOUNT, REGION).queues["q"].messages.values()]


def bodies(room: Room, *user_data: str) -> list[str]:
    """The messages of index calls with this UserData."""
    listen(room)
    room.put("a.txt")
    for text in user_data:
        asked = {"UserData": text} if text else {}
        answer = room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/a.txt"}, Notification=TOPIC, **asked)
        room.last_event_id, room.last_request_id = answer["EventId"], answer["RequestId"]
        room.advance(1)
    return published(room)


def one_body(room: Room) -> str:
    """The message of one index call."""
    [body] = bodies(room, "mine")
    return body


def make_rule(room: Room, kind: str = "ObjectCreated:PutObject", name: str = "r") -> str:
    """Code of the refusal of an event rule, or "done"; a queue takes its events."""
    room.cloud.mns(ACCOUNT, REGION).queues.setdefault("q", Queue("q", 0, 0))
    try:
        room.mns(
            "CreateEventRule",
            ProductName="oss",
            RuleName=name,
            EventTypes=[kind],
            MatchRules=[[{"Prefix": "test-bucket/"}]],
            Endpoint={"EndpointType": "queue", "EndpointValue": "q"},
        )
    except Refusal as refusal:
        return refusal.code
    return "done"


def event_rule_family(room: Room) -> object:
    """Write a family in both ways; what is taken raises events."""
    room.cloud.object_listeners.append(events.on_object_change)
    taken = []
    for spelling, kind in (("group", "ObjectCreatedGroup"), ("star", "ObjectCreated:*")):
        code = make_rule(room, kind, spelling)
        assert code in {"done", "InvalidArgument"}
        taken += [spelling] if code == "done" else []
    put_object(room.cloud, "test-bucket", make_object("a.txt", b"x", 0.0), Cause("PutObject", "R", ACCOUNT))
    held = room.cloud.mns(ACCOUNT, REGION).queues["q"].messages
    assert len(taken) == len(held)
    return {2: "any", 0: "none"}.get(len(taken)) or taken[0]


def event_rule_again(room: Room) -> object:
    """Make a rule twice."""
    assert "done" == make_rule(room)
    code = make_rule(room)
    return "accepted" if code == "done" else code


def event_rule_absent_code(room: Room) -> object:
    """Ask for, and delete, what is not there."""
    codes = set()
    for operation in ("GetEventRule", "DeleteEventRule"):
        with pytest.raises(Refusal) as caught:
            room.mns(operation, ProductName="oss", RuleName="absent")
        codes.add(caught.value.code)
    [code] = codes
    return code


def mns_wrong_digest(room: Room) -> object:
    """Send a body under the digest of another."""
    call = Call("mns", "SendMessage", ACCOUNT, REGION, "r", headers={"content-md5": "b3RoZXI="}, body=b"<Message/>")
    refused = check_body(room.cloud.switches, call)
    return "accepted" if refused is None else refused.code
