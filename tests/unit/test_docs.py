"""The docs say what the code does: names exist, tables and diagrams match, generated pages are fresh."""

from __future__ import annotations

import ast
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from controller.api.status import Intent
from controller.cli import main
from controller.core.actions import CloudAction, CreateBinding, RecordIntent
from controller.core.intents import SPACING, Ledger, submit_once
from controller.core.manifest import rules as of_lines
from controller.core.pictures import rules as of_pictures
from controller.core.plan import Plan
from controller.core.reasons import Reason

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("environments/*.md")])
pages = pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
ROOMS = (
    "controller", "crds", "deploy", "docs", "emulator", "environments", "examples", "infra", "sandbox", "tests",
)  # fmt: skip
NAMED = re.compile(rf"`((?:{'|'.join(ROOMS)})/[A-Za-z0-9_./-]*)((?:::[A-Za-z0-9_]+)*)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
ANCHOR = re.compile(r"\]\((?!https?:)([^)#]*)#([^)]+)\)")
GENERATED = ("api.md", "manifest-rules.md", "error-codes.md")
CONTRACT = re.compile(r"contract `([^`]+)`")
PROMISE = re.compile(r" — enforced by: |\[not yet enforced: issue [A-Z]\]$")
EDGE = re.compile(r"^ {4}(\w+|\[\*\]) --> (\w+)", re.MULTILINE)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
CREATE = CreateBinding("media", "photos", "my-photos")


@pages
def test_every_file_and_test_named_in_the_docs_exists(page: Path) -> None:
    """A path in backticks is one of the repository; a test behind it is one of that file."""
    text = page.read_text(encoding="utf-8")
    missing = []
    for path, inner in NAMED.findall(text):
        file = ROOT / path
        if not file.exists() or (inner and inner.removeprefix("::") not in definitions(file)):
            missing.append(path + inner)
    missing += [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    assert [] == missing


@pages
def test_every_link_into_a_page_leads_to_a_heading(page: Path) -> None:
    """By the name that a heading gets where Markdown is shown."""
    text = page.read_text(encoding="utf-8")
    targets = [(page.parent / file if file else page, anchor) for file, anchor in ANCHOR.findall(text)]
    assert [] == [f"{target.name}#{anchor}" for target, anchor in targets if anchor not in anchors(target)]


def anchors(page: Path) -> set[str]:
    """Of its headings: lower case, without punctuation, spaces as hyphens."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def definitions(file: Path) -> set[str]:
    """Functions and classes of a module, and methods as `Class::method`."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, FUNCTIONS | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, FUNCTIONS)}
    return found


def test_every_invariant_says_what_enforces_it() -> None:
    """A test, a contract of import-linter, or that nothing does yet."""
    text = (DOCS / "invariants.md").read_text(encoding="utf-8")
    promises = [line for line in text.splitlines() if line.startswith("- ")]
    assert promises
    assert [] == [line for line in promises if len(PROMISE.findall(line)) != 1]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}
    named = CONTRACT.findall(text)
    assert named
    assert set() == set(named) - contracts


def test_every_reason_is_explained_under_who_acts_next() -> None:
    """In the groups and the order of `controller/core/reasons.py`, each with a meaning and something to do."""
    source = (ROOT / "controller" / "core" / "reasons.py").read_text(encoding="utf-8")
    in_code: list[str] = []
    for line in source.splitlines():
        if heading := re.match(r" {4}# (.+)\.$", line):
            in_code.append(f"## {heading[1]}")
        elif reason := re.match(r' {4}[A-Z_]+ = "(\w+)"', line):
            in_code.append(reason[1])
    in_docs = re.findall(r"^(## .+)$|^\| `(\w+)` \| .{8,} \| .{5,} \|$", page_of("reasons.md"), re.MULTILINE)
    assert in_code == [heading or reason for heading, reason in in_docs]
    assert set(Reason) == {word for word in in_code if not word.startswith("## ")}


def test_every_decision_is_in_the_index() -> None:
    """With its number and title, in their order."""
    files = sorted((DOCS / "decisions").glob("0*.md"))
    titles = [file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for file in files]
    found = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", page_of("decisions/README.md"), re.MULTILINE)
    assert [file.name for file in files] == [name for _, name, _ in found]
    assert titles == [f"{number}: {title}" for number, _, title in found]


def test_the_diagram_of_intents_is_the_codes() -> None:
    """Every edge comes from a plan; a submit has two ends; what a look-up finds is settled."""
    chapter = page_of("architecture.md").split("## Intents")[1]
    drawn = set(EDGE.findall(chapter.split("stateDiagram-v2")[1].split("```")[0]))
    planned = {(state, then) for state, ledger, now in situations() for then in ends(submit_once(CREATE, ledger, now))}
    found = {("unresolved", "none"), ("absent_once", "none")}
    assert drawn == {("[*]", "none")} | planned | found


def situations() -> list[tuple[str, Ledger, datetime]]:
    """Each state of an intent, with every look-up that makes a difference."""
    fresh = Intent(operation="CreateBinding", id="a", recorded_at=NOW)
    other = fresh.model_copy(update={"operation": "UpdateDataset"})
    absent = fresh.model_copy(update={"absent_since": NOW + timedelta(seconds=1)})
    later = [NOW, NOW + timedelta(seconds=2), NOW + SPACING, NOW + 2 * SPACING]
    return [
        *[("none", Ledger(intent, acknowledged=False, looked_at=at), at) for intent in (None, other) for at in later],
        *[("acknowledged", Ledger(fresh, acknowledged=True, looked_at=at), at) for at in later],
        *[("unresolved", Ledger(fresh, acknowledged=False, looked_at=at), at) for at in later],
        *[("absent_once", Ledger(absent, acknowledged=False, looked_at=at), at) for at in later],
    ]


def ends(plan: Plan) -> set[str]:
    """The states a plan leads to; none when it only waits."""
    match plan.actions:
        case ():
            return set()
        case (RecordIntent(intent),):
            return {"acknowledged" if intent.absent_since is None else "absent_once"}
        case (action,) if isinstance(action, CloudAction):
            return {"none", "unresolved"}
        case _:
            raise AssertionError(plan)


def test_the_generated_pages_are_fresh() -> None:
    """They are what the models and the rules of this very version say."""
    assert 0 == CliRunner().invoke(main, ["docs", "--out", str(DOCS), "--check"]).exit_code
    assert "\n".join(page_of(name) for name in GENERATED) == CliRunner().invoke(main, ["docs"]).output


def test_every_rule_is_on_the_page_of_rules_once() -> None:
    """By its id, which no two of them share."""
    written = re.findall(r"^\| `([a-z0-9-]+)` \| (?:problem|warning) \|", page_of("manifest-rules.md"), re.MULTILINE)
    assert written == [rule.id for rule in (*of_lines.RULES, *of_pictures.RULES)]
    assert len(written) == len({*written})


@pytest.mark.parametrize("name", GENERATED)
def test_a_stale_page_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    """And mended by the same command without --check."""
    assert 0 == CliRunner().invoke(main, ["docs", "--out", str(tmp_path)]).exit_code
    (tmp_path / name).write_text("old")
    refused = CliRunner().invoke(main, ["docs", "--out", str(tmp_path), "--check"])
    assert 1 == refused.exit_code
    assert f"not fresh: {tmp_path / name}; run `make crds`" in refused.output
    assert "old" == (tmp_path / name).read_text(encoding="utf-8")
    assert 0 == CliRunner().invoke(main, ["docs", "--out", str(tmp_path)]).exit_code
    assert page_of(name) == (tmp_path / name).read_text(encoding="utf-8")


def test_every_field_of_the_api_reference_is_described() -> None:
    """A table with an empty last cell explains nothing."""
    assert [] == re.findall(r"^\| `(?:spec|status)\..*\|  \|$", page_of("api.md"), re.MULTILINE)


def page_of(name: str) -> str:
    """A page of the docs."""
    return (DOCS / name).read_text(encoding="utf-8")
