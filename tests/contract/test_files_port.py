"""`controller.cloud.files.ImmFiles` against the emulator: index, label, remove and look up, and requests too long."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.errors import CloudError, ParentNotFound, Quota, TimedOut, TooLong
from controller.cloud.files import ImmFiles
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.openapi import client_config
from controller.cloud.ports import FilesPort, IndexedFile, ProjectSpec
from controller.core.facts import FileFacts, FileOutcome, QuotaFacts
from controller.runtime.settings import Settings
from emulator.testing import LocalCloud
from emulator.unverified import switches
from tests.contract.conftest import Ports
from tests.mns_sdk import make_results

HARD_KEYS = ['a "quoted" it\'s.jpg', "日本 語.jpg", "a+b c%20d&e=f?.jpg", "😀/ü\\n.jpg", "plain.jpg"]
HARD_LABELS = {"名": '值 "1"', "a+b": "c d", "😀": "é&=%2B", "<x>": "{'y': [1]}"}
forms = pytest.mark.parametrize("form_body", [False, True], ids=["query", "form"])
CALLS: dict[str, Callable[[FilesPort, int], object]] = {
    "BatchIndexFileMeta": lambda files, n: files.index("media", "d", some(n), topic="results", user_data="u"),
    "BatchUpdateFileMeta": lambda files, n: files.update("media", "d", some(n)),
    "BatchDeleteFileMeta": lambda files, n: files.delete("media", "d", [file.uri for file in some(n)]),
    "BatchGetFileMeta": lambda files, n: files.get("media", "d", [file.uri for file in some(n)]),
}
operations = pytest.mark.parametrize("operation", CALLS)


def some(count: int) -> list[IndexedFile]:
    """Files with the usual length of a URI and a label."""
    return [IndexedFile(f"oss://photos/2025/06/photo-{n:06}.jpg", labels={"season": "summer"}) for n in range(count)]


def indexed(cloud: LocalCloud) -> dict[str, dict[str, Any]]:
    """The truth: metadata of every file of the dataset, by URI."""

    def read(instance: Any) -> dict[str, dict[str, Any]]:
        dataset = instance.cloud.imm(cloud.account_id, cloud.region).projects["media"].datasets["d"]
        return {uri: dict(held.meta) for uri, held in dataset.files.items()}

    return cloud.run(read)


@pytest.fixture
def files(cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket) -> ImmFiles:
    """The adapter, with project `media`, dataset `d`, a queue of results, and five objects."""
    ports.imm.create_project(ProjectSpec("media"))
    ports.imm.create_dataset("media", "d", template_id=None, description=None, quotas=QuotaFacts())
    make_results(cloud, "results")
    for key in HARD_KEYS:
        bucket.put_object(key, b"not really a picture")
    return ports.files


@forms
def test_files_are_indexed_with_their_labels_whatever_is_in_a_name(
    cloud: LocalCloud, files: ImmFiles, ports_of: Callable[..., Ports], *, form_body: bool
) -> None:
    """Quotes, CJK, plus signs, blanks, emoji, in the address as in the body: the same effect."""
    port = ports_of(cloud, form_body=form_body).files
    wanted = [IndexedFile(f"oss://photos/{key}", custom_id=f"id {key}", labels=HARD_LABELS) for key in HARD_KEYS]
    event = port.index("media", "d", wanted, topic="results", user_data='imm/1/"日本"+ 😀')
    assert event
    cloud.advance(60)
    assert {file.uri: (file.custom_id, HARD_LABELS) for file in wanted} == {
        uri: (meta["CustomId"], meta["CustomLabels"]) for uri, meta in indexed(cloud).items()
    }
    (message,) = ports_of(cloud).queue.receive(0)
    told = json.loads(message.body)
    assert ('imm/1/"日本"+ 😀', {file.uri for file in wanted}) == (
        told["UserData"],
        {entry["URI"] for entry in told["Files"]},
    )


@forms
def test_a_file_of_a_drive_is_indexed_with_its_hash_from_the_object_that_it_is_kept_in(
    cloud: LocalCloud, files: ImmFiles, ports_of: Callable[..., Ports], *, form_body: bool
) -> None:
    """Under its own address, for every later call; an update leaves both as they are."""
    port = ports_of(cloud, form_body=form_body).files
    drive = "pds://domains/bj1/drives/1/files/日本 +%/revisions/40CB"
    kept = IndexedFile(drive, labels={"a": "1"}, file_hash="EA49+/=", oss_uri=f"oss://photos/{HARD_KEYS[0]}")
    port.index("media", "d", [kept], topic="results", user_data="u")
    cloud.advance(60)
    assert [FileOutcome(drive)] == port.update("media", "d", [IndexedFile(drive, "17", file_hash="x", oss_uri="x")])
    meta = indexed(cloud)[drive]
    assert (kept.file_hash, kept.oss_uri, "17", {"a": "1"}) == (
        meta["FileHash"],
        meta["OSSURI"],
        meta["CustomId"],
        meta["CustomLabels"],
    )
    assert [drive] == [facts.uri for facts in port.get("media", "d", [drive])]
    port.delete("media", "d", [drive])
    assert {} == indexed(cloud)


@forms
def test_labels_change_and_each_file_has_its_own_outcome_in_order(
    cloud: LocalCloud, files: ImmFiles, ports_of: Callable[..., Ports], *, form_body: bool
) -> None:
    """One that is not indexed fails alone, with the cloud's words; what is not given stays."""
    port = ports_of(cloud, form_body=form_body).files
    known = [IndexedFile(f"oss://photos/{key}", custom_id="one", labels={"a": "1"}) for key in HARD_KEYS[:2]]
    port.index("media", "d", known, topic="results", user_data="u")
    cloud.advance(60)
    changes = [
        IndexedFile(known[0].uri, labels=HARD_LABELS),
        IndexedFile("oss://photos/nobody.jpg", labels={"a": "2"}),
        IndexedFile(known[1].uri, custom_id="two"),
    ]
    first, second, third = port.update("media", "d", changes)
    assert (FileOutcome(known[0].uri), FileOutcome(known[1].uri)) == (first, third)
    assert ("oss://photos/nobody.jpg", True) == (second.uri, "not found" in second.error)
    now = indexed(cloud)
    assert ("one", HARD_LABELS) == (now[known[0].uri]["CustomId"], now[known[0].uri]["CustomLabels"])
    assert ("two", {"a": "1"}) == (now[known[1].uri]["CustomId"], now[known[1].uri]["CustomLabels"])


