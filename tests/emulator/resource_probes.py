"""Probes of unverified facts about bindings, projects and files.

A probe is named after its switch, knows nothing of its setting, and finds out its value from what the cloud does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from emulator.call import Call
from emulator.imm.legacy import OPERATIONS as LEGACY
from emulator.imm.operations import OPERATIONS as IMM
from emulator.ram.state import Role
from emulator.refusal import Refusal
from tests.emulator.imm_room import ACCOUNT, PLACE, REGION, URI

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

BAD_REQUEST = 400


def outcome(action: Callable[[], Any]) -> str:
    """Code of the refusal, or "done"."""
    try:
        action()
    except Refusal as refusal:
        return refusal.code if refusal.status == BAD_REQUEST else str(refusal)
    return "done"


def binding_of(room: Room) -> tuple[str, str]:
    """State and phase of the room's binding."""
    binding = room.in_dataset("GetBinding", URI=URI)["Binding"]
    return binding["State"], binding["Phase"]


def duplicate_binding_code(room: Room) -> object:
    """Bind twice."""
    room.in_dataset("CreateBinding", URI=URI)
    said = outcome(lambda: room.in_dataset("CreateBinding", URI=URI))
    assert [URI] == [item["URI"] for item in room.in_dataset("ListBindings")["Bindings"]]
    return "accepted" if said == "done" else said


def delete_binding_seconds(room: Room) -> object:
    """Delete, and look how long it is there, and following."""
    room.bind()
    room.in_dataset("DeleteBinding", URI=URI)
    room.in_dataset("DeleteBinding", URI=URI)  # while it is under way, a second one changes nothing
    room.put("meanwhile.txt")
    room.advance(29)
    assert ["meanwhile.txt"] == room.keys()
    assert ("Running", "IncrementalScanning") == binding_of(room)
    assert "ResourceAlreadyExists" == outcome(lambda: room.in_dataset("CreateBinding", URI=URI))
    room.advance(1)
    assert "ResourceNotFound" == outcome(lambda: binding_of(room))
    return 30.0


def delete_binding_leaves_deleted(room: Room) -> object:
    """Delete and read."""
    room.bind()
    room.in_dataset("DeleteBinding", URI=URI)
    listed = [item["State"] for item in room.in_dataset("ListBindings")["Bindings"]]
    assert listed in ([], ["Deleted"])
    return bool(listed)


def delete_binding_again(room: Room) -> object:
    """Delete twice, whether the deleted one stays visible or not."""
    said = set()
    for visible in (False, True):
        room.cloud.switches.delete_binding_leaves_deleted = visible
        room.bind()
        room.in_dataset("DeleteBinding", URI=URI)
        said.add(outcome(lambda: room.in_dataset("DeleteBinding", URI=URI)))
    [code] = said
    return "accepted" if code == "done" else code


def lost_bucket_state(room: Room) -> object:
    """Take the bucket away under a binding."""
    room.put("a.txt")
    room.bind()
    room.delete("a.txt")
    del room.cloud.oss.buckets["test-bucket"]
    room.advance(1)
    return binding_of(room)[0]


def stop_resume_served(room: Room) -> object:
    """Stop, change, resume."""
    room.bind()
    place = {**PLACE, "URI": URI}
    call = Call("imm", "StopBinding", ACCOUNT, REGION, "R", {**place, "Reason": "night"})
    operations = {name: IMM.by_name[name].handler for name in ("StopBinding", "ResumeBinding")}
    said = outcome(lambda: operations["StopBinding"](room.cloud, call))
    if said != "done":
        assert said.startswith("404 InvalidApi.NotFound: ")
        return False
    assert "night" == room.in_dataset("GetBinding", URI=URI)["Binding"]["Reason"]
    room.put("late.txt")
    room.advance(10)
    assert [] == room.keys()
    operations["ResumeBinding"](room.cloud, Call("imm", "ResumeBinding", ACCOUNT, REGION, "R", place))
    room.advance(10)
    assert ["late.txt"] == room.keys()
    return True


def not_found_code(room: Room) -> object:
    """Ask for what is not there."""
    absent = {
        "Binding": outcome(lambda: room.in_dataset("GetBinding", URI=URI)),
        "Dataset": outcome(lambda: room.do("GetDataset", ProjectName="test-project", DatasetName="absent")),
        "Project": outcome(lambda: room.do("GetProject", ProjectName="absent")),
        "File": outcome(lambda: room.in_dataset("GetFileMeta", URI=f"{URI}/absent")),
        "Task": outcome(lambda: room.do("GetTask", ProjectName="test-project", TaskType="T", TaskId="1")),
        "Batch": outcome(lambda: room.do("GetBatch", ProjectName="test-project", Id="batch-1")),
    }
    if set(absent.values()) == {"ResourceNotFound"}:
        return "plain"
    assert {kind: f"ResourceNotFound.{kind}" for kind in absent} == absent
    return "suffixed"


def nonempty_delete_code(room: Room) -> object:
    """Delete what is not empty."""
    room.bind()
    said = {
        outcome(lambda: room.in_dataset("DeleteDataset")),
        outcome(lambda: room.do("DeleteProject", ProjectName="test-project")),
    }
    [code] = said
    return code


def update_delay_seconds(room: Room) -> object:
    """Update and read."""
    room.in_dataset("UpdateDataset", Description="new")
    room.do("UpdateProject", ProjectName="test-project", Description="new")
    room.advance(299)
    assert "" == room.in_dataset("GetDataset")["Dataset"]["Description"]
    assert "" == room.do("GetProject", ProjectName="test-project")["Project"]["Description"]
    room.advance(1)
    assert "new" == room.in_dataset("GetDataset")["Dataset"]["Description"]
    assert "new" == room.do("GetProject", ProjectName="test-project")["Project"]["Description"]
    return 300.0


