"""The hand-over document as YAML: the same values for every reader, byte by byte the same each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.cli import main
from controller.cli.yaml_text import documents

DOCUMENT: dict[str, Any] = {
    "version": 2,
    "stack": "dev",
    "name": "media",
    "namespace": "media-dev",
    "region": "cn-hangzhou",
    "accountId": "1234567890123456",
    "credentialsSecret": "alibaba-cloud",
    "workBucket": "imm-work",
    "mediaBuckets": ["photos-2025"],
    "shards": [
        {"name": "default", "topic": "imm-events", "queue": "imm-events", "deadLetterQueue": "imm-events-dead-letters"}
    ],
    "endpoints": {"imm": "http://127.0.0.1:4666"},
    "projects": [
        {
            "name": "media",
            "serviceRole": "imm-media",
            "datasets": [
                {"name": "Photos_2025", "templateId": "Official:ImageManagement"},
                {"name": "docs", "quotas": {"maxFileCount": 1000}},
            ],
        }
    ],
}
EVENTS = {"topic": "imm-events", "queue": "imm-events", "deadLetterQueue": "imm-events-dead-letters"}
SECOND = {
    "name": "b",
    "topic": "imm-events-b",
    "queue": "imm-events-b",
    "deadLetterQueue": "imm-events-b-dead-letters",
}
SHARDED = DOCUMENT | {"shards": [*DOCUMENT["shards"], SECOND]}
RRSA = {
    "roleArn": "acs:ram::1234567890123456:role/imm-operator",
    "oidcProviderArn": "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1",
    "serviceAccountName": "imm-operator",
}
WITH_RRSA = {key: value for key, value in DOCUMENT.items() if key != "credentialsSecret"} | {"rrsa": RRSA}


def render(document: Any, *arguments: str) -> Result:
    """Run the command with the document on standard input."""
    text = document if isinstance(document, str) else json.dumps(document)
    return CliRunner().invoke(main, ["render", *arguments], input=text)


def rendered(document: Any, *arguments: str) -> list[dict[str, Any]]:
    """The objects of a document."""
    result = render(document, *arguments)
    assert result.exit_code == 0, result.output
    return list(yaml.safe_load_all(result.stdout))


def test_the_account_is_rendered_with_what_pulumi_made() -> None:
    """A valid CloudAccount, with nothing that equals its default."""
    account = rendered(DOCUMENT)[0]
    assert account == {
        "apiVersion": "imm-operator.dev/v1alpha1",
        "kind": "CloudAccount",
        "metadata": {"name": "media", "namespace": "media-dev"},
        "spec": {
            "region": "cn-hangzhou",
            "accountId": "1234567890123456",
            "credentials": {"secretRef": {"name": "alibaba-cloud"}},
            "endpoints": {"imm": "http://127.0.0.1:4666"},
            "workBucket": "imm-work",
            "events": EVENTS,
        },
    }
    assert CloudAccount.read(account).spec.account_id == "1234567890123456"


@pytest.mark.parametrize("shard", SHARDED["shards"], ids=lambda shard: shard["name"])
def test_of_several_shards_the_chosen_ones_queue_is_read(shard: dict[str, str]) -> None:
    """Topic and queues of that shard, and its label on every object; everything else is the same for each."""
    made = rendered(SHARDED, "--shard", shard["name"])
    labels = {} if shard["name"] == "default" else {"imm-operator.dev/shard": shard["name"]}
    assert [labels] * len(made) == [one["metadata"].pop("labels", {}) for one in made]
    account, *rest = made
    assert {key: value for key, value in shard.items() if key != "name"} == account["spec"]["events"]
    namespace = "media-dev" if shard["name"] == "default" else "media-dev-b"
    assert rest[:-1] == rendered(DOCUMENT | {"namespace": namespace})[1:-1]
    assert SHARDED["shards"] == json.loads(rest[-1]["data"]["handover.json"])["shards"]
    arguments = ("--shard", shard["name"])
    assert render(SHARDED, *arguments).stdout_bytes == render(dict(reversed(SHARDED.items())), *arguments).stdout_bytes


@pytest.mark.parametrize("document", [WITH_RRSA, DOCUMENT], ids=["rrsa", "secret"])
@pytest.mark.parametrize("second", [SECOND, SECOND | {"namespace": "films"}], ids=["older", "named"])
def test_two_shards_share_no_object(document: dict[str, Any], second: dict[str, str]) -> None:
    """Each is in a namespace of its own, also by a document that was made before a shard had one."""
    both = document | {"shards": [*DOCUMENT["shards"], second]}
    objects = [
        [
            (one["kind"], one["metadata"]["namespace"], one["metadata"]["name"])
            for one in rendered(both, "--shard", name)
        ]
        for name in ("default", "b")
    ]
    assert [{"media-dev"}, {second.get("namespace", "media-dev-b")}] == [
        {namespace for _, namespace, _ in made} for made in objects
    ]
    assert [(kind, name) for kind, _, name in objects[0]] == [(kind, name) for kind, _, name in objects[1]]


@pytest.mark.parametrize("document", [WITH_RRSA, DOCUMENT], ids=["rrsa", "secret"])
def test_an_operator_of_the_shard_knows_every_object_by_its_label(document: dict[str, Any]) -> None:
    """The service account and the document in its ConfigMap included, so that a selector finds all of a shard."""
    made = rendered(document | {"shards": SHARDED["shards"]}, "--shard", "b")
    assert {"b"} == {one["metadata"]["labels"]["imm-operator.dev/shard"] for one in made}
    assert "b" == CloudAccount.read(next(one for one in made if one["kind"] == "CloudAccount")).metadata.shard


def test_the_only_shard_may_be_named() -> None:
    """So that a script need not count them."""
    assert render(DOCUMENT).stdout_bytes == render(DOCUMENT, "--shard", "default").stdout_bytes


@pytest.mark.parametrize(
    ("document", "arguments", "said"),
    [
        (
            SHARDED,
            (),
            (
                "stack dev has 2 shards, and each operator reads the queue of one: choose it with --shard, "
                "one of default, b"
            ),
        ),
        (SHARDED, ("--shard", "c"), "Invalid value for --shard: stack dev has no shard 'c'. It has: default, b"),
        (DOCUMENT, ("--shard", "b"), "Invalid value for --shard: stack dev has no shard 'b'. It has: default"),
        (DOCUMENT, ("--shard", ""), "Invalid value for --shard: stack dev has no shard ''. It has: default"),
    ],
    ids=["none-chosen", "unknown", "unknown-of-one", "empty"],
)
def test_a_shard_that_is_not_chosen_or_not_there_is_refused_with_those_there_are(
    document: dict[str, Any], arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """Nothing is printed and nothing written."""
    result = render(document, *arguments, "--out", str(tmp_path / "out"))
    assert (2, "") == (result.exit_code, result.stdout)
    assert said in " ".join(result.stderr.split())
    assert not (tmp_path / "out").exists()


def test_with_rrsa_the_account_names_the_role_and_the_service_account_comes_along() -> None:
    """No Secret anywhere; the service account is in the account's namespace, and no pod gets its token."""
    service_account, account = rendered(WITH_RRSA)[:2]
    assert {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "imm-operator", "namespace": "media-dev"},
        "automountServiceAccountToken": False,
    } == service_account
    assert {"rrsa": RRSA} == account["spec"]["credentials"]
    assert CloudAccount.read(account).spec.credentials.secret_ref is None


