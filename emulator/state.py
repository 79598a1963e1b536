"""The whole cloud as plain data: one state behind all its services.

One state is what lets an uploaded object be indexed by a binding and announced on a topic, as in the cloud. Each
service owns the dataclasses in its own `emulator/<service>/state.py`; this module only holds them together per account
and region, with the clock and the switches every service shares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.imagesearch.batch_state import BatchSettings
from emulator.imagesearch.state import ImageSearchState
from emulator.imm.state import ImmSettings, ImmState
from emulator.ims.state import ImsState
from emulator.mns.state import MnsState
from emulator.oss.state import ObjectChange, OssState
from emulator.persistence.marks import CHANGES_ONLY, TRANSIENT
from emulator.ram.state import RamState
from emulator.sts.issuers import Issuers
from emulator.sts.state import StsState
from emulator.switches import Switches

T = TypeVar("T")


@dataclass(slots=True)
class Account:
    """What one account owns. OSS buckets are global by name but owned by an account; the rest is per region."""

    account_id: str
    access_keys: dict[str, str] = field(default_factory=dict)  # AccessKeyId → secret; the account's own (root) keys
    ram: RamState = field(default_factory=RamState)
    ims: ImsState = field(default_factory=ImsState)
    sts: StsState = field(default_factory=StsState)
    imm: dict[str, ImmState] = field(default_factory=dict)  # by region
    imagesearch: dict[str, ImageSearchState] = field(default_factory=dict)  # by region
    mns: dict[str, MnsState] = field(default_factory=dict)  # by region


@dataclass(slots=True)
class Cloud:
    """Everything. Handlers change it in the event loop's thread only, so it needs no lock."""

    clock: Clock = field(default_factory=Clock, metadata=TRANSIENT)
    region: str = field(default="cn-hangzhou", metadata=TRANSIENT)
    accounts: dict[str, Account] = field(default_factory=dict)
    oss: OssState = field(default_factory=OssState)
    switches: Switches = field(default_factory=Switches, metadata=CHANGES_ONLY)
    imm_settings: ImmSettings = field(default_factory=ImmSettings, metadata=CHANGES_ONLY)
    image_batches: BatchSettings = field(default_factory=BatchSettings, metadata=CHANGES_ONLY)
    faults: Faults = field(default_factory=Faults, metadata=TRANSIENT)  # kept beside the cloud: see emulator/kept.py
    issuers: Issuers = field(default_factory=Issuers, metadata=TRANSIENT)  # of OpenID Connect tokens, as last heard
    loose: bool = field(default=False, metadata=TRANSIENT)  # rates and counts are not enforced
    # Called after each put, overwrite and delete of an object; IMM's bindings and OSS event rules listen here.
    object_listeners: list[Callable[[Cloud, ObjectChange], None]] = field(default_factory=list, metadata=TRANSIENT)

    def imm(self, account: str, region: str) -> ImmState:
        """The IMM of one account and region, made on first use."""
        return _of_region(self.accounts[account].imm, region, ImmState)

    def imagesearch(self, account: str, region: str) -> ImageSearchState:
        """The Image Search of one account and region, made on first use."""
        return _of_region(self.accounts[account].imagesearch, region, ImageSearchState)

    def mns(self, account: str, region: str) -> MnsState:
        """The MNS of one account and region, made on first use."""
        return _of_region(self.accounts[account].mns, region, MnsState)


def _of_region(held: dict[str, T], region: str, make: Callable[[], T]) -> T:
    """What is held of a region, made if there is nothing: every call asks, and a state takes long to make."""
    if region not in held:
        held[region] = make()
    return held[region]
