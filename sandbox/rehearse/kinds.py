"""What a resource type has to offer for a rehearsal; which types there are stands in `sandbox.rehearse.registry`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.rehearse.place import Place
from sandbox.rehearse.state import Entry

Inputs = Mapping[str, Any]


class Refused(Exception):
    """Beyond what a rehearsal does; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Inputs that changed, and those among them that no update can change."""

    changed: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()


class Operations(Protocol):
    """What can be done with one resource. Inputs are plain: no secret is marked in them."""

    def difference(self, old: Entry, new: Inputs, redacted: Inputs) -> Difference:
        """What changed since the last run, without a call; `redacted` are the new inputs as the state keeps them."""
        ...

    def identify(self, new: Inputs) -> str | None:
        """The id it will have, None where only the cloud knows."""
        ...

    def create(self, new: Inputs) -> tuple[str, dict[str, Any]]:
        """Make it; its id and the outputs the cloud adds."""
        ...

    def update(self, old: Entry, new: Inputs) -> dict[str, Any]:
        """Change it in place; the outputs the cloud adds."""
        ...

    def delete(self, old: Entry) -> None:
        """Remove it; absence is success."""
        ...

    def exists(self, old: Entry) -> bool:
        """Whether the cloud still has it."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of the `alicloud` provider. Names of inputs are the provider's.

    Attributes:
        inputs: Every input it understands; any other is refused instead of ignored.
        replacing: Inputs that cannot change in place.
        identify: The id out of the inputs.
        create: Makes it and returns the outputs the cloud adds.
        delete: Removes it; absence is success.
        exists: Whether the cloud still has it.
        update: Changes it from the old inputs to the new ones; None where every input is replacing.
    """

    inputs: frozenset[str]
    replacing: frozenset[str]
    identify: Callable[[Inputs], str]
    create: Callable[[Place, Inputs], dict[str, Any]]
    delete: Callable[[Place, str, Inputs], None]
    exists: Callable[[Place, str, Inputs], bool]
    update: Callable[[Place, Inputs, Inputs], None] | None = None


@dataclass(frozen=True, slots=True)
class KnownResource:
    """`Operations` of a type of the `alicloud` provider; `place` is asked for only when a call is made."""

    kind: Kind
    place: Callable[[], Place]

    def difference(self, old: Entry, new: Inputs, redacted: Inputs) -> Difference:
        """Compare inputs with inputs, as the provider's schema would."""
        unknown = set(new) - self.kind.inputs
        if unknown:
            raise Refused(
                f"a rehearsal does not know the input(s) {', '.join(sorted(unknown))} of {old.type} {old.name}: add "
                "them to its Kind in sandbox/rehearse, or run the stack with the pulumi CLI"
            )
        keys = sorted({*old.inputs, *redacted})
        changed = tuple(key for key in keys if old.inputs.get(key) != redacted.get(key))
        return Difference(changed, tuple(key for key in changed if key in self.kind.replacing or not self.kind.update))

    def identify(self, new: Inputs) -> str | None:
        """The vendor's names are ids."""
        return self.kind.identify(new)

    def create(self, new: Inputs) -> tuple[str, dict[str, Any]]:
        """Make it."""
        return self.kind.identify(new), self.kind.create(self.place(), new)

    def update(self, old: Entry, new: Inputs) -> dict[str, Any]:
        """Change it; what the cloud added at its creation stays."""
        if self.kind.update is not None:
            self.kind.update(self.place(), old.inputs, new)
        return old.computed

    def delete(self, old: Entry) -> None:
        """Remove it."""
        self.kind.delete(self.place(), old.id, old.inputs)

    def exists(self, old: Entry) -> bool:
        """Look it up."""
        return self.kind.exists(self.place(), old.id, old.inputs)
