"""Reads Pulumi.yaml and the stack's file as the Pulumi CLI does, as far as a rehearsal needs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class ProjectError(Exception):
    """The project or the stack's file cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project with one stack's configuration: `namespace:key` to text, JSON where it is no string."""

    name: str
    program: Path
    config: dict[str, str]


def load(root: Path, stack: str) -> Project:
    """Read the project in `root` for one stack.

    Raises:
        ProjectError: a file is missing, a key without a default is not set, or a value is encrypted.
    """
    project = _read(root / "Pulumi.yaml", "is this the project's folder?")
    name = str(project["name"])
    file = root / project.get("stackConfigDir", ".") / f"Pulumi.{stack}.yaml"
    given = _read(file, f"there is no stack {stack}").get("config") or {}
    config, required = {}, []
    for key, declared in (project.get("config") or {}).items():
        full = key if ":" in key else f"{name}:{key}"
        value = _default(declared)
        if value is not None:
            config[full] = value
        elif full not in given:
            required.append(full)
    if required:
        raise ProjectError(f"{file}: missing {', '.join(required)}")
    config |= {key if ":" in key else f"{name}:{key}": value for key, value in given.items()}
    return Project(name, root / project.get("main", "."), {key: _text(file, key, config[key]) for key in config})


def _default(declared: Any) -> Any:
    """A declaration is the value itself, or has it under `default` (our keys) or `value` (a provider's keys)."""
    return declared.get("default", declared.get("value")) if isinstance(declared, dict) else declared


def _text(file: Path, key: str, value: Any) -> str:
    if isinstance(value, dict) and "secure" in value:
        raise ProjectError(
            f"{file}: {key} is encrypted, which only the Pulumi CLI can read: give it in the environment"
        )
    return value if isinstance(value, str) else json.dumps(value)


def _read(file: Path, hint: str) -> dict[str, Any]:
    try:
        body: dict[str, Any] = yaml.safe_load(file.read_text()) or {}
    except FileNotFoundError:
        raise ProjectError(f"{file} does not exist: {hint}") from None
    except yaml.YAMLError as error:
        raise ProjectError(f"{file} is no YAML: {error}") from error
    return body
