"""`controller.cloud.imm.Imm` against the emulator, through the official SDK: each method's results and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import oss2
import pytest

from controller.cloud.errors import CloudError, Conflict, Invalid, NotEmpty, ParentNotFound, Quota
from controller.cloud.imm import PAGE, Imm
from controller.cloud.ports import ProjectSpec
from controller.core.facts import BindingFacts, QuotaFacts
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports

NOTHING: dict[str, Any] = {"template_id": None, "description": None, "quotas": QuotaFacts()}


@pytest.fixture
def imm(ports: Ports) -> Imm:
    """The adapter, with project `media` and dataset `pictures`."""
    ports.imm.create_project(ProjectSpec("media", template_id="Official:AllFunction"))
    ports.imm.create_dataset("media", "pictures", **NOTHING)
    return ports.imm


class TestProjects:
    """The project: what Pulumi makes and the operator only reads."""

    def test_a_project_is_made_read_updated_and_deleted(self, ports: Ports, cloud: LocalCloud) -> None:
        """Absence is None before and after, and a second delete is no error."""
        imm = ports.imm
        assert imm.get_project("media") is None
        spec = ProjectSpec("media", template_id="Official:AllFunction", description="one", dataset_max_bind_count=7)
        made = imm.create_project(spec)
        assert ("media", "Official:AllFunction", "one", 7) == (
            made.name,
            made.template_id,
            made.description,
            made.dataset_max_bind_count,
        )
        imm.update_project(ProjectSpec("media", description="two"))
        cloud.advance(600)
        found = imm.get_project("media")
        assert found is not None
        assert ("two", "Official:AllFunction", 0) == (found.description, found.template_id, found.dataset_count)
        imm.delete_project("media")
        imm.delete_project("media")
        assert imm.get_project("media") is None

    def test_a_second_create_is_a_conflict(self, imm: Imm) -> None:
        """With the cloud's code and request id."""
        with pytest.raises(Conflict) as caught:
            imm.create_project(ProjectSpec("media"))
        assert "ResourceAlreadyExists" == caught.value.code
        assert caught.value.request_id

    def test_an_update_of_nothing_is_refused(self, ports: Ports) -> None:
        """There is no parent to blame: the project itself is missing."""
        with pytest.raises(CloudError) as caught:
            ports.imm.update_project(ProjectSpec("nobody", description="x"))
        assert "ResourceNotFound" == caught.value.code


class TestDatasets:
    """The dataset: created, adopted, kept to its spec."""

    def test_a_dataset_is_made_with_what_is_given_and_read_with_statistics(self, imm: Imm) -> None:
        """Fields left out come from the project."""
        quotas = QuotaFacts(5, 100, 1000, 10_000, 1_000_000)
        made = imm.create_dataset(
            "media", "docs", template_id="Official:ImageManagement", description="d", quotas=quotas
        )
        assert (quotas, "Official:ImageManagement", "d") == (made.quotas, made.template_id, made.description)
        assert made == imm.get_dataset("media", "docs")
        inherited = imm.get_dataset("media", "pictures")
        assert inherited is not None
        assert "Official:AllFunction" == inherited.template_id

    def test_an_update_is_a_merge_that_shows_after_minutes(self, imm: Imm, cloud: LocalCloud) -> None:
        """What is not given stays."""
        imm.update_dataset(
            "media", "pictures", template_id=None, description="new", quotas=QuotaFacts(max_file_count=77)
        )
        cloud.advance(600)
        found = imm.get_dataset("media", "pictures")
        assert found is not None
        assert ("new", 77, "Official:AllFunction") == (
            found.description,
            found.quotas.max_file_count,
            found.template_id,
        )

    def test_absence_is_told_apart_from_a_missing_project(self, imm: Imm) -> None:
        """The cloud's code is the same for both."""
        assert imm.get_dataset("media", "nobody") is None
        with pytest.raises(ParentNotFound) as caught:
            imm.get_dataset("nobody", "pictures")
        assert "project nobody does not exist" in caught.value.message

    def test_a_second_create_is_a_conflict(self, imm: Imm) -> None:
        """It exists already."""
        with pytest.raises(Conflict):
            imm.create_dataset("media", "pictures", **NOTHING)

    @pytest.mark.parametrize(
        "call",
        [
            lambda imm: imm.create_dataset("nobody", "pictures", **NOTHING),
            lambda imm: imm.update_dataset("media", "nobody", **NOTHING | {"description": "x"}),
            lambda imm: imm.list_datasets("nobody"),
            lambda imm: imm.list_bindings("nobody"),
            lambda imm: imm.create_binding("media", "nobody", "photos"),
            lambda imm: imm.simple_query("media", "nobody", {"Field": "Size", "Value": "0", "Operation": "gt"}),
        ],
        ids=["create", "update", "list", "list-bindings", "bind", "query"],
    )
    def test_a_missing_parent_is_named_as_such(self, imm: Imm, call: Callable[[Imm], object]) -> None:
        """With code and request id, and never as an empty answer."""
        with pytest.raises(ParentNotFound) as caught:
            call(imm)
        assert "ResourceNotFound" == caught.value.code
        assert caught.value.request_id

    def test_a_delete_is_done_once_and_twice(self, imm: Imm) -> None:
        """Absence is success, also of the project."""
        imm.delete_dataset("media", "pictures")
        imm.delete_dataset("media", "pictures")
        imm.delete_dataset("nobody", "pictures")
        assert imm.get_dataset("media", "pictures") is None

    @pytest.mark.usefixtures("bucket")
    @pytest.mark.parametrize("code", ["InvalidArgument", "OperationDenied", "ResourceInUse"])
    def test_a_dataset_in_use_is_not_deleted(self, imm: Imm, cloud: LocalCloud, code: str) -> None:
        """The cloud refuses, and it stays; with which code it refuses is not documented."""
        cloud.switch("nonempty_delete_code", code)
        imm.create_binding("media", "pictures", "photos")
        with pytest.raises(NotEmpty) as caught:
            imm.delete_dataset("media", "pictures")
        assert (code, True) == (caught.value.code, bool(caught.value.request_id))
        assert not caught.value.may_have_taken_effect
        assert imm.get_dataset("media", "pictures") is not None

    def test_a_list_is_complete_over_pages(self, imm: Imm, cloud: LocalCloud) -> None:
        """Each once."""
        names = [f"d{number:03}" for number in range(PAGE + 1)]
        for name in names:
            imm.create_dataset("media", name, **NOTHING)
            cloud.advance(0.05)  # within the project's own calls a second
        assert [*names, "pictures"] == sorted(found.name for found in imm.list_datasets("media"))
        assert 2 == cloud.counts()["imm"]["ListDatasets"]


