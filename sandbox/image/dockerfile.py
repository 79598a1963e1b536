"""Read a Dockerfile: its stages, and their instructions with arguments put in.

Only what ours uses is understood, and anything else is refused: a step that is skipped would make the proof a lie.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.programs import ProgramError

VARIABLE = re.compile(r"\$\{(\w+)\}")
# What the image does not say of how it is run, or says to its readers only.
PASSIVE = frozenset({"EXPOSE", "LABEL", "STOPSIGNAL"})


@dataclass(frozen=True)
class Copied:
    """COPY: sources, the stage they come from, or the source folder, and the target."""

    sources: tuple[str, ...]
    stage: str | None
    target: str


@dataclass
class Stage:
    """What one FROM begins. `steps` are what it does to its files, in order: COPYs, and RUNs as shell text."""

    name: str
    base: str
    arguments: dict[str, str] = field(default_factory=dict)
    steps: list[Copied | str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    passive: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def read(path: Path, given: Mapping[str, str] | None = None) -> list[Stage]:
    """The stages in order, with the build arguments that are `given`.

    Raises:
        ProgramError: an instruction that is not understood here.
    """
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for instruction, text in _instructions(path):
        match instruction:
            case "ARG" if not stages:
                name, _, default = text.partition("=")
                arguments[name] = (given or {}).get(name, default.strip('"'))
            case "FROM":
                base, _, name = _filled(text, arguments).partition(" AS ")
                stages.append(Stage(name or str(len(stages)), base))
            case "ARG":
                stages[-1].arguments[text] = arguments[text]
            case _:
                _take(stages[-1], instruction, text)
    return stages


def _instructions(path: Path) -> list[tuple[str, str]]:
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in joined.splitlines())]


def _take(stage: Stage, instruction: str, text: str) -> None:
    match instruction:
        case "COPY":
            *sources, target = _filled(text, stage.arguments).split()
            origin = sources.pop(0).removeprefix("--from=") if sources[0].startswith("--from=") else None
            stage.steps.append(Copied(tuple(sources), origin, target))
        case "RUN":
            stage.steps.append(re.sub(r"^(--mount=\S+ +)+", "", text))  # the shell fills in what it names
        case "ENV":
            stage.environment |= dict(word.split("=", 1) for word in shlex.split(_filled(text, stage.arguments)))
        case "WORKDIR":
            stage.directory = text
        case "USER":
            stage.user = text
        case "ENTRYPOINT":
            stage.entrypoint = _exec_form(text)
        case "CMD":
            stage.command = _exec_form(text)
        case _ if instruction in PASSIVE:
            stage.passive[instruction] = _filled(text, stage.arguments)
        case _:
            raise ProgramError(f"The Dockerfile has an instruction that its proof does not know: {instruction} {text}")


def _exec_form(text: str) -> list[str]:
    """The words of an ENTRYPOINT or CMD that needs no shell."""
    if not text.startswith("["):
        raise ProgramError(f"ENTRYPOINT and CMD need no shell when they are JSON lists; this one does: {text}")
    return [str(word) for word in json.loads(text)]


def _filled(text: str, arguments: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda found: arguments[found[1]], text)
