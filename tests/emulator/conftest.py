"""What the emulator's tests share: a fresh local cloud per test, and the official SDKs pointed at it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import oss2
import pytest
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config

from emulator.instance import Config as EmulatorConfig
from emulator.testing import LocalCloud, running
from tests.emulator.disk_room import documents, stored

# With EMULATOR_TESTS_ON_DISK=1 every `cloud` keeps its state in a directory, which must give back exactly that state.
ON_DISK = bool(os.environ.get("EMULATOR_TESTS_ON_DISK"))


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """A fresh local cloud with a virtual clock, for one test."""
    directory = tmp_path / "emulator-data" if ON_DISK else None
    config = EmulatorConfig(virtual_clock=True)
    with running(config, data=directory) as local:
        instance = local.run(lambda running: running)
        yield local
        if directory is not None:
            local.run(documents)  # what a read alone changed is saved only with what is taken out of the state
    if directory is not None:
        # Only now is nothing under way any more: callbacks go out by themselves and change the state.
        assert documents(instance) == stored(directory, config)


class ReadingSession(oss2.Session):  # type: ignore[misc]  # the vendor's SDK has no types
    """A session that reads empty answers.

    oss2 leaves some answers unread: delete_object's, get_object_meta's, complete_multipart_upload's. Their connections
    then never return to the pool, and whichever test the cycle collector runs in is blamed for an unclosed socket.
    """

    def do_request(self, request: Any, timeout: float) -> Any:
        """Send, and take in what has no body."""
        answer = super().do_request(request, timeout)
        unread = request.method in {"DELETE", "HEAD"} or (request.method == "POST" and "uploadId" in request.params)
        if unread and answer.status // 100 == 2:
            answer.read()
        return answer


@pytest.fixture
def oss_session() -> Iterator[oss2.Session]:
    """One connection pool per test, closed at its end."""
    session = ReadingSession()
    yield session
    session.session.close()


@pytest.fixture
def bucket_of(oss_session: oss2.Session) -> Callable[..., oss2.Bucket]:
    """Make a client of a bucket: `bucket_of(cloud, name, v4=True)`."""

    def make(cloud: LocalCloud, name: str = "pictures", *, v4: bool = True) -> oss2.Bucket:
        kind = oss2.AuthV4 if v4 else oss2.Auth
        auth = kind(cloud.access_key_id, cloud.access_key_secret)
        return oss2.Bucket(auth, cloud.url, name, session=oss_session, region=cloud.region)

    return make


@pytest.fixture
def bucket(cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket]) -> oss2.Bucket:
    """An existing, empty bucket."""
    made = bucket_of(cloud)
    made.create_bucket()
    return made


def rpc_config(cloud: LocalCloud, *, old: bool = False) -> Config:
    """An RPC SDK's settings for the local cloud; `old` signs with version 1.0 of the RPC signature."""
    return Config(
        access_key_id=cloud.access_key_id,
        access_key_secret=cloud.access_key_secret,
        endpoint=cloud.host,
        protocol=cloud.protocol,
        ca=cloud.ca_file,
        signature_algorithm="v2" if old else None,
    )


@pytest.fixture
def ram(cloud: LocalCloud) -> Any:
    """RAM's official client."""
    return RamClient(rpc_config(cloud))


@pytest.fixture
def sts_of() -> Callable[..., Any]:
    """Make STS's official client: `sts_of(cloud, old=True)`."""

    def make(cloud: LocalCloud, *, old: bool = False) -> Any:
        return StsClient(rpc_config(cloud, old=old))

    return make
