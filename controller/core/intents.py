"""Write-ahead intents: how a submit without an idempotency token is made exactly once (law 4).

An intent goes through four states, all visible in `status.intent` and in what this pass knows of it:

    none ──record──▶ acknowledged ──submit──▶ none               the answer came
                          │
                          └──crash, time-out──▶ unresolved ──look-up finds it──▶ none
                                                    │
                                          two look-ups, spaced wider than the call's time-out, find nothing
                                                    ▼
                                                  record again
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.api.status import Intent
from controller.core.actions import CloudAction, RecordIntent
from controller.core.plan import Plan, progressing
from controller.core.reasons import Reason

# Wider than the 15 s a call may take, so that a submit still on its way has ended before the second look-up.
SPACING = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of the intent at this moment.

    Attributes:
        intent: `status.intent`.
        acknowledged: This very pass wrote it, and nothing was submitted since.
        looked_at: When the look-up began that the rest of the observation rests on.
    """

    intent: Intent | None
    acknowledged: bool
    looked_at: datetime


def submit_once(action: CloudAction, ledger: Ledger, now: datetime) -> Plan:
    """Plan the next step towards a submit of something that the look-up did not find."""
    operation, words = type(action).__name__, action.describe()
    intent = ledger.intent
    if intent is None or intent.operation != operation:
        return _record(action, Intent(operation=operation, id=_id(action, now), recorded_at=now), words)
    if ledger.acknowledged and intent.absent_since is None:
        return progressing(Reason.CREATING, words, action)
    if ledger.looked_at <= intent.recorded_at:
        return progressing(Reason.CONFIRMING, _confirming(words), look_again=1.0)
    if intent.absent_since is None:
        seen = intent.model_copy(update={"absent_since": ledger.looked_at})
        plan = _record(action, seen, _confirming(words))
        return progressing(Reason.CONFIRMING, plan.verdict.message, *plan.actions, look_again=SPACING.total_seconds())
    rest = intent.absent_since + SPACING - ledger.looked_at
    if rest > timedelta(0):
        return progressing(Reason.CONFIRMING, _confirming(words), look_again=rest.total_seconds())
    return _record(action, Intent(operation=operation, id=_id(action, now), recorded_at=now), words)


def _record(action: CloudAction, intent: Intent, words: str) -> Plan:
    return progressing(Reason.CREATING, words, RecordIntent(intent, action))


def _confirming(words: str) -> str:
    return f"the answer to a submit was lost; looking twice whether it took effect before trying again: {words}"


def _id(action: CloudAction, now: datetime) -> str:
    return hashlib.sha256(f"{action.describe()}@{now.isoformat()}".encode()).hexdigest()[:16]
