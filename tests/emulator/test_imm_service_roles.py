"""IMM acts as a project's service role: what that role may not read is not indexed, and the reason is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from emulator.mns.state import Queue, Subscription, Topic
from emulator.ram.state import Attachment, Policy, PolicyVersion, Role
from tests.emulator.imm_room import ACCOUNT, REGION, URI

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]

BUCKET = f"acs:oss:*:{ACCOUNT}:test-bucket"
LIST = {"Action": "oss:ListObjects", "Resource": BUCKET}
READ = {"Action": "oss:GetObject", "Resource": f"{BUCKET}/*"}
PUBLISH = {"Action": "mns:PublishMessage", "Resource": f"acs:mns:{REGION}:{ACCOUNT}:/topics/results/messages"}
ROLE = "imm-media"
MNS = {"Notification": {"MNS": {"TopicName": "results"}}}


def give(room: Room, *statements: dict[str, Any], service: str = "imm.aliyuncs.com") -> None:
    """Make the role, or make it anew, with these rights; the room's project has it."""
    ram = room.cloud.accounts[ACCOUNT].ram
    allowing = [{"Effect": "Allow", **statement} for statement in statements]
    document = json.dumps({"Version": "1", "Statement": allowing})
    ram.policies[ROLE] = Policy(ROLE, "Custom", "", 0, 0, versions={"v1": PolicyVersion("v1", document, 0)})
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": [service]}}
    attached = [Attachment("Custom", ROLE, 0)] if statements else []
    ram.roles[ROLE] = Role(ROLE, "1", json.dumps({"Version": "1", "Statement": [trust]}), 0, 0, attachments=attached)
    room.do("UpdateProject", ProjectName="test-project", ServiceRole=ROLE)


def binding(room: Room) -> tuple[str, str]:
    """State and reason of the room's binding."""
    shown = room.in_dataset("GetBinding", URI=URI)["Binding"]
    return shown["State"], shown.get("Reason", "")


def errors(room: Room) -> list[str]:
    """What the messages in the queue say of their files."""
    queue = room.cloud.mns(ACCOUNT, REGION).queues["results"]
    return [file["Error"] for message in queue.messages.values() for file in json.loads(message.body)["Files"]]


@pytest.fixture
def results(room: Room) -> Room:
    """The room with a topic for results and a queue that it goes to."""
    mns = room.cloud.mns(ACCOUNT, REGION)
    mns.queues["results"] = Queue("results", 0, 0)
    endpoint = f"acs:mns:{REGION}:{ACCOUNT}:queues/results"
    all_of_it = Subscription("s", endpoint, 0, 0, notify_content_format="SIMPLIFIED")
    mns.topics["results"] = Topic("results", 0, 0, subscriptions={"s": all_of_it})
    return room


def test_a_role_with_the_rights_is_enough(room: Room) -> None:
    """Listing and reading; the default role has them without being made."""
    room.put("a.txt", b"hello")
    give(room, LIST, READ)
    room.bind()
    room.put("b.txt", b"hello")
    room.advance(1)
    assert ("Running", "") == binding(room)
    assert ["a.txt", "b.txt"] == room.keys()
    assert ["Success"] * 2 == [room.meta(key)["ObjectStatus"] for key in ("a.txt", "b.txt")]


@pytest.mark.parametrize(
    ("statements", "service", "reason"),
    [
        ([], "imm.aliyuncs.com", f"The service role {ROLE} may not oss:ListObjects on {BUCKET}."),
        ([READ], "imm.aliyuncs.com", f"The service role {ROLE} may not oss:ListObjects on {BUCKET}."),
        (
            [{**LIST, "Resource": "acs:oss:*:*:other"}, READ],
            "imm.aliyuncs.com",
            f"The service role {ROLE} may not oss:ListObjects on {BUCKET}.",
        ),
        ([LIST, READ], "fc.aliyuncs.com", f"The service role {ROLE} does not trust imm.aliyuncs.com."),
    ],
)
def test_a_bucket_that_imm_may_not_list_fails_the_binding(
    room: Room, statements: list[dict[str, Any]], service: str, reason: str
) -> None:
    """With the reason; nothing is indexed."""
    room.put("a.txt")
    give(room, *statements, service=service)
    room.bind()
    assert ("Failed", reason) == binding(room)
    assert [] == room.keys()


def test_a_role_that_is_gone_fails_the_binding(room: Room) -> None:
    """RAM lets a role be deleted that a project still has."""
    give(room, LIST, READ)
    del room.cloud.accounts[ACCOUNT].ram.roles[ROLE]
    room.bind()
    assert ("Failed", f"The service role {ROLE} does not exist.") == binding(room)


