"""An emulator whose state is kept in a directory: what is kept, and how a start takes it up again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.instance import Config, Instance, start
from emulator.persistence.failures import CannotOpenError
from emulator.persistence.hints import kept_fields
from emulator.persistence.store import Store
from emulator.state import Account, Cloud


@dataclass(slots=True)
class Kept:
    """Everything that comes back. Not here: the journal of requests and the nonces seen."""

    clock: float | None  # None for a real clock
    faults: Faults
    cloud: Cloud


def start_kept(config: Config, directory: Path) -> tuple[Instance, Store]:
    """An emulator that goes on where the directory's last one stopped, and the store that its server must wait for.

    The configuration's account, key and switches are added to what is there.

    Raises:
        CannotOpenError: The directory cannot be used.
    """
    instance = start(config)
    store = Store(directory, Kept)
    try:
        kept = store.load()
        if kept is not None:
            instance.cloud.clock = _clock(config, kept.clock)
            _take_up(instance, kept)
        store.follow(lambda: _kept(instance), loaded=kept is not None)
    except BaseException:
        store.release()
        raise
    _add_configured(instance, config)
    return instance, store


def _kept(instance: Instance) -> Kept:
    clock = instance.cloud.clock
    return Kept(clock.now() if clock.virtual else None, instance.faults, instance.cloud)


def _take_up(instance: Instance, kept: Kept) -> None:
    for name in kept_fields(Cloud):
        setattr(instance.cloud, name, getattr(kept.cloud, name))
    instance.cloud.faults = kept.faults


def _add_configured(instance: Instance, config: Config) -> None:
    account = instance.cloud.accounts.setdefault(config.account_id, Account(config.account_id))
    account.access_keys[config.access_key_id] = config.access_key_secret
    for name, value in config.switches:
        instance.set_switch(name, value)


def _clock(config: Config, stood_at: float | None) -> Clock:
    now = time.time()
    if config.virtual_clock:
        return Clock(now if stood_at is None else stood_at)
    if stood_at is not None and stood_at > now:
        raise CannotOpenError(
            f"the virtual clock of this state stands {stood_at - now:.0f} s ahead of the real time, so nothing in it "
            "would move until then: start it with --clock virtual"
        )
    return Clock()
