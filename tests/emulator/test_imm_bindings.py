"""A binding's life: Ready, full scan, incremental scan; what it follows, what it leaves, what stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.clock import Clock
from emulator.imm import lifecycle
from emulator.oss.state import Bucket
from tests.emulator.imm_room import ACCOUNT, PLACE, REGION, URI
from tests.emulator.pictures import picture

if TYPE_CHECKING:
    from emulator.imm.state import Phase, State
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]


def _state(room: Room) -> tuple[str, str]:
    binding = room.in_dataset("GetBinding", URI=URI)["Binding"]
    return binding["State"], binding["Phase"]


def test_the_states_follow_each_other_by_the_clock(room: Room) -> None:
    """Ready for a second, then as long as a scan of fifty files a second takes, then incremental."""
    for number in range(100):
        room.put(f"{number:03}.txt")
    room.in_dataset("CreateBinding", URI=URI)
    assert _state(room) == ("Ready", "")
    room.advance(0.9)
    assert _state(room) == ("Ready", "")
    room.advance(0.1)
    assert _state(room) == ("Running", "FullScanning")
    room.advance(1)
    assert _state(room) == ("Running", "FullScanning")
    assert len(room.cloud.imm(ACCOUNT, REGION).projects["test-project"].datasets["test-dataset"].files) == 50
    room.advance(1.1)
    assert _state(room) == ("Running", "IncrementalScanning")
    assert len(room.keys()) == 100


def test_a_jump_in_time_shows_the_same_history_as_small_steps(room: Room) -> None:
    """Steps are dated by when they were due."""
    for number in range(7):
        room.put(f"{number}.txt")
    room.in_dataset("CreateBinding", URI=URI)
    room.advance(3600)
    binding = room.in_dataset("GetBinding", URI=URI)["Binding"]
    assert binding["UpdateTime"] == "2022-07-06T07:03:29.16+08:00"
    assert room.meta("0.txt")["CreateTime"] == "2022-07-06T07:03:29.02+08:00"


def test_an_empty_bucket_is_scanned_too(room: Room) -> None:
    """The full scan is seen even when there is nothing to scan."""
    room.in_dataset("CreateBinding", URI=URI)
    room.advance(1)
    assert _state(room) == ("Running", "FullScanning")
    room.advance(0.02)
    assert _state(room) == ("Running", "IncrementalScanning")


def test_changes_after_the_scan_reach_the_index(room: Room) -> None:
    """Put, overwrite and delete, each after the incremental delay."""
    room.bind()
    room.put("a.jpg", picture(size=(10, 10)))
    assert room.keys() == []
    room.advance(0.5)
    assert room.meta("a.jpg")["ImageWidth"] == 10
    room.put("a.jpg", picture(size=(20, 10)))
    room.advance(0.5)
    assert room.meta("a.jpg")["ImageWidth"] == 20
    room.delete("a.jpg")
    room.advance(0.5)
    assert room.keys() == []


def test_an_overwrite_keeps_the_entrys_creation_and_moves_its_update(room: Room) -> None:
    """CreateTime is the entry's, not the object's."""
    room.put("a.txt", b"one")
    room.bind()
    before = room.meta("a.txt")
    room.put("a.txt", b"two")
    room.advance(5)
    after = room.meta("a.txt")
    assert after["CreateTime"] == before["CreateTime"]
    assert after["UpdateTime"] > before["UpdateTime"]
    assert after["ETag"] != before["ETag"]


def test_changes_during_the_scan_are_not_lost(room: Room) -> None:
    """Also of keys that the scan has already passed."""
    for number in range(100):
        room.put(f"{number:03}.txt")
    room.in_dataset("CreateBinding", URI=URI)
    room.advance(2)
    room.put("000.txt", b"changed")
    room.put("000a.txt")
    room.delete("001.txt")
    room.delete("099.txt")
    room.advance(10)
    keys = room.keys()
    assert len(keys) == 99
    assert keys[:2] == ["000.txt", "000a.txt"]
    assert room.meta("000.txt")["Size"] == len(b"changed")


def test_a_manual_index_outlives_its_object_and_the_binding(room: Room) -> None:
    """What was indexed by hand goes only by hand."""
    room.put("by-hand.txt")
    room.put("by-binding.txt")
    room.index("by-hand.txt", CustomId="mine")
    room.bind()
    assert room.meta("by-hand.txt")["CustomId"] == "mine"
    room.delete("by-hand.txt")
    room.delete("by-binding.txt")
    room.advance(1)
    assert room.keys() == ["by-hand.txt"]


def test_a_deleted_binding_follows_no_more_and_leaves_its_index(room: Room) -> None:
    """DeleteBinding stops the synchronisation only."""
    room.put("a.txt")
    room.bind()
    room.in_dataset("DeleteBinding", URI=URI)
    room.put("b.txt")
    room.delete("a.txt")
    room.advance(10)
    assert room.keys() == ["a.txt"]
    assert room.refused("GetBinding", **PLACE, URI=URI) == (400, "ResourceNotFound")
    assert room.refused("DeleteBinding", **PLACE, URI=URI) == (400, "ResourceNotFound")


def test_a_deleted_binding_may_stay_visible(room: Room) -> None:
    """With the switch, it is State=Deleted, counts no more, and can be bound again."""
    room.cloud.switches.delete_binding_leaves_deleted = True
    room.bind()
    room.in_dataset("DeleteBinding", URI=URI)
    assert _state(room) == ("Deleted", "")
    assert room.in_dataset("GetDataset")["Dataset"]["BindCount"] == 0
    room.in_dataset("CreateBinding", URI=URI)
    assert _state(room) == ("Ready", "")


def test_a_dataset_with_a_forgotten_binding_can_go(room: Room) -> None:
    """And later changes of the bucket find nothing dangling."""
    room.cloud.switches.delete_binding_leaves_deleted = True
    room.bind()
    lifecycle.force_binding_state(
        room.cloud, ACCOUNT, REGION, "test-project", "test-dataset", URI, "Deleted", "", "gone"
    )
    room.in_dataset("DeleteDataset")
    room.put("late.txt")
    room.advance(1)


@pytest.mark.parametrize(
    "uri", ["", "test-bucket", "oss://test-bucket/", "oss://test-bucket/photos", "http://test-bucket", "oss://absent"]
)
def test_only_a_whole_bucket_of_this_account_can_be_bound(room: Room, uri: str) -> None:
    """No prefix form is documented."""
    status, code = room.refused("CreateBinding", **PLACE, URI=uri)
    assert (status, code) == (400, "InvalidArgument" if uri else "MissingURI")


def test_a_bucket_elsewhere_cannot_be_bound(room: Room) -> None:
    """Not of another region, not of another account."""
    room.cloud.oss.buckets["far"] = Bucket("far", ACCOUNT, "cn-beijing", 0)
    room.cloud.oss.buckets["foreign"] = Bucket("foreign", "42", REGION, 0)
    assert room.refused("CreateBinding", **PLACE, URI="oss://far") == (400, "InvalidArgument")
    assert room.refused("CreateBinding", **PLACE, URI="oss://foreign") == (400, "InvalidArgument")


def test_a_second_binding_of_the_same_bucket_is_refused_as_switched(room: Room) -> None:
    """The real code is not known."""
    room.in_dataset("CreateBinding", URI=URI)
    assert room.refused("CreateBinding", **PLACE, URI=URI) == (400, "ResourceAlreadyExists")
    room.cloud.switches.duplicate_binding_code = "InvalidArgument"
    assert room.refused("CreateBinding", **PLACE, URI=URI) == (400, "InvalidArgument")


def test_a_dataset_takes_ten_bindings(room: Room) -> None:
    """The eleventh is refused, and a smaller quota refuses earlier."""
    for number in range(11):
        room.cloud.oss.buckets[f"bucket-{number}"] = Bucket(f"bucket-{number}", ACCOUNT, REGION, 0)
    for number in range(10):
        room.in_dataset("CreateBinding", URI=f"oss://bucket-{number}")
    assert room.refused("CreateBinding", **PLACE, URI="oss://bucket-10") == (400, "LimitExceededError")
    listed = room.do("ListBindings", ProjectName="test-project", MaxResults=8)
    rest = room.do("ListBindings", ProjectName="test-project", MaxResults=8, NextToken=listed["NextToken"])
    assert (len(listed["Bindings"]), len(rest["Bindings"]), rest["NextToken"]) == (8, 2, "")


def test_bindings_are_listed_over_datasets_and_filtered(room: Room) -> None:
    """One walk serves a project; DatasetName and URI narrow it."""
    room.do("CreateDataset", ProjectName="test-project", DatasetName="another")
    for dataset in ("test-dataset", "another"):
        room.do("CreateBinding", ProjectName="test-project", DatasetName=dataset, URI=URI)
    listed = room.do("ListBindings", ProjectName="test-project")["Bindings"]
    assert [binding["DatasetName"] for binding in listed] == ["another", "test-dataset"]
    assert len(room.in_dataset("ListBindings")["Bindings"]) == 1
    assert len(room.do("ListBindings", ProjectName="test-project", URI=URI)["Bindings"]) == 2
    assert room.do("ListBindings", ProjectName="test-project", URI="oss://other")["Bindings"] == []
    room.put("a.txt")
    room.advance(10)
    for dataset in ("test-dataset", "another"):
        found = room.do("SimpleQuery", ProjectName="test-project", DatasetName=dataset)
        assert found["TotalHits"] == 1


@pytest.mark.parametrize(
    ("state", "phase"), [("Failed", ""), ("Stopped", "IncrementalScanning"), ("Retrying", "FullScanning")]
)
def test_a_state_can_be_forced_and_stays(room: Room, state: State, phase: Phase) -> None:
    """For tests of clients: with its Reason, until it is forced back."""
    room.bind()
    lifecycle.force_binding_state(
        room.cloud, ACCOUNT, REGION, "test-project", "test-dataset", URI, state, phase, "no permission"
    )
    room.put("a.txt")
    room.advance(100)
    assert _state(room) == (state, phase)
    assert room.in_dataset("GetBinding", URI=URI)["Binding"]["Reason"] == "no permission"
    assert room.keys() == []
    lifecycle.force_binding_state(
        room.cloud, ACCOUNT, REGION, "test-project", "test-dataset", URI, "Running", "FullScanning", ""
    )
    room.advance(10)
    assert _state(room) == ("Running", "IncrementalScanning")
    assert room.keys() == ["a.txt"]


def test_a_bucket_that_is_gone_fails_the_binding(room: Room) -> None:
    """With a reason that names it."""
    room.in_dataset("CreateBinding", URI=URI)
    del room.cloud.oss.buckets["test-bucket"]
    room.advance(5)
    binding = room.in_dataset("GetBinding", URI=URI)["Binding"]
    assert (binding["State"], binding["Reason"]) == ("Failed", "The bucket test-bucket does not exist.")


def test_a_retrying_binding_goes_on_when_its_bucket_is_back(room: Room) -> None:
    """Under the reading that it retries: Running, lost, Retrying with a reason, and scanned anew."""
    room.cloud.switches.lost_bucket_state = "Retrying"
    room.put("a.txt")
    room.bind()
    room.delete("a.txt")
    bucket = room.cloud.oss.buckets.pop("test-bucket")
    room.advance(100)
    binding = room.in_dataset("GetBinding", URI=URI)["Binding"]
    assert (binding["State"], binding["Reason"]) == ("Retrying", "The bucket test-bucket does not exist.")
    room.cloud.oss.buckets["test-bucket"] = bucket
    room.put("b.txt")
    room.advance(0)
    assert _state(room) == ("Running", "FullScanning")
    room.advance(1)
    assert _state(room) == ("Running", "IncrementalScanning")
    assert "Reason" not in room.in_dataset("GetBinding", URI=URI)["Binding"]
    room.put("c.txt")
    room.advance(1)
    assert room.keys() == ["a.txt", "b.txt", "c.txt"]


def test_settled_bindings_cost_nothing_per_tick(room: Room) -> None:
    """Only what is in motion is looked at."""
    room.bind()
    assert not room.cloud.imm(ACCOUNT, REGION).busy
    assert not lifecycle.advance(room.cloud)


def test_a_turn_on_a_real_clock_reads_a_bounded_number_of_files(room: Room) -> None:
    """A scan of a great bucket never stalls the server."""
    for number in range(500):
        room.put(f"{number:03}.txt")
    room.cloud.clock = Clock()
    room.cloud.imm_settings.binding_ready_seconds = 0
    room.cloud.imm_settings.scan_files_per_second = 1e9
    room.in_dataset("CreateBinding", URI=URI)
    files = room.cloud.imm(ACCOUNT, REGION).projects["test-project"].datasets["test-dataset"].files
    turns = 0
    while lifecycle.advance(room.cloud):
        turns += 1
        assert len(files) <= turns * 200
    assert (len(files), turns) == (500, 3)


def test_quotas_stop_the_index_from_growing(room: Room) -> None:
    """Files beyond DatasetMaxFileCount or DatasetMaxTotalFileSize are not indexed."""
    room.in_dataset("UpdateDataset", DatasetMaxFileCount=2)
    for name in ("a", "b", "c"):
        room.put(name)
    room.bind()
    assert room.keys() == ["a", "b"]
    room.in_dataset("UpdateDataset", DatasetMaxFileCount=10, DatasetMaxTotalFileSize=5)
    room.put("d", b"123456")
    room.put("a", b"123")
    room.advance(1)
    assert room.keys() == ["a", "b"]
    assert room.in_dataset("GetDataset", WithStatistics=True)["Dataset"]["TotalFileSize"] == 4