@forms
def test_metadata_is_looked_up_and_removed_and_the_object_stays(
    cloud: LocalCloud, files: ImmFiles, bucket: oss2.Bucket, ports_of: Callable[..., Ports], *, form_body: bool
) -> None:
    """Only what the dataset holds is answered; removing what is not there is success."""
    port = ports_of(cloud, form_body=form_body).files
    uris = [f"oss://photos/{key}" for key in HARD_KEYS]
    port.index("media", "d", [IndexedFile(uri) for uri in uris[:3]], topic="results", user_data="u")
    assert [] == port.get("media", "d", uris)
    cloud.advance(60)
    truth = indexed(cloud)
    expected = [
        FileFacts(uri, truth[uri]["UpdateTime"], truth[uri]["ObjectStatus"], truth[uri]["Reason"]) for uri in uris[:3]
    ]
    assert expected == port.get("media", "d", uris)
    assert all(facts.updated_at and facts.reason for facts in expected)
    for _ in range(2):
        port.delete("media", "d", uris[1:])
    assert [uris[0]] == [facts.uri for facts in port.get("media", "d", uris)]
    assert set(HARD_KEYS) == {item.key for item in bucket.list_objects_v2().object_list}


def test_a_lookup_asks_only_for_what_is_read(cloud: LocalCloud, files: ImmFiles) -> None:
    """A file has some eighty fields."""
    files.get("media", "d", ["oss://photos/plain.jpg"])
    (entry,) = cloud.requests("imm", "BatchGetFileMeta")
    asked: Any = entry["params"]
    assert ["URI", "UpdateTime", "ObjectStatus", "Reason"] == json.loads(asked["WithFields"])


def test_nothing_travels_that_nobody_said(cloud: LocalCloud, files: ImmFiles) -> None:
    """The SDK's own method adds three empty lists to each file: 76 bytes of address, and an update of three fields."""
    files.update("media", "d", [IndexedFile("oss://photos/plain.jpg", labels={"a": "b"})])
    (entry,) = cloud.requests("imm", "BatchUpdateFileMeta")
    asked: Any = entry["params"]
    assert [{"URI": "oss://photos/plain.jpg", "CustomLabels": {"a": "b"}}] == json.loads(asked["Files"])
    key = Credentials(cloud.access_key_id, cloud.access_key_secret)
    client: Any = Client(client_config(key, region=cloud.region, endpoint=cloud.url))
    said = models.InputFile(uri="oss://photos/plain.jpg", custom_labels={"a": "b"})
    client.batch_update_file_meta(
        models.BatchUpdateFileMetaRequest(project_name="media", dataset_name="d", files=[said])
    )
    longer: Any = cloud.requests("imm", "BatchUpdateFileMeta")[-1]["params"]
    assert {"Addresses": [], "Figures": [], "Labels": []}.items() <= json.loads(longer["Files"])[0].items()


