"""CloudAccount: Ready means that it can sign in as the account it says."""

from __future__ import annotations

from dataclasses import dataclass

from controller.api.cloudaccount import CloudAccountSpec
from controller.core.facts import Caller
from controller.core.plan import Plan, ready, stalled
from controller.core.reasons import Reason

ROOT = (
    "the keys are the account's root key, which no policy limits: give the operator a RAM user's key or, better, a RAM "
    "role (spec.credentials.rrsa), and delete the root key"
)


@dataclass(frozen=True, slots=True)
class ObservedAccount:
    """Who the keys belong to, or why there are none."""

    caller: Caller | None
    no_credentials: str = ""


def plan(desired: CloudAccountSpec, observed: ObservedAccount) -> Plan:
    """The verdict; an account has nothing to change in the cloud."""
    if observed.caller is None:
        return stalled(Reason.CREDENTIALS_UNAVAILABLE, observed.no_credentials)
    if observed.caller.account_id != desired.account_id:
        return stalled(
            Reason.ACCOUNT_MISMATCH,
            f"the keys belong to account {observed.caller.account_id}, not {desired.account_id} (spec.accountId): "
            "nothing is done with them. Correct the Secret or make a CloudAccount for that account",
        )
    warning = f"; {ROOT}" if observed.caller.is_root else ""
    return ready(f"signed in as {observed.caller.arn}{warning}")