@pytest.mark.parametrize("document", [DOCUMENT | {"rrsa": RRSA}, WITH_RRSA | {"rrsa": None}])
def test_two_ways_in_or_none_are_refused(document: dict[str, Any]) -> None:
    """Nobody could say which rights are used."""
    result = render(document)
    assert result.exit_code == 1
    assert "exactly one of credentialsSecret and rrsa says whose rights are used" in result.stderr


def test_an_older_document_is_refused_in_one_line_with_the_way_out() -> None:
    """Before every field that has changed since is named."""
    old = DOCUMENT | {"version": 1, "topic": "imm-events", "queue": "imm-events"}
    result = render(old)
    assert "version is 1, and this imm-operator reads 2: run `pulumi up` with the infra of the same release" in (
        result.stderr
    )
    assert "topic" not in result.stderr


def test_each_dataset_becomes_an_object_with_a_kubernetes_name() -> None:
    """Lower case, `_` as `-`; the dataset keeps its own name in the spec."""
    datasets = [Dataset.read(item) for item in rendered(DOCUMENT) if item["kind"] == "Dataset"]
    assert [dataset.metadata.name for dataset in datasets] == ["photos-2025", "docs"]
    assert [dataset.spec.name for dataset in datasets] == ["Photos_2025", "docs"]
    assert {dataset.spec.account_ref.name for dataset in datasets} == {"media"}
    assert datasets[1].spec.quotas.max_file_count == 1000


def test_the_document_itself_goes_along() -> None:
    """In a ConfigMap, so that the cluster can say which stack it was made for."""
    (record,) = [item for item in rendered(DOCUMENT) if item["kind"] == "ConfigMap"]
    assert record["metadata"] == {"name": "handover", "namespace": "media-dev"}
    kept = json.loads(record["data"]["handover.json"])
    assert rendered(kept) == rendered(DOCUMENT)


