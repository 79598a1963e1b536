"""The stack's configuration as one typed value, refused before anything is created.

Names are checked here against the vendor's rules, the same that the CRDs enforce, because the cloud would refuse a bad
one only halfway through an update. Defaults stand here and, for the Pulumi CLI, in Pulumi.yaml; a test compares them.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pulumi import RunError
from pydantic import Field, ValidationError, model_validator

from controller.api.cloudaccount import Endpoints
from controller.api.fields import AccountId, BucketName, ImmName, Model, ObjectName, RegionId
from controller.api.handover import HandoverDataset, refuse_colliding
from infra import environment as env
from infra.explain import explain
from infra.names import MnsName, RoleName

REGION_KEY = "alicloud:region"


class ProjectSettings(Model):
    """An IMM project, with the datasets that the operator, not Pulumi, creates in it."""

    name: ImmName
    template_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    description: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    datasets: tuple[HandoverDataset, ...] = ()


class StackSettings(Model):
    """Everything a stack decides. Keys are those of `Pulumi.yaml`, plus the region of the provider's own namespace."""

    region: RegionId
    account_id: AccountId
    media_buckets: Annotated[tuple[BucketName, ...], Field(min_length=1)]
    work_bucket: BucketName
    projects: Annotated[tuple[ProjectSettings, ...], Field(min_length=1)]
    topic: MnsName = "imm-events"
    queue: MnsName = "imm-events"
    role: RoleName = "imm-media"
    cloud_account: ObjectName = "media"
    namespace: ObjectName = "media"
    credentials_secret: ObjectName = "alibaba-cloud"  # noqa: S105 - the Secret's name
    endpoints: Endpoints = Field(default_factory=Endpoints)
    emulator: bool = False
    protect: bool = False

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        _refuse_repeated("mediaBuckets", self.media_buckets)
        _refuse_repeated("projects", [project.name for project in self.projects])
        for project in self.projects:
            _refuse_repeated(f"projects: datasets of {project.name}", [dataset.name for dataset in project.datasets])
        refuse_colliding(dataset for project in self.projects for dataset in project.datasets)
        if self.work_bucket in self.media_buckets:
            raise ValueError(
                f"workBucket: {self.work_bucket} is one of mediaBuckets, so IMM would index the operator's own "
                "records: choose another bucket"
            )
        return self


def read(config: Mapping[str, str], environment: Mapping[str, str], *, project: str, stack: str) -> StackSettings:
    """Make the settings out of Pulumi's configuration (`namespace:key` to text; JSON where it is no string).

    Raises:
        pulumi.RunError: with every problem, each naming its key, the stack and the way out.
    """
    prefix = f"{project}:"
    given = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
    problems = _unknown(given, prefix, stack)
    values = {key: _parse(key, value, problems, prefix, stack) for key, value in given.items() if key in _types()}
    values["region"] = config.get(REGION_KEY, "")
    if not given.get("accountId"):
        values["accountId"] = env.require(environment, env.ACCOUNT_ID)
    elif environment.get(env.ACCOUNT_ID) not in (None, "", given["accountId"]):
        problems.append(
            f"{prefix}accountId of stack {stack} is {given['accountId']}, but {env.ACCOUNT_ID} is "
            f"{environment[env.ACCOUNT_ID]}: use the credentials of the stack's account"
        )
    try:
        settings = None if problems else StackSettings.model_validate(values)
    except ValidationError as error:
        problems += [explain(detail, prefix=prefix, stack=stack) for detail in error.errors()]
        settings = None
    if settings is None:
        raise RunError("\n".join(["the stack's configuration is refused; nothing was changed", *problems]))
    return settings


def _types() -> dict[str, str]:
    """JSON type of each key a stack file may set; "" for what is described elsewhere in the schema."""
    properties: dict[str, dict[str, Any]] = StackSettings.model_json_schema()["properties"]
    return {key: schema.get("type", "") for key, schema in properties.items() if key != "region"}


def _unknown(given: Iterable[str], prefix: str, stack: str) -> list[str]:
    known = _types()
    problems = []
    for key in sorted(set(given) - set(known)):
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {prefix}{near[0]}?" if near else f"known keys are {', '.join(sorted(known))}"
        problems.append(
            f"{prefix}{key} of stack {stack} is no known key: {hint} "
            f"(remove it with: pulumi config rm --stack {stack} {key})"
        )
    return problems


def _parse(key: str, value: str, problems: list[str], prefix: str, stack: str) -> Any:
    if _types()[key] == "string":
        return value
    try:
        return json.loads(value)
    except ValueError:
        problems.append(
            f"{prefix}{key} of stack {stack} is {value!r}, which is no JSON {_types()[key] or 'object'}: "
            f"write it as YAML in environments/Pulumi.{stack}.yaml"
        )
        return None


def _refuse_repeated(key: str, names: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"{key}: {', '.join(repeated)} stands there more than once: remove the repetition")
