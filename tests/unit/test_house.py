"""The house rules that a reader would otherwise have to check: sizes, names, and nothing of one machine."""

from __future__ import annotations

import ast
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("controller", "infra", "emulator", "sandbox")
MODULE_LINES = 400
FUNCTION_LINES = 40
NO_NAMES = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}
IMPURE = {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time"}
# Text of others, kept as it is.
FOREIGN = ("examples/media/licences/", "sandbox/cluster/go.sum")
# A package is found where the reader's own tools look for it. Module paths such as golang.org/x are names, not hosts.
REGISTRIES = (
    "pypi.org", "pythonhosted.org", "proxy.golang.org", "goproxy.", "npmjs.org", "docker.io", "ghcr.io", "quay.io",
    "mirrors.", "artifactory", "/simple/",
)  # fmt: skip
MAKERS = {"Thread", "ThreadPoolExecutor", "Threads", "to_thread"}
MACHINE = ("/work/", "/home/", "/root/", "/opt/", "/Users/")
TESTS = ROOT / "tests"
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def named(path: Path) -> str:
    """A path as the reader knows it."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("room", ROOMS)
def test_modules_are_short(room: str) -> None:
    """What does not fit is more than one thing."""
    long = {named(path): len(path.read_text().splitlines()) for path in MODULES if named(path).startswith(f"{room}/")}
    assert long
    assert {} == {name: lines for name, lines in long.items() if lines > MODULE_LINES}


@pytest.mark.parametrize("room", ROOMS)
def test_functions_are_short(room: str) -> None:
    """From `def` to the last line, docstring and all; decorators do not count."""
    long = [
        f"{named(path)}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for path in MODULES
        if named(path).startswith(f"{room}/")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert [] == long


def test_module_names_say_what_is_in_them() -> None:
    """A drawer called utils is never tidied."""
    assert [] == [named(path) for path in MODULES if path.stem in NO_NAMES or path.parent.name in NO_NAMES]


def test_every_module_says_its_job() -> None:
    """In a docstring; an empty file has none to say."""
    silent = [
        named(path)
        for path in MODULES
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert [] == silent


def test_files_of_tests_have_names_of_their_own() -> None:
    """Without packages pytest imports each of them by its bare name."""
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert [] == [name for name, times in names.items() if times > 1]


def test_fixtures_of_plugins_have_names_of_their_own() -> None:
    """A plugin is loaded for every file of a run, so one with the same name takes the place of another's fixture.

    A folder's conftest.py may define what another folder's does, and nothing that a plugin does.
    """
    plugins = {name for path in TESTS.rglob("*.py") for name in plugins_of(path)}
    paths = [ROOT / f"{name.replace('.', '/')}.py" for name in plugins]
    assert set(TESTS.rglob("*_fixtures.py")) <= set(paths)
    names = Counter(name for path in paths for name in fixtures_of(path))
    names.update({name for path in TESTS.rglob("conftest.py") for name in fixtures_of(path)})
    assert {"cluster", "room"} <= set(names)
    assert [] == [name for name, times in names.items() if times > 1]


def plugins_of(path: Path) -> list[str]:
    """The modules that a test file, or a conftest.py, names in `pytest_plugins`."""
    return [
        name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and "pytest_plugins" in map(ast.unparse, node.targets)
        for name in ast.literal_eval(node.value)
    ]


def fixtures_of(path: Path) -> Iterator[str]:
    """The names of the fixtures that a module defines."""
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            if ast.unparse(decorator).startswith(("pytest.fixture", "pytest_asyncio.fixture")):
                given = decorator.keywords if isinstance(decorator, ast.Call) else []
                yield next((ast.literal_eval(one.value) for one in given if one.arg == "name"), node.name)


def test_core_and_api_ask_nothing_of_the_machine() -> None:
    """Time, chance and the outer world come in as arguments, so that a decision can be repeated."""
    found = []
    for path in (path for path in MODULES if named(path).startswith(("controller/core/", "controller/api/"))):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{named(path)}: import {name}" for name in names if name.split(".")[0] in IMPURE]
            if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}:
                found.append(f"{named(path)}:{node.lineno}: {node.attr}")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print"}:
                found.append(f"{named(path)}:{node.lineno}: {node.func.id}")
    assert [] == found


def test_threads_are_made_where_they_are_counted() -> None:
    """Each may hold a call to the cloud for its whole time-out: an end waits for those, and a pod is sized for them."""
    found = {
        f"{named(path)}: {ast.unparse(node.func).rpartition('.')[2]}"
        for path in MODULES
        if named(path).startswith(("controller/runtime/", "controller/reconcile/", "controller/cloud/"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in MAKERS
    }
    assert found == {
        "controller/runtime/engine.py: Threads",  # passes, and the calls of imports
        "controller/runtime/consumer.py: Thread",  # one for each queue
        "controller/runtime/tracing.py: Thread",  # the last spans, when all is over
    }


def test_no_text_names_a_registry_or_a_machine() -> None:
    """The repository works wherever it is cloned, with whatever index its user has."""
    found = [
        f"{name}:{number}: {word}"
        for name, lines in texts()
        for number, line in enumerate(lines, 1)
        for word in (*REGISTRIES, *MACHINE)
        if word in line
    ]
    assert [] == found


def texts() -> Iterator[tuple[str, list[str]]]:
    """Every committed text file but this one, with its lines; what is staged or new counts as committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git work tree")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if name.startswith(FOREIGN) or path == Path(__file__).resolve() or not path.is_file():
            continue
        try:
            yield name, path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
