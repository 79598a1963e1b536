"""What the cloud can refuse: each has its own reason within seconds, and costs one call, whoever is concerned."""

from __future__ import annotations

import json
import time
from functools import partial
from types import MethodType
from typing import Any

import pytest
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient

from emulator.instance import Instance
from tests.emulator.role_room import config_as, new_user
from tests.integration.world import PROJECT, World

ELSEWHERE = "must be addressed using the specified endpoint"
SOON = 30.0  # seconds, on a machine that is shared; what is looked at without being asked is so once a minute


def signed_in(world: World) -> int:
    """How often somebody asked STS who it is, refused or not."""
    return world.cloud.counts().get("sts", {}).get("GetCallerIdentity", 0)


def refuse(world: World, service: str, operation: str, status: int, code: str, message: str = "No.") -> None:
    """Have the cloud answer an operation with an error from now on."""
    world.cloud.fault(
        {"service": service, "operation": operation, "error": {"status": status, "code": code, "message": message}}
    )


def with_key(world: World, name: str, key_id: str, secret: str, **spec: Any) -> None:
    """A CloudAccount with a key of its own."""
    world.secret(f"{name}-own", AccessKeyId=key_id, AccessKeySecret=secret)
    world.account(name, credentials={"secretRef": {"name": f"{name}-own"}}, **spec)


def events(world: World, name: str, reason: str) -> list[dict[str, Any]]:
    """Events about an object with a reason."""
    shown = json.loads(world.kubectl("get", "events", f"--namespace={world.namespace}", "--output=json"))["items"]
    return [event for event in shown if event["involvedObject"]["name"] == name and event["reason"] == reason]


@pytest.fixture
def ram(world: World) -> RamClient:
    """RAM as the account's owner."""
    return RamClient(config_as(world.cloud))


KEYS = [
    ("InvalidAccessKeyId.NotFound", 404, "CredentialsRejected", "there is no such AccessKey"),
    ("SignatureDoesNotMatch", 400, "CredentialsRejected", "the secret does not belong to the AccessKey"),
    ("InvalidAccessKeyId.Inactive", 403, "CredentialsRejected", "the AccessKey is switched off"),
    ("InvalidSecurityToken.Expired", 400, "CredentialsRejected", "the security token has ended"),
    ("MissingSecurityToken", 400, "CredentialsRejected", "its security token is missing"),
    ("InvalidTimeStamp.Expired", 400, "ClockSkewed", "set the clock of the node"),
    ("InvalidRegionId", 400, "RegionMismatch", "spec.region"),
]


@pytest.mark.parametrize(("code", "status", "reason", "words"), KEYS, ids=[row[0].lower() for row in KEYS])
def test_each_refusal_of_a_sign_in_has_its_reason_and_costs_one_call(
    world: World, code: str, status: int, reason: str, words: str
) -> None:
    """An edit of the spec does not try the same key again."""
    name = code.lower().replace(".", "-")
    world.await_ready("cloudaccount", "main")
    refuse(world, "sts", "GetCallerIdentity", status, code)
    before = signed_in(world)
    with_key(world, name, world.cloud.access_key_id, world.cloud.access_key_secret)
    condition = world.await_reason("cloudaccount", name, reason, SOON)
    assert words in condition["message"]
    with_key(world, name, world.cloud.access_key_id, world.cloud.access_key_secret, resyncInterval="11m")
    world.await_reason("cloudaccount", name, reason, SOON)
    assert 1 == signed_in(world) - before
    refused = world.cloud.requests("sts", "GetCallerIdentity")[-1]
    world.await_event("CloudAccount", name, reason)
    assert str(refused["request_id"]) in events(world, name, reason)[0]["message"]
    assert str(refused["request_id"]) not in json.dumps((world.get("cloudaccount", name) or {})["status"])
    assert str(refused["request_id"]) in (world.directory / "operator.log").read_text()
    world.delete("cloudaccount", name)


def test_a_clock_that_is_off_is_told_by_the_signature_itself(world: World) -> None:
    """The cloud's clock is moved, so every signature is too old for it."""

    def skew(instance: Instance) -> None:
        instance.cloud.clock.wall = MethodType(lambda _self: time.time() + 3600, instance.cloud.clock)  # type: ignore[method-assign]

    def mend(instance: Instance) -> None:
        del instance.cloud.clock.wall

    world.cloud.run(skew)
    before = signed_in(world)
    try:
        with_key(world, "late", world.cloud.access_key_id, world.cloud.access_key_secret)
        world.await_reason("cloudaccount", "late", "ClockSkewed", SOON)
        assert 1 == signed_in(world) - before
    finally:
        world.cloud.run(mend)
    world.request("cloudaccount", "late", "mended")
    world.await_ready("cloudaccount", "late")
    world.delete("cloudaccount", "late")
    world.request("cloudaccount", "main", "mended")
    world.await_ready("cloudaccount", "main")


