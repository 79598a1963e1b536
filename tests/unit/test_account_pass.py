"""The pass of a CloudAccount: sign in when something asks for it, and let the namespace work with the result."""

from __future__ import annotations

import pytest

from controller.api.fields import RECONCILE_REQUESTED_AT
from controller.cloud.errors import BadCredentials, CloudError, Throttled, Unavailable
from controller.core.facts import Caller
from controller.reconcile.context import Outcome
from tests.unit.operator_doubles import ACCOUNT, REGION, Fate, World, secret


@pytest.fixture
def world() -> World:
    """A namespace in which nobody signed in yet."""
    return World()


def session(world: World) -> object:
    """What the namespace works with."""
    return world.context.sessions.get("team", "account")


def test_the_first_sign_in_makes_it_ready_with_one_write(world: World) -> None:
    """Identity and principal are on record."""
    assert Outcome(look_again=60.0) == world.run(world.account)
    status = world.cluster.read(world.account).status
    assert (ACCOUNT, REGION) == (status.identity.account_id, status.identity.region)
    assert status.principal.endswith(":user/operator")
    assert (["status"], ["get_caller"]) == (world.cluster.writes, world.cloud.calls)
    assert session(world) is not None


def test_a_settled_account_is_not_asked_again_before_its_resync(world: World) -> None:
    """One GET of the Secret a minute, one STS call a resync interval, no write."""
    world.sign_in()
    for _ in range(9):
        world.clock.advance(60)
        world.run(world.account)
    assert ([], []) == (world.cluster.writes, world.cloud.calls)
    world.clock.advance(60)
    world.run(world.account)
    assert ([], ["get_caller"]) == (world.cluster.writes, world.cloud.calls)


def test_replaced_keys_are_used_within_a_minute(world: World) -> None:
    """The Secret is read each time."""
    world.sign_in()
    world.cluster.secrets["team", "key"] = secret("LTAI-two", "other")
    world.run(world.account)
    assert ["get_caller"] == world.cloud.calls
    found = world.context.sessions.get("team", "account")
    assert found is not None
    assert "LTAI-two" == found.credentials.access_key_id


def test_a_request_signs_in_at_once(world: World) -> None:
    """And once: the echo settles it."""
    world.sign_in()
    world.cluster.mark(world.account, annotations={RECONCILE_REQUESTED_AT: "x" * 300})
    world.run(world.account)
    world.run(world.account)
    assert ["get_caller"] == world.cloud.calls


@pytest.mark.parametrize("data", [None, {}, {"accessKeyId": "aWQ="}], ids=["no-secret", "empty", "half"])
def test_without_credentials_it_stalls_and_the_session_ends(world: World, data: dict[str, str] | None) -> None:
    """Nothing goes on with keys that were taken away."""
    world.sign_in()
    del world.cluster.secrets["team", "key"]
    if data is not None:
        world.cluster.secrets["team", "key"] = data
    assert Outcome(look_again=60.0) == world.run(world.account)
    assert ("True", "CredentialsUnavailable") == world.condition(world.account, "Stalled")
    assert session(world) is None


def test_keys_of_another_account_are_not_used(world: World) -> None:
    """Both accounts are named."""
    world.cloud.caller = Caller("999999", "acs:ram::999999:root", is_root=True)
    world.run(world.account)
    assert ("True", "AccountMismatch") == world.condition(world.account, "Stalled")
    assert session(world) is None


@pytest.mark.parametrize(
    ("error", "kept", "reason"),
    [
        (BadCredentials("sts:X", "no", code="InvalidAccessKeyId.NotFound"), False, "CredentialsRejected"),
        (Throttled("sts:X", "slow down"), True, "Throttled"),
        (Unavailable("sts:X", "refused"), True, "CloudUnavailable"),
    ],
    ids=["refused", "throttled", "unavailable"],
)
def test_only_a_refusal_ends_a_session(world: World, error: CloudError, reason: str, *, kept: bool) -> None:
    """An STS that does not answer takes nobody's rights away."""
    world.sign_in()
    world.clock.advance(601)
    world.cloud.fate = lambda _operation: Fate(effect=False, raises=error)
    outcome = world.run(world.account)
    assert kept == (session(world) is not None) == outcome.failed
    assert ("False", reason) == world.condition(world.account)


def test_the_same_refusal_is_written_once(world: World) -> None:
    """A refused signature quotes another signed string each time."""
    texts = iter(range(5))
    world.cloud.fate = lambda _operation: Fate(
        effect=False,
        raises=BadCredentials("sts:X", f"server string to sign is: {next(texts)}", code="SignatureDoesNotMatch"),
    )
    for _ in range(4):
        world.run(world.account)
        world.clock.advance(60)
    assert ["status"] == world.cluster.writes


def test_a_deleted_account_leaves_its_session_to_those_who_leave_with_it(world: World) -> None:
    """It has no finalizer of ours; where somebody else's holds it, it signs in like any other."""
    world.sign_in()
    world.cluster.mark(world.account, deletionTimestamp=world.clock().isoformat())
    assert Outcome(look_again=60.0) == world.run(world.account)
    assert session(world) is not None
    assert [] == world.cluster.writes
