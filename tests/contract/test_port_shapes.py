"""Answers that are well-formed and of another shape than is documented: what was done is open, whatever was called."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from controller.cloud.errors import CloudError, TimedOut
from controller.cloud.ports import IndexedFile, ProjectSpec
from controller.core.facts import QuotaFacts
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports

FILE = IndexedFile("oss://photos/a.jpg")
NOTHING: dict[str, Any] = {"template_id": None, "description": None, "quotas": QuotaFacts()}
CALLS: dict[str, Callable[[Ports], object]] = {
    "imm:GetProject": lambda ports: ports.imm.get_project("media"),
    "imm:CreateProject": lambda ports: ports.imm.create_project(ProjectSpec("media")),
    "imm:ListDatasets": lambda ports: ports.imm.list_datasets("media"),
    "imm:GetDataset": lambda ports: ports.imm.get_dataset("media", "d"),
    "imm:CreateDataset": lambda ports: ports.imm.create_dataset("media", "d", **NOTHING),
    "imm:UpdateDataset": lambda ports: ports.imm.update_dataset("media", "d", **NOTHING),
    "imm:ListBindings": lambda ports: ports.imm.list_bindings("media"),
    "imm:CreateBinding": lambda ports: ports.imm.create_binding("media", "d", "photos"),
    "imm:DeleteBinding": lambda ports: ports.imm.delete_binding("media", "d", "photos"),
    "imm:BatchIndexFileMeta": lambda ports: ports.files.index("media", "d", [FILE], topic="t", user_data="u"),
    "imm:BatchUpdateFileMeta": lambda ports: ports.files.update("media", "d", [FILE]),
    "imm:BatchDeleteFileMeta": lambda ports: ports.files.delete("media", "d", [FILE.uri]),
    "imm:BatchGetFileMeta": lambda ports: ports.files.get("media", "d", [FILE.uri]),
    "imagesearch:IncreaseInstance": lambda ports: ports.image_search.increase("shop", "photos", "", None),
    "imagesearch:IncreaseList": lambda ports: ports.image_search.tasks("shop"),
    "imagesearch:Detail": lambda ports: ports.image_search.detail("shop"),
    "imagesearch:CheckImageExists": lambda ports: ports.image_search.exists("shop", "1", "a.jpg"),
    "sts:GetCallerIdentity": lambda ports: ports.sts.get_caller(),
    "mns:BatchReceiveMessage": lambda ports: ports.queue.receive(0),
    "mns:BatchDeleteMessage": lambda ports: ports.queue.delete(["1-a"]),
    "mns:SendMessage": lambda ports: ports.queue.send("x"),
    "mns:GetQueueAttributes": lambda ports: ports.queue.look(),
    "oss:GetBucketInfo": lambda ports: ports.oss.get_bucket("photos"),
    "oss:ListObjects": lambda ports: ports.oss.list_objects("photos", ""),
    "oss:GetObject": lambda ports: ports.oss.get_range("photos", "a", 0, 4),
    "oss:HeadObject": lambda ports: ports.oss.head_object("photos", "a"),
    "oss:InitiateMultipartUpload": lambda ports: ports.oss.begin_upload("photos", "a", {}, replace=True),
    "oss:UploadPart": lambda ports: ports.oss.upload_part("photos", "a", "1", 1, b"x"),
    "oss:CompleteMultipartUpload": lambda ports: ports.oss.complete_upload("photos", "a", "1", [], replace=True),
}
ITEMS: list[object] = ["x", 7, ["x"], [7], [{}], [None], {}]
JSON: list[object] = [
    *([], ["x"], "text", 7, None, {}),
    *({name: found} for name in ("Files", "Bindings", "Datasets") for found in ITEMS),
    *({name: found} for name in ("Project", "Dataset", "Binding", "Instance", "Data") for found in ITEMS),
    {"Data": {"Id": ["x"]}},
    {"Data": {"TotalCount": 1, "Increments": ["x"]}},
    {"Data": {"TotalCount": 1, "Increments": {"Instance": ["x"]}}},
    {"Code": "Odd", "Message": ["x"], "AccessDeniedDetail": "x"},
    {"AccountId": ["x"]},
]
XML = [
    "<a/>",
    "<Messages><Message/></Messages>",
    "<Messages><Message><EnqueueTime>x</EnqueueTime></Message></Messages>",
    "<BucketInfo><Bucket/></BucketInfo>",
    "<ListBucketResult><Contents/></ListBucketResult>",
]
BODIES = [*(json.dumps(body) for body in JSON), *XML]


class Odd:
    """Says the same to everybody."""

    def __init__(self) -> None:
        self.status, self.body = 200, ""
        odd = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 64 * 1024  # head and body in one packet, or each answer waits for the first one's receipt

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                data = odd.body.encode()
                self.send_response(odd.status)
                for name in ("x-oss-request-id", "x-mns-request-id"):
                    self.send_header(name, "ODD")
                self.send_header("Content-Type", "text/xml" if odd.body.startswith("<") else "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - http.server's names

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="module")
def odd() -> Iterator[Odd]:
    """A service whose answers are odd."""
    made = Odd()
    with closing(made.server.socket):
        thread = threading.Thread(target=made.server.serve_forever)
        thread.start()
        yield made
        made.server.shutdown()
        thread.join()


@pytest.mark.parametrize("operation", CALLS)
def test_whatever_the_answer_is_made_of_the_error_is_one_of_ours(
    cloud: LocalCloud, ports_of: Callable[..., Ports], odd: Odd, operation: str
) -> None:
    """Or there is none, where the answer is not looked at that closely."""
    ports = ports_of(cloud, url=odd.url)
    for odd.status in (200, 400):
        for odd.body in BODIES:
            try:
                CALLS[operation](ports)
            except CloudError:
                continue
            except Exception as error:  # noqa: BLE001 - the point of the test
                pytest.fail(f"HTTP {odd.status} {odd.body}: {error!r}")


OPEN: list[tuple[str, object]] = [
    ("imm:BatchUpdateFileMeta", {"Files": ["x"]}),
    ("imm:BatchGetFileMeta", {"Files": [{}, 7]}),
    ("imm:BatchDeleteFileMeta", ["x"]),
    ("imm:ListBindings", {"Bindings": [{"ProjectName": "media", "DatasetName": "d"}]}),
    ("imm:ListDatasets", {"Datasets": [{"DatasetName": "d"}]}),
    ("imm:GetProject", {"Project": {}}),
    ("imagesearch:IncreaseInstance", {"Data": "x"}),
    ("imagesearch:IncreaseList", {"Data": {"TotalCount": 1, "Increments": {"Instance": ["x"]}}}),
    ("sts:GetCallerIdentity", {"Arn": "x"}),
    ("mns:BatchReceiveMessage", "<Messages><Message><EnqueueTime>x</EnqueueTime></Message></Messages>"),
    ("oss:GetBucketInfo", "<BucketInfo><Bucket/></BucketInfo>"),
]


@pytest.mark.parametrize(("operation", "body"), OPEN, ids=[row[0] for row in OPEN])
def test_an_answer_of_another_shape_leaves_the_effect_open(
    cloud: LocalCloud, ports_of: Callable[..., Ports], odd: Odd, operation: str, body: object
) -> None:
    """It says which call that was."""
    odd.status, odd.body = 200, body if isinstance(body, str) else json.dumps(body)
    with pytest.raises(TimedOut) as caught:
        CALLS[operation](ports_of(cloud, url=odd.url))
    assert operation == caught.value.operation
    assert caught.value.may_have_taken_effect
