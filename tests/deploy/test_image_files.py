"""The image's recipe as it is written: what it installs, what it copies, how it is run; nothing is built here."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox.image.dockerfile import Copied, Stage, read
from sandbox.image.layout import lay_out
from sandbox.programs import ProgramError

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(name: str) -> dict[tuple[str, str], frozenset[str]]:
    """The hashes of each locked release, by package and version."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    releases = re.findall(r"^([\w.-]+)==(\S+)(.*)$", text, re.MULTILINE)
    return {(package, version): frozenset(re.findall(r"--hash=(\S+)", rest)) for package, version, rest in releases}


def stages(**given: str) -> list[Stage]:
    """The Dockerfile's."""
    return read(ROOT / "Dockerfile", given)


@pytest.mark.parametrize("name", ["deploy/image/requirements.lock", "deploy/image/build.lock"])
def test_the_image_is_locked_to_the_very_releases_that_are_tested(name: str) -> None:
    """Both locks of the image are parts of the one that the tests are installed from, with the same hashes."""
    everything = locked("requirements.lock")
    of_image = locked(name)
    assert of_image
    assert of_image == {release: everything.get(release) for release in of_image}
    assert all(of_image.values())


def test_the_image_has_what_the_operator_needs_and_nothing_else() -> None:
    """Its lock is what the base dependencies need, tracing's too, to the end of the chain: none forgotten."""
    named = {canonicalize_name(name) for name, _ in locked("deploy/image/requirements.lock")}
    reached = set(_reached(PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["tracing"]))
    elsewhere = {"tzdata"}  # for Windows
    assert reached == named - elsewhere


def test_what_builds_the_image_is_locked_too() -> None:
    """Build requirements are installed by hash: no build makes an environment of its own from the newest."""
    named = {canonicalize_name(name) for name, _ in locked("deploy/image/build.lock")}
    wanted = [*PROJECT["dependency-groups"]["image"], *PROJECT["build-system"]["requires"]]
    assert {canonicalize_name(Requirement(line).name) for line in wanted} <= named
    assert "--no-build-isolation" in (ROOT / "deploy/image/install.py").read_text()


def test_the_version_of_the_image_is_the_projects() -> None:
    """A build without arguments says the version that it holds; one that asks for another is refused by its step."""
    final = stages()[-1]
    assert PROJECT["project"]["version"] == final.arguments["VERSION"]


def test_the_labels_say_version_and_revision() -> None:
    """The labels of OCI, with what the build was given."""
    final = stages(VERSION="9.9.9", REVISION="abc", CREATED="2026-11-22T00:00:00Z")[-1]
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', final.passive["LABEL"]))
    assert {
        "title": "imm-operator",
        "description": PROJECT["project"]["description"],
        "licenses": PROJECT["project"]["license"],
        "version": "9.9.9",
        "revision": "abc",
        "created": "2026-11-22T00:00:00Z",
    } == labels
    assert final.environment["IMM_OPERATOR_REVISION"] == "abc"


def test_the_final_stage_needs_no_shell_and_no_root() -> None:
    """Nothing is run while it is built, so any base will do; it starts without a shell, as a number."""
    final = stages()[-1]
    assert all(isinstance(step, Copied) and step.stage == "builder" for step in final.steps)
    assert final.user == "65532:65532"
    assert [*final.entrypoint, *final.command] == ["python3", "-m", "controller.cli", "run"]
    assert final.passive["STOPSIGNAL"] == "SIGTERM"
    assert "HEALTHCHECK" not in (ROOT / "Dockerfile").read_text()  # the cluster's probes are the ones that count


def test_bases_are_arguments_with_a_tag_and_no_registry() -> None:
    """Whoever has a mirror or another base names it; the default is tagged, and of one Python."""
    builder, final = stages()
    assert {"python:3.11-bookworm", "python:3.11-slim-bookworm"} == {builder.base, final.base}
    assert [stage.base for stage in stages(BUILDER="a:1", BASE="b:2")] == ["a:1", "b:2"]


def test_the_context_holds_exactly_what_is_copied() -> None:
    """A key or a state file beside the sources never reaches a build."""
    everything, *kept = [line for line in _lines(ROOT / ".dockerignore") if not line.startswith("**/")]
    copied = {
        source.rstrip("/")
        for stage in stages()
        for step in stage.steps
        if isinstance(step, Copied) and step.stage is None
        for source in step.sources
    }
    assert everything == "*"
    assert copied == {line.removeprefix("!") for line in kept}


@pytest.mark.parametrize("line", ["RUN apt-get update", "ENTRYPOINT python3 -m controller", "ADD x y"])
def test_a_step_that_the_proof_would_leave_out_is_refused(line: str, tmp_path: Path) -> None:
    """What is not understood stops the proof: it may not pass by leaving something out."""
    file = tmp_path / "Dockerfile"
    file.write_text(f"FROM x AS y\n{line}\n")
    with pytest.raises(ProgramError, match=line.rsplit(maxsplit=1)[-1]):
        lay_out(tmp_path / "made", dockerfile=file)


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _reached(wanted: list[str]) -> Iterator[str]:
    """The packages that requirements lead to on Linux, each once."""
    todo, seen = [Requirement(line) for line in wanted], set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        yield name
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            pytest.fail(f"{name} is needed and not installed here")
        for further in map(Requirement, lines):
            extras = requirement.extras or {""}
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(further)
