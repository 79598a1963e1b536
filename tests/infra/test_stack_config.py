"""A configuration is refused before anything is created, in words that name the key, the stack and the way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import RunError

from infra import config
from infra.config import StackSettings
from tests.infra.mocked_stack import ACCOUNT

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"ALIBABA_CLOUD_ACCOUNT_ID": ACCOUNT}
LEGAL = {
    "alicloud:region": "cn-hangzhou",
    "imm-operator:mediaBuckets": '["photos-2025"]',
    "imm-operator:workBucket": "imm-work",
    "imm-operator:projects": '[{"name": "media", "datasets": [{"name": "photos"}]}]',
}


def read(environment: dict[str, str] | None = None, **changes: Any) -> StackSettings:
    """Read the legal configuration with some keys set (to JSON unless text) or, with None, removed."""
    given = dict(LEGAL)
    for key, value in changes.items():
        full = "alicloud:region" if key == "region" else f"imm-operator:{key}"
        given.pop(full, None)
        if value is not None:
            given[full] = value if isinstance(value, str) else json.dumps(value)
    return config.read(given, ENVIRONMENT if environment is None else environment, project="imm-operator", stack="dev")


def refusal(environment: dict[str, str] | None = None, **changes: Any) -> str:
    """What a configuration is refused with."""
    with pytest.raises(RunError) as caught:
        read(environment, **changes)
    return str(caught.value)


def test_a_legal_configuration_is_read_with_its_defaults() -> None:
    """The account comes from the environment, names from their defaults."""
    settings = read()
    assert (settings.account_id, settings.media_buckets) == (ACCOUNT, ("photos-2025",))
    assert (settings.topic, settings.role, settings.namespace) == ("imm-events", "imm-media", "media")


def test_defaults_of_the_project_file_are_those_of_the_program() -> None:
    """Pulumi.yaml repeats them for the CLI."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    defaults = {key: value["default"] for key, value in declared.items() if "default" in value}
    assert defaults.pop("accountId") == ""
    fields = {field.alias: field for field in StackSettings.model_fields.values() if not field.is_required()}
    expected = StackSettings.model_validate(
        {
            "region": "cn-hangzhou",
            "accountId": ACCOUNT,
            "mediaBuckets": ["abc"],
            "workBucket": "def",
            "projects": [{"name": "a"}],
        }
    ).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert {alias: expected[alias] for alias in fields if alias} == defaults
    described = {field.alias for field in StackSettings.model_fields.values()} - {"region"}
    assert described == {key for key in declared if ":" not in key}


def test_the_stack_files_of_the_repository_are_legal_and_hold_no_account() -> None:
    """Each is read as the program reads it."""
    files = sorted((ROOT / "environments").glob("Pulumi.*.yaml"))
    assert files
    for file in files:
        given = yaml.safe_load(file.read_text())["config"]
        text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
        settings = config.read(
            {"alicloud:region": "cn-hangzhou"} | text, ENVIRONMENT, project="imm-operator", stack="x"
        )
        assert "imm-operator:accountId" not in given
        assert settings.emulator == (file.name == "Pulumi.local.yaml")


def test_an_unknown_key_is_refused_with_the_one_that_was_meant() -> None:
    """Pulumi itself would ignore it."""
    said = refusal(mediaBucket=["photos-2025"])
    assert "imm-operator:mediaBucket of stack dev is no known key: did you mean imm-operator:mediaBuckets?" in said
    assert "pulumi config rm --stack dev mediaBucket" in said


def test_an_unknown_key_inside_an_object_is_refused() -> None:
    """The CLI does not check inside objects."""
    said = refusal(projects=[{"name": "media", "datsets": []}])
    assert "imm-operator:projects[0].datsets of stack dev is no known key" in said


@pytest.mark.parametrize(
    ("key", "value", "where", "rule"),
    [
        ("mediaBuckets", ["Photos_2025"], "mediaBuckets[0]", "a bucket name is 3 to 63 lower-case"),
        ("workBucket", "ab", "workBucket", "at least 3 characters"),
        ("projects", [{"name": "1st"}], "projects[0].name", "starts with a letter or _"),
        ("projects", [{"name": "a", "datasets": [{"name": "a b"}]}], "projects[0].datasets[0].name", "an IMM name"),
        ("topic", "imm_events", "topic", "a topic or queue name"),
        ("role", "imm media", "role", "a role name"),
        ("namespace", "Media", "namespace", "a Kubernetes name"),
        ("accountId", "12ab", "accountId", "an account id is 5 to 20 digits"),
        ("endpoints", {"oss": "cloud:80"}, "endpoints.oss", "an address is http:// or https://"),
        ("protect", '"maybe"', "protect", "valid boolean"),
    ],
)
def test_a_bad_value_is_refused_with_its_key_its_rule_and_the_command(
    key: str, value: Any, where: str, rule: str
) -> None:
    """One line per problem, with Pulumi's own path to the value."""
    said = refusal({}, **({"accountId": ACCOUNT} | {key: value}))
    assert f"imm-operator:{where} of stack dev is " in said
    assert rule in said
    assert f"pulumi config set --stack dev --path '{where}' VALUE" in said


def test_the_regions_own_key_is_named() -> None:
    """It belongs to the provider's namespace."""
    assert "alicloud:region of stack dev is 'hangzhou': a region looks like cn-hangzhou" in refusal(region="hangzhou")


def test_what_is_missing_is_named() -> None:
    """All of it at once."""
    said = refusal(mediaBuckets=None, workBucket=None)
    assert "imm-operator:mediaBuckets of stack dev is missing" in said
    assert "imm-operator:workBucket of stack dev is missing" in said


def test_text_that_is_no_json_is_refused() -> None:
    """The CLI hands objects over as JSON."""
    assert "imm-operator:projects of stack dev is 'media', which is no JSON array" in refusal(projects="media")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"workBucket": "photos-2025"}, "workBucket: photos-2025 is one of mediaBuckets"),
        ({"mediaBuckets": ["abc", "abc"]}, "mediaBuckets: abc stands there more than once"),
        ({"projects": [{"name": "a"}, {"name": "a"}]}, "projects: a stands there more than once"),
        (
            {"projects": [{"name": "a", "datasets": [{"name": "x_y"}, {"name": "X-Y"}]}]},
            "datasets x_y and X-Y would both be object x-y",
        ),
    ],
)
def test_names_that_collide_are_refused(changes: dict[str, Any], said: str) -> None:
    """Before the cloud or the cluster refuses them half-way."""
    assert said in refusal(**changes)


def test_no_account_is_refused_with_the_variable() -> None:
    """The message says where the local cloud's comes from."""
    assert 'ALIBABA_CLOUD_ACCOUNT_ID is not set: export it, or for the local cloud run: eval "$(python -m' in refusal(
        {"OTHER": "1"}
    )


def test_credentials_of_another_account_than_the_stacks_are_refused() -> None:
    """A stack for one account is never rolled out into another."""
    assert "use the credentials of the stack's account" in refusal(accountId="9999999999999999")