class TestBindings:
    """The binding: bucket to dataset."""

    def test_a_binding_is_followed_from_ready_to_incremental(
        self, imm: Imm, bucket: oss2.Bucket, cloud: LocalCloud
    ) -> None:
        """The answer to the create is what the listing shows; then the guide's states."""
        bucket.put_object("a.txt", b"x")
        made = imm.create_binding("media", "pictures", "photos")
        assert BindingFacts("media", "pictures", "photos", "Ready", "", "", made.created_at) == made
        assert [made] == imm.list_bindings("media")
        cloud.advance(600)
        [found] = imm.list_bindings("media")
        assert found.scanned
        dataset = imm.get_dataset("media", "pictures")
        assert dataset is not None
        assert (1, 1, 1) == (dataset.bind_count, dataset.file_count, dataset.total_file_size)

    def test_a_project_without_bindings_has_none(self, imm: Imm) -> None:
        """An empty list, not an error."""
        assert [] == imm.list_bindings("media")

    @pytest.mark.usefixtures("bucket")
    def test_a_second_create_is_a_conflict(self, imm: Imm) -> None:
        """And changes nothing."""
        made = imm.create_binding("media", "pictures", "photos")
        with pytest.raises(Conflict):
            imm.create_binding("media", "pictures", "photos")
        assert [made] == imm.list_bindings("media")

    def test_a_bucket_that_is_not_there_is_invalid(self, imm: Imm) -> None:
        """A person has to act."""
        with pytest.raises(Invalid) as caught:
            imm.create_binding("media", "pictures", "nobody")
        assert not isinstance(caught.value, ParentNotFound)
        assert "nobody" in caught.value.message

    def test_one_binding_too_many_is_a_quota(self, imm: Imm, bucket: oss2.Bucket, cloud: LocalCloud) -> None:
        """The dataset's own limit."""
        imm.create_dataset("media", "small", template_id=None, description=None, quotas=QuotaFacts(max_bind_count=1))
        imm.create_binding("media", "small", "photos")
        other = oss2.Bucket(bucket.auth, cloud.url, "others", session=bucket.session, region=cloud.region)
        other.create_bucket()
        with pytest.raises(Quota):
            imm.create_binding("media", "small", "others")

    @pytest.mark.parametrize("leaves_deleted", [True, False])
    @pytest.mark.usefixtures("bucket")
    def test_a_delete_is_done_once_and_twice(self, imm: Imm, cloud: LocalCloud, *, leaves_deleted: bool) -> None:
        """Absence is success, of the dataset too; a binding listed as Deleted is gone."""
        cloud.switch("delete_binding_leaves_deleted", leaves_deleted)
        imm.create_binding("media", "pictures", "photos")
        imm.delete_binding("media", "pictures", "photos")
        imm.delete_binding("media", "pictures", "photos")
        imm.delete_binding("media", "nobody", "photos")
        assert all(found.gone for found in imm.list_bindings("media"))
        assert "Ready" == imm.create_binding("media", "pictures", "photos").state

    @pytest.mark.usefixtures("bucket")
    def test_a_list_is_complete_over_pages_and_datasets(self, imm: Imm, cloud: LocalCloud) -> None:
        """Each once; 201 bindings are two pages."""
        names = [f"d{number:03}" for number in range(PAGE + 1)]
        for name in names:
            imm.create_dataset("media", name, **NOTHING)
            imm.create_binding("media", name, "photos")
            cloud.advance(0.05)  # within the project's own calls a second
        assert names == sorted(found.dataset for found in imm.list_bindings("media"))
        assert 2 == cloud.counts()["imm"]["ListBindings"]


def test_a_query_finds_what_was_indexed(imm: Imm, bucket: oss2.Bucket, cloud: LocalCloud) -> None:
    """Files with the vendor's field names."""
    bucket.put_object("a.txt", b"12345")
    imm.create_binding("media", "pictures", "photos")
    cloud.advance(600)
    query = {"Field": "Size", "Value": "3", "Operation": "gt"}
    assert ["oss://photos/a.txt"] == [found["URI"] for found in imm.simple_query("media", "pictures", query)]