def test_a_missing_right_names_action_and_principal_and_shows_on_the_account(world: World, ram: RamClient) -> None:
    """Permitted=False until the same call gets through; one refused call, and no look in between."""
    key_id, secret, _ = new_user(world.cloud, "reader", "AliyunIMMReadOnlyAccess")
    with_key(world, "limited", key_id, secret)
    world.await_ready("cloudaccount", "limited")
    world.dataset("denied", accountRef={"name": "limited"})
    condition = world.await_reason("dataset", "denied", "AccessDenied", SOON)
    principal = f"acs:ram::{world.cloud.account_id}:user/reader"
    assert "imm:CreateDataset" in condition["message"]
    assert principal in condition["message"]
    world.until("Permitted=False", lambda: permitted(world, "limited").get("status") == "False")
    shown = permitted(world, "limited")
    assert ("AccessDenied", True, True) == (
        shown["reason"],
        "imm:CreateDataset for Dataset denied" in shown["message"],
        principal in shown["message"],
    )
    assert "True" == world.condition("cloudaccount", "limited", "Ready")["status"]
    refused = [r for r in world.cloud.requests("imm", "CreateDataset") if r["status"] == 403]
    assert 1 == len(refused)
    (told,) = world.await_event("Dataset", "denied", "AccessDenied")
    assert str(refused[0]["request_id"]) in told
    ram.attach_policy_to_user(
        ram_models.AttachPolicyToUserRequest(
            user_name="reader", policy_name="AliyunIMMFullAccess", policy_type="System"
        )
    )
    world.request("dataset", "denied", "granted")
    world.await_ready("dataset", "denied")
    world.until("Permitted to go", lambda: not permitted(world, "limited"))


def permitted(world: World, name: str) -> dict[str, Any]:
    """The account's condition Permitted, or an empty dict."""
    return world.condition("cloudaccount", name, "Permitted")


