"""What a pass learned from the cloud's answer, told to the account: that its key is refused, or what RAM denies it."""

from __future__ import annotations

from dataclasses import replace

from controller.api.batchimport import BatchImport
from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.cloud.errors import CloudError, Denied
from controller.core.plan import Verdict
from controller.core.reasons import Reason
from controller.reconcile.context import Context
from controller.reconcile.denials import Denial
from controller.reconcile.snapshots import OF_THE_KEY

# The pass ended before it came to the call that was denied.
UNDECIDED = {Reason.DEPENDENCY_NOT_READY, Reason.DEPENDENCY_NOT_FOUND}


def heard(
    target: Dataset | DatasetBinding | BatchImport, verdict: Verdict, error: CloudError | None, context: Context
) -> Verdict:
    """Tell the account, and name in the verdict to whom RAM denies what."""
    namespace, account = target.metadata.namespace, target.spec.account_ref.name
    who = type(target), target.metadata.name
    denials = context.sessions.denials
    if isinstance(error, OF_THE_KEY):
        context.sessions.suspect(namespace, account, error, context.now())
    elif isinstance(error, Denied):
        denials.deny((namespace, account), who, Denial(error.operation, error.message))
        session = context.sessions.get(namespace, account)
        if session is not None:
            return replace(verdict, message=f"{verdict.message}: {session.caller.arn}")
    elif error is None and verdict.reason not in UNDECIDED:
        denials.allow((namespace, account), who)
    return verdict
