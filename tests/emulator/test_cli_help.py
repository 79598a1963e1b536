"""What a stranger sees: the commands and their help, and the coverage table with its record of tests."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from emulator.cli import main
from emulator.coverage import RECORD, read_record
from emulator.services import SERVICES

ROOT = Path(__file__).parents[2]
STALE = "run `make coverage` and commit emulator/coverage.json"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("run", ("--data", "--seed", "--https", "--clock", "Prints a line with the address")),
        ("wait", ("--deadline", "exit status 1")),
        ("env", ('eval "$(python -m emulator env)"', "REQUESTS_CA_BUNDLE")),
        ("seed", ("buckets", "bindings", "seeding twice does no harm")),
        ("reset", ("Accounts, their own keys and the clock stay",)),
        ("faults", ("--set", "--clear", '"times"', "duplicate", "swap")),
        ("coverage", ("--json", "documented", "assumed")),
    ],
)
def test_every_command_has_help(command: str, words: tuple[str, ...]) -> None:
    """In words, with an example where the input has a shape."""
    result = CliRunner().invoke(main, [command, "--help"], terminal_width=200)
    assert 0 == result.exit_code
    said = " ".join(result.output.split())
    assert [] == [word for word in words if word not in said]


def test_the_first_page_lists_them() -> None:
    """And says what it is not."""
    said = CliRunner().invoke(main, ["--help"]).output
    assert "Not verified against the cloud" in " ".join(said.split())
    assert all(f"\n  {name} " in said for name in ("run", "wait", "env", "seed", "reset", "faults", "coverage"))


def test_coverage_prints_every_operation_with_provenance_and_tests() -> None:
    """As the issue's consumers read it."""
    operations = json.loads(CliRunner().invoke(main, ["coverage", "--json"]).output)["operations"]
    served = {(service, name) for service, table in SERVICES.items() for name in table.by_name}
    assert served == {(operation["service"], operation["name"]) for operation in operations}
    assert {"service", "name", "provenance", "rights", "tests"} == {key for one in operations for key in one}
    [bind] = [one["rights"] for one in operations if one["name"] == "CreateBinding"]
    assert {"imm:CreateBinding": "documented"} == bind
    assert {operation["provenance"] for operation in operations} <= {"documented", "sdk", "recorded", "assumed"}
    assert "oss (" in CliRunner().invoke(main, ["coverage"]).output


def test_the_record_of_tests_is_fresh() -> None:
    """Every served operation was there when it was written, and every test that it names is here."""
    record = read_record()
    recorded = {(service, name) for service, names in record.items() for name in names}
    served = {(service, name) for service, table in SERVICES.items() for name in table.by_name}
    assert served == recorded, f"{RECORD.name} is of another time: {STALE}"
    named = {test for names in record.values() for tests in names.values() for test in tests}
    assert [] == sorted(test for test in named if not exists(test)), STALE


def test_every_served_operation_is_called_by_a_test() -> None:
    """Property-based tests, which the record leaves out, come on top."""
    untested = [
        f"{service} {name}" for service, names in read_record().items() for name, tests in names.items() if not tests
    ]
    assert [] == untested


def test_a_documented_operation_names_its_page() -> None:
    """Whoever doubts its behaviour knows where to look; what has no page is `sdk` or `assumed`."""
    silent = []
    for service, operations in SERVICES.items():
        for name, operation in operations.by_name.items():
            said = operation.handler.__doc__ or ""
            page = rf"api-[a-z]+-\d{{4}}-\d\d-\d\d-{name.lower()}\b"
            if operation.provenance == "documented" and not re.search(page, said):
                silent.append(f"{service} {name}")
    assert [] == silent


def exists(test: str) -> bool:
    """Whether a test of that node id is written down in its file."""
    path, *names = test.split("::")
    return names[-1] in functions(ROOT / path)


@cache
def functions(path: Path) -> frozenset[str]:
    """Names of a file's functions."""
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
