"""Where a CloudAccount's credentials come from, when they are fetched anew, and what it says where there are none."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from controller.api.cloudaccount import CloudAccountSpec, CredentialsSource
from controller.cloud.clouds import Place
from controller.cloud.credentials import Credentials
from controller.cloud.errors import BadCredentials, ClockSkewed, CloudError, Ended, Unavailable
from controller.core.facts import Caller
from controller.reconcile.binding import scope_of
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key
from controller.reconcile.sessions import Session
from controller.reconcile.sources import place_of, session_name
from tests.unit.operator_doubles import ACCOUNT, REGION, Fate, World, secret

RRSA = {
    "roleArn": f"acs:ram::{ACCOUNT}:role/imm-operator",
    "oidcProviderArn": f"acs:ram::{ACCOUNT}:oidc-provider/ack-rrsa-c1",
    "serviceAccountName": "indexer",
}
NO = BadCredentials("sts:GetCallerIdentity", "no", code="InvalidAccessKeyId.NotFound")
REFUSED = BadCredentials("sts:AssumeRoleWithOIDC", "There is no permission", code="AuthenticationFail.NoPermission")


@pytest.fixture
def world() -> World:
    """A namespace with a service account, in which nobody signed in yet."""
    made = World()
    made.cluster.service_accounts.add(("team", "indexer"))
    return made


def with_role(world: World, **change: Any) -> Key:
    """A CloudAccount that works as a role."""
    return put(world, {"rrsa": RRSA | change})


def put(world: World, credentials: dict[str, Any], **spec: Any) -> Key:
    """The namespace's CloudAccount with these credentials."""
    return world.cluster.put(
        "CloudAccount", "account", {"region": REGION, "accountId": ACCOUNT, "credentials": credentials} | spec
    )


def session(world: World) -> Session:
    """What the namespace works with."""
    found = world.context.sessions.get("team", "account")
    assert found is not None
    return found


def message(world: World) -> str:
    """What the account says of itself."""
    return str(world.cluster.read(world.account).status.conditions[0].message)


def test_a_role_is_taken_on_with_a_token_of_the_own_namespace(world: World) -> None:
    """For the cloud's audience, an hour, under a name that stays the same."""
    with_role(world)
    world.run(world.account)
    ((role, token),) = world.cloud.assumed
    assert (RRSA["roleArn"], RRSA["oidcProviderArn"], "team@account") == (
        role.arn,
        role.oidc_provider_arn,
        role.session_name,
    )
    assert token.endswith(".team.indexer.sts.aliyuncs.com.3600")
    assert ("True", "Succeeded") == world.condition(world.account)
    assert ["assume", "get_caller"] == world.cloud.calls


def test_temporary_keys_are_fetched_anew_a_quarter_of_an_hour_before_they_end(world: World) -> None:
    """By the account's own pass; nothing is written, and the listings stay valid."""
    with_role(world)
    world.run(world.account)
    scope = scope_of(session(world), "media")
    world.cluster.writes.clear()
    for _ in range(44):
        world.clock.advance(60)
        world.run(world.account)
    assert 1 == len(world.cloud.assumed)
    for _ in range(2):
        world.clock.advance(60)
        world.run(world.account)
    assert 2 == len(world.cloud.assumed)
    assert "STS.2" == session(world).credentials.access_key_id
    assert scope == scope_of(session(world), "media")
    assert [] == world.cluster.writes


def test_the_next_look_is_not_later_than_the_renewal(world: World) -> None:
    """Nor more often than anybody is looked at."""
    with_role(world)
    assert Outcome(look_again=60.0) == world.run(world.account)
    world.clock.advance(45 * 60 - 20)
    assert Outcome(look_again=20.0) == world.run(world.account)


def test_while_sts_is_away_the_keys_go_on_to_their_last_minute(world: World) -> None:
    """Then the account says so."""
    with_role(world)
    world.run(world.account)
    world.cloud.fate = lambda op: Fate(effect=op != "assume", raises=gone(op))
    world.clock.advance(46 * 60)
    world.context.sessions.put("team", "account", session(world))
    assert not world.run(world.account).failed
    world.clock.advance(13 * 60 + 30)
    assert world.run(world.account).failed
    assert ("False", "CloudUnavailable") == world.condition(world.account)


