"""Which members of the vendors' answer models are filled: the direction of the field check that `unread` lacks."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Members:
    """What the models of one SDK have, and what answers have filled of it.

    Attributes:
        models: The SDK's module of models.
        told: Models whose content is the caller's, given back as it came.
        known: Members by model, of every model that an answer has come to.
        filled: Those of them that an answer had.
    """

    models: Any
    told: frozenset[str] = frozenset()
    known: dict[str, set[str]] = field(default_factory=dict)
    filled: dict[str, set[str]] = field(default_factory=dict)

    def note(self, answer: dict[str, Any], model: type) -> None:
        """Note the members of `model`, and which of them the answer fills, down to its leaves."""
        own = self.of(model)
        self.known.setdefault(model.__name__, set()).update(own)
        present = self.filled.setdefault(model.__name__, set())
        for name, inner in own.items():
            if name not in answer:
                continue
            present.add(name)
            values = answer[name] if isinstance(answer[name], list) else [answer[name]]
            for value in values:
                if inner is not None and inner.__name__ not in self.told and isinstance(value, dict):
                    self.note(value, inner)

    def of(self, model: type) -> dict[str, type | None]:
        """The wire names of a model's members, each with the model of its value if it has one, read from its source."""
        found: dict[str, type | None] = {}
        source = inspect.getsource(model.from_map)  # type: ignore[attr-defined]  # untyped SDK
        for part in re.split(r"if m\.get\('", source)[1:]:
            inner = re.search(r"main_models\.(\w+)\(\)", part)
            found[part.partition("'")[0]] = getattr(self.models, inner[1]) if inner else None
        return found

    def missing(self) -> dict[str, set[str]]:
        """Members by model that no answer has filled."""
        return {model: names - self.filled[model] for model, names in self.known.items() if names != self.filled[model]}
