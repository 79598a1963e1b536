"""Indexing, updating, reading and deleting named files, and what is announced about it."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from emulator.imm.times import rfc3339_nano
from tests.emulator.imm_room import ACCOUNT, PLACE, REGION, URI
from tests.emulator.pictures import picture

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]

TOPIC = {"MNS": {"TopicName": "results"}}


def _listen(room: Room, content_format: str = "SIMPLIFIED") -> None:
    room.mns("CreateQueue", QueueName="q")
    room.mns("CreateTopic", TopicName="results")
    room.mns(
        "Subscribe",
        TopicName="results",
        SubscriptionName="s",
        PushType="queue",
        Endpoint="q",
        NotifyContentFormat=content_format,
    )


def _bodies(room: Room) -> list[str]:
    return [message.body for message in room.cloud.mns(ACCOUNT, REGION).queues["q"].messages.values()]


def _message(room: Room) -> dict[str, Any]:
    [body] = _bodies(room)
    found: dict[str, Any] = json.loads(body)
    return found


def test_a_missing_file_is_an_error_of_its_own_in_a_message_of_success(room: Room) -> None:
    """The vendor's trap: Success is about the task."""
    _listen(room)
    room.put("there.txt")
    files = [{"URI": f"{URI}/there.txt"}, {"URI": f"{URI}/absent.txt"}]
    room.in_dataset("BatchIndexFileMeta", Files=files, Notification=TOPIC, UserData="mine")
    room.advance(1)
    message = _message(room)
    assert (message["Success"], message["UserData"]) == (True, "mine")
    assert message["Files"] == [
        {"URI": f"{URI}/there.txt", "Error": ""},
        {"URI": f"{URI}/absent.txt", "Error": "[InvalidArgument] File does not exist."},
    ]
    assert room.keys() == ["there.txt"]


def test_a_broken_file_is_indexed_by_its_facts_and_says_what_is_wrong(room: Room) -> None:
    """In the entry's Reason and in the message's Error."""
    _listen(room)
    room.put("photo.jpg", b"this is no photo")
    room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/photo.jpg"}, Notification=TOPIC)
    room.advance(1)
    [file] = _message(room)["Files"]
    meta = room.meta("photo.jpg")
    assert file["Error"] == meta["Reason"]
    assert meta["Reason"].startswith("[InvalidImage] ")
    assert (meta["ObjectStatus"], meta["MediaType"], meta["Size"]) == ("Failed", "image", 16)


def test_the_message_may_come_in_the_envelope(room: Room) -> None:
    """Document 2743997: the flat message as a string inside an event."""
    _listen(room)
    room.cloud.switches.notification_enveloped = True
    room.put("a.txt")
    event_id = room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/a.txt"}, Notification=TOPIC)["EventId"]
    room.advance(1)
    event = _message(room)
    content = json.loads(event.pop("content"))
    assert event == {
        "id": event_id,
        "source": "acs.imm",
        "type": "imm:FileMeta:Index",
        "subject": f"acs:imm:{REGION}:{ACCOUNT}:test-project/FileMetaIndex",
        "time": "1657062208200",
    }
    assert content["Files"] == [{"URI": f"{URI}/a.txt", "Error": ""}]


def test_the_message_may_be_base64(room: Room) -> None:
    """Raw or encoded is not known, so it is a switch."""
    _listen(room)
    room.cloud.switches.notification_base64 = True
    room.put("a.txt")
    room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/a.txt"}, Notification=TOPIC)
    room.advance(1)
    [body] = _bodies(room)
    assert json.loads(b64decode(body, validate=True))["ProjectName"] == "test-project"


def test_a_json_subscription_wraps_the_message(room: Room) -> None:
    """The body as published is a string inside the wrapper."""
    _listen(room, "JSON")
    room.put("a.txt")
    room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/a.txt"}, Notification=TOPIC)
    room.advance(1)
    wrapper = _message(room)
    assert json.loads(wrapper["Message"])["DatasetName"] == "test-dataset"
    assert (wrapper["TopicName"], wrapper["SubscriptionName"], wrapper["TopicOwner"]) == ("results", "s", ACCOUNT)


