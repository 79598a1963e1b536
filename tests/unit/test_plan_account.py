"""CloudAccount: Ready means that it can sign in as the account it says."""

from __future__ import annotations

from controller.api.cloudaccount import CloudAccountSpec
from controller.core.account import ObservedAccount, plan
from controller.core.facts import Caller
from controller.core.plan import Standing
from controller.core.reasons import Reason

SPEC = CloudAccountSpec.model_validate(
    {"region": "cn-hangzhou", "accountId": "1234567890123456", "credentials": {"secretRef": {"name": "key"}}}
)
USER = Caller("1234567890123456", "acs:ram::1234567890123456:user/operator", is_root=False)


def test_the_right_account_is_ready_and_named() -> None:
    """Who was signed in is in the message, without a warning."""
    decided = plan(SPEC, ObservedAccount(USER))
    assert ((), Standing.READY) == (decided.actions, decided.verdict.standing)
    assert USER.arn in decided.verdict.message
    assert "root" not in decided.verdict.message


def test_the_accounts_root_key_is_ready_with_a_warning() -> None:
    """It works, and should not be used."""
    root = Caller(USER.account_id, f"acs:ram::{USER.account_id}:root", is_root=True)
    verdict = plan(SPEC, ObservedAccount(root)).verdict
    assert Standing.READY == verdict.standing
    assert "a RAM user's key or, better, a RAM role" in verdict.message


def test_another_account_is_stalled_and_both_are_named() -> None:
    """The wrong keys do nothing at all."""
    verdict = plan(SPEC, ObservedAccount(Caller("999999", "arn", is_root=False))).verdict
    assert (Standing.STALLED, Reason.ACCOUNT_MISMATCH) == (verdict.standing, verdict.reason)
    assert "999999" in verdict.message
    assert SPEC.account_id in verdict.message


def test_no_credentials_is_stalled_with_what_is_missing() -> None:
    """The message is the one that says which Secret lacks what."""
    verdict = plan(SPEC, ObservedAccount(None, "Secret key has no key accessKeyId: add it")).verdict
    assert (Standing.STALLED, Reason.CREDENTIALS_UNAVAILABLE) == (verdict.standing, verdict.reason)
    assert "Secret key has no key accessKeyId: add it" == verdict.message
