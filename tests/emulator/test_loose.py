"""`--loose` lets pass what the emulator refuses by default; each of it is refused without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from mns.account import Account
from mns.mns_exception import MNSExceptionBase
from mns.queue import QueueMeta

from emulator.instance import Config
from emulator.testing import running
from tests.emulator.conftest import rpc_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulator.testing import LocalCloud


@pytest.fixture(params=[False, True], ids=["strict", "loose"])
def either(request: pytest.FixtureRequest) -> Iterator[tuple[LocalCloud, bool]]:
    """A cloud, and whether it is loose."""
    with running(Config(virtual_clock=True, loose=request.param)) as cloud:
        yield cloud, request.param


def passes(call: Callable[[], Any]) -> bool:
    """Whether a call is answered."""
    try:
        call()
    except (ClientException, oss2.exceptions.ServerError, MNSExceptionBase):
        return False
    return True


def imm_of(cloud: LocalCloud, *, secret: str = "") -> Any:
    """IMM's client, with another secret if one is given."""
    config = rpc_config(cloud)
    config.access_key_secret = secret or cloud.access_key_secret
    return Client(config)


def test_a_wrong_signature(either: tuple[LocalCloud, bool], oss_session: oss2.Session) -> None:
    """Of ACS3, of OSS's both, of MNS; it counts as the account's own."""
    cloud, loose = either
    named = models.CreateProjectRequest(project_name="p")
    assert loose == passes(lambda: imm_of(cloud, secret="wrong").create_project(named))
    for number, kind in enumerate((oss2.Auth, oss2.AuthV4)):
        auth = kind("nobody", "wrong")
        bucket = oss2.Bucket(auth, cloud.url, f"bucket-{number}", session=oss_session, region=cloud.region)
        assert loose == passes(bucket.create_bucket)
    account = Account(cloud.url, "nobody", "wrong")
    assert loose == passes(lambda: account.get_queue("q").create(QueueMeta()))
    account.mns_client.close_connection()
    owned = cloud.run(lambda instance: [bucket.account for bucket in instance.cloud.oss.buckets.values()])
    assert [cloud.account_id] * (2 * loose) == owned


def test_a_rate(either: tuple[LocalCloud, bool]) -> None:
    """The hundred and first call of an instant."""
    cloud, loose = either
    imm = imm_of(cloud)
    imm.create_project(models.CreateProjectRequest(project_name="p"))
    read = models.GetProjectRequest(project_name="p")
    assert loose == all(passes(lambda: imm.get_project(read)) for _ in range(101))


def test_a_count(either: tuple[LocalCloud, bool], bucket_of: Callable[..., oss2.Bucket]) -> None:
    """The hundred and first project, the hundred and first bucket."""
    cloud, loose = either
    imm = imm_of(cloud)
    for number in range(100):
        imm.create_project(models.CreateProjectRequest(project_name=f"p{number}"))
        bucket_of(cloud, f"bucket-{number}").create_bucket()
    assert loose == passes(lambda: imm.create_project(models.CreateProjectRequest(project_name="more")))
    with_one_more = bucket_of(cloud, "one-more")
    assert loose == passes(with_one_more.create_bucket)


def test_names_are_checked_all_the_same(either: tuple[LocalCloud, bool]) -> None:
    """And so is what an operation cannot do without."""
    cloud, _ = either
    imm = imm_of(cloud)
    assert not passes(lambda: imm.create_project(models.CreateProjectRequest(project_name="9")))
    assert not passes(lambda: imm.get_project(models.GetProjectRequest()))
