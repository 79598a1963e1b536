"""What tests of persistence share: a state as documents, and what a directory gives back."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from emulator.instance import Config, Instance
from emulator.kept import Kept, start_kept
from emulator.persistence.capture import Recorder

if TYPE_CHECKING:
    from pathlib import Path


def documents(instance: Instance) -> list[str]:
    """Everything that is kept of a running cloud, as documents in order."""
    clock = instance.cloud.clock
    listeners, instance.cloud.object_listeners = instance.cloud.object_listeners, []
    try:
        copy = deepcopy(Kept(clock.now() if clock.virtual else None, instance.faults, instance.cloud))
    finally:
        instance.cloud.object_listeners = listeners
    return sorted(Recorder(Kept).capture(copy).changes)


def stored(directory: Path, config: Config) -> list[str]:
    """The same of what a directory gives back to a new emulator."""
    instance, store = start_kept(config, directory)
    store.release()
    return documents(instance)
