"""From the stack's output to the cluster's manifests, by the path that environments/README.md documents."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.api.events import Events
from controller.cli import main
from tests.infra.mocked_stack import ACCOUNT, declare, settings
from tests.infra.test_stack_config import ROOT, as_given, stack_files

STACKS = sorted(stack_files())


def printed(stack: str) -> str:
    """What `pulumi stack output handover --json` prints of a stack of the repository."""
    emulator = "http://127.0.0.1:4666" if stack == "local" else None
    return json.dumps(declare(as_given(stack), emulator, stack).handover, indent=2) + "\n"


def render(document: str, *arguments: str) -> Result:
    """Run `imm-operator render` with a document on standard input."""
    return CliRunner().invoke(main, ["render", "-", *arguments], input=document)


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_of_the_repository_becomes_manifests(stack: str) -> None:
    """A CloudAccount, its Datasets and the document itself, all of one namespace."""
    result = render(printed(stack))
    assert result.exit_code == 0, result.output
    objects = list(yaml.safe_load_all(result.stdout))
    chosen = as_given(stack)
    assert {chosen.namespace} == {item["metadata"]["namespace"] for item in objects}
    kinds = [item["kind"] for item in objects]
    account = CloudAccount.read(objects[kinds.index("CloudAccount")])
    assert (ACCOUNT, chosen.work_bucket) == (account.spec.account_id, account.spec.work_bucket)
    (names,) = chosen.shard_names
    assert account.spec.events == Events(
        topic=names.topic, queue=names.queue, dead_letter_queue=names.dead_letter_queue
    )
    datasets = [Dataset.read(item) for item in objects if item["kind"] == "Dataset"]
    assert [
        (project.name, dataset.name, dataset.quotas) for project in chosen.projects for dataset in project.datasets
    ] == [(each.spec.project, each.spec.name, each.spec.quotas) for each in datasets]
    assert ("ServiceAccount" in kinds) == (account.spec.credentials.rrsa is not None) == (stack in {"staging", "prod"})
    assert "ConfigMap" == kinds[-1]


def test_each_shard_of_a_stack_has_manifests_of_its_own() -> None:
    """By the documented option; its operator reads the queue that the program made for it."""
    chosen = settings(shards=("default", "b", "c"), shard_namespaces={"c": "films"})
    document = json.dumps(declare(chosen).handover)
    accounts = [
        next(
            CloudAccount.read(item)
            for item in yaml.safe_load_all(render(document, "--shard", shard).stdout)
            if item["kind"] == "CloudAccount"
        )
        for shard in chosen.shards
    ]
    assert [(names.topic, names.queue, names.dead_letter_queue) for names in chosen.shard_names] == [
        (events.topic, events.queue, events.dead_letter_queue)
        for events in (account.spec.events for account in accounts)
        if events is not None
    ]
    assert ["media", "media-b", "films"] == [account.metadata.namespace for account in accounts]


@pytest.mark.parametrize("stack", STACKS)
def test_a_repository_sees_no_change_where_the_stack_did_not_change(stack: str, tmp_path: Path) -> None:
    """The same bytes from another run of the program, and the file is not even touched."""
    first, second = printed(stack), printed(stack)
    folder = tmp_path / "environments" / stack
    assert render(first, "--out", str(folder)).exit_code == 0
    file = folder / "handover.yaml"
    before = file.stat().st_mtime_ns, file.read_bytes()
    assert render(second, "--out", str(folder)).exit_code == 0
    assert before == (file.stat().st_mtime_ns, file.read_bytes())


def test_the_documented_commands_are_those_that_are_tested() -> None:
    """One to apply at once, one to commit."""
    page = (ROOT / "environments" / "README.md").read_text()
    assert "pulumi stack output handover --json --stack dev | imm-operator render - | kubectl apply -f -\n" in page
    assert "pulumi stack output handover --json --stack prod | imm-operator render - --out environments/prod\n" in page
    assert "imm-operator render - --shard second --out environments/staging-second\n" in page


def test_the_command_reads_a_pipe() -> None:
    """In a process of its own, as a shell starts it."""
    command = [sys.executable, "-m", "controller.cli", "render", "-"]
    done = subprocess.run(command, input=printed("dev"), capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == render(printed("dev")).stdout