@pytest.mark.parametrize("suffix", switches()["not_found_code"].values)
@operations
def test_not_found_is_the_project_or_the_dataset(cloud: LocalCloud, ports: Ports, operation: str, suffix: str) -> None:
    """Whichever it is, in either spelling of the code, with the request id."""
    cloud.switch("not_found_code", suffix)
    for _ in ("no project", "no dataset"):
        with pytest.raises(ParentNotFound) as caught:
            CALLS[operation](ports.files, 1)
        assert (f"imm:{operation}", True) == (caught.value.operation, bool(caught.value.request_id))
        if ports.imm.get_project("media") is None:
            ports.imm.create_project(ProjectSpec("media"))


@operations
def test_a_hundred_files_are_one_call_and_more_are_refused(cloud: LocalCloud, files: ImmFiles, operation: str) -> None:
    """With the gateway's limit lifted."""
    before = cloud.counts()["imm"].get(operation, 0)
    CALLS[operation](files, 100)
    assert before + 1 == cloud.counts()["imm"][operation]
    with pytest.raises(Quota):
        CALLS[operation](files, 101)


@pytest.mark.parametrize("answer", switches()["request_target_refusal"].values)
@operations
def test_a_request_too_long_is_told_from_every_other_failure(
    cloud: LocalCloud, files: ImmFiles, operation: str, answer: str
) -> None:
    """In each way the gateway may say it; nothing took effect, and fewer files pass."""
    files.index("media", "d", [IndexedFile("oss://photos/plain.jpg")], topic="results", user_data="u")
    cloud.advance(60)
    before = indexed(cloud)
    cloud.switch("request_target_max", 4096)
    cloud.switch("request_target_refusal", answer)
    with pytest.raises(TooLong) as caught:
        CALLS[operation](files, 100)
    assert (False, f"imm:{operation}") == (caught.value.may_have_taken_effect, caught.value.operation)
    cloud.advance(60)
    assert before == indexed(cloud)
    CALLS[operation](files, 10)


@pytest.mark.parametrize(
    ("status", "long", "short"),
    [(413, TooLong, TooLong), (414, TooLong, TooLong), (431, TooLong, TooLong), (400, TooLong, TimedOut)]
    + [(status, TimedOut, TimedOut) for status in (403, 404, 500, 502)],
)
def test_a_gateways_page_about_length_is_recognised_by_its_status(
    cloud: LocalCloud, files: ImmFiles, status: int, long: type[CloudError], short: type[CloudError]
) -> None:
    """400 without a word of the service's means length only where there is some."""
    cloud.fault({"service": "imm", "html": status})
    for count, kind in ((100, long), (1, short)):
        with pytest.raises(CloudError) as caught:
            CALLS["BatchIndexFileMeta"](files, count)
        assert kind is type(caught.value)


@operations
def test_in_the_form_body_length_does_not_matter(
    cloud: LocalCloud, files: ImmFiles, ports_of: Callable[..., Ports], operation: str
) -> None:
    """A hundred files pass the narrowest gateway."""
    cloud.switch("request_target_max", 1024)
    CALLS[operation](ports_of(cloud, form_body=True).files, 100)
    with pytest.raises(TooLong):
        CALLS[operation](files, 100)


@pytest.mark.usefixtures("files")
def test_the_operators_setting_decides_where_the_parameters_travel(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`IMM_OPERATOR_IMM_FORM_BODY`, off by default."""
    cloud.switch("request_target_max", 1024)
    key = Credentials(cloud.access_key_id, cloud.access_key_secret)
    place = Place(cloud.account_id, cloud.region, imm=cloud.url)

    def port() -> FilesPort:
        clouds = AlibabaClouds(Limiters(), Rates(), sts_endpoint=None, imm_form_body=Settings().imm_form_body)
        return clouds.files(place, key, Lane.RESYNC)

    with pytest.raises(TooLong):
        CALLS["BatchIndexFileMeta"](port(), 100)
    monkeypatch.setenv("IMM_OPERATOR_IMM_FORM_BODY", "true")
    CALLS["BatchIndexFileMeta"](port(), 100)
