"""Pulumi's dynamic resources: the program brings the provider along, pickled, and it is called as Pulumi calls it.

`pulumi.dynamic.__main__` has the same few lines, but starts a server as soon as it is imported.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dill
from pulumi.dynamic import Config, ConfigureRequest, ResourceProvider

from sandbox.rehearse.kinds import Difference, Inputs, Refused
from sandbox.rehearse.marks import is_unknown
from sandbox.rehearse.state import Entry

PREFIX = "pulumi-python:dynamic"
PROVIDER = "__provider"


def load(inputs: Mapping[str, Any], config: Mapping[str, str], project: str) -> ResourceProvider:
    """Unpickle the provider that a resource carries, and configure it with the project's configuration."""
    # As in Pulumi itself, this runs the program's own code: the state file is as trusted as the program.
    provider: ResourceProvider = dill.loads(base64.b64decode(str(inputs[PROVIDER])))  # noqa: S301 - see above
    provider.configure(ConfigureRequest(Config(dict(config), project)))
    return provider


@dataclass(frozen=True, slots=True)
class DynamicResource:
    """`Operations` of a resource that carries its provider. To the provider, "old" is what it returned last."""

    provider: ResourceProvider

    def difference(self, old: Entry, new: Inputs, redacted: Inputs) -> Difference:
        """Ask the provider's check and diff; an input that is not known yet counts as changed."""
        if redacted != new:
            raise Refused(f"{old.name} has secret inputs, which a rehearsal does not keep: use the pulumi CLI")
        unknown = tuple(key for key, value in new.items() if is_unknown(value))
        if unknown:
            return Difference(unknown)
        past = old.inputs | old.computed
        checked = self.provider.check(past, dict(new))
        if checked.failures:
            said = "; ".join(f"{failure.property}: {failure.reason}" for failure in checked.failures)
            raise Refused(f"the provider of {old.name} refuses {said}: correct the stack's configuration")
        result = self.provider.diff(old.id, past, checked.inputs)
        if result.changes is False and not result.replaces:
            return Difference()
        changed = [key for key in new if key != PROVIDER and past.get(key) != new[key]]
        return Difference(tuple(changed), tuple(result.replaces or ()))

    def identify(self, _new: Inputs) -> str | None:
        """Only the provider knows, once it is made."""
        return None

    def create(self, new: Inputs) -> tuple[str, dict[str, Any]]:
        """Make it."""
        result = self.provider.create(dict(new))
        return result.id, result.outs or {}

    def update(self, old: Entry, new: Inputs) -> dict[str, Any]:
        """Change it."""
        return self.provider.update(old.id, old.inputs | old.computed, dict(new)).outs or {}

    def delete(self, old: Entry) -> None:
        """Remove it."""
        self.provider.delete(old.id, old.inputs | old.computed)

    def exists(self, old: Entry) -> bool:
        """Read it; no id means that it is gone."""
        return bool(self.provider.read(old.id, old.inputs | old.computed).id)
