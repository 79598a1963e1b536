"""Bindings of a dataset to a bucket: create, read, list, delete. How they then move is `lifecycle`'s business."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.buckets import require_bucket
from emulator.imm.lifecycle import end_binding, follow
from emulator.imm.lookup import dataset_of, imm_of, project_of
from emulator.imm.paging import page
from emulator.imm.roles import cannot_list
from emulator.imm.state import Binding, BindingKey
from emulator.imm.times import rfc3339_nano
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.state import Dataset
    from emulator.state import Cloud

SERVED = Operations("imm")
_FORBIDDEN = 403
BUCKET_URI = re.compile(r"oss://([a-z0-9][a-z0-9-]{1,61}[a-z0-9])")


def shown_binding(key: BindingKey, binding: Binding) -> dict[str, object]:
    """The vendor's `Binding`; Reason is there only when there is one, as in the vendor's guide."""
    shown: dict[str, object] = {
        "Phase": binding.phase,
        "ProjectName": key.project,
        "DatasetName": key.dataset,
        "State": binding.state,
        "CreateTime": rfc3339_nano(binding.created),
        "UpdateTime": rfc3339_nano(binding.updated),
        "URI": binding.uri,
    }
    if binding.reason:
        shown["Reason"] = binding.reason
    return shown


@SERVED.serves("CreateBinding", "ProjectName", "DatasetName", "URI")
def create_binding(cloud: Cloud, call: Call) -> Reply:
    """Bind a bucket of the same account and region. api-imm-2020-09-30-createbinding."""
    project, dataset = dataset_of(cloud, call)
    bucket = _bucket(cloud, call)
    uri = f"oss://{bucket}"
    held = dataset.bindings.get(uri)
    key = BindingKey(project.name, dataset.name, uri)
    if held is not None and held.state != "Deleted":
        if cloud.switches.duplicate_binding_code == "accepted":
            return Reply({"Binding": shown_binding(key, held)})
        raise refusals.already_exists("Binding", cloud.switches.duplicate_binding_code)
    live = sum(binding.state != "Deleted" for binding in dataset.bindings.values())
    if live >= dataset.quotas.bind_count and not cloud.loose:
        raise refusals.limit_exceeded(f"The number of bindings exceeds the limit {dataset.quotas.bind_count}.")
    _check_role(cloud, call, project.service_role, bucket)
    now = cloud.clock.now()
    binding = dataset.bindings[uri] = Binding(bucket, created=now, updated=now)
    follow(imm_of(cloud, call), key, bucket)
    return Reply({"Binding": shown_binding(key, binding)})


@SERVED.serves("GetBinding", "ProjectName", "DatasetName", "URI")
def get_binding(cloud: Cloud, call: Call) -> Reply:
    """Read a binding. api-imm-2020-09-30-getbinding."""
    project, dataset = dataset_of(cloud, call)
    binding = dataset.bindings.get(params.text(call, "URI"))
    if binding is None:
        raise refusals.not_found(cloud.switches, "Binding")
    return Reply({"Binding": shown_binding(BindingKey(project.name, dataset.name, binding.uri), binding)})


@SERVED.serves("ListBindings", "ProjectName", "DatasetName", "URI", "Name", "MaxResults", "NextToken")
def list_bindings(cloud: Cloud, call: Call) -> Reply:
    """List a project's bindings, or one dataset's, in order of dataset and URI. api-imm-2020-09-30-listbindings.

    `Name` filters by a binding task's name, which no answer shows; a binding here has none, so a name finds nothing.
    """
    if call.params.get("DatasetName"):
        project, chosen_dataset = dataset_of(cloud, call)
        datasets = [chosen_dataset]
    else:
        project = project_of(cloud, call)
        datasets = list(project.datasets.values())
    uri = call.params.get("URI", "")
    found = {
        f"{dataset.name}/{binding.uri}": (BindingKey(project.name, dataset.name, binding.uri), binding)
        for dataset in datasets
        for binding in dataset.bindings.values()
        if uri in {"", binding.uri} and not call.params.get("Name")
    }
    names, token = page(call, sorted(found))
    return Reply({"Bindings": [shown_binding(*found[name]) for name in names], "NextToken": token})


@SERVED.serves("DeleteBinding", "ProjectName", "DatasetName", "URI")
def delete_binding(cloud: Cloud, call: Call) -> Reply:
    """Stop following the bucket; what was indexed stays. api-imm-2020-09-30-deletebinding."""
    project, dataset = dataset_of(cloud, call)
    try:
        binding = held_binding(cloud, dataset, call)
    except Refusal as refusal:
        if cloud.switches.delete_binding_again == "accepted" and refusal.code.startswith("ResourceNotFound"):
            return Reply({})
        raise
    key = BindingKey(project.name, dataset.name, binding.uri)
    if binding.gone_at is None:
        binding.gone_at = cloud.clock.now() + cloud.switches.delete_binding_seconds
        imm_of(cloud, call).busy[key] = None
    if binding.gone_at <= cloud.clock.now():
        end_binding(cloud, imm_of(cloud, call), key)
    return Reply({})


def held_binding(cloud: Cloud, dataset: Dataset, call: Call) -> Binding:
    """The binding of the call's URI, if there is one and it is not deleted.

    Raises:
        Refusal: MissingURI, ResourceNotFound.
    """
    found = dataset.bindings.get(params.text(call, "URI"))
    if found is None or found.state == "Deleted":
        raise refusals.not_found(cloud.switches, "Binding")
    return found


def _check_role(cloud: Cloud, call: Call, role: str, bucket: str) -> None:
    """Refuse a bucket that IMM cannot list, if that is found out here (`Switches.service_role_denied`)."""
    code = cloud.switches.service_role_denied
    forbidden = "" if code == "Failed" else cannot_list(cloud, call.account, role, bucket)
    if forbidden:
        raise Refusal(_FORBIDDEN if code == "NoPermission" else refusals.BAD_REQUEST, code, forbidden)


def _bucket(cloud: Cloud, call: Call) -> str:
    uri = params.text(call, "URI")
    matched = BUCKET_URI.fullmatch(uri)
    if matched is None:
        raise refusals.invalid_argument(f"The URI {uri} is not valid: it must be oss://bucket, without a path.")
    return require_bucket(cloud, call, matched[1])
