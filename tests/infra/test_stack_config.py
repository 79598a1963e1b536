"""A configuration is refused before anything is created, in words that name the key, the stack and the way out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import RunError
from pydantic import BaseModel

from controller.api.cloudaccount import Endpoints
from infra import config
from infra.explain import NAMED, RULES
from infra.sections import AccessLog, ImageSearch, Operator, Rrsa, Storage, Work
from infra.settings import StackSettings
from tests.infra.mocked_stack import ACCOUNT

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"ALIBABA_CLOUD_ACCOUNT_ID": ACCOUNT}
LEGAL = {
    "alicloud:region": "cn-hangzhou",
    "imm-operator:mediaBuckets": '["photos-2025"]',
    "imm-operator:workBucket": "imm-work",
    "imm-operator:projects": '[{"name": "media", "datasets": [{"name": "photos"}]}]',
}


def read(environment: dict[str, str] | None = None, stack: str = "dev", **changes: Any) -> StackSettings:
    """Read the legal configuration with some keys set (to JSON unless text) or, with None, removed."""
    given = dict(LEGAL)
    for key, value in changes.items():
        full = "alicloud:region" if key == "region" else f"imm-operator:{key}"
        given.pop(full, None)
        if value is not None:
            given[full] = value if isinstance(value, str) else json.dumps(value)
    known = ENVIRONMENT if environment is None else environment
    return config.read(given, known, project="imm-operator", stack=stack)


def refusal(environment: dict[str, str] | None = None, stack: str = "dev", **changes: Any) -> str:
    """What a configuration is refused with."""
    with pytest.raises(RunError) as caught:
        read(environment, stack, **changes)
    return str(caught.value)


def test_a_legal_configuration_is_read_with_its_defaults() -> None:
    """The account comes from the environment, names from their defaults."""
    settings = read()
    assert (settings.account_id, settings.media_buckets) == (ACCOUNT, ("photos-2025",))
    assert ("imm-media", "imm-operator") == (settings.service_role, settings.operator_name)
    assert [("default", "imm-events", "imm-events", "imm-events-dead-letters")] == [
        (names.shard, names.topic, names.queue, names.dead_letter_queue) for names in settings.shard_names
    ]


def test_defaults_of_the_project_file_are_those_of_the_program() -> None:
    """Pulumi.yaml repeats them for the CLI, which wants one for every key that may be left out; "" is "not set"."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    defaults = {key: value["default"] for key, value in declared.items() if "default" in value}
    assert defaults.pop("accountId") == ""
    fields = {field.alias: name for name, field in StackSettings.model_fields.items() if not field.is_required()}
    plain = {key: None if value == "" else value for key, value in defaults.items() if value != {}}
    settings = read().model_dump(mode="json")
    assert plain == {
        alias: ([] if alias == "mediaBuckets" else settings[name]) for alias, name in fields.items() if alias in plain
    }
    assert set(fields) == set(defaults)
    described = {field.alias for field in StackSettings.model_fields.values()} - {"region"}
    assert described == {key for key in declared if ":" not in key}


def test_an_object_of_the_project_file_has_no_default_of_its_own() -> None:
    """A stack file would replace it whole, and with one key set all others would lose theirs."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert {"storage", "work", "tags", "operator", "imageSearch", "endpoints", "shardNamespaces"} == {
        key for key, value in declared.items() if value.get("type") == "object"
    }
    assert {json.dumps(value["default"]) for value in declared.values() if value.get("type") == "object"} == {"{}"}
    assert 30 == read(storage={"multipartDays": 2}).storage.noncurrent_days


def stack_files() -> dict[str, dict[str, Any]]:
    """The configuration of each stack of the repository."""
    files = sorted((ROOT / "environments").glob("Pulumi.*.yaml"))
    return {file.name.split(".")[1]: yaml.safe_load(file.read_text())["config"] for file in files}


def as_given(stack: str) -> StackSettings:
    """A stack of the repository, read as the program reads it: the CLI adds the project file's defaults."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    defaults = {f"imm-operator:{key}": value["default"] for key, value in declared.items() if "default" in value}
    given = {"alicloud:region": "cn-hangzhou"} | defaults | stack_files()[stack]
    text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    return config.read(text, ENVIRONMENT, project="imm-operator", stack=stack)


@pytest.mark.parametrize("stack", ["local", "dev", "staging", "prod"])
def test_the_stack_files_of_the_repository_are_legal_and_hold_no_account_and_no_key(stack: str) -> None:
    """Each is read as the program reads it."""
    given, text = stack_files()[stack], (ROOT / "environments" / f"Pulumi.{stack}.yaml").read_text()
    assert as_given(stack).emulator == (stack == "local")
    assert "imm-operator:accountId" not in given
    assert not re.search(r"[0-9]{16}|LTAI|acs:|secure:", text)


