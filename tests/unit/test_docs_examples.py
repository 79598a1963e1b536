"""What the docs show can be typed: models take the objects, rules the lines, and the command line the commands."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from controller.api import crd
from controller.cli import main
from controller.core.imports.tasks import TaskState
from controller.core.manifest.rules import read_region
from controller.core.reasons import Reason
from tests.docs_examples import ROOT, Example, examples

DOCS = ROOT / "docs"
KINDS = {kind.kind(): kind for kind in crd.ALL}
OURS = [one for one in examples() if one.body["kind"] in KINDS]
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SHELL = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"[ $]*(?:\w+=\S* +)*(imm-operator .*)")  # where a shell looks for a program
# What an import into Image Search may wait or stand still with.
OF_PICTURES = {
    Reason.INSTANCE_NOT_FOUND, Reason.INSTANCE_UNAVAILABLE, Reason.REGION_MISMATCH, Reason.NOT_AUTHORIZED,
    Reason.WHOLE_PRODUCT_DELETE, Reason.QUEUED, Reason.MANIFEST_FOREIGN, Reason.MANIFEST_PROTECTED,
    Reason.MANIFEST_CHANGED, Reason.TASK_RUNNING, Reason.REPORT_EXPIRED, Reason.REPORT_UNREADABLE,
}  # fmt: skip


@pytest.mark.parametrize("example", OURS, ids=[one.id for one in OURS])
def test_every_object_of_ours_is_one(example: Example) -> None:
    """Every field is known to the model, and every value is taken."""
    KINDS[example.body["kind"]].model_validate(example.body)


def test_pictures_are_shown_from_each_source() -> None:
    """With a table in both of its forms, and the permission for whole products."""
    shown = [one.body["spec"] for one in OURS if one.page == "docs/pictures.md"]
    assert {"pictures", "manifest", "table", "prefix"} == {name for spec in shown for name in spec["source"]}
    formats = {spec["source"]["table"].get("format", "JSONLines") for spec in shown if "table" in spec["source"]}
    assert {"CSV", "JSONLines"} == formats
    wide = [spec for spec in shown if any("picName" not in line for line in spec["source"].get("pictures", []))]
    assert wide
    assert all(spec["allowWholeProductDelete"] for spec in wide)
    regions = [line["region"] for spec in shown for line in spec["source"].get("pictures", []) if "region" in line]
    assert regions
    assert all(isinstance(read_region(region), tuple) for region in regions)


def test_every_reason_of_pictures_has_a_place_to_look_at() -> None:
    """In the table of troubles; each of them is explained where all reasons are."""
    text = (DOCS / "pictures.md").read_text(encoding="utf-8").partition("## When something is wrong")[2]
    named = {Reason(word) for word in re.findall(r"^\| `(\w+)` \| .{8,} \|$", text, re.MULTILINE)}
    assert set() == OF_PICTURES - named


def test_every_state_of_a_task_is_told() -> None:
    """In the generated table."""
    text = (DOCS / "manifest-rules.md").read_text(encoding="utf-8")
    assert all(f"| {state} |" in text or f"| {state}, " in text for state in TaskState)


def commands() -> list[tuple[str, list[str]]]:
    """Every command of ours in a shell block, with its page; the word is a namespace and a release's name, too."""
    return [
        (page.relative_to(ROOT).as_posix(), words[1:])
        for page in PAGES
        for block in SHELL.findall(page.read_text(encoding="utf-8"))
        for line in block.replace("\\\n", " ").splitlines()
        for part in line.split(" | ")
        if (found := COMMAND.match(part)) and (words := shlex.split(found[1], comments=True))
    ]


def test_every_command_of_ours_exists_with_its_options() -> None:
    """And nothing is asked for that is not there."""
    found = commands()
    assert {"manifest", "tasks", "render"} <= {words[0] for _, words in found}
    assert [] == [f"{page}: {words}" for page, words in found if not parses(words)]


def parses(words: list[str]) -> bool:
    """Whether the command line takes these words; nothing is run."""
    if words == ["--version"]:
        return True
    command: click.Command = main
    context = click.Context(main, info_name="imm-operator")
    while isinstance(command, click.Group):
        inner = command.get_command(context, words[0]) if words else None
        if inner is None:
            return False
        command, words = inner, words[1:]
    known = {option for one in command.params if isinstance(one, click.Option) for option in one.opts}
    return all(word in known for word in words if word.startswith("--"))


def test_files_that_the_pages_speak_of_are_pages_of_this_folder() -> None:
    """The index of the README names the pages that are made for strangers."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in ("imports.md", "pictures.md", "manifest-rules.md", "reasons.md", "api.md"):
        assert (DOCS / page).is_file()
        assert f"(docs/{page})" in text
