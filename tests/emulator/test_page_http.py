"""The page's addresses without a browser: who gets it, what guards it, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import oss2
import pytest
import requests
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client

from emulator.mns.messages import enqueue
from emulator.mns.state import Queue
from emulator.page import thumbnails
from tests.emulator.conftest import rpc_config
from tests.emulator.pictures import picture

if TYPE_CHECKING:
    from emulator.instance import Instance
    from emulator.testing import LocalCloud

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def get(cloud: LocalCloud, path: str, **headers: str) -> requests.Response:
    """The answer to a plain GET."""
    return requests.get(cloud.url + path, headers=headers, timeout=10)


def document(cloud: LocalCloud, path: str) -> Any:
    """A document of the page."""
    answer = get(cloud, f"/_emulator/page/{path}")
    assert 200 == answer.status_code, answer.text
    return answer.json()


def test_the_page_is_for_browsers_and_the_buckets_for_clients(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """`GET /` is the page only as a person's browser sends it; signed, or from a tool, it stays ListBuckets."""
    assert get(cloud, "/", **BROWSER).text.startswith("<!doctype html>")
    assert "<Code>AccessDenied</Code>" in get(cloud, "/").text
    service = oss2.Service(oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret), cloud.url, region=cloud.region)
    assert ["pictures"] == [item.name for item in service.list_buckets().buckets]
    signed = requests.Request("GET", cloud.url, headers={**BROWSER, "Authorization": "OSS x:y"}).prepare()
    with requests.Session() as session:
        assert "<Code>" in session.send(signed, timeout=10).text


def test_the_policy_leaves_a_script_nowhere_to_come_from(cloud: LocalCloud) -> None:
    """No inline script or style, no other origin, no frame, and no way to turn text into markup."""
    answer = get(cloud, "/", **BROWSER)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


def test_a_name_that_may_be_a_web_sites_gets_nothing(cloud: LocalCloud) -> None:
    """A site whose name is pointed at this machine must not read the cloud through a visitor's browser."""
    refused = get(cloud, "/_emulator/page/buckets", Host="evil.example")
    assert 403 == refused.status_code
    assert "--endpoint-host" in refused.json()["error"]
    assert "html" not in get(cloud, "/", Host="evil.example", **BROWSER).headers["content-type"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nothing", 404),
        ("static/../serve.py", 404),
        ("static/%2e%2e/serve.py", 404),
        ("objects", 400),
        ("objects?bucket=absent", 404),
        ("objects?bucket=pictures&limit=many", 400),
        ("object?bucket=pictures&key=absent", 404),
        ("thumbnail?bucket=pictures&key=absent", 404),
        ("query?operation=DeleteDataset", 400),
        ("query?operation=SimpleQuery&account=1&region=x&project=y&dataset=z", 404),
    ],
)
def test_what_is_not_there_is_said_plainly(cloud: LocalCloud, bucket: oss2.Bucket, path: str, status: int) -> None:
    """Every wrong address ends in a status and a sentence."""
    answer = get(cloud, f"/_emulator/page/{path}")
    assert status == answer.status_code
    assert answer.json()["error"]


def test_the_page_only_reads(cloud: LocalCloud) -> None:
    """No address of the page takes anything but GET."""
    assert 405 == requests.post(f"{cloud.url}/_emulator/page/query", timeout=10).status_code


def test_looking_leaves_no_trace_in_the_journal(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """The journal counts what clients asked; tests rely on it."""
    before = cloud.counts()
    for path in ("overview", "buckets", "objects?bucket=pictures", "datasets", "bindings", "messages", "settings"):
        document(cloud, path)
    assert before == cloud.counts()


def test_lists_are_bounded(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """A large bucket is shown from its beginning, with word that there is more."""
    for number in range(12):
        bucket.put_object(f"{number:02}", b"")
    first = document(cloud, "objects?bucket=pictures&limit=5&prefix=0")
    assert (["00", "01", "02", "03", "04"], True) == ([item["key"] for item in first["objects"]], first["more"])
    assert 5 == len(document(cloud, "requests?limit=5")["requests"])


def test_a_message_past_its_time_is_not_counted(cloud: LocalCloud) -> None:
    """As GetQueueAttributes counts: what was not received within the retention period is gone."""

    def send(instance: Instance) -> None:
        now = instance.cloud.clock.now()
        queue = Queue("q", now, now, message_retention_period=60)
        instance.cloud.mns(cloud.account_id, cloud.region).queues["q"] = queue
        enqueue(queue, "text", now)

    cloud.run(send)
    assert [1] == [queue["active"] for queue in document(cloud, "messages")["queues"]]
    cloud.advance(61)
    assert [0] == [queue["active"] for queue in document(cloud, "messages")["queues"]]


def test_a_file_of_a_drive_shows_the_picture_that_it_is_kept_in(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """Its own address is in no bucket."""
    bucket.put_object("a.png", picture("PNG"), headers={"content-type": "image/png"})
    imm: Any = Client(rpc_config(cloud))
    place = {"project_name": "media", "dataset_name": "d"}
    imm.create_project(models.CreateProjectRequest(project_name="media"))
    imm.create_dataset(models.CreateDatasetRequest(**place))
    uri = "pds://domains/d/drives/1/files/f/revisions/r"
    imm.index_file_meta(
        models.IndexFileMetaRequest(**place, file=models.InputFile(uri=uri, ossuri="oss://pictures/a.png"))
    )
    cloud.advance(1)
    path = f"query?operation=SimpleQuery&account={cloud.account_id}&region={cloud.region}&project=media&dataset=d"
    [shown] = document(cloud, path)["files"]
    assert (uri, "pictures", "a.png") == (shown["meta"]["URI"], shown["picture"]["bucket"], shown["picture"]["key"])


def test_a_thumbnail_is_small_upright_and_harmless(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """WebP within its edge; what cannot be decoded is answered with a drawing, never with the content."""
    bucket.put_object("a.png", picture("PNG", (900, 300)))
    bucket.put_object("b.png", b"<script>alert(1)</script>")
    small = get(cloud, "/_emulator/page/thumbnail?bucket=pictures&key=a.png")
    assert ("image/webp", "nosniff") == (small.headers["content-type"], small.headers["x-content-type-options"])
    assert b"WEBP" == small.content[8:12]
    broken = get(cloud, "/_emulator/page/thumbnail?bucket=pictures&key=b.png")
    assert "image/svg+xml" == broken.headers["content-type"]
    assert b"script" not in broken.content


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    """A few kilobytes can claim a gigapixel; nobody waits for that."""
    assert thumbnails.make(picture("PNG", (12000, 6000)), thumbnails.SMALL) is None
    assert thumbnails.make(picture("PNG", (600, 300)), thumbnails.SMALL) is not None