def test_there_is_a_file_for_each_stack_and_no_two_share_a_name() -> None:
    """All of them may live in one account."""
    assert {"local", "dev", "staging", "prod"} == set(stack_files())
    stacks = [as_given(stack) for stack in stack_files()]
    made = [name for stack in stacks for name in (*stack.media_buckets, stack.work_bucket, stack.prefix)]
    assert len(made) == len(set(made))


def test_the_local_stack_keeps_the_names_that_the_demo_shows() -> None:
    """Its examples name them."""
    local = as_given("local")
    assert ("imm-local-photos", "imm-local-documents") == local.media_buckets
    assert ("imm-local-work", "media") == (local.work_bucket, local.projects[0].name)
    assert ["photos", "documents"] == [dataset.name for dataset in local.projects[0].datasets]


def test_production_is_protected_and_logged() -> None:
    """Its stack file says both, and without either it is refused."""
    prod = as_given("prod")
    assert prod.protect
    assert prod.storage.access_log is not None
    logged = {"accessLog": {"bucket": "imm-work"}}
    said = refusal(stack="prod", storage=logged)
    assert "imm-operator:protect of stack prod is false, so a mistaken run could delete what production holds" in said
    assert "pulumi config set --stack prod protect true" in said
    said = refusal(stack="prod-eu", protect=True)
    assert "imm-operator:storage.accessLog of stack prod-eu is missing" in said
    assert "pulumi config set --stack prod-eu --path 'storage.accessLog.bucket' BUCKET" in said
    assert read(stack="prod", protect=True, storage=logged).protect


def test_a_text_that_is_empty_is_a_key_that_is_not_set() -> None:
    """So the project file can declare a default that means "made of the prefix"."""
    assert read(topic="", role="") == read()
    assert "imm-operator:workBucket of stack dev is missing" in refusal(workBucket="")


def test_an_unknown_key_is_refused_with_the_one_that_was_meant() -> None:
    """Pulumi itself would ignore it."""
    said = refusal(mediaBucket=["photos-2025"])
    assert "imm-operator:mediaBucket of stack dev is no known key: did you mean imm-operator:mediaBuckets?" in said
    assert "pulumi config rm --stack dev mediaBucket" in said


def test_an_unknown_key_inside_an_object_is_refused() -> None:
    """The CLI does not check inside objects."""
    said = refusal(projects=[{"name": "media", "datsets": []}])
    assert "imm-operator:projects[0].datsets of stack dev is no known key" in said
    said = refusal(storage={"kmsKey": "x"}, operator={"rrsa": {"provider": "p", "issuer": "https://i", "account": "a"}})
    assert "imm-operator:storage.kmsKey of stack dev is no known key: remove it from environments/Pulumi.dev" in said
    assert "imm-operator:operator.rrsa.account of stack dev is no known key" in said


@pytest.mark.parametrize(
    ("key", "value", "where", "rule"),
    [
        ("mediaBuckets", ["Photos_2025"], "mediaBuckets[0]", "a bucket name is 3 to 63 lower-case"),
        ("workBucket", "ab", "workBucket", "at least 3 characters"),
        ("projects", [{"name": "1st"}], "projects[0].name", "starts with a letter or _"),
        ("projects", [{"name": "a", "datasets": [{"name": "a b"}]}], "projects[0].datasets[0].name", "an IMM name"),
        ("topic", "imm_events", "topic", "a topic or queue name"),
        ("role", "imm media", "role", "a role name"),
        ("topic", "t" * 121, "topic", "at most 120 characters"),
        ("prefix", "Imm", "prefix", "a prefix is 1 to 32 lower-case letters"),
        ("shards", ["a b"], "shards[0]", "a shard name is 1 to 24 lower-case letters"),
        ("existingBuckets", ["a_b"], "existingBuckets[0]", "a bucket name is 3 to 63 lower-case"),
        ("storage", {"storageClass": "Archive"}, "storage.storageClass", "should be 'Standard' or 'IA'"),
        ("storage", {"noncurrentDays": 0}, "storage.noncurrentDays", "greater than or equal to 1"),
        ("storage", {"kmsKeyId": "alias/x"}, "storage.kmsKeyId", "a KMS key id"),
        ("storage", {"accessLog": {"bucket": "B"}}, "storage.accessLog.bucket", "at least 3 characters"),
        ("work", {"expireDays": "soon"}, "work.expireDays", "valid integer"),
        ("tags", {"team": "ä"}, "tags.team", "a tag's value"),
        ("operator", {"rrsa": {"provider": "acs:ram::1:x", "issuer": "https://i"}}, "operator.rrsa.provider", "as RAM"),
        (
            "operator",
            {"rrsa": {"provider": "p", "issuer": "http://i"}},
            "operator.rrsa.issuer",
            "an issuer is https://",
        ),
        ("imageSearch", {"instances": ["i" * 21]}, "imageSearch.instances[0]", "at most 20 characters"),
        ("projects", [{"name": "a", "quotas": {"maxBindCount": 11}}], "projects[0].quotas.maxBindCount", "equal to 10"),
        ("namespace", "Media", "namespace", "a Kubernetes name"),
        ("endpoints", {"oss": "cloud:80"}, "endpoints.oss", "an address is http:// or https://"),
        ("protect", '"maybe"', "protect", "valid boolean"),
    ],
)
def test_a_bad_value_is_refused_with_its_key_its_rule_and_the_command(
    key: str, value: Any, where: str, rule: str
) -> None:
    """One line per problem, with Pulumi's own path to the value."""
    said = refusal(**{key: value})
    assert f"imm-operator:{where} of stack dev is " in said
    assert rule in said
    assert f"pulumi config set --stack dev --path '{where}' VALUE" in said