def gone(operation: str) -> CloudError | None:
    """STS does not answer those who want keys."""
    return Unavailable("sts:AssumeRoleWithOIDC", "refused") if operation == "assume" else None


def test_a_pass_that_meets_the_end_of_a_key_wakes_the_account(world: World) -> None:
    """Nobody stalls: the pass is tried again, after the account has other keys."""
    with_role(world)
    world.run(world.account)
    key = world.dataset()
    world.cloud.fate = lambda _op: Fate(effect=False, raises=Ended("imm:GetDataset", "over"))
    assert world.run(key).failed
    assert ("False", "DependencyNotReady") == world.condition(key)
    assert None is world.condition(key, "Stalled")
    assert {("team", "account"): 0.0} == world.context.sessions.take_wakes()
    world.cloud.fate = lambda _op: Fate()
    world.run(world.account)
    assert 2 == len(world.cloud.assumed)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda w: w.cluster.service_accounts.clear(), "service account indexer does not exist in namespace team"),
        (lambda w: w.cluster.not_allowed.add(("team", "indexer")), "the ClusterRole imm-operator-credentials"),
    ],
    ids=["no-service-account", "not-allowed"],
)
def test_without_a_token_the_cloud_is_not_asked(world: World, prepare: Any, words: str) -> None:
    """And the message says who has to do what."""
    with_role(world)
    prepare(world)
    world.run(world.account)
    assert ("True", "CredentialsUnavailable") == world.condition(world.account, "Stalled")
    assert words in message(world)
    assert [] == world.cloud.calls


def test_a_secret_that_may_not_be_read_says_what_to_bind(world: World) -> None:
    """Where the operator was given single namespaces."""
    world.cluster.not_allowed.add(("team", "key"))
    world.run(world.account)
    assert "may not read Secret key in namespace team" in message(world)


def test_a_role_that_trusts_nobody_says_whom_it_has_to_trust(world: World) -> None:
    """The subject as the trust policy has it."""
    with_role(world)
    world.cloud.fate = lambda _op: Fate(effect=False, raises=REFUSED)
    world.run(world.account)
    assert ("True", "CredentialsRejected") == world.condition(world.account, "Stalled")
    assert "oidc:sub system:serviceaccount:team:indexer" in message(world)


@pytest.mark.parametrize("error", [NO, ClockSkewed("sts:GetCallerIdentity", "no", code="InvalidTimeStamp.Expired")])
def test_what_was_refused_is_tried_again_after_one_two_four_minutes(world: World, error: CloudError) -> None:
    """Not at each look; and not less often than the resync interval."""
    world.cloud.fate = lambda _op: Fate(effect=False, raises=error)
    asked = []
    for minute in range(30):
        before = len(world.cloud.calls)
        world.run(world.account)
        asked += [minute] if len(world.cloud.calls) > before else []
        world.clock.advance(60)
    assert [0, 1, 3, 7, 15, 25] == asked
    assert ["status"] == world.cluster.writes


def test_another_key_or_a_request_is_tried_at_once(world: World) -> None:
    """Whatever was refused before."""
    world.cloud.fate = lambda _op: Fate(effect=False, raises=NO)
    world.run(world.account)
    world.run(world.account)
    assert 1 == len(world.cloud.calls)
    world.cluster.secrets["team", "key"] = secret("LTAI-two", "other")
    world.run(world.account)
    assert 2 == len(world.cloud.calls)
    world.cluster.mark(world.account, annotations={"imm-operator.dev/reconcile-requested-at": "now"})
    world.run(world.account)
    assert 3 == len(world.cloud.calls)


