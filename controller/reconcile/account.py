"""CloudAccount: read the Secret, sign in, and let the namespace's other objects use the session."""

from __future__ import annotations

from datetime import timedelta

from controller.api.cloudaccount import CloudAccount, CloudAccountStatus
from controller.api.status import Identity
from controller.cloud.clouds import Place
from controller.cloud.credentials import Credentials, CredentialsUnavailable, from_secret
from controller.cloud.errors import CloudError, Retryable
from controller.core import account
from controller.core.account import ObservedAccount
from controller.core.facts import Caller
from controller.core.plan import Standing, Verdict
from controller.reconcile.context import Context, Outcome, resync_after
from controller.reconcile.failures import verdict_of
from controller.reconcile.report import summarize
from controller.reconcile.sessions import Session

# A changed Secret wakes nobody: it is read again this often, which costs one GET and no cloud call.
SECRET_INTERVAL = 60.0


def reconcile_account(target: CloudAccount, context: Context) -> Outcome:
    """Sign in where the credentials or the place changed, or the last time is a resync interval ago."""
    if target.metadata.deleting:
        return Outcome(gone=True)
    namespace, name = target.metadata.namespace, target.metadata.name
    failure: CloudError | None = None
    caller: Caller | None = None
    try:
        caller, session = _sign_in(target, context)
        verdict = account.plan(target.spec, ObservedAccount(caller)).verdict
    except CredentialsUnavailable as error:
        session = None
        verdict = account.plan(target.spec, ObservedAccount(None, str(error))).verdict
    except CloudError as error:
        session, failure, verdict = None, error, verdict_of(error)
    if session is not None and verdict.standing is Standing.READY:
        context.sessions.put(namespace, name, session)
    elif not isinstance(failure, Retryable):
        context.sessions.drop(namespace, name)
    return _conclude(target, caller, verdict, failure, context)


def _sign_in(target: CloudAccount, context: Context) -> tuple[Caller, Session]:
    credentials, place = _credentials(target, context), _place(target)
    known = context.sessions.get(target.metadata.namespace, target.metadata.name)
    interval = timedelta(seconds=resync_after(target.spec.resync_interval))
    asked = target.metadata.reconcile_requested_at != target.status.last_handled_reconcile_at
    if (
        known is not None
        and not asked
        and (known.credentials, known.place) == (credentials, place)
        and context.now() - known.signed_in_at < interval
    ):
        return known.caller, known
    caller = context.clouds.sts(place, credentials, context.lane).get_caller()
    return caller, Session(place, credentials, caller, context.now())


def _credentials(target: CloudAccount, context: Context) -> Credentials:
    name = target.spec.credentials.secret_ref.name
    data = context.cluster.read_secret(target.metadata.namespace, name)
    if data is None:
        raise CredentialsUnavailable(
            f"Secret {name} does not exist in namespace {target.metadata.namespace}: create it"
        )
    return from_secret(name, data)


def _place(target: CloudAccount) -> Place:
    spec = target.spec
    return Place(spec.account_id, spec.region, imm=spec.endpoints.imm, oss=spec.endpoints.oss)


def _conclude(
    target: CloudAccount, caller: Caller | None, verdict: Verdict, failure: CloudError | None, context: Context
) -> Outcome:
    status = target.status
    if caller is not None:
        identity = Identity(account_id=caller.account_id, region=target.spec.region)
        status = CloudAccountStatus(**dict(status) | {"identity": identity, "principal": caller.arn})
    context.reporter.write(target, target.status, summarize(target, status, verdict, context.now()), verdict)
    if isinstance(failure, Retryable):
        return Outcome(failed=True)
    return Outcome(look_again=min(SECRET_INTERVAL, resync_after(target.spec.resync_interval)))