def test_every_name_has_words_of_its_own() -> None:
    """Two names with one pattern would be explained with one of their words."""
    assert len(NAMED) == len(RULES)


def test_the_regions_own_key_is_named() -> None:
    """It belongs to the provider's namespace."""
    assert "alicloud:region of stack dev is 'hangzhou': a region looks like cn-hangzhou" in refusal(region="hangzhou")


def test_what_is_missing_is_named() -> None:
    """All of it at once."""
    said = refusal(projects=None, workBucket=None)
    assert "imm-operator:projects of stack dev is missing" in said
    assert "imm-operator:workBucket of stack dev is missing" in said


def test_text_that_is_no_json_is_refused() -> None:
    """The CLI hands objects over as JSON."""
    assert "imm-operator:projects of stack dev is 'media', which is no JSON array" in refusal(projects="media")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"workBucket": "photos-2025"}, "workBucket of stack dev: photos-2025 is one of mediaBuckets"),
        (
            {"existingBuckets": ["imm-work"]},
            "workBucket of stack dev: imm-work is one of mediaBuckets or existingBuckets",
        ),
        (
            {"mediaBuckets": ["abc", "abc"]},
            "mediaBuckets and existingBuckets of stack dev: abc stands there more than once",
        ),
        ({"existingBuckets": ["photos-2025"]}, "existingBuckets of stack dev: photos-2025 stands there more than once"),
        ({"mediaBuckets": []}, "mediaBuckets of stack dev: there is none, and existingBuckets names none"),
        ({"shards": ["a", "a"]}, "shards of stack dev: a stands there more than once"),
        ({"shards": ["default", "dead-letters"]}, "imm-events-dead-letters stands there more than once"),
        ({"queue": "q" * 119}, "is longer than 120 characters: shorten topic and queue"),
        ({"role": "imm-operator"}, "role of stack dev: imm-operator is the operator's own role"),
        ({"storage": {"accessLog": {"bucket": "photos-2025"}}}, "so IMM would index the logs"),
        ({"storage": {"accessLog": {"bucket": "imm-work", "prefix": "runs/a"}}}, "runs/a overlaps runs/"),
        ({"storage": {"accessLog": {"bucket": "imm-work", "prefix": "owners"}}}, "owners overlaps runs/ or owners/"),
        (
            {"operator": {"credentialsUser": True, "rrsa": {"provider": "p", "issuer": "https://i"}}},
            "operator of stack dev: credentialsUser makes an AccessKey that nobody needs with rrsa",
        ),
        ({"projects": [{"name": "a"}, {"name": "a"}]}, "projects of stack dev: a stands there more than once"),
        (
            {"projects": [{"name": "a", "datasets": [{"name": "x_y"}, {"name": "X-Y"}]}]},
            "datasets x_y and X-Y would both be object x-y",
        ),
    ],
)
def test_names_that_collide_are_refused(changes: dict[str, Any], said: str) -> None:
    """Before the cloud or the cluster refuses them half-way."""
    assert said in refusal(**changes)


def test_no_account_is_refused_with_the_variable_beside_everything_else() -> None:
    """The message says where the local cloud's comes from, and hides no other problem."""
    said = refusal({"OTHER": "1"}, mediaBucket=["a"], workBucket="photos-2025")
    way_out = 'export it, or for the local cloud run: eval "$(python -m'
    assert f"accountId of stack dev is missing and ALIBABA_CLOUD_ACCOUNT_ID is not set: {way_out}" in said
    assert "imm-operator:mediaBucket of stack dev is no known key" in said
    assert "imm-operator:workBucket of stack dev: photos-2025 is one of mediaBuckets" in said


