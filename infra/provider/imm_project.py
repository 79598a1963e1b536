"""The IMM project of the 2020-09-30 API, as a Pulumi dynamic resource.

The vendor's own `alicloud.imm.Project` makes a project of the 2017-09-06 API, which datasets and bindings cannot use.
The provider is pickled into the stack's state, so it carries nothing: the region is an input, key and address are read
from the environment of whoever runs Pulumi, each time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import dynamic

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.errors import Conflict, TimedOut
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import ImmPort, ProjectSpec
from infra import environment as env
from infra.provider.imm_project_rules import COUNTS, IN_PLACE, REPLACING, TEXTS, failures, impossible
from infra.sections import ProjectQuotas


class ImmProjectProvider(dynamic.ResourceProvider):
    """Create, read, update and delete a project. Properties: `REPLACING` and `IN_PLACE`; None leaves the cloud's."""

    serialize_as_secret_always = False  # it holds no secret, and a secret provider makes every diff unreadable
    emulator = False

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Learn from the stack's configuration whether the local cloud is meant."""
        self.emulator = str(req.config.get("emulator") or "").lower() == "true"

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse what the cloud would refuse, and what it would ignore; what is not known yet passes until it is."""
        refused = [*failures(news), *impossible(olds, news)]
        return dynamic.CheckResult(news, [dynamic.CheckFailure(key, reason) for key, reason in refused])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Compare what is asked for with what is there; what is not asked for never differs, as `check` has seen to."""
        replaces = [key for key in REPLACING if olds.get(key) != news.get(key)]
        changed = [key for key in IN_PLACE if news.get(key) is not None and olds.get(key) != news[key]]
        return dynamic.DiffResult(changes=bool(replaces or changed), replaces=replaces)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """CreateProject, after a look-up that keeps a stranger's project of that name out of our state."""
        imm, spec = self._imm(props["region"]), _spec(props)
        if imm.get_project(spec.name) is not None:
            raise _not_ours(spec.name, props["region"])
        try:
            imm.create_project(spec)
        except Conflict:  # one call was made and answered, so somebody else's was a moment faster
            raise _not_ours(spec.name, props["region"]) from None
        except TimedOut:
            # It was absent a moment ago: a lost answer, not somebody else, is why it is there now.
            if imm.get_project(spec.name) is None:
                raise
        return dynamic.CreateResult(spec.name, _asked(props))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """GetProject; an empty id says that the project is gone.

        What was not asked for stays None: the cloud's own default is no drift.
        """
        facts = self._imm(props["region"]).get_project(id_)
        if facts is None:
            return dynamic.ReadResult("", {})
        live: dict[str, Any] = {key: getattr(facts, key) for key in (*TEXTS, *COUNTS)} | {"tags": dict(facts.tags)}
        seen = {key: live[key] if props.get(key) is not None else None for key in IN_PLACE}
        return dynamic.ReadResult(id_, {"name": facts.name, "region": props["region"]} | seen)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """UpdateProject: a merge, in force after up to five minutes."""
        self._imm(news["region"]).update_project(_spec(news))
        return dynamic.UpdateResult(_asked(news))

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """DeleteProject, refused while the project holds datasets; absence is success."""
        imm = self._imm(props["region"])
        if imm.get_project(id_) is None:
            return
        datasets = [dataset.name for dataset in imm.list_datasets(id_)]
        if datasets:
            raise pulumi.RunError(
                f"IMM project {id_} still holds {len(datasets)} dataset(s), e.g. {', '.join(datasets[:5])}: delete "
                "them first (the operator's Dataset objects with deletionPolicy Delete), then run this again"
            )
        imm.delete_project(id_)

    def _imm(self, region: str) -> ImmPort:
        endpoint = env.emulator_url(os.environ) if self.emulator else None
        # No account id is needed here: it only names the limiter, and one update is all that shares it.
        place = Place(account_id="", region=region, imm=endpoint)
        return AlibabaClouds(Limiters(), Rates(), sts_endpoint=None).imm(place, env.credentials(os.environ), Lane.EDIT)


@dataclass(frozen=True, slots=True)
class ImmProjectArgs:
    """Arguments of `ImmProject`; what is None or left out stays as the cloud has it."""

    name: str
    region: str
    service_role: pulumi.Input[str]
    template_id: str | None = None
    description: str | None = None
    quotas: ProjectQuotas | None = None
    tags: Mapping[str, str] | None = None


class ImmProject(dynamic.Resource, module="imm", name="Project"):
    """An IMM project (2020-09-30)."""

    name: pulumi.Output[str]
    region: pulumi.Output[str]
    service_role: pulumi.Output[str]

    def __init__(self, resource_name: str, args: ImmProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        quotas = args.quotas or ProjectQuotas()
        properties: dict[str, Any] = {
            "name": args.name,
            "region": args.region,
            "service_role": args.service_role,
            "template_id": args.template_id,
            "description": args.description,
            "project_max_dataset_count": quotas.max_dataset_count,
            "dataset_max_bind_count": quotas.max_bind_count,
            "dataset_max_file_count": quotas.max_file_count,
            "dataset_max_entity_count": quotas.max_entity_count,
            "dataset_max_relation_count": quotas.max_relation_count,
            "dataset_max_total_file_size": quotas.max_total_file_size,
            "tags": None if args.tags is None else dict(args.tags),
        }
        super().__init__(ImmProjectProvider(), resource_name, properties, opts)


def _spec(props: Mapping[str, Any]) -> ProjectSpec:
    return ProjectSpec(name=props["name"], **{key: _asked(props)[key] for key in IN_PLACE})


def _asked(props: Mapping[str, Any]) -> dict[str, Any]:
    """The properties as Pulumi keeps them; its protocol makes a float of every number."""
    counts = {key: int(props[key]) for key in COUNTS if props.get(key) is not None}
    return {key: props.get(key) for key in (*REPLACING, *IN_PLACE)} | counts


def _not_ours(name: str, region: str) -> pulumi.RunError:
    return pulumi.RunError(
        f"IMM project {name} exists already in {region} and does not belong to this stack: "
        "choose another name, or delete it if nobody uses it"
    )
