"""Carrying out a seed's steps on a running cloud, as the accounts they name and through the services' own functions."""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING

from emulator.auth.identity import root_identity
from emulator.call import Call, Reply
from emulator.gateway import execute
from emulator.ids import new_request_id
from emulator.imagesearch.instances import make_instance
from emulator.oss.store import find_object
from emulator.refusal import Refusal
from emulator.seed import ImageSearchInstanceSeed, SeedError, Step
from emulator.services import SERVICES
from emulator.state import Account
from emulator.strict import unknown_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.instance import Instance

_THERE = frozenset({"ResourceAlreadyExists", "QueueAlreadyExist", "TopicAlreadyExist"})


def add_account(instance: Instance, account_id: str, keys: Mapping[str, str]) -> None:
    """Add an account, or keys to it."""
    instance.cloud.accounts.setdefault(account_id, Account(account_id)).access_keys.update(keys)


def add_image_search_instance(instance: Instance, wanted: ImageSearchInstanceSeed) -> None:
    """Have an instance of Image Search: bought, or its plan changed if it is there.

    Raises:
        SeedError: It is there with another service type, or its account is not.
    """
    account = wanted.account or instance.config.account_id
    if account not in instance.cloud.accounts:
        raise SeedError(f"{wanted.name} names the account {account}, which the seed does not have under accounts")
    region = wanted.region or instance.cloud.region
    plan = {"service_type": wanted.service_type, "capacity": wanted.capacity, "qps": wanted.qps}
    try:
        made = make_instance(instance.cloud, account, region, wanted.name, **plan)
    except ValueError as error:
        raise SeedError(str(error)) from error
    made.status, made.authorized = wanted.status, wanted.authorized


def carry_out(instance: Instance, step: Step) -> None:
    """Do one step, unless it has been done before.

    Raises:
        SeedError: The service refuses it.
    """
    if _is_stored(instance, step):
        return
    settings = instance.cloud.imm_settings
    rate, settings.queries_per_second = settings.queries_per_second, 0.0  # the allowance is the clients'
    try:
        outcome = _perform(instance, step)
        if _is_there(instance, outcome) and step.otherwise:
            outcome = _perform(instance, step.model_copy(update={"operation": step.otherwise}))
    finally:
        settings.queries_per_second = rate
    if isinstance(outcome, Refusal) and not (step.operation == "CreateBinding" and _is_there(instance, outcome)):
        raise SeedError(f"{step.service} {step.operation} {step.subject}: {outcome.code}: {outcome.message}")


def _is_there(instance: Instance, outcome: Reply | Refusal) -> bool:
    return isinstance(outcome, Refusal) and outcome.code in _THERE | {instance.cloud.switches.duplicate_binding_code}


def _perform(instance: Instance, step: Step) -> Reply | Refusal:
    operations = SERVICES.get(step.service)
    operation = operations.by_name.get(step.operation) if operations else None
    if operation is None:
        raise SeedError(f"there is no operation {step.service} {step.operation}")
    account = step.account or instance.config.account_id
    if account not in instance.cloud.accounts:
        raise SeedError(f"{step.subject} names the account {account}, which the seed does not have under accounts")
    call = Call(
        service=step.service,
        operation=step.operation,
        account=account,
        region=step.region or instance.cloud.region,
        request_id=new_request_id(step.service),
        params=step.params,
        headers=step.headers,
        body=step.body,
        resource=step.resource,
        identity=root_identity(account, ""),
        named_region=step.region or None,
    )
    known = call._replace(params={name: value for name, value in call.params.items() if name in operation.params})
    if step.operation == step.otherwise:
        call = known  # an update takes fewer attributes than the creation
    unknown = unknown_parts(call, operation)
    if unknown:
        return Refusal(400, "InvalidParameter", f"{step.operation} does not know {', '.join(unknown)}")
    return execute(instance.cloud, call, operation)


def _is_stored(instance: Instance, step: Step) -> bool:
    """Whether a file is there already with this content: putting it again would have it indexed again."""
    if step.operation != "PutObject":
        return False
    item = find_object(instance.cloud, *step.resource)
    return item is not None and item.etag == md5(step.body, usedforsecurity=False).hexdigest().upper()
