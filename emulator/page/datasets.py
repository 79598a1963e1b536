"""IMM as the page shows it: datasets, bindings, and queries.

A query runs through the operation's own handler, so the page answers what a signed call would: the same hits, the same
refusals. Only looking must change nothing, so it takes no share of the project's allowance and stands in no journal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.call import Call, Reply
from emulator.gateway import execute
from emulator.ids import new_request_id
from emulator.imm.kept import content_of
from emulator.oss.store import find_object
from emulator.page.documents import Missing, required
from emulator.page.thumbnails import CONTENT_TYPES
from emulator.refusal import Refusal
from emulator.services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.imm.state import Binding, Dataset, Project
    from emulator.instance import Instance

MOST = 500
QUERIES = frozenset({"SimpleQuery", "FuzzyQuery"})
_PAGE = "25"
_PASSED_ON = ("Query", "Sort", "Order", "NextToken")


class Place(NamedTuple):
    """A dataset and where it lies."""

    account: str
    region: str
    project: Project
    dataset: Dataset


def list_datasets(instance: Instance, _: Mapping[str, str]) -> object:
    """Projects with their datasets, over all accounts and regions."""
    places = list(islice(_places(instance), MOST))
    empty = [
        {"account": account_id, "region": region, "project": project.name}
        for account_id, account in instance.cloud.accounts.items()
        for region, imm in account.imm.items()
        for project in imm.projects.values()
        if not project.datasets
    ]
    return {"datasets": [_dataset(place) for place in places], "empty_projects": empty[:MOST]}


def list_bindings(instance: Instance, _: Mapping[str, str]) -> object:
    """Every binding with its state and phase."""
    found = (
        _binding(place, binding, _bucket_size(instance, binding))
        for place in _places(instance)
        for binding in place.dataset.bindings.values()
    )
    shown = list(islice(found, MOST))
    total = sum(len(place.dataset.bindings) for place in _places(instance))
    return {"bindings": shown, "total": total}


def run_query(instance: Instance, query: Mapping[str, str]) -> object:
    """A SimpleQuery or FuzzyQuery on one dataset: its files, or the service's refusal."""
    operation = required(query, "operation")
    if operation not in QUERIES:
        raise ValueError(f"operation is one of {', '.join(sorted(QUERIES))}")
    place = _found(instance, query)
    params = {name: query[name] for name in _PASSED_ON if query.get(name)}
    params |= {"ProjectName": place.project.name, "DatasetName": place.dataset.name, "MaxResults": _PAGE}
    call = Call("imm", operation, place.account, place.region, new_request_id("imm"), params)
    outcome = _unmetered(instance, call)
    shown: dict[str, object] = {"dataset": _dataset(place)}
    if isinstance(outcome, Refusal):
        return shown | {"refusal": {"status": outcome.status, "code": outcome.code, "message": outcome.message}}
    body: Any = json.loads(outcome.body) if isinstance(outcome.body, bytes) else outcome.body
    files = [{"meta": meta, **_picture(instance, meta)} for meta in body["Files"]]
    return shown | {"files": files, "total": body.get("TotalHits"), "next": body.get("NextToken", "")}


def _unmetered(instance: Instance, call: Call) -> Reply | Refusal:
    """The operation's outcome, without its share of the project's requests per second."""
    imm_settings = instance.cloud.imm_settings
    rate, imm_settings.queries_per_second = imm_settings.queries_per_second, 0
    try:
        return execute(instance.cloud, call, SERVICES["imm"].by_name[call.operation])
    finally:
        imm_settings.queries_per_second = rate


def _found(instance: Instance, query: Mapping[str, str]) -> Place:
    account = instance.cloud.accounts.get(required(query, "account"))
    imm = None if account is None else account.imm.get(required(query, "region"))
    project = None if imm is None else imm.projects.get(required(query, "project"))
    dataset = None if project is None else project.datasets.get(required(query, "dataset"))
    if account is None or project is None or dataset is None:
        raise Missing("there is no such dataset, or not any more")
    return Place(account.account_id, query["region"], project, dataset)


def _places(instance: Instance) -> Iterator[Place]:
    for account_id, account in instance.cloud.accounts.items():
        for region, imm in account.imm.items():
            for project in imm.projects.values():
                for dataset in project.datasets.values():
                    yield Place(account_id, region, project, dataset)


def _dataset(place: Place) -> dict[str, object]:
    dataset = place.dataset
    return {
        **_address(place),
        "description": dataset.description,
        "template": dataset.template_id or place.project.template_id,
        "created": dataset.created,
        "updated": dataset.updated,
        "files": len(dataset.files),
        "bytes": dataset.total_size,
        "bindings": [binding.uri for binding in islice(dataset.bindings.values(), 10)],
    }


def _binding(place: Place, binding: Binding, objects: int | None) -> dict[str, object]:
    return {
        **_address(place),
        "uri": binding.uri,
        "bucket": binding.bucket,
        "state": binding.state,
        "phase": binding.phase,
        "reason": binding.reason,
        "updated": binding.updated,
        "scanned": binding.pace,
        "objects": objects,
        "waiting": len(binding.changes),
    }


def _address(place: Place) -> dict[str, object]:
    return {
        "account": place.account,
        "region": place.region,
        "project": place.project.name,
        "dataset": place.dataset.name,
    }


def _bucket_size(instance: Instance, binding: Binding) -> int | None:
    bucket = instance.cloud.oss.buckets.get(binding.bucket)
    return None if bucket is None else len(bucket.objects)


def _picture(instance: Instance, meta: Mapping[str, object]) -> dict[str, object]:
    """Where the thumbnail of an indexed file comes from; nothing if its object is gone or no picture."""
    bucket, key = content_of(meta)
    item = find_object(instance.cloud, bucket, key)
    if item is None or item.content_type not in CONTENT_TYPES:
        return {}
    return {"picture": {"bucket": bucket, "key": key, "etag": item.etag}}
