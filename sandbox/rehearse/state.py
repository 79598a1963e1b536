"""What the last rehearsal made, in one small JSON file, saved after every single step.

A run that dies between a cloud call and the save leaves at most one resource the file does not know.
"""

from __future__ import annotations

import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

VERSION = 1


class StateError(Exception):
    """The state file cannot be used; the message says why and what to do."""


@dataclass(slots=True)
class Entry:
    """One resource that exists.

    Attributes:
        inputs: As the program gave them, secrets redacted.
        computed: Outputs that the cloud added.
        provider: URN of its explicit provider.
        doomed: A replaced resource whose deletion is still to come.
    """

    urn: str
    type: str
    id: str
    inputs: dict[str, Any]
    computed: dict[str, Any] = field(default_factory=dict)
    provider: str = ""
    protect: bool = False
    retain: bool = False
    doomed: bool = False

    @property
    def name(self) -> str:
        """The logical name, the last part of the URN."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(slots=True)
class State:
    """The stack as last made, oldest resource first. `salt` keys the digests of secrets."""

    path: Path
    project: str
    stack: str
    salt: str
    resources: list[Entry] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def find(self, urn: str) -> Entry | None:
        """The resource in force under a URN."""
        return next((entry for entry in self.resources if entry.urn == urn and not entry.doomed), None)

    def save(self) -> None:
        """Replace the file as a whole, so that no reader sees half of it."""
        body = {name: value for name, value in asdict(self).items() if name != "path"}
        temporary = self.path.with_name(self.path.name + ".new")
        temporary.write_text(json.dumps({"version": VERSION, **body}, indent=2) + "\n")
        temporary.replace(self.path)


def read_outputs(path: Path) -> dict[str, Any]:
    """The stack's outputs in a state file; none when there is no file."""
    outputs: dict[str, Any] = _load(path)["outputs"] if path.exists() else {}
    return outputs


@contextmanager
def opened(path: Path, *, project: str, stack: str) -> Iterator[State]:
    """The state of a stack, held by this process alone.

    Raises:
        StateError: another run holds it, it is another stack's, or it is no state file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateError(f"another rehearsal works on {path}: wait until it ends") from None
        if not path.exists():
            yield State(path, project, stack, secrets.token_hex(16))
            return
        body = _load(path)
        if (body["project"], body["stack"]) != (project, stack):
            raise StateError(f"{path} is the state of {body['project']}/{body['stack']}: name another file")
        resources = [Entry(**entry) for entry in body["resources"]]
        yield State(path, project, stack, body["salt"], resources, body["outputs"])


def _load(path: Path) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads(path.read_text())
        version = body["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"{path} is no state file of a rehearsal ({error}): name another file") from error
    if version != VERSION:
        raise StateError(
            f"{path} has version {version}, this program reads {VERSION}: destroy with the program it is of"
        )
    return body
