"""Projects and datasets: names, quotas, merging updates, pages, the order of deletes, and the request allowance."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import alibabacloud_imm20200930.models as imm_models
import pytest

from emulator.call import Call
from emulator.imm.fields import FILE_FIELDS
from emulator.imm.legacy import OPERATIONS as LEGACY
from emulator.imm.operations import OPERATIONS
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]


def _written_names(model: type) -> set[str]:
    """The wire names a vendor model writes, read from its own source."""
    return set(re.findall(r"result\['(\w+)'\]", inspect.getsource(model.to_map)))  # type: ignore[attr-defined]  # untyped SDK


@pytest.mark.parametrize("operation", sorted(OPERATIONS.by_name.keys() - {"StopBinding", "ResumeBinding"}))
def test_every_operation_takes_the_parameters_of_the_vendors_request(operation: str) -> None:
    """No parameter of the SDK is unknown here, and none is invented."""
    request = getattr(imm_models, f"{operation}ShrinkRequest", None) or getattr(imm_models, f"{operation}Request")
    assert OPERATIONS.by_name[operation].params == _written_names(request)


def test_the_table_of_file_fields_is_the_vendors() -> None:
    """Each of the fields of `File`, and nothing else, can be asked for."""
    assert set(FILE_FIELDS) == _written_names(imm_models.File)


def test_a_project_has_the_documented_defaults(empty_room: Room) -> None:
    """Quotas of CreateProject."""
    project = empty_room.do("CreateProject", ProjectName="p")["Project"]
    quotas = {name: value for name, value in project.items() if name.startswith(("DatasetMax", "ProjectMax"))}
    assert quotas == {
        "ProjectMaxDatasetCount": 1_000_000_000,
        "DatasetMaxBindCount": 10,
        "DatasetMaxFileCount": 100_000_000,
        "DatasetMaxEntityCount": 10_000_000_000,
        "DatasetMaxRelationCount": 100_000_000_000,
        "DatasetMaxTotalFileSize": 90_000_000_000_000_000,
    }
    assert project["ServiceRole"] == "AliyunIMMDefaultRole"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "MissingProjectName"),
        ({"ProjectName": "1p"}, "InvalidProjectName"),
        ({"ProjectName": "a b"}, "InvalidProjectName"),
        ({"ProjectName": "p" * 129}, "InvalidProjectName"),
        ({"ProjectName": "p", "Description": "d" * 257}, "InvalidDescription"),
        ({"ProjectName": "p", "DatasetMaxBindCount": 11}, "LimitExceededError"),
        ({"ProjectName": "p", "DatasetMaxBindCount": 0}, "InvalidDatasetMaxBindCount"),
        ({"ProjectName": "p", "DatasetMaxBindCount": "ten"}, "InvalidDatasetMaxBindCount"),
        ({"ProjectName": "p", "ProjectMaxDatasetCount": 10**10}, "LimitExceededError"),
        ({"ProjectName": "p", "TemplateId": "no such\n"}, "InvalidTemplateId"),
        ({"ProjectName": "p", "Tag": "["}, "InvalidJSON"),
        ({"ProjectName": "p", "Tag": [{"Value": "v"}]}, "InvalidTag"),
    ],
)
def test_a_bad_project_is_refused_with_400(empty_room: Room, params: dict[str, object], code: str) -> None:
    """Names, ranges and JSON are checked first."""
    assert empty_room.refused("CreateProject", **params) == (400, code)


def test_an_update_merges(empty_room: Room) -> None:
    """What is not sent stays."""
    empty_room.do("CreateProject", ProjectName="p", Description="d", DatasetMaxBindCount=3, Tag=[{"Key": "k"}])
    empty_room.do("UpdateProject", ProjectName="p", TemplateId="Official:ImageManagement")
    project = empty_room.do("GetProject", ProjectName="p")["Project"]
    kept = (project["Description"], project["DatasetMaxBindCount"], project["Tags"], project["TemplateId"])
    assert kept == ("d", 3, [{"TagKey": "k", "TagValue": ""}], "Official:ImageManagement")


def test_an_update_may_take_its_documented_time(room: Room) -> None:
    """With the switch, UpdateDataset is in force only after up to five minutes."""
    room.cloud.switches.update_delay_seconds = 300.0
    room.in_dataset("UpdateDataset", Description="new")
    assert room.in_dataset("GetDataset")["Dataset"]["Description"] == ""
    room.advance(300)
    assert room.in_dataset("GetDataset")["Dataset"]["Description"] == "new"


def test_a_dataset_starts_with_its_projects_quotas_and_template(empty_room: Room) -> None:
    """And later changes of the project leave it alone."""
    empty_room.do("CreateProject", ProjectName="p", DatasetMaxBindCount=2, TemplateId="Official:AllFunction")
    created = empty_room.do("CreateDataset", ProjectName="p", DatasetName="d", DatasetMaxFileCount=7)["Dataset"]
    shown = (created["DatasetMaxBindCount"], created["DatasetMaxFileCount"], created["TemplateId"])
    assert shown == (2, 7, "Official:AllFunction")
    empty_room.do("UpdateProject", ProjectName="p", DatasetMaxBindCount=9)
    later = empty_room.do("GetDataset", ProjectName="p", DatasetName="d")["Dataset"]
    assert later["DatasetMaxBindCount"] == 2


@pytest.mark.parametrize(
    ("operation", "place", "kind"),
    [
        ("GetProject", {"ProjectName": "absent"}, "Project"),
        ("GetDataset", {"ProjectName": "absent", "DatasetName": "d"}, "Project"),
        ("GetDataset", {"ProjectName": "test-project", "DatasetName": "absent"}, "Dataset"),
        ("GetBinding", {"ProjectName": "test-project", "DatasetName": "absent", "URI": "oss://b"}, "Dataset"),
        ("GetBinding", {"ProjectName": "test-project", "DatasetName": "test-dataset", "URI": "oss://b"}, "Binding"),
        (
            "GetFileMeta",
            {"ProjectName": "test-project", "DatasetName": "test-dataset", "URI": "oss://test-bucket/no"},
            "File",
        ),
    ],
)
def test_absence_is_a_400_that_names_the_resource_in_its_message(
    room: Room, operation: str, place: dict[str, str], kind: str
) -> None:
    """Documented: ResourceNotFound with HTTP 400, never 404."""
    with pytest.raises(Refusal) as caught:
        room.do(operation, **place)
    assert (caught.value.status, caught.value.code) == (400, "ResourceNotFound")
    assert caught.value.message == f"The specified resource {kind} is not found."


def test_a_second_creation_is_refused(room: Room) -> None:
    """ResourceAlreadyExists, for both kinds."""
    assert room.refused("CreateProject", ProjectName="test-project") == (400, "ResourceAlreadyExists")
    place = {"ProjectName": "test-project", "DatasetName": "test-dataset"}
    assert room.refused("CreateDataset", **place) == (400, "ResourceAlreadyExists")


def test_deletes_go_from_the_inside_out(room: Room) -> None:
    """Binding, files, dataset, project; every other order is refused."""
    place = {"ProjectName": "test-project", "DatasetName": "test-dataset"}
    room.put("a.txt")
    room.bind()
    assert room.refused("DeleteProject", ProjectName="test-project")[1] == "InvalidArgument"
    assert room.refused("DeleteDataset", **place)[1] == "InvalidArgument"
    room.in_dataset("DeleteBinding", URI="oss://test-bucket")
    room.cloud.switches.nonempty_delete_code = "OperationDenied"
    assert room.refused("DeleteDataset", **place)[1] == "OperationDenied"
    room.in_dataset("DeleteFileMeta", URI="oss://test-bucket/a.txt")
    room.in_dataset("DeleteDataset")
    room.do("DeleteProject", ProjectName="test-project")
    assert room.refused("GetProject", ProjectName="test-project")[1] == "ResourceNotFound"


def test_lists_come_in_pages_after_the_token(empty_room: Room) -> None:
    """MaxResults, NextToken, Prefix; the last page has no token."""
    for name in ("pb", "pa", "other", "pc"):
        empty_room.do("CreateProject", ProjectName=name)
    first = empty_room.do("ListProjects", Prefix="p", MaxResults=2)
    second = empty_room.do("ListProjects", Prefix="p", MaxResults=2, NextToken=first["NextToken"])
    pages = [[project["ProjectName"] for project in page["Projects"]] for page in (first, second)]
    assert pages == [["pa", "pb"], ["pc"]]
    assert second["NextToken"] == ""
    assert empty_room.refused("ListProjects", MaxResults=201) == (400, "InvalidMaxResults")


def test_projects_are_found_by_tag(empty_room: Room) -> None:
    """All tags asked for must be there."""
    empty_room.do("CreateProject", ProjectName="one", Tag=[{"Key": "team", "Value": "a"}])
    empty_room.do("CreateProject", ProjectName="two", Tag=[{"Key": "team", "Value": "b"}])
    found = empty_room.do("ListProjects", Tag=[{"Key": "team", "Value": "b"}])["Projects"]
    assert [project["ProjectName"] for project in found] == ["two"]


def test_statistics_are_counted_on_request_only(room: Room) -> None:
    """FileCount and TotalFileSize are 0 unless WithStatistics is true."""
    room.put("a.txt", b"12345")
    room.bind()
    plain = room.in_dataset("GetDataset")["Dataset"]
    counted = room.in_dataset("GetDataset", WithStatistics=True)["Dataset"]
    project = room.do("GetProject", ProjectName="test-project", WithStatistics="True")["Project"]
    assert (plain["FileCount"], plain["TotalFileSize"], plain["BindCount"]) == (0, 0, 1)
    assert (counted["FileCount"], counted["TotalFileSize"]) == (1, 5)
    assert (project["FileCount"], project["TotalFileSize"], project["DatasetCount"]) == (1, 5, 1)


def test_a_region_holds_a_hundred_projects(empty_room: Room) -> None:
    """The default quota."""
    for number in range(100):
        empty_room.do("CreateProject", ProjectName=f"p{number}")
    assert empty_room.refused("CreateProject", ProjectName="one-more") == (400, "LimitExceededError")


def test_a_project_answers_a_hundred_calls_a_second(room: Room) -> None:
    """All operations of one project share the allowance; another project has its own; time refills it."""
    room.do("CreateProject", ProjectName="other")
    room.advance(1)
    for _ in range(100):
        room.do("GetProject", ProjectName="test-project")
    assert room.refused("GetProject", ProjectName="test-project") == (400, "Throttling.User")
    room.do("GetProject", ProjectName="other")
    room.advance(0.01)
    room.do("GetProject", ProjectName="test-project")
    assert room.refused("ListDatasets", ProjectName="test-project") == (400, "Throttling.User")


def test_the_allowance_can_be_lifted(room: Room) -> None:
    """A rate of zero means no limit."""
    room.cloud.imm_settings.queries_per_second = 0
    for _ in range(300):
        room.do("GetProject", ProjectName="test-project")


def _legacy(room: Room, operation: str, **params: str) -> Any:
    call = Call("imm-2017", operation, "1234567890123456", "cn-hangzhou", "R", params)
    return LEGACY.by_name[operation].handler(room.cloud, call).body


def test_the_old_api_keeps_projects_of_its_own(room: Room) -> None:
    """PutProject of 2017-09-06 makes nothing that 2020-09-30 sees, and the other way round."""
    assert _legacy(room, "PutProject", Project="old", ServiceRole="role")["ServiceRole"] == "role"
    assert room.refused("GetProject", ProjectName="old") == (400, "ResourceNotFound")
    with pytest.raises(Refusal) as caught:
        _legacy(room, "GetProject", Project="test-project")
    assert caught.value.code == "InvalidProject.NotFound"


def test_the_old_api_updates_lists_and_deletes(room: Room) -> None:
    """The calls that the Pulumi provider's imm.Project makes."""
    for name in ("aa", "bb"):
        _legacy(room, "PutProject", Project=name)
    _legacy(room, "UpdateProject", Project="aa", NewServiceRole="other")
    assert _legacy(room, "GetProject", Project="aa")["ServiceRole"] == "other"
    page = _legacy(room, "ListProjects", MaxKeys="1")
    assert [project["Project"] for project in page["Projects"]] == ["aa"]
    assert page["NextMarker"] == "aa"
    _legacy(room, "DeleteProject", Project="aa")
    assert [project["Project"] for project in _legacy(room, "ListProjects")["Projects"]] == ["bb"]
