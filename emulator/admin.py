"""The emulator's own pages under `/_emulator/`: what it did, what it holds, and the levers of its clock and faults.

They are JSON, unsigned and for the machine the emulator runs on; no secret and no object content ever appears (the
page for people, `emulator/page/`, shows thumbnails).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emulator import guard
from emulator.coverage import describe_coverage
from emulator.dump import dump_state
from emulator.fault_names import check_names
from emulator.faults import RULES
from emulator.imagesearch.batch_control import CancelTask, ChangedPace, cancel_task, change_pace
from emulator.journal import describe
from emulator.lifecycle import settle
from emulator.seed import ImageSearchInstanceSeed, SeedError, Step
from emulator.seeding import add_account, add_image_search_instance, carry_out
from emulator.wire.http import HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from emulator.instance import Instance

Page = Callable[["Instance", HttpRequest], object]
_LONGEST_ADVANCE = 366 * 24 * 3600


class Advance(BaseModel):
    """How far the virtual clock goes."""

    model_config = ConfigDict(extra="forbid")
    advance: float = Field(ge=0, le=_LONGEST_ADVANCE)


class NewAccount(BaseModel):
    """Another account, with a root key of its own."""

    model_config = ConfigDict(extra="forbid")
    account_id: str = Field(pattern=r"^\d{1,32}$")
    access_key_id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    access_key_secret: str = Field(min_length=1, max_length=128)


def serve_admin(instance: Instance, request: HttpRequest) -> HttpAnswer:
    """Answer a request under `/_emulator/`, unless it comes under a foreign name or from a web page."""
    refused = guard.foreign_name(instance.config, request) or guard.web_page(request)
    if refused is not None:
        return _json(403, {"error": refused})
    path = request.raw_path.removeprefix("/_emulator/").strip("/")
    verbs = PAGES.get(path)
    if verbs is None:
        known = ", ".join(f"/_emulator/{name}" for name in PAGES)
        return _json(404, {"error": f"there is no page {path[:100]!r}; there are: {known}"})
    page = verbs.get(request.method)
    if page is None:
        return _json(405, {"error": f"/_emulator/{path} takes {', '.join(verbs)}"})
    try:
        return _json(200, page(instance, request))
    except (ValidationError, ValueError) as error:
        return _json(400, {"error": str(error)})
    except RecursionError:
        return _json(400, {"error": "the body is nested too deeply"})


def _json(status: int, document: object) -> HttpAnswer:
    body = json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "replace")
    return HttpAnswer(status, {"content-type": "application/json; charset=utf-8"}, body + b"\n")


def _health(instance: Instance, _: HttpRequest) -> object:
    return {
        "status": "ok",
        "region": instance.config.region,
        "account": instance.config.account_id,
        "clock": "virtual" if instance.cloud.clock.virtual else "real",
        "now": instance.cloud.clock.now(),
        "addresses": instance.addresses,
    }


def _requests(instance: Instance, request: HttpRequest) -> object:
    query = request.query
    since = query.get("since", "0")
    if not since.isdigit():
        raise ValueError(f"since takes the number of an entry, not {since!r}")
    entries = instance.journal.select(query.get("service"), query.get("operation"), int(since))
    return {"requests": describe(entries)}


def _counts(instance: Instance, _: HttpRequest) -> object:
    return {"counts": instance.journal.totals(), "total": instance.journal.written}


def _reset(instance: Instance, _: HttpRequest) -> object:
    instance.reset()
    return {"status": "ok"}


def _clock(instance: Instance, _: HttpRequest) -> object:
    clock = instance.cloud.clock
    return {"now": clock.now(), "virtual": clock.virtual}


def _advance(instance: Instance, request: HttpRequest) -> object:
    seconds = Advance.model_validate_json(request.body).advance
    instance.cloud.clock.advance(seconds)
    settle(instance.cloud)
    return _clock(instance, request)


def _state(instance: Instance, _: HttpRequest) -> object:
    return dump_state(instance.cloud)


def _switches(instance: Instance, _: HttpRequest) -> object:
    return asdict(instance.cloud.switches)


def _patch_switches(instance: Instance, request: HttpRequest) -> object:
    changes = json.loads(request.body)
    if not isinstance(changes, dict):
        raise ValueError('the body is an object of switches, like {"notification_base64": true}')  # noqa: TRY004 - answered as 400 like every other bad body
    for name, value in changes.items():
        instance.set_switch(name, value)
    return asdict(instance.cloud.switches)


def _faults(instance: Instance, _: HttpRequest) -> object:
    return {"rules": instance.faults.describe()}


def _put_faults(instance: Instance, request: HttpRequest) -> object:
    rules = RULES.validate_json(request.body)
    check_names(rules)
    instance.faults.replace(rules)
    return _faults(instance, request)


def _delete_faults(instance: Instance, request: HttpRequest) -> object:
    instance.faults.replace([])
    return _faults(instance, request)


def _coverage(_: Instance, __: HttpRequest) -> object:
    return describe_coverage()


def _accounts(instance: Instance, _: HttpRequest) -> object:
    return {"accounts": sorted(instance.cloud.accounts)}


def _put_account(instance: Instance, request: HttpRequest) -> object:
    new = NewAccount.model_validate_json(request.body)
    add_account(instance, new.account_id, {new.access_key_id: new.access_key_secret})
    return _accounts(instance, request)


def _seed(instance: Instance, request: HttpRequest) -> object:
    try:
        carry_out(instance, Step.model_validate_json(request.body))
    except SeedError as error:
        raise ValueError(str(error)) from error
    return {"status": "ok"}


def _image_search(instance: Instance, _: HttpRequest) -> object:
    found = [
        {
            "account": account.account_id,
            "region": held.region,
            "name": held.name,
            "id": held.id,
            "service_type": held.service_type,
            "capacity": held.capacity,
            "qps": held.qps,
            "status": held.status,
            "authorized": held.authorized,
            "pictures": len(held.pictures),
            "tasks": len(held.tasks),
        }
        for account in instance.cloud.accounts.values()
        for region in account.imagesearch.values()
        for held in region.instances.values()
    ]
    return {"instances": found}


def _put_image_search(instance: Instance, request: HttpRequest) -> object:
    try:
        add_image_search_instance(instance, ImageSearchInstanceSeed.model_validate_json(request.body))
    except SeedError as error:
        raise ValueError(str(error)) from error
    return _image_search(instance, request)


def _cancel_image_task(instance: Instance, request: HttpRequest) -> object:
    wanted = CancelTask.model_validate_json(request.body)
    cancel_task(instance, wanted)
    return {"status": "ok"}


def _image_batches(instance: Instance, _: HttpRequest) -> object:
    return asdict(instance.cloud.image_batches)


def _patch_image_batches(instance: Instance, request: HttpRequest) -> object:
    change_pace(instance, ChangedPace.model_validate_json(request.body))
    return asdict(instance.cloud.image_batches)


PAGES: Mapping[str, Mapping[str, Page]] = {
    "health": {"GET": _health},
    "requests": {"GET": _requests},
    "counts": {"GET": _counts},
    "reset": {"POST": _reset},
    "clock": {"GET": _clock, "POST": _advance},
    "state": {"GET": _state},
    "switches": {"GET": _switches, "PATCH": _patch_switches},
    "faults": {"GET": _faults, "PUT": _put_faults, "DELETE": _delete_faults},
    "coverage": {"GET": _coverage},
    "seed": {"POST": _seed},
    "accounts": {"GET": _accounts, "PUT": _put_account},
    "image-search/instances": {"GET": _image_search, "PUT": _put_image_search},
    "image-search/batches": {"GET": _image_batches, "PATCH": _patch_image_batches},
    "image-search/cancel": {"POST": _cancel_image_task},
}