def test_the_operators_own_rights_are_lent_only_by_its_administrator(world: World) -> None:
    """Then the account is what they belong to."""
    put(world, {"ambient": {}})
    world.run(world.account)
    assert "IMM_OPERATOR_ALLOW_AMBIENT" in message(world)
    assert [] == world.cloud.calls
    world.cloud.lent = Credentials("STS.own", "s", "t", renewable=True)
    world.run(world.account)
    assert ("True", "Succeeded") == world.condition(world.account)
    assert "STS.own" == session(world).credentials.access_key_id


def test_a_root_key_is_warned_of_in_one_event(world: World) -> None:
    """However often the account signs in."""
    world.cloud.caller = Caller(ACCOUNT, f"acs:ram::{ACCOUNT}:root", is_root=True)
    for _ in range(3):
        world.run(world.account)
        world.clock.advance(601)
    ((reason, said),) = world.cluster.events
    assert "RootAccountKey" == reason
    assert "spec.credentials.rrsa" in said
    assert said in message(world)


def test_the_addresses_to_use_are_those_of_the_spec(world: World) -> None:
    """Of each service; without one it is the vendor's."""
    addresses = {name: f"https://{name}.example.com" for name in ("imm", "oss", "mns")}
    key = put(world, {"secretRef": {"name": "key"}}, endpoints=addresses, workBucket="work")
    assert Place(ACCOUNT, REGION, **addresses, work_bucket="work") == place_of(world.cluster.read(key))


def test_two_accounts_never_share_a_listing_even_with_one_key(world: World) -> None:
    """Each has addresses of its own, and what one tenant's host answers is no news for another."""
    world.run(world.account)
    spec = {"region": REGION, "accountId": ACCOUNT, "credentials": {"secretRef": {"name": "key"}}}
    liar = world.cluster.put("CloudAccount", "liar", spec | {"endpoints": {"imm": "http://liar.example.com"}})
    world.run(liar)
    theirs = world.context.sessions.get("team", "liar")
    assert theirs is not None
    assert scope_of(session(world), "media") != scope_of(theirs, "media")


def test_a_rotated_key_of_the_same_user_keeps_its_listings(world: World) -> None:
    """Another user starts with one of his own."""
    world.run(world.account)
    scope = scope_of(session(world), "media")
    world.cluster.secrets["team", "key"] = secret("LTAI-two", "other")
    world.run(world.account)
    assert scope == scope_of(session(world), "media")
    world.cloud.caller = Caller(ACCOUNT, f"acs:ram::{ACCOUNT}:user/another", is_root=False)
    world.cluster.secrets["team", "key"] = secret("LTAI-three", "other")
    world.run(world.account)
    assert scope != scope_of(session(world), "media")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"credentials": {}}, "takes exactly one of"),
        ({"credentials": {"secretRef": {"name": "key"}, "ambient": {}}}, "takes exactly one of"),
        ({"accountId": "99999", "credentials": {"rrsa": RRSA}}, "of the account in spec.accountId"),
        ({"credentials": {"ambient": {}}, "endpoints": {"oss": "https://x.example.com"}}, "cannot be set with"),
        ({"credentials": {"ambient": {}}, "endpoints": {"imageSearch": "https://x.example.com"}}, "cannot be set with"),
    ],
    ids=["none", "two", "role-of-another-account", "own-rights-to-strangers", "own-rights-to-strange-pictures"],
)
def test_an_object_stored_before_the_rules_is_held_to_them_too(change: dict[str, Any], words: str) -> None:
    """The models know what the API server knows."""
    with pytest.raises(ValidationError, match=words):
        CloudAccountSpec.model_validate({"region": REGION, "accountId": ACCOUNT} | change)
    assert CredentialsSource.model_validate({"rrsa": RRSA}).secret_ref is None


def test_a_sessions_name_fits_the_cloud_and_tells_accounts_apart() -> None:
    """At most 64 characters, whatever Kubernetes allows."""
    assert "team@account" == session_name("team", "account")
    one, other = session_name("n" * 63, "a" * 253), session_name("n" * 63, "a" * 252)
    assert (64, 64) == (len(one), len(other))
    assert one != other