def test_a_default_role_that_the_account_has_made_itself_is_what_it_was_made(room: Room) -> None:
    """Only an authorisation nobody has touched is taken for granted."""
    trust = '{"Version":"1","Statement":[]}'
    room.cloud.accounts[ACCOUNT].ram.roles["AliyunIMMDefaultRole"] = Role("AliyunIMMDefaultRole", "1", trust, 0, 0)
    room.bind()
    assert ("Failed", "The service role AliyunIMMDefaultRole does not trust imm.aliyuncs.com.") == binding(room)


def test_an_object_that_imm_may_not_read_is_listed_as_failed(room: Room) -> None:
    """By the scan and by what follows it; what the listing says of it is there, what only its content says is not."""
    room.put("open/a.txt", b"hello", metadata={"secret": "x"})
    room.put("shut/b.txt", b"hello", metadata={"secret": "x"})
    give(room, LIST, {**READ, "Resource": f"{BUCKET}/open/*"})
    room.bind()
    room.put("shut/c.txt", b"hello")
    room.advance(1)
    assert ("Running", "") == binding(room)
    read, unread, late = (room.meta(key) for key in ("open/a.txt", "shut/b.txt", "shut/c.txt"))
    assert ("Success", "Failed", "Failed") == (read["ObjectStatus"], unread["ObjectStatus"], late["ObjectStatus"])
    reason = f"File access forbidden. The service role {ROLE} may not oss:GetObject on {BUCKET}/shut/b.txt."
    assert reason in unread["Reason"]
    assert (5, "x") == (unread["Size"], read["OSSUserMeta"]["x-oss-meta-secret"])
    assert "OSSUserMeta" not in unread


def test_rights_given_later_count_from_then_on(room: Room) -> None:
    """The next change of the object is read."""
    room.put("a.txt", b"hello")
    give(room, LIST)
    room.bind()
    assert "Failed" == room.meta("a.txt")["ObjectStatus"]
    give(room, LIST, READ)
    room.put("a.txt", b"hello")
    room.advance(1)
    assert ("Success", None) == (room.meta("a.txt")["ObjectStatus"], room.meta("a.txt").get("Reason"))


def test_indexing_by_hand_tells_the_file_error(results: Room) -> None:
    """In the message; it takes no right to list."""
    results.put("open/a.txt", b"hello")
    results.put("shut/b.txt", b"hello")
    give(results, {**READ, "Resource": f"{BUCKET}/open/*"}, PUBLISH)
    files = [{"URI": f"{URI}/{key}"} for key in ("open/a.txt", "shut/b.txt")]
    results.in_dataset("BatchIndexFileMeta", Files=files, **MNS)
    results.advance(1)
    good, bad = errors(results)
    assert ("", True) == (good, bad.startswith("[InvalidArgument] File access forbidden."))
    assert "Failed" == results.meta("shut/b.txt")["ObjectStatus"]


def test_a_message_the_role_may_not_publish_is_lost(results: Room, caplog: pytest.LogCaptureFixture) -> None:
    """The file is indexed all the same; the emulator's log says what is missing."""
    results.put("a.txt", b"hello")
    give(results, READ)
    results.in_dataset("IndexFileMeta", File={"URI": f"{URI}/a.txt"}, **MNS)
    results.advance(1)
    assert [] == errors(results)
    assert "Success" == results.meta("a.txt")["ObjectStatus"]
    assert f"may not mns:PublishMessage on {PUBLISH['Resource']}" in caplog.text
    give(results, READ, PUBLISH)
    results.in_dataset("IndexFileMeta", File={"URI": f"{URI}/a.txt"}, **MNS)
    results.advance(1)
    assert [""] == errors(results)


def test_a_batch_works_as_its_own_role(room: Room) -> None:
    """Not as the project's: it fails where its role cannot list, and its tasks where it cannot read."""
    room.put("a.txt", b"hello")
    give(room, {"Action": "imm:GetProject", "Resource": "*"})
    wanted = {
        "ProjectName": "test-project",
        "Input": {"OSS": {"Bucket": "test-bucket"}},
        "Actions": [{"Name": "emulator/index", "Parameters": ["dataset=test-dataset"]}],
    }

    def outcome(role: str) -> tuple[str, str, dict[str, int]]:
        batch_id = room.do("CreateBatch", **wanted, ServiceRole=role)["Id"]
        room.advance(60)
        batch = room.do("GetBatch", ProjectName="test-project", Id=batch_id)["Batch"]
        return batch["State"], batch.get("Error", ""), batch["Statistic"]

    state, error, _ = outcome(ROLE)
    assert ("Failed", f"The service role {ROLE} may not oss:ListObjects on {BUCKET}.") == (state, error)
    assert "Succeeded" == outcome("AliyunIMMBatchTriggerRole")[0]
    assert "Success" == room.meta("a.txt")["ObjectStatus"]
    give(room, LIST)
    outcome(ROLE)
    tasks = room.do("ListTasks", ProjectName="test-project", Status="Failed")["Tasks"]
    assert ["InvalidArgument"] == [task["Code"] for task in tasks]