def statistics_unasked(room: Room) -> object:
    """Count without being asked to."""
    room.put("a.txt", b"12345")
    room.bind()
    project = room.do("GetProject", ProjectName="test-project")["Project"]
    [listed] = room.do("ListProjects")["Projects"]
    [dataset] = room.do("ListDatasets", ProjectName="test-project")["Datasets"]
    shown = [room.in_dataset("GetDataset")["Dataset"], dataset, project, listed]
    [figures] = {(item["FileCount"], item["TotalFileSize"]) for item in shown}
    return {(0, 0): "zero", (1, 5): "exact"}[figures]


def legacy_project_usable(room: Room) -> object:
    """Make a project with the old API and a dataset with the new one."""

    def old(operation: str, **params: str) -> None:
        LEGACY.by_name[operation].handler(room.cloud, Call("imm-2017", operation, ACCOUNT, REGION, "R", params))

    old("PutProject", Project="old", ServiceRole="AliyunIMMDefaultRole")
    said = outcome(lambda: room.do("CreateDataset", ProjectName="old", DatasetName="d"))
    names = [item["ProjectName"] for item in room.do("ListProjects")["Projects"]]
    if said == "ResourceNotFound":
        assert ["test-project"] == names
        old("DeleteProject", Project="old")
        return False
    assert ["old", "test-project"] == names
    assert "InvalidArgument" == outcome(lambda: old("DeleteProject", Project="old"))
    room.do("DeleteDataset", ProjectName="old", DatasetName="d")
    old("DeleteProject", Project="old")
    assert ["test-project"] == [item["ProjectName"] for item in room.do("ListProjects")["Projects"]]
    return True


def service_role_unknown(room: Room) -> object:
    """Name a role that RAM does not have, then one that it has."""
    said = {
        outcome(lambda: room.do("CreateProject", ProjectName="p", ServiceRole="absent")),
        outcome(lambda: room.do("UpdateProject", ProjectName="test-project", ServiceRole="absent")),
    }
    room.cloud.accounts[ACCOUNT].ram.roles["mine"] = Role("mine", "1", "{}", 0, 0)
    room.do("CreateProject", ProjectName="q", ServiceRole="mine")
    [code] = said
    return "accepted" if code == "done" else code


def service_role_denied(room: Room) -> object:
    """Bind a bucket that the project's role may not list, and look what becomes of the binding."""
    trust = '{"Version":"1","Statement":[]}'
    room.cloud.accounts[ACCOUNT].ram.roles["mine"] = Role("mine", "1", trust, 0, 0)
    room.do("UpdateProject", ProjectName="test-project", ServiceRole="mine")
    said = outcome(lambda: room.in_dataset("CreateBinding", URI=URI))
    if said != "done":
        assert [] == room.in_dataset("ListBindings")["Bindings"]
        return said.removeprefix("403 ").partition(":")[0]
    assert ("Ready", "") == binding_of(room)
    room.advance(60)
    return binding_of(room)[0]


def template_unknown(room: Room) -> object:
    """Name a template nobody has seen, then one that everybody has."""
    said = outcome(lambda: room.do("CreateProject", ProjectName="p", TemplateId="Official:Guessed"))
    room.do("CreateProject", ProjectName="q", TemplateId="Official:ImageManagement")
    return "accepted" if said == "done" else said


def batch_update_files_max(room: Room) -> object:
    """Update two files, then three."""
    files = [{"URI": f"{URI}/{number}", "CustomId": "x"} for number in range(3)]
    room.in_dataset("BatchUpdateFileMeta", Files=files[:2])
    assert "LimitExceededError" == outcome(lambda: room.in_dataset("BatchUpdateFileMeta", Files=files))
    room.in_dataset("BatchIndexFileMeta", Files=files)
    return 2


def custom_labels_max(room: Room) -> object:
    """Give two labels, then three."""
    three = {"a": "1", "b": "2", "c": "3"}
    room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/a", "CustomLabels": {"a": "1", "b": "2"}})
    over = {"URI": f"{URI}/a", "CustomLabels": three}
    assert "LimitExceededError" == outcome(lambda: room.in_dataset("IndexFileMeta", File=over))
    return 2


def custom_label_max_length(room: Room) -> object:
    """Give keys and values of four characters, then of five."""
    room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/a", "CustomLabels": {"four": "四个字符"}})
    for labels in ({"fives": "1"}, {"a": "fives"}):
        index = partial(room.in_dataset, "IndexFileMeta", File={"URI": f"{URI}/a", "CustomLabels": labels})
        assert "LimitExceededError" == outcome(index)
    return 4


def object_status(room: Room) -> object:
    """Index a good and a broken file, in each of the ways there are."""
    room.put("good.txt")
    room.put("bad.jpg", b"no picture")
    room.bind()
    followed = [room.meta(name).get("ObjectStatus") for name in ("good.txt", "bad.jpg")]
    room.index("good.txt", "bad.jpg")
    assert followed == [room.meta(name).get("ObjectStatus") for name in ("good.txt", "bad.jpg")]
    return "absent" if followed == [None, None] else "/".join(map(str, followed))


def throttling_code(room: Room) -> object:
    """Ask until it is too much."""
    return throttled(room).code


def throttling_status(room: Room) -> object:
    """The same."""
    return throttled(room).status


def throttled(room: Room) -> Refusal:
    """The refusal of the call that is too much."""
    for _ in range(200):
        try:
            room.do("GetProject", ProjectName="test-project")
        except Refusal as refusal:
            return refusal
    raise AssertionError("200 calls within an instant were all answered")
