"""What the contract tests share: a local cloud per test and the operator's adapters pointed at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import oss2
import pytest

from controller.cloud.credentials import Credentials
from controller.cloud.files import ImmFiles
from controller.cloud.imagesearch import ImageSearch
from controller.cloud.imm import Imm
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.limiter import Limiter
from controller.cloud.mns import MnsQueue
from controller.cloud.oss import Oss
from controller.cloud.sts import Sts
from emulator.testing import LocalCloud, cloud

__all__ = ["cloud"]


@dataclass(frozen=True, slots=True)
class Ports:
    """The adapters as one account, with the limiter they share. `queue` is the queue `results`."""

    imm: Imm
    files: ImmFiles
    oss: Oss
    queue: MnsQueue
    sts: Sts
    image_search: ImageSearch
    limiter: Limiter


@pytest.fixture
def ports_of() -> Callable[..., Ports]:
    """Make adapters: `ports_of(cloud, url=..., secret=..., form_body=...)`."""

    def make(cloud: LocalCloud, *, url: str | None = None, secret: str | None = None, form_body: bool = False) -> Ports:
        credentials = Credentials(cloud.access_key_id, secret or cloud.access_key_secret)
        limiter = Limiter("test", rate=10_000, burst=1000)
        place: dict[str, Any] = {"region": cloud.region, "endpoint": url or cloud.url}
        calls = ImmCalls(credentials, limiter_of=lambda _project: limiter, **place)
        return Ports(
            imm=Imm(calls),
            files=ImmFiles(calls, form_body=form_body),
            oss=Oss(credentials, limiter=limiter, **place),
            queue=MnsQueue(credentials, endpoint=url or cloud.url, queue="results", limiter=limiter),
            sts=Sts(credentials, limiter=limiter, **place),
            image_search=ImageSearch(credentials, limiter_of=lambda *_scope: limiter, **place),
            limiter=limiter,
        )

    return make


@pytest.fixture
def ports(cloud: LocalCloud, ports_of: Callable[..., Ports]) -> Ports:
    """Adapters with the account's own key."""
    return ports_of(cloud)


@pytest.fixture
def bucket(cloud: LocalCloud) -> Iterator[oss2.Bucket]:
    """An existing bucket `photos`."""
    session = oss2.Session()
    auth = oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret)
    made = oss2.Bucket(auth, cloud.url, "photos", session=session, region=cloud.region)
    made.create_bucket()
    yield made
    session.session.close()