def test_no_topic_no_message_no_error(room: Room) -> None:
    """A topic that does not exist loses the message, not the index."""
    room.put("a.txt")
    room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/a.txt"}, Notification=TOPIC)
    room.advance(1)
    assert room.keys() == ["a.txt"]


def test_the_message_has_a_request_id_of_its_own(room: Room) -> None:
    """As in the guide: it is not the call's, so it cannot be used to correlate."""
    _listen(room)
    room.put("a.txt")
    answer = room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/a.txt"}, Notification=TOPIC)
    room.advance(1)
    assert _message(room)["RequestId"] != answer["RequestId"]


def test_what_the_caller_says_wins_over_what_the_file_says(room: Room) -> None:
    """InputFile's members are stored as given."""
    room.put("photo.jpg", picture())
    room.index(
        "photo.jpg",
        Title="Given",
        CustomId="id-1",
        CustomLabels={"a": "b"},
        LatLong="1.0,2.0",
        MediaType="other",
        Addresses=[],
        Figures=[],
        Labels=[],
    )
    meta = room.meta("photo.jpg")
    told = {name: meta[name] for name in ("Title", "CustomId", "CustomLabels", "LatLong", "MediaType")}
    assert told == {
        "Title": "Given",
        "CustomId": "id-1",
        "CustomLabels": {"a": "b"},
        "LatLong": "1.0,2.0",
        "MediaType": "other",
    }
    assert meta["ImageWidth"] == 64
    assert "Labels" not in meta


def test_indexing_again_keeps_what_was_said_before(room: Room) -> None:
    """A second index without labels does not wipe them."""
    room.put("a.txt")
    room.index("a.txt", CustomLabels={"keep": "me"})
    room.index("a.txt")
    assert room.meta("a.txt")["CustomLabels"] == {"keep": "me"}


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("IndexFileMeta", {}, "MissingFile"),
        ("IndexFileMeta", {"File": "{"}, "InvalidJSON"),
        ("IndexFileMeta", {"File": "[]"}, "InvalidJSON"),
        ("IndexFileMeta", {"File": {}}, "InvalidArgument"),
        ("IndexFileMeta", {"File": {"URI": "http://test-bucket/a"}}, "InvalidArgument"),
        ("IndexFileMeta", {"File": {"URI": "oss://test-bucket"}}, "InvalidArgument"),
        ("IndexFileMeta", {"File": {"URI": "oss://test-bucket/"}}, "InvalidArgument"),
        ("IndexFileMeta", {"File": {"URI": "pds://domains/d/drives/1"}}, "InvalidArgument"),
        ("IndexFileMeta", {"File": {"URI": f"{URI}/a", "Colour": "red"}}, "InvalidArgument"),
        ("IndexFileMeta", {"File": {"URI": f"{URI}/a", "CustomLabels": {"a": {}}}}, "InvalidArgument"),
        ("IndexFileMeta", {"File": {"URI": f"{URI}/a"}, "UserData": "ü" * 1025}, "InvalidUserData"),
        ("IndexFileMeta", {"File": {"URI": f"{URI}/a"}, "Notification": {"MNS": {}}}, "InvalidArgument"),
        (
            "IndexFileMeta",
            {"File": {"URI": f"{URI}/a"}, "Notification": {"RocketMQ": {"InstanceId": "i"}}},
            "NotImplemented.Emulator",
        ),
        ("BatchIndexFileMeta", {}, "MissingFiles"),
        ("BatchIndexFileMeta", {"Files": []}, "MissingFiles"),
        ("BatchIndexFileMeta", {"Files": [{"URI": f"{URI}/{n}"} for n in range(101)]}, "LimitExceededError"),
        ("BatchGetFileMeta", {"URIs": [f"{URI}/{n}" for n in range(101)]}, "LimitExceededError"),
        ("BatchDeleteFileMeta", {"URIs": []}, "MissingURIs"),
        ("GetFileMeta", {"URI": f"{URI}/a", "WithFields": ["Colour"]}, "InvalidArgument"),
        ("GetFileMeta", {"URI": f"{URI}/a", "WithFields": '"Size"'}, "InvalidJSON"),
        ("UpdateFileMeta", {"File": {"URI": f"{URI}/absent"}}, "ResourceNotFound"),
    ],
)
def test_bad_calls_are_refused(room: Room, operation: str, params: dict[str, object], code: str) -> None:
    """Each with its documented code."""
    assert room.refused(operation, **PLACE, **params) == (400, code)