def test_objects_that_are_denied_together_share_one_call(world: World) -> None:
    """Eight bindings of a project that must not be listed: one listing is refused, not eight."""
    key_id, secret, _ = new_user(world.cloud, "stranger")
    with_key(world, "powerless", key_id, secret)
    world.await_ready("cloudaccount", "powerless")
    before = world.calls("ListBindings")
    names = [f"denied-{number}" for number in range(8)]
    own = {"accountRef": {"name": "powerless"}, "dataset": {"project": PROJECT, "name": "any"}}
    kind = {"apiVersion": "imm-operator.dev/v1alpha1", "kind": "DatasetBinding"}
    items = [
        kind | {"metadata": {"name": name, "namespace": world.namespace}, "spec": own | {"bucket": name}}
        for name in names
    ]
    world.kubectl("apply", "--filename=-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    for name in names:
        world.await_reason("datasetbinding", name, "AccessDenied", SOON)
    assert world.calls("ListBindings") - before <= 2  # one, and another if the eight took longer than it is remembered
    assert all("user/stranger" in world.condition("datasetbinding", name, "Ready")["message"] for name in names)
    for name in names:
        world.delete("datasetbinding", name)


@pytest.mark.parametrize(
    ("service", "operation", "code", "message"),
    [
        ("oss", "GetBucketInfo", "AccessDenied", f"The bucket you are attempting to access {ELSEWHERE}."),
        ("imm", "CreateBinding", "InvalidRegionId", "The specified region does not exist."),
    ],
    ids=["bucket-elsewhere", "no-such-region"],
)  # fmt: skip
def test_a_wrong_region_is_not_called_a_missing_right(
    world: World, service: str, operation: str, code: str, message: str
) -> None:
    """OSS says AccessDenied where it means another region; granting a right would not help."""
    name = f"astray-{service}"
    world.dataset(name)
    world.await_ready("dataset", name)
    world.bucket(f"{name}-photos")
    refuse(world, service, operation, 403, code, message)
    world.binding(name, f"{name}-photos", name)
    condition = world.await_reason("datasetbinding", name, "RegionMismatch", SOON)
    assert "spec.region" in condition["message"]
    world.delete("datasetbinding", name)


@pytest.fixture(scope="module")
def busy(world: World) -> list[str]:
    """Six datasets that are settled, on an account of their own: each look at one is a call of its own."""
    key_id, secret, _ = new_user(world.cloud, "worker", "AliyunIMMFullAccess", "AliyunOSSFullAccess")
    with_key(world, "rotating", key_id, secret)
    world.await_ready("cloudaccount", "rotating")
    names = [f"busy-{number}" for number in range(6)]
    for name in names:
        world.dataset(name, accountRef={"name": "rotating"})
    for name in names:
        world.await_ready("dataset", name)
    return names


def test_a_rotated_key_is_taken_up_when_the_old_one_is_refused(world: World, ram: RamClient, busy: list[str]) -> None:
    """First nobody has the new key: one sign-in for all six. Then it is in the Secret: in use within seconds."""
    old = ram.list_access_keys(ram_models.ListAccessKeysRequest(user_name="worker")).body.access_keys.access_key[0]
    new = ram.create_access_key(ram_models.CreateAccessKeyRequest(user_name="worker")).body.access_key
    before, marker = signed_in(world), len(world.cloud.requests("imm"))
    ram.delete_access_key(ram_models.DeleteAccessKeyRequest(user_name="worker", user_access_key_id=old.access_key_id))
    look_now(world, busy, "refused")
    world.await_reason("cloudaccount", "rotating", "CredentialsRejected", SOON)
    assert 1 == signed_in(world) - before
    assert 1 <= len([r for r in world.cloud.requests("imm")[marker:] if r["code"]]) <= len(busy)  # those under way
    marker = len(world.cloud.requests("imm"))
    look_now(world, busy, "refused-again")
    world.dataset("witness")
    world.await_ready("dataset", "witness")
    assert [] == [r for r in world.cloud.requests("imm")[marker:] if r["code"] and r["code"] != "ResourceNotFound"]
    world.secret("rotating-own", accessKeyId=new.access_key_id, accessKeySecret=new.access_key_secret)
    world.request("cloudaccount", "rotating", "replaced")
    for name in busy:
        world.await_ready("dataset", name)
    assert 2 == signed_in(world) - before


def test_a_replaced_secret_is_read_as_soon_as_the_old_key_is_refused(
    world: World, ram: RamClient, busy: list[str]
) -> None:
    """Nobody has to tell the operator: no minute passes, and no object stays Stalled."""
    old = ram.list_access_keys(ram_models.ListAccessKeysRequest(user_name="worker")).body.access_keys.access_key[-1]
    new = ram.create_access_key(ram_models.CreateAccessKeyRequest(user_name="worker")).body.access_key
    world.secret("rotating-own", accessKeyId=new.access_key_id, accessKeySecret=new.access_key_secret)
    before, began = signed_in(world), time.monotonic()
    for key in ram.list_access_keys(ram_models.ListAccessKeysRequest(user_name="worker")).body.access_keys.access_key:
        if key.access_key_id != new.access_key_id:
            ram.delete_access_key(
                ram_models.DeleteAccessKeyRequest(user_name="worker", user_access_key_id=key.access_key_id)
            )
    look_now(world, busy, f"after-{old.access_key_id}")
    for name in busy:
        world.until(f"{name} to be looked at", partial(echoes, world, name, f"after-{old.access_key_id}"))
        world.await_ready("dataset", name, SOON)
    assert time.monotonic() - began < 55  # a minute would have passed, had nobody told it
    assert 1 == signed_in(world) - before


def look_now(world: World, names: list[str], token: str) -> None:
    """Ask for all of them at once."""
    annotation = f"imm-operator.dev/reconcile-requested-at={token}"
    world.kubectl("annotate", "--overwrite", "dataset", *names, annotation, f"--namespace={world.namespace}")


def echoes(world: World, name: str, token: str) -> bool:
    """Whether a request was handled."""
    return bool((world.get("dataset", name) or {})["status"].get("lastHandledReconcileAt") == token)


def test_a_root_key_is_warned_of_once(world: World) -> None:
    """In the status, and in one event that names the way out."""
    world.secret("rooted-own", accessKeyId=world.cloud.access_key_id, accessKeySecret=world.cloud.access_key_secret)
    world.account("rooted", credentials={"secretRef": {"name": "rooted-own"}})
    world.await_ready("cloudaccount", "rooted")
    world.await_event("CloudAccount", "rooted", "RootAccountKey")
    (event,) = events(world, "rooted", "RootAccountKey")
    assert ("Warning", True, True) == (
        event["type"],
        "RAM user" in event["message"],
        "spec.credentials.rrsa" in event["message"],
    )
    assert str((world.get("cloudaccount", "rooted") or {})["status"]["principal"]).endswith(":root")
