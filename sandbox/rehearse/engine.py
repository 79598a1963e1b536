"""Decides what a declared resource needs, and does it: nothing, create, update, replace, and at the end delete.

Each step is saved before the next, so a run that stops anywhere is continued by running it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oss2.exceptions import OssError
from pulumi import RunError

from controller.cloud.errors import CloudError
from sandbox.rehearse import dynamic, marks
from sandbox.rehearse.kinds import Difference, KnownResource, Operations, Refused
from sandbox.rehearse.place import NotLocal, Place
from sandbox.rehearse.registry import PROVIDER_TYPE, kind_of
from sandbox.rehearse.state import Entry, State

FAILURES = (CloudError, NotLocal, OssError, RunError)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource as the program declares it; inputs are plain JSON with Pulumi's marks."""

    urn: str
    type: str
    inputs: dict[str, Any]
    provider: str = ""
    protect: bool = False
    retain: bool = False
    delete_first: bool = False
    secret_outputs: frozenset[str] = frozenset()


@dataclass(slots=True)
class Engine:
    """One run over one state.

    Attributes:
        config: The project's configuration, for dynamic providers.
        report: Takes one line of progress at a time.
        preview: Say what would happen, call nothing, save nothing.
        declared: URNs of this run in order; what is in the state and not here is removed at the end.
    """

    state: State
    config: Mapping[str, str]
    report: Callable[[str], None]
    preview: bool = False
    declared: list[str] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)
    _providers: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def declare(self, wanted: Wanted) -> tuple[str, dict[str, Any]]:
        """Bring one resource to what is wanted; its id and outputs, secrets marked.

        Raises:
            Refused: the type or an option is beyond a rehearsal, or a protected resource would go.
            StepFailed: the cloud or the provider failed.
        """
        if wanted.urn in self.declared:
            raise Refused(f"two resources are named {wanted.urn}: give one of them another name")
        self.declared.append(wanted.urn)
        plain = marks.reveal(wanted.inputs)
        entry = Entry(
            wanted.urn, wanted.type, "", marks.redact(wanted.inputs, self.state.salt), provider=wanted.provider
        )
        entry.protect, entry.retain = wanted.protect, wanted.retain
        if wanted.type == PROVIDER_TYPE:
            self._providers[wanted.urn] = plain
            self._remember(entry, "provider")
        else:
            self._settle(wanted, entry, plain, self._operations(entry, plain))
        return entry.id, self._outputs(wanted, entry)

    def finish(self, outputs: dict[str, Any]) -> None:
        """After the whole program: delete what it no longer declares, and keep its outputs."""
        order = {urn: place for place, urn in enumerate(self.declared)}
        # What is left over goes first in the file, so that a later reverse walk deletes it last of all.
        self.state.resources.sort(key=lambda entry: -1 if entry.doomed else order.get(entry.urn, -1))
        self._remove([entry for entry in self.state.resources if entry.doomed or entry.urn not in order])
        if not self.preview:
            self.state.outputs = marks.redact(outputs, self.state.salt)
            self.state.save()

    def destroy(self) -> None:
        """Delete everything the state names, newest first."""
        self._remove(list(self.state.resources))
        if not self.preview:
            self.state.outputs = {}
            self.state.save()

    def _settle(self, wanted: Wanted, entry: Entry, plain: dict[str, Any], operations: Operations) -> None:
        old = self.state.find(wanted.urn)
        difference = operations.difference(old or entry, plain, entry.inputs)
        if old is not None and self._is_gone(old, operations):
            self.state.resources.remove(old)
            old = None
        if old is None:
            self._create(entry, plain, operations)
        elif difference.replacing:
            self._replace(old, entry, plain, operations, difference, delete_first=wanted.delete_first)
        else:
            self._update(old, entry, plain, operations, difference)

    def _is_gone(self, old: Entry, operations: Operations) -> bool:
        """Whether somebody else removed it: a fresh local cloud forgets everything, and the state does not."""
        if self.preview or self._call("look up", old, lambda: operations.exists(old)):
            return False
        self.report(f"  gone     {old.type} {old.name}: it is in the state but not in the cloud")
        return True

    def _create(self, entry: Entry, plain: dict[str, Any], operations: Operations) -> None:
        self._say("create", entry)
        if not self.preview:
            entry.id, entry.computed = self._call("create", entry, lambda: operations.create(plain))
            self._remember(entry)

    def _update(
        self, old: Entry, entry: Entry, plain: dict[str, Any], operations: Operations, difference: Difference
    ) -> None:
        entry.id, entry.computed = old.id, old.computed
        if not difference.changed:
            self.steps["same"] += 1
        else:
            self._say("update", entry, difference.changed)
            if not self.preview:
                entry.computed = self._call("update", entry, lambda: operations.update(old, plain))
        if not self.preview:
            self.state.resources[self.state.resources.index(old)] = entry
            self.state.save()

    def _replace(
        self,
        old: Entry,
        entry: Entry,
        plain: dict[str, Any],
        operations: Operations,
        difference: Difference,
        *,
        delete_first: bool,
    ) -> None:
        self._say("replace", entry, difference.replacing)
        _refuse_protected([old])
        if self.preview:
            return
        if delete_first or operations.identify(plain) == old.id:
            self._delete(old)
        else:
            old.doomed = True
        entry.id, entry.computed = self._call("create", entry, lambda: operations.create(plain))
        self._remember(entry)

    def _remove(self, entries: list[Entry]) -> None:
        _refuse_protected([entry for entry in entries if not entry.doomed])
        for entry in reversed(entries):
            if entry.type != PROVIDER_TYPE:
                self._say("delete" if not entry.retain else "keep", entry)
            if not self.preview:
                self._delete(entry)

    def _delete(self, entry: Entry) -> None:
        if entry.type != PROVIDER_TYPE and not entry.retain:
            operations = self._operations(entry, entry.inputs)
            self._call("delete", entry, lambda: operations.delete(entry))
        self.state.resources.remove(entry)
        self.state.save()

    def _operations(self, entry: Entry, plain: Mapping[str, Any]) -> Operations:
        if entry.type.startswith(dynamic.PREFIX):
            return dynamic.DynamicResource(dynamic.load(plain, self.config, self.state.project))
        return KnownResource(kind_of(entry.type), lambda: self._place(entry))

    def _place(self, entry: Entry) -> Place:
        stored = self.state.find(entry.provider)
        inputs = self._providers.get(entry.provider) or (stored.inputs if stored else {})
        return Place.of(inputs)

    def _remember(self, entry: Entry, id_: str = "") -> None:
        entry.id = id_ or entry.id
        if self.preview:
            return
        old = self.state.find(entry.urn)
        if old is None:
            self.state.resources.append(entry)
        else:
            self.state.resources[self.state.resources.index(old)] = entry
        self.state.save()

    def _outputs(self, wanted: Wanted, entry: Entry) -> dict[str, Any]:
        computed_secrets = wanted.secret_outputs & set(entry.computed) - set(wanted.inputs)
        if computed_secrets:
            raise Refused(
                f"{entry.name} has secret outputs ({', '.join(sorted(computed_secrets))}), which a rehearsal does not "
                "keep: use the pulumi CLI"
            )
        outputs = {key: value for key, value in wanted.inputs.items() if not marks.is_unknown(value)}
        outputs |= {key: value for key, value in entry.computed.items() if key not in wanted.inputs}
        return {key: marks.mark(value) if key in wanted.secret_outputs else value for key, value in outputs.items()}

    def _say(self, step: str, entry: Entry, why: tuple[str, ...] = ()) -> None:
        self.steps[step] += 1
        because = f" ({', '.join(why)})" if why else ""
        self.report(f"  {step:<8} {entry.type} {entry.name}{because}")

    def _call(self, verb: str, entry: Entry, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except FAILURES as error:
            raise StepFailed(f"cannot {verb} {entry.type} {entry.name}: {_words(error)}") from error


class StepFailed(Exception):
    """One step failed; everything before it stands in the state."""


def _words(error: Exception) -> str:
    if isinstance(error, OssError):
        return f"oss: {error.code} {error.message} (status {error.status}, request id {error.request_id})"
    return str(error)


def _refuse_protected(entries: list[Entry]) -> None:
    protected = [entry for entry in entries if entry.protect]
    if protected:
        raise Refused(
            f"{', '.join(entry.name for entry in protected)}: protected, so it is neither deleted nor replaced. "
            "Set `protect: false` in the stack's file and run `up` first if it really shall go"
        )