def test_updates_change_labels_and_id_at_once_and_nothing_else(room: Room) -> None:
    """UpdateFileMeta changes CustomLabels, CustomId and Figures only."""
    room.put("a.txt")
    room.index("a.txt", Title="kept", CustomLabels={"old": "1"})
    room.advance(5)
    room.in_dataset("UpdateFileMeta", File={"URI": f"{URI}/a.txt", "CustomLabels": {"new": "2"}, "Title": "ignored"})
    meta = room.meta("a.txt")
    assert (meta["CustomLabels"], meta["Title"]) == ({"new": "2"}, "kept")
    assert meta["UpdateTime"] > meta["CreateTime"]


def test_indexing_again_renews_the_update_time_and_keeps_the_creation_time(room: Room) -> None:
    """By when it took effect, which is not before the call: a caller can tell an entry from that of an earlier call."""
    room.put("a.txt")
    room.index("a.txt")
    first = room.meta("a.txt")
    room.advance(5)
    called = rfc3339_nano(room.cloud.clock.now())
    room.in_dataset("BatchIndexFileMeta", Files=[{"URI": f"{URI}/a.txt"}])
    assert room.meta("a.txt") == first
    room.advance(1)
    second = room.meta("a.txt")
    assert first["UpdateTime"] == first["CreateTime"] == second["CreateTime"]
    assert first["UpdateTime"] < called < second["UpdateTime"]


def test_an_index_that_fails_without_a_file_leaves_the_entry_as_it_was(room: Room) -> None:
    """A manual entry outlives its object, and its UpdateTime says that nothing came of the second call."""
    room.put("a.txt")
    room.index("a.txt")
    before = room.meta("a.txt")
    room.delete("a.txt")
    room.advance(5)
    room.index("a.txt", CustomId="never")
    assert room.meta("a.txt") == before
    assert room.in_dataset("BatchGetFileMeta", URIs=[f"{URI}/never.txt"])["Files"] == []


def test_a_batch_get_tells_why_a_file_failed_until_it_is_indexed_well(room: Room) -> None:
    """ObjectStatus and Reason, also through WithFields; a good file has no Reason."""
    room.put("photo.jpg", b"this is no photo")
    room.put("good.jpg", picture())
    room.index("photo.jpg", "good.jpg")
    asked = {
        "URIs": [f"{URI}/photo.jpg", f"{URI}/good.jpg"],
        "WithFields": ["URI", "ObjectStatus", "Reason", "UpdateTime"],
    }
    broken, good = room.in_dataset("BatchGetFileMeta", **asked)["Files"]
    assert (broken["ObjectStatus"], good["ObjectStatus"]) == ("Failed", "Success")
    assert broken["Reason"].startswith("[InvalidImage] ")
    assert set(good) == {"URI", "ObjectStatus", "UpdateTime"}
    room.put("photo.jpg", picture())
    room.advance(5)
    room.index("photo.jpg")
    mended, untouched = room.in_dataset("BatchGetFileMeta", **asked)["Files"]
    assert (mended["ObjectStatus"], "Reason" in mended, untouched) == ("Success", False, good)
    assert mended["UpdateTime"] > broken["UpdateTime"]


def test_a_batch_update_renews_the_update_time_of_those_it_changed(room: Room) -> None:
    """One by one, and a file that does not fit the API refuses the whole call before any is changed."""
    for name in ("a.txt", "b.txt"):
        room.put(name)
    room.index("a.txt", "b.txt")
    before = room.meta("b.txt")
    room.advance(5)
    wrong = [{"URI": f"{URI}/b.txt", "CustomId": "x"}, {"URI": f"{URI}/a.txt", "CustomLabels": {"a": []}}]
    assert room.refused("BatchUpdateFileMeta", **PLACE, Files=wrong) == (400, "InvalidArgument")
    room.in_dataset("BatchUpdateFileMeta", Files=[{"URI": f"{URI}/a.txt", "CustomLabels": {"a": "1"}}])
    changed = room.meta("a.txt")
    assert (changed["CustomLabels"], room.meta("b.txt")) == ({"a": "1"}, before)
    assert changed["UpdateTime"] > changed["CreateTime"]


