"""Makes the ports of an account: the only place where credentials, endpoints, limiters and adapters meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from controller.cloud.ambient import refused
from controller.cloud.assume import Address, RoleSts
from controller.cloud.credentials import Credentials
from controller.cloud.fence import Fence, unfenced
from controller.cloud.files import ImmFiles
from controller.cloud.imagesearch import ImageSearch
from controller.cloud.imm import Imm
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.limiter import Lane, Limiter, Limiters
from controller.cloud.mns import MnsQueue
from controller.cloud.oss import Oss
from controller.cloud.oss_calls import oss_connections
from controller.cloud.ports import (
    FilesPort,
    ImageSearchPort,
    ImmPort,
    OssPort,
    QueuePort,
    ReportPort,
    RolePort,
    StsPort,
)
from controller.cloud.reports import Reports
from controller.cloud.sts import Sts


@dataclass(frozen=True, slots=True)
class Place:
    """An account's region and the addresses to use there; None is the vendor's public address.

    `work_bucket` is where the account's records lie; None when it has no such bucket.
    """

    account_id: str
    region: str
    imm: str | None = None
    oss: str | None = None
    mns: str | None = None
    image_search: str | None = None
    work_bucket: str | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """Calls a second the operator allows itself, by scope.

    IMM allows 100 a second per project over all operations by default (API reference, Project.ProjectQueriesPerSecond);
    we leave a tenth to everybody else, and have no more go at once than fits into the same second. MNS takes 3,000
    messages a second per queue (its page of limits), up to sixteen of them in a call. Image Search allows one call a
    second for each operation of an instance ("QPS limit" on each operation's page); CheckImageExists shares with
    people's searches what was bought, 1 to 10 a second.
    """

    imm_per_project: float = 90.0
    oss_per_account: float = 200.0
    mns_per_account: float = 100.0
    sts_per_account: float = 5.0
    image_search_per_operation: float = 1.0
    image_checks_per_instance: float = 1.0
    reports_per_account: float = 5.0


class Clouds(Protocol):
    """Where the reconcile steps get their ports from."""

    def imm(self, place: Place, credentials: Credentials, lane: Lane) -> ImmPort: ...
    def files(self, place: Place, credentials: Credentials, lane: Lane) -> FilesPort: ...
    def oss(self, place: Place, credentials: Credentials, lane: Lane) -> OssPort: ...
    def queue(self, place: Place, credentials: Credentials, queue_name: str) -> QueuePort: ...
    def image_search(self, place: Place, credentials: Credentials, lane: Lane) -> ImageSearchPort: ...
    def reports(self, place: Place, lane: Lane) -> ReportPort: ...
    def sts(self, place: Place, credentials: Credentials, lane: Lane) -> StsPort: ...
    def roles(self, place: Place, lane: Lane) -> RolePort: ...
    def ambient(self) -> Credentials: ...


class AlibabaClouds:
    """The real thing, or the emulator: that is only a matter of endpoints."""

    def __init__(
        self,
        limiters: Limiters,
        rates: Rates,
        *,
        sts_endpoint: str | None,
        sts_ca_file: str | None = None,
        ambient: Callable[[], Credentials] = refused,
        fence: Fence = unfenced,
        imm_form_body: bool = False,
    ) -> None:
        self._limiters = limiters
        self._rates = rates
        self._sts = Address(sts_endpoint, sts_ca_file)
        self._fence = fence
        self._ambient = ambient
        self._imm_form_body = imm_form_body
        self._oss_connections = oss_connections()  # a pass makes its port anew, and needs no handshake for it

    def imm(self, place: Place, credentials: Credentials, lane: Lane) -> ImmPort:
        return Imm(self._imm_calls(place, credentials, lane))

    def files(self, place: Place, credentials: Credentials, lane: Lane) -> FilesPort:
        return ImmFiles(self._imm_calls(place, credentials, lane), form_body=self._imm_form_body)

    def _imm_calls(self, place: Place, credentials: Credentials, lane: Lane) -> ImmCalls:
        def limiter_of(project: str) -> Limiter:
            rate = self._rates.imm_per_project
            return self._limiters.get("imm", place.account_id, place.region, project, rate=rate, burst=rate / 9)

        return ImmCalls(
            credentials,
            region=place.region,
            endpoint=place.imm,
            limiter_of=limiter_of,
            lane=lane,
            fence=self._fence,
        )

    def oss(self, place: Place, credentials: Credentials, lane: Lane) -> OssPort:
        rate = self._rates.oss_per_account
        limiter = self._limiters.get("oss", place.account_id, rate=rate, burst=rate / 4)
        return Oss(
            credentials,
            region=place.region,
            endpoint=place.oss,
            limiter=limiter,
            lane=lane,
            fence=self._fence,
            connections=self._oss_connections,
        )

    def queue(self, place: Place, credentials: Credentials, queue_name: str) -> QueuePort:
        rate = self._rates.mns_per_account
        return MnsQueue(
            credentials,
            endpoint=place.mns or f"https://{place.account_id}.mns.{place.region}.aliyuncs.com",
            queue=queue_name,
            limiter=self._limiters.get("mns", place.account_id, rate=rate, burst=rate / 4),
            fence=self._fence,
        )

    def image_search(self, place: Place, credentials: Credentials, lane: Lane) -> ImageSearchPort:
        def limiter_of(instance: str, operation: str) -> Limiter:
            checks = operation == "CheckImageExists"
            rate = self._rates.image_checks_per_instance if checks else self._rates.image_search_per_operation
            scope = "imagesearch", place.account_id, place.region, instance, operation
            return self._limiters.get(*scope, rate=rate, burst=1, spaced=True)

        return ImageSearch(
            credentials,
            region=place.region,
            endpoint=place.image_search,
            limiter_of=limiter_of,
            lane=lane,
            fence=self._fence,
        )

    def reports(self, place: Place, lane: Lane) -> ReportPort:
        rate = self._rates.reports_per_account
        limiter = self._limiters.get("report", place.account_id, rate=rate, burst=rate)
        return Reports(limiter=limiter, lane=lane, endpoint=place.image_search)

    def sts(self, place: Place, credentials: Credentials, lane: Lane) -> StsPort:
        return Sts(
            credentials,
            region=place.region,
            endpoint=self._sts.endpoint,
            ca_file=self._sts.ca_file,
            limiter=self._sts_limiter(place),
            lane=lane,
        )

    def roles(self, place: Place, lane: Lane) -> RolePort:
        return RoleSts(self._sts, region=place.region, limiter=self._sts_limiter(place), lane=lane)

    def ambient(self) -> Credentials:
        return self._ambient()

    def _sts_limiter(self, place: Place) -> Limiter:
        rate = self._rates.sts_per_account
        return self._limiters.get("sts", place.account_id, rate=rate, burst=rate)