def test_the_output_does_not_depend_on_the_order_of_keys() -> None:
    """A repository shows a change only where the stack changed."""
    shuffled = dict(reversed(DOCUMENT.items()))
    assert render(DOCUMENT).stdout_bytes == render(shuffled).stdout_bytes


def test_a_folder_gets_one_file_and_a_second_run_leaves_it_alone(tmp_path: Path) -> None:
    """An untouched file keeps its time; a dataset that is gone leaves no file behind."""
    folder = tmp_path / "cluster"
    result = render(DOCUMENT, "--out", str(folder))
    file = folder / "handover.yaml"
    assert result.output == f"{file}: 4 objects\n"
    assert file.read_bytes() == render(DOCUMENT).stdout_bytes
    before = file.stat().st_mtime_ns
    render(DOCUMENT, "--out", str(folder))
    assert file.stat().st_mtime_ns == before
    assert [item.name for item in folder.iterdir()] == ["handover.yaml"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"accountId": "x"}, "accountId: String should match pattern"),
        ({"acountId": "1"}, "acountId: Extra inputs are not permitted"),
        ({"version": 3}, "version is 3, and this imm-operator reads 2"),
        ({"shards": [{"name": "a"}]}, "shards.0.topic: Field required"),
        ({"shards": []}, "shards: Tuple should have at least 1 item"),
        ({"shards": [SECOND, SECOND]}, "shards: two of b, b have one name: rename one"),
        (
            {"shards": [*DOCUMENT["shards"], SECOND | {"namespace": "media-dev"}]},
            "shards: two of default, b have one namespace: give each its own",
        ),
        ({"shards": [SECOND | {"queue": "a.b"}]}, "shards.0.queue: String should match pattern"),
        (
            {"shards": [SECOND | {"deadLetterQueue": "imm-events-b"}]},
            "shards.0: queue and deadLetterQueue are both imm-events-b: dead letters need a queue of their own",
        ),
        (
            {"projects": [{"name": "p", "serviceRole": "r", "datasets": [{"name": "a b"}]}]},
            "projects.0.datasets.0.name:",
        ),
        (
            {"projects": [{"name": "p", "serviceRole": "r", "datasets": [{"name": "a_b"}, {"name": "A-b"}]}]},
            "datasets a_b and A-b would both be object a-b",
        ),
    ],
)
def test_a_wrong_document_is_refused_with_the_field_and_the_way_out(change: dict[str, Any], said: str) -> None:
    """The document is never edited; the stack is."""
    result = render(DOCUMENT | change)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Correct the stack's configuration, run `pulumi up`, and render again" in result.stderr
    assert result.stdout == ""


def test_what_is_no_json_is_refused_with_the_command_that_makes_it() -> None:
    """Whatever it is instead."""
    result = render("no")
    assert result.exit_code == 1
    assert "make it with `pulumi stack output handover --json`" in result.stderr


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_pipe_is_told_from_a_wrong_document(text: str, tmp_path: Path) -> None:
    """The command before it has failed, and said why; an empty file is only empty."""
    result = render(text, "-")
    assert 1 == result.exit_code
    assert "standard input is empty, because the command before the pipe failed" in result.stderr
    file = tmp_path / "handover.json"
    file.write_text(text)
    assert f"{file} is empty: make it with `pulumi stack output handover --json`" in render("", str(file)).stderr


AMBIGUOUS = [
    "on",
    "No",
    "y",
    "null",
    "~",
    "1e3",
    "0x1f",
    "0o17",
    "012",
    "1_000",
    "12:30",
    "2026-01-01",
    ".inf",
    "NaN",
    "",
]
AMBIGUOUS += ["-", "a: b", "a #b", "*a", "&a", "!a", "@a", "%a", "{a", "[a", "a:", "true", "=", "<<", "1.", "+1"]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_text_that_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    """YAML 1.1 and 1.2 readers disagree about all of these."""
    assert f"a: {json.dumps(text)}\n" in documents([{"a": text}])


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.text())))
def test_every_value_is_read_back_as_it_was(value: dict[str, Any]) -> None:
    """Whatever text comes along, no reader of YAML 1.1 sees another value or another type."""
    assert list(yaml.safe_load_all(documents([value, value]))) == [value, value]


@given(st.text(min_size=1))
def test_only_harmless_words_stand_bare(text: str) -> None:
    """What stands bare could be no number, no truth value and no date for any reader."""
    line = documents([{"a": text}]).removeprefix("---\na: ")
    if line == f"{text}\n":
        assert text[0].isascii()
        assert text[0].isalpha()
        assert text.lower() not in {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
        with pytest.raises(ValueError, match="could not convert"):
            float(text)