def test_a_batch_delete_takes_out_what_is_there_and_minds_nothing_else(room: Room) -> None:
    """Absent ones between present ones, never indexed or of no bucket at all, all answered with success."""
    for name in ("a.txt", "b.txt", "c.txt"):
        room.put(name)
    room.index("a.txt", "b.txt", "c.txt")
    uris = [f"{URI}/absent", f"{URI}/a.txt", "oss://nobodys-bucket/x", f"{URI}/c.txt", f"{URI}/a.txt"]
    assert set(room.in_dataset("BatchDeleteFileMeta", URIs=uris)) == {"RequestId"}
    assert room.keys() == ["b.txt"]


def test_a_batch_update_answers_file_by_file(room: Room) -> None:
    """One that is not indexed fails alone."""
    room.put("a.txt")
    room.index("a.txt")
    files = [{"URI": f"{URI}/a.txt", "CustomId": "x"}, {"URI": f"{URI}/absent"}]
    answer = room.in_dataset("BatchUpdateFileMeta", Files=files)["Files"]
    assert [(item["URI"], item["Success"]) for item in answer] == [(f"{URI}/a.txt", True), (f"{URI}/absent", False)]
    assert answer[1]["Message"] == "The specified resource File is not found."


def test_a_batch_get_answers_what_is_there_with_the_fields_asked_for(room: Room) -> None:
    """In the order of the request; what is not indexed is left out."""
    for name in ("a.txt", "b.txt"):
        room.put(name)
    room.index("a.txt", "b.txt")
    uris = [f"{URI}/b.txt", f"{URI}/absent", f"{URI}/a.txt"]
    found = room.in_dataset("BatchGetFileMeta", URIs=uris, WithFields=["URI", "Size", "Title"])["Files"]
    assert found == [{"URI": f"{URI}/b.txt", "Size": 1}, {"URI": f"{URI}/a.txt", "Size": 1}]


def test_deleting_forgets_the_entry_not_the_object_and_is_no_error_twice(room: Room) -> None:
    """Delete returns success even when the metadata does not exist."""
    for name in ("a.txt", "b.txt", "c.txt"):
        room.put(name)
    room.index("a.txt", "b.txt", "c.txt")
    for _ in range(2):
        room.in_dataset("DeleteFileMeta", URI=f"{URI}/a.txt")
        room.in_dataset("BatchDeleteFileMeta", URIs=[f"{URI}/b.txt"])
    assert room.keys() == ["c.txt"]
    assert "a.txt" in room.cloud.oss.buckets["test-bucket"].objects


def test_the_objects_facts_are_in_the_entry(room: Room) -> None:
    """ETag, CRC, times, storage class, tags and user metadata are OSS's."""
    room.put("a.txt", b"hello", metadata={"camera": "Z 8"}, tags={"owner": "John"})
    room.index("a.txt")
    meta = room.meta("a.txt")
    stored = room.cloud.oss.buckets["test-bucket"].objects["a.txt"]
    names = ("Filename", "ETag", "OSSCRC64", "OSSTagging", "OSSTaggingCount", "OSSUserMeta", "FileModifiedTime")
    assert {name: meta[name] for name in names} == {
        "Filename": "a.txt",
        "ETag": '"5D41402ABC4B2A76B9719D911017C592"',
        "OSSCRC64": str(stored.crc64),
        "OSSTagging": {"owner": "John"},
        "OSSTaggingCount": 1,
        "OSSUserMeta": {"x-oss-meta-camera": "Z 8"},
        "FileModifiedTime": "2022-07-06T07:03:28+08:00",
    }
    assert (meta["OwnerId"], meta["ProjectName"], meta["ObjectType"]) == (ACCOUNT, "test-project", "file")
