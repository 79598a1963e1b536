"""One running cloud: its settings, its state, and what watches over it (journal, faults, nonces)."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.auth.identity import MAX_SKEW
from emulator.clock import Clock
from emulator.imm.lifecycle import on_object_change
from emulator.journal import Journal
from emulator.mns import events
from emulator.state import Account, Cloud
from emulator.sts.issuers import Issuers
from emulator.switches import Switches
from emulator.unverified import checked

if TYPE_CHECKING:
    from emulator.faults import Faults

# Well known on purpose, like the account key of Azurite: it opens nothing but a local emulator.
DEFAULT_ACCOUNT = "1234567890123456"
DEFAULT_ACCESS_KEY_ID = "LTAI5tEmulatorRootKey000"
DEFAULT_ACCESS_KEY_SECRET = "local-emulator-only-not-a-secret"  # noqa: S105 - opens nothing but a local emulator


@dataclass(frozen=True, slots=True)
class Config:
    """How an emulator is started."""

    region: str = "cn-hangzhou"
    account_id: str = DEFAULT_ACCOUNT
    access_key_id: str = DEFAULT_ACCESS_KEY_ID
    access_key_secret: str = DEFAULT_ACCESS_KEY_SECRET
    virtual_clock: bool = False
    loose: bool = False  # let pass wrong signatures, unknown parameters and headers, and what exceeds a rate or count
    endpoint_hosts: frozenset[str] = frozenset()  # host names that are the emulator, never `bucket.something`
    page_hosts: frozenset[str] = frozenset()  # more names and addresses that its own pages answer under
    oidc_ca: Path | None = None  # certificate authorities of the issuers whose tokens AssumeRoleWithOIDC believes
    switches: tuple[tuple[str, object], ...] = ()  # readings of unverified facts other than the defaults


@dataclass(slots=True)
class Nonces:
    """Nonces seen within the window in which a signature is valid; a second use is a replay."""

    seen: set[str] = field(default_factory=set)
    order: deque[tuple[float, str]] = field(default_factory=deque)

    def use(self, nonce: str, now: float) -> bool:
        """Whether the nonce is new; remembers it for twice the allowed skew."""
        while self.order and self.order[0][0] < now - 2 * MAX_SKEW:
            self.seen.discard(self.order.popleft()[1])
        if nonce in self.seen:
            return False
        self.seen.add(nonce)
        self.order.append((now, nonce))
        return True


@dataclass(slots=True)
class Instance:
    """Everything one emulator process or test holds."""

    config: Config
    cloud: Cloud
    journal: Journal = field(default_factory=Journal)
    nonces: Nonces = field(default_factory=Nonces)
    addresses: dict[str, str] = field(default_factory=dict)  # http, https and ca_file, as clients use them

    @property
    def faults(self) -> Faults:
        """The fault rules in force: of the cloud, where messages meet them too."""
        return self.cloud.faults

    def reset(self) -> None:
        """Forget everything but the accounts' own keys, the clock and the switches it was started with."""
        keys = {account.account_id: account.access_keys for account in self.cloud.accounts.values()}
        self.cloud = _new_cloud(self.config, self.cloud.clock)
        for account_id, access_keys in keys.items():
            self.cloud.accounts[account_id] = Account(account_id, dict(access_keys))
        self.journal = Journal()

    def set_switch(self, name: str, value: object) -> None:
        """Change one switch.

        Raises:
            ValueError: There is no such switch, or it does not take that value.
        """
        setattr(self.cloud.switches, name, checked(name, value))


def start(config: Config) -> Instance:
    """A fresh emulator with one account."""
    clock = Clock(time.time() if config.virtual_clock else None)
    cloud = _new_cloud(config, clock)
    keys = {config.access_key_id: config.access_key_secret}
    cloud.accounts[config.account_id] = Account(config.account_id, keys)
    return Instance(config, cloud)


def _new_cloud(config: Config, clock: Clock) -> Cloud:
    switches = Switches(**{name: checked(name, value) for name, value in config.switches})
    issuers = Issuers(config.oidc_ca)
    cloud = Cloud(clock=clock, region=config.region, switches=switches, issuers=issuers, loose=config.loose)
    cloud.object_listeners += [on_object_change, events.on_object_change]
    return cloud
