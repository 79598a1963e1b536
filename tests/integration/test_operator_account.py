"""CloudAccount on the real API server: Ready means that it can sign in as the account it says."""

from __future__ import annotations

from tests.integration.world import World


def test_ready_says_who_signed_in(world: World) -> None:
    """The identity and the principal stand in status."""
    body = world.await_ready("cloudaccount", "main")
    assert body["status"]["identity"] == {"accountId": world.cloud.account_id, "region": world.cloud.region}
    assert body["status"]["principal"] == f"acs:ram::{world.cloud.account_id}:user/imm-operator"


def test_missing_secret_is_named(world: World) -> None:
    """The message says which Secret to create, and creating it is enough."""
    world.account("later", credentials={"secretRef": {"name": "later-made"}})
    condition = world.await_reason("cloudaccount", "later", "CredentialsUnavailable")
    assert "Secret later-made does not exist" in condition["message"]
    assert world.condition("cloudaccount", "later", "Stalled")["status"] == "True"
    world.secret("later-made", AccessKeyId=world.cloud.access_key_id, AccessKeySecret=world.cloud.access_key_secret)
    world.request("cloudaccount", "later", "now")
    world.await_ready("cloudaccount", "later")


def test_wrong_secret_costs_one_call_and_never_shows(world: World) -> None:
    """A refused key is Stalled with the way out; neither key nor storm is seen."""
    world.secret("mistyped", accessKeyId=world.cloud.access_key_id, accessKeySecret="planted-secret-value")
    before = world.cloud.counts().get("sts", {}).get("GetCallerIdentity", 0)
    world.account("wrong", credentials={"secretRef": {"name": "mistyped"}})
    condition = world.await_reason("cloudaccount", "wrong", "CredentialsRejected")
    assert "put a valid AccessKey into the Secret" in condition["message"]
    assert world.cloud.counts()["sts"]["GetCallerIdentity"] - before <= 1
    seen = world.kubectl("get", "cloudaccounts,events", f"--namespace={world.namespace}", "--output=yaml")
    log = (world.directory / "operator.log").read_text()
    assert "planted-secret-value" not in seen + log


def test_account_of_somebody_else_is_refused(world: World) -> None:
    """Credentials of another account than spec.accountId are not used."""
    world.account("other", accountId="9999999999999999")
    condition = world.await_reason("cloudaccount", "other", "AccountMismatch")
    assert world.cloud.account_id in condition["message"]
