"""What the Pulumi Kubernetes Operator is given: the manifests agree with the repository and with each other.

The fields used are typed here, so that a misspelt one is found; their own schema belongs to that operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from infra import environment as env

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "pulumi-operator"
PHASES = ("imm-dev", "imm-staging", "imm-prod")
DRIFT = "imm-prod-drift"


class Part(BaseModel):
    """A part of a Stack; what is not listed is refused."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, strict=True)


class SourceRef(Part):
    api_version: Literal["source.toolkit.fluxcd.io/v1"]
    kind: Literal["GitRepository"]
    name: str


class FluxSource(Part):
    source_ref: SourceRef
    dir: str


class Requirement(Part):
    succeeded_within_duration: str


class Prerequisite(Part):
    name: str
    requirement: Requirement | None = None


class SecretKey(Part):
    name: str
    key: str


class FromSecret(Part):
    type: Literal["Secret"]
    secret: SecretKey


class Value(Part):
    value: str


class FromText(Part):
    type: Literal["Literal"]
    literal: Value


class UpdateSpec(Part):
    expect_no_changes: bool


class UpdateTemplate(Part):
    spec: UpdateSpec


class StackSpec(Part):
    """Fields of `pulumi.com/v1`, kind Stack, that the manifests use."""

    stack: str
    service_account_name: str
    backend: str
    secrets_provider: Literal["passphrase"]
    use_local_stack_only: bool
    flux_source: FluxSource
    prerequisites: list[Prerequisite] = []
    preview: bool = False
    update_template: UpdateTemplate | None = None
    refresh: bool
    continue_resync_on_commit_match: bool = False
    resync_frequency_seconds: Annotated[int, Field(ge=60)] | None = None
    retry_max_backoff_duration_seconds: int
    destroy_on_finalize: bool
    workspace_reclaim_policy: Literal["Delete", "Retain"]
    env_refs: dict[str, Annotated[FromSecret | FromText, Field(discriminator="type")]]
    workspace_template: dict[str, Any]


def documents() -> list[dict[str, Any]]:
    """Every object of the folder."""
    paths = sorted(FOLDER.glob("*.yaml"))
    return [item for path in paths for item in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def of(kind: str) -> dict[str, dict[str, Any]]:
    """The objects of a kind by name."""
    return {item["metadata"]["name"]: item for item in documents() if item["kind"] == kind}


STACKS: Mapping[str, StackSpec] = {name: StackSpec.model_validate(item["spec"]) for name, item in of("Stack").items()}
stacks = pytest.mark.parametrize("name", STACKS)


def secrets(spec: StackSpec) -> set[str]:
    """The Secrets a Stack reads."""
    return {ref.secret.name for ref in spec.env_refs.values() if isinstance(ref, FromSecret)}


def test_kustomize_takes_every_manifest() -> None:
    """One that is not listed would never be applied."""
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"} == set(listed)


def test_every_environment_but_the_local_one_has_a_stack() -> None:
    """And every Stack an environment: dev, staging and production, and the watch over production."""
    assert {*PHASES, DRIFT} == set(STACKS)
    environments = {path.stem.removeprefix("Pulumi.") for path in (ROOT / "environments").glob("Pulumi.*.yaml")}
    assert environments - {"local"} == {spec.stack for spec in STACKS.values()}


@stacks
def test_a_stack_runs_this_project_from_a_source_that_is_there(name: str) -> None:
    """Its `dir` is the folder of Pulumi.yaml, and the program finds its own packages there."""
    spec = STACKS[name]
    assert spec.flux_source.source_ref.name in of("GitRepository")
    assert (ROOT / spec.flux_source.dir / "Pulumi.yaml").is_file()
    assert spec.env_refs["PYTHONPATH"] == FromText(type="Literal", literal=Value(value="/share/workspace"))


@stacks
def test_deleting_a_manifest_deletes_nothing_in_the_cloud(name: str) -> None:
    """Neither the Stack's nor, with a typing error, a new stack under another name."""
    assert not STACKS[name].destroy_on_finalize
    assert STACKS[name].use_local_stack_only


@stacks
def test_what_is_secret_comes_from_secrets_of_that_stack_alone(name: str) -> None:
    """State and cloud are reached by different keys, and no stack reads another's."""
    spec = STACKS[name]
    needed = {env.ACCESS_KEY_ID, env.ACCESS_KEY_SECRET, env.ACCOUNT_ID}
    needed |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "PULUMI_CONFIG_PASSPHRASE"}
    assert needed | {"PYTHONPATH"} == set(spec.env_refs)
    assert needed == {key for key, ref in spec.env_refs.items() if isinstance(ref, FromSecret)}
    assert {f"imm-infra-{spec.stack}-state", f"imm-infra-{spec.stack}-cloud"} == secrets(spec)


@stacks
def test_the_state_lies_in_oss_under_the_stacks_own_prefix(name: str) -> None:
    """Addressed by the S3 protocol's own host; OSS refuses a bucket in the path."""
    address = urlsplit(STACKS[name].backend)
    options = parse_qs(address.query, strict_parsing=True)
    assert (address.scheme, address.path) == ("s3", f"/{STACKS[name].stack}")
    assert {"endpoint", "region"} == set(options)
    assert options["endpoint"] == [f"https://s3.oss-{options['region'][0]}-internal.aliyuncs.com"]


@stacks
def test_the_workspace_may_ask_who_calls_it(name: str) -> None:
    """Without the role the operator cannot reach its own workspace."""
    account = STACKS[name].service_account_name
    assert account in of("ServiceAccount")
    (binding,) = of("ClusterRoleBinding").values()
    assert binding["roleRef"]["name"] == "system:auth-delegator"
    assert [(item["kind"], item["name"], item["namespace"]) for item in binding["subjects"]] == [
        ("ServiceAccount", account, "imm-infra")
    ]


def test_each_phase_waits_for_the_one_before() -> None:
    """In one namespace, because a prerequisite is looked for in its own; production asks for a recent success."""
    assert {"imm-infra"} == {item["metadata"]["namespace"] for item in of("Stack").values()}
    assert [[], ["imm-dev"], ["imm-staging"]] == [[ref.name for ref in STACKS[name].prerequisites] for name in PHASES]
    assert STACKS["imm-prod"].prerequisites[0].requirement == Requirement(succeededWithinDuration="24h")


def test_production_follows_tags_and_moves_only_by_a_new_one() -> None:
    """Development and staging follow the branch and mend drift; production's drift is a person's to judge."""
    sources = of("GitRepository")
    refs = [sources[STACKS[name].flux_source.source_ref.name]["spec"]["ref"] for name in PHASES]
    assert [{"branch": "main"}, {"branch": "main"}, {"semver": ">=0.1.0"}] == refs
    assert [True, True, False] == [STACKS[name].continue_resync_on_commit_match for name in PHASES]


def test_drift_of_production_is_watched_by_a_stack_that_cannot_change_it() -> None:
    """A preview of what production runs, that fails if there is anything to do."""
    drift, prod = STACKS[DRIFT], STACKS["imm-prod"]
    assert (drift.preview, drift.refresh, drift.continue_resync_on_commit_match) == (True, True, True)
    assert drift.update_template == UpdateTemplate(spec=UpdateSpec(expectNoChanges=True))
    assert ["imm-prod"] == [ref.name for ref in drift.prerequisites]
    own = {
        "preview", "update_template", "prerequisites", "continue_resync_on_commit_match", "resync_frequency_seconds",
    }  # fmt: skip
    assert prod.model_dump(exclude=own) == drift.model_dump(exclude=own)
