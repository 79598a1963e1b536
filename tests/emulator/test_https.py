"""HTTPS beside HTTP: the official SDKs over it, trusting the authority that the emulator wrote down."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client as ImmClient
from alibabacloud_mns_open20220119 import models as mns_models
from alibabacloud_mns_open20220119.client import Client as MnsOpenClient
from click.testing import CliRunner
from mns.account import Account
from mns.queue import Message, QueueMeta

from emulator.cli import main
from emulator.testing import running
from sandbox import ports
from tests.emulator.conftest import rpc_config
from tests.emulator.processes import emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from emulator.testing import LocalCloud


@pytest.fixture(params=["http", "https"])
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """A local cloud over either; for HTTPS with what `emulator env --https` exports."""
    with running(https=request.param == "https") as local:
        if local.ca_file is not None:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", local.ca_file)
            monkeypatch.setenv("SSL_CERT_FILE", local.ca_file)
        yield local


@pytest.mark.parametrize("v4", [True, False])
def test_oss(cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket], v4: bool) -> None:  # noqa: FBT001 - a parameter
    """Put, get, list, a presigned address, and the Location header's scheme."""
    bucket = bucket_of(cloud, v4=v4)
    bucket.create_bucket()
    bucket.put_object("a b.txt", b"text" * 10_000)
    assert b"text" * 10_000 == bucket.get_object("a b.txt").read()
    assert ["a b.txt"] == [item.key for item in oss2.ObjectIteratorV2(bucket)]
    address = bucket.sign_url("GET", "a b.txt", 60)
    assert address.startswith(cloud.protocol + "://")
    with urlopen(address) as answer:  # noqa: S310 - our own
        assert b"text" * 10_000 == answer.read()


@pytest.mark.parametrize("by_environment", [True, False])
def test_imm_and_mns_control(cloud: LocalCloud, by_environment: bool) -> None:  # noqa: FBT001 - a parameter
    """Projects and queues through the RPC SDKs, which take the authority from SSL_CERT_FILE or as `ca`."""
    config = rpc_config(cloud)
    if by_environment:
        config.ca = None
    imm = ImmClient(config)
    imm.create_project(models.CreateProjectRequest(project_name="project"))
    listed = imm.list_projects(models.ListProjectsRequest()).body.projects
    assert ["project"] == [project.project_name for project in listed]
    control = MnsOpenClient(config)
    control.create_queue(mns_models.CreateQueueRequest(queue_name="q"))
    page = control.list_queue(mns_models.ListQueueRequest(page_num=1, page_size=10)).body.data.page_data
    assert ["q"] == [queue.queue_name for queue in page]


def test_mns(cloud: LocalCloud) -> None:
    """A message there and back."""
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    queue = account.get_queue("q")
    queue.set_encoding(False)
    queue_url = queue.create(QueueMeta(30))
    queue.send_message(Message("hello"))
    assert "hello" == queue.receive_message().message_body
    assert queue_url.startswith(cloud.url)
    account.mns_client.close_connection()


def test_who_does_not_know_the_authority_refuses() -> None:
    """The certificate is good for nothing else."""
    with running(https=True) as cloud, pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urlopen(f"{cloud.url}/_emulator/health")  # noqa: S310 - our own


def test_a_process_serves_both_and_env_says_how_to_trust_it(tmp_path: Path) -> None:
    """The second line names the authority's file; what `env --https` exports is enough for a client of another name."""
    authority = tmp_path / "deep" / "ca.pem"
    options = ("--https-port", "0", "--ca-file", str(authority), "--https-name", "oss.test")
    with emulator(*options) as plain:
        assert plain.process.stdout is not None
        line = plain.process.stdout.readline()
        assert re.fullmatch(
            rf"emulator ready on https://127\.0\.0\.1:\d+, certificate authority in {authority}\n", line
        )
        exported = CliRunner().invoke(main, ["env", "--https", "--url", plain.url]).output
        env = dict(re.findall(r"export (\w+)=(.*)", exported))
        assert {str(authority)} == {env["REQUESTS_CA_BUNDLE"], env["SSL_CERT_FILE"], env["NODE_EXTRA_CA_CERTS"]}
        assert env["OSS_ENDPOINT"].startswith("https://127.0.0.1:")
        assert env["OSS_ENDPOINT"].removeprefix("https://") == env["IMM_ENDPOINT"]
        client = [sys.executable, "-c", CLIENT]
        subprocess.run(client, env={**os.environ, **env}, check=True, timeout=60)


CLIENT = """
import os, ssl, socket, oss2
auth = oss2.AuthV4(os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
bucket = oss2.Bucket(auth, os.environ["OSS_ENDPOINT"], "made", region=os.environ["ALIBABA_CLOUD_REGION"])
assert bucket.create_bucket().status == 200
host, port = os.environ["IMM_ENDPOINT"].split(":")
for name in ("oss.test", "localhost", "bucket.oss-cn-hangzhou.localhost"):
    with socket.create_connection((host, int(port))) as raw:
        ssl.create_default_context().wrap_socket(raw, server_hostname=name).close()
"""


def test_env_says_so_when_there_is_no_https() -> None:
    """And when nobody is there to ask."""
    with running() as cloud:
        result = CliRunner().invoke(main, ["env", "--https", "--url", cloud.url])
    assert (1, True) == (result.exit_code, "start it with --https" in result.output)
    gone = CliRunner().invoke(main, ["env", "--https", "--url", f"http://127.0.0.1:{ports.reserve()}"])
    assert (1, True) == (gone.exit_code, "Is it running?" in gone.output)