@pytest.mark.parametrize("given", [{}, {"accountId": "12ab"}], ids=["environment", "file"])
def test_a_bad_account_id_is_to_be_exported_and_not_written_into_a_file(given: dict[str, str]) -> None:
    """A stack file holds no account id."""
    said = refusal({} if given else {"ALIBABA_CLOUD_ACCOUNT_ID": "12ab"}, **given)
    assert (
        "imm-operator:accountId of stack dev is '12ab': an account id is 5 to 20 digits, in quotes. It belongs" in said
    )
    assert "It belongs into ALIBABA_CLOUD_ACCOUNT_ID, not a file: export it" in said
    assert "config set" not in said


def test_credentials_of_another_account_than_the_stacks_are_refused() -> None:
    """A stack for one account is never rolled out into another."""
    assert "use the credentials of the stack's account" in refusal(accountId="9999999999999999")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tags": {"1x": "a"}}, "imm-operator:tags of stack dev has the key '1x': a tag's key is 1 to 64 letters"),
        ({"tags": {"1x": "a"}}, "Remove it: pulumi config rm --stack dev --path 'tags[\"1x\"]'"),
        ({"tags": {"a.b": "ä"}}, "pulumi config set --stack dev --path 'tags[\"a.b\"]' VALUE"),
        (
            {"tags": {f"a{n}": "b" for n in range(9)}},
            "there may be at most 8 entries. Change it in environments/Pulumi",
        ),
        ({"projects": []}, "imm-operator:projects of stack dev is []: there has to be at least 1 entry. Change it in"),
        (
            {"projects": [{"name": "a", "datasets": [{"name": "_"}]}]},
            "imm-operator:projects of stack dev: dataset _: no",
        ),
        (
            {"shardNamespaces": {"b": "x"}},
            "shardNamespaces of stack dev: b is none of the shards after the first (there",
        ),
        (
            {"shards": ["a", "b"], "shardNamespaces": {"b": "media"}},
            "imm-operator:shardNamespaces of stack dev: two shards would have the namespace media, and their objects",
        ),
        (
            {"shards": ["a", "b"], "namespace": "n" * 253},
            "is no name of a namespace: shorten namespace",
        ),
        ({"role": "imm-operator-2"}, "role of stack dev: imm-operator-2 is the operator's own role or policy"),
        (
            {"storage": {"kmsKeyId": "key-a", "existingKmsKeyIds": ["key-a"]}},
            "storage.kmsKeyId and storage.existingKmsKeyIds of stack dev: key-a stands there more than once",
        ),
    ],
)
def test_a_refusal_names_the_key_the_stack_and_the_way_out(changes: dict[str, Any], said: str) -> None:
    """Also where a whole list or a name among names is at fault."""
    assert said in refusal(**changes)


def prod_with(buckets: int) -> dict[str, Any]:
    """What production's stack file says, with so many media buckets of a usual length and Image Search."""
    given = {key.removeprefix("imm-operator:"): value for key, value in stack_files()["prod"].items()}
    names = [f"example-imm-prod-photos-{number:03}" for number in range(buckets)]
    del given["alicloud:region"]
    return given | {"mediaBuckets": names, "existingBuckets": [], "imageSearch": {"instances": ["shop"]}}


def test_buckets_beyond_what_ram_takes_are_refused_before_anything_is_declared() -> None:
    """environments/README.md says how many those are."""
    page = (ROOT / "environments" / "README.md").read_text()
    (most,) = (int(number) for number in re.findall(r"up to ([0-9]+) buckets", page))
    assert most == len(read(stack="prod", **prod_with(most)).media_buckets)
    said = refusal(stack="prod", **prod_with(2 * most))
    assert re.search(
        rf"existingBuckets of stack prod: the operator would need \d\d RAM policies for the {2 * most}", said
    )
    assert "RAM attaches 10 of 6144 characters: divide them among several stacks, each with a prefix of its own" in said


def test_every_key_inside_of_an_object_stands_in_the_table() -> None:
    """Pulumi.yaml describes an object as a whole only."""
    page = (ROOT / "environments" / "README.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    objects: dict[str, type[BaseModel]] = {
        "storage": Storage,
        "storage.accessLog": AccessLog,
        "work": Work,
        "operator": Operator,
        "operator.rrsa": Rrsa,
        "imageSearch": ImageSearch,
        "endpoints": Endpoints,
    }
    for path, model in objects.items():
        (about,) = [" ".join(row for row in rows if f"`{path}." in row)]
        missing = [str(field.alias) for field in model.model_fields.values() if f".{field.alias}" not in about]
        assert not [key for key in missing if f"{path}.{key}" not in objects], path
