"""CloudAccount: get credentials, sign in, and let the namespace's other objects use the session."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from controller.api.cloudaccount import CloudAccount, CloudAccountStatus
from controller.api.status import Condition, Identity
from controller.cloud.assume import AUDIENCE, OPERATION
from controller.cloud.credentials import Credentials, CredentialsUnavailable
from controller.cloud.errors import CloudError, Ended, Retryable, Terminal
from controller.core import account
from controller.core.account import ObservedAccount
from controller.core.conditions import MAX_MESSAGE
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile import denials
from controller.reconcile.context import SHORTEST_RESYNC, Context, Outcome, resync_after
from controller.reconcile.failures import said, verdict_of
from controller.reconcile.report import summarize
from controller.reconcile.requests import requested
from controller.reconcile.sessions import Session, fingerprint
from controller.reconcile.sources import RENEW_BEFORE, from_source, place_of, subject

# A changed Secret wakes nobody: it is read again this often, which costs one GET and no cloud call.
SECRET_INTERVAL = 60.0
log = logging.getLogger(__name__)


def reconcile_account(target: CloudAccount, context: Context) -> Outcome:
    """Sign in where the credentials or the place changed, or the last time is a resync interval ago.

    One that terminates signs in like any other: what leaves with it has no other way to clean up.
    """
    key = target.metadata.namespace, target.metadata.name
    known = context.sessions.get(*key)
    session: Session | None = None
    failure: CloudError | None = None
    try:
        session = _sign_in(target, known, context)
        verdict = account.plan(target.spec, ObservedAccount(session.caller)).verdict
    except CredentialsUnavailable as error:
        verdict = account.plan(target.spec, ObservedAccount(None, str(error))).verdict
    except CloudError as error:
        failure, verdict = error, _refused(target, error)
    if session is not None and verdict.standing is Standing.READY:
        if session is not known:
            context.sessions.put(*key, session)
    elif failure is None or isinstance(failure, Ended):
        context.sessions.drop(*key)
    return _conclude(target, session, verdict, failure, context, fresh=known is None)


def _sign_in(target: CloudAccount, known: Session | None, context: Context) -> Session:
    """The known session as long as it is good, else a new one.

    Raises:
        CredentialsUnavailable: there are no credentials.
        controller.cloud.errors.CloudError: the cloud takes none of them, now or when it was asked last.
    """
    meta, source, place = target.metadata, target.spec.credentials, place_of(target)
    # What a Secret holds is part of what is tried; a role is tried by its name.
    held = None if source.rrsa else from_source(target, known, context)
    using = fingerprint(held or source, place)
    _spare(target, using, context)
    try:
        credentials = held or from_source(target, known, context)
        if known is not None and _good(target, known, credentials, context):
            return known
        caller = context.clouds.sts(place, credentials, context.lane).get_caller()
    except CloudError as error:
        log.warning("CloudAccount %s/%s: %s", meta.namespace, meta.name, error)
        if isinstance(error, Terminal):
            context.sessions.refuse(meta.namespace, meta.name, using, error, context.now())
        raise
    return Session(place, credentials, caller, context.now(), source, meta.uid)


def _good(target: CloudAccount, known: Session, credentials: Credentials, context: Context) -> bool:
    """Whether nothing changed, nobody asks, and the last sign-in is not a resync interval ago."""
    found = credentials, place_of(target), target.metadata.uid
    same = (known.credentials, known.place, known.owner) == found
    return same and not requested(target) and context.now() - known.signed_in_at < _interval(target)


def _spare(target: CloudAccount, using: str, context: Context) -> None:
    """Say again what was refused, without a call: after a minute it is tried again, then after two, four and so on."""
    before = context.sessions.refused(target.metadata.namespace, target.metadata.name)
    if before is None or before.using != using or requested(target):
        return
    pause = min(_interval(target), timedelta(seconds=SECRET_INTERVAL * 2.0 ** min(before.times - 1, 10)))
    if context.now() - before.at < pause:
        raise before.error


def _interval(target: CloudAccount) -> timedelta:
    return timedelta(seconds=resync_after(target.spec.resync_interval))


def _refused(target: CloudAccount, error: CloudError) -> Verdict:
    """With a role, the way out is in RAM."""
    verdict, rrsa = verdict_of(error), target.spec.credentials.rrsa
    if rrsa is None or error.operation != OPERATION or verdict.reason is not Reason.CREDENTIALS_REJECTED:
        return verdict
    trust = f"the provider, oidc:aud {AUDIENCE} and oidc:sub {subject(target, rrsa)}"
    return replace(
        verdict, message=f"{said(error)}; the role {rrsa.role_arn} has to exist and its trust policy to name {trust}"
    )


def _conclude(
    target: CloudAccount,
    session: Session | None,
    verdict: Verdict,
    failure: CloudError | None,
    context: Context,
    *,
    fresh: bool,
) -> Outcome:
    before = status = target.status
    if session is not None:
        caller = session.caller
        identity = Identity(account_id=caller.account_id, region=target.spec.region)
        status = CloudAccountStatus(**dict(status) | {"identity": identity, "principal": caller.arn})
    status = summarize(target, status, verdict, context.now())
    permitted = _permitted(target, status.principal, context, keep=fresh)
    status = status.model_copy(update={"conditions": [*status.conditions, *permitted]})
    context.reporter.write(target, before, status, verdict)
    if session is not None and session.caller.is_root and before.principal != session.caller.arn:
        context.reporter.warn(target, Reason.ROOT_ACCOUNT_KEY, account.ROOT)
    if isinstance(failure, Retryable):
        return Outcome(failed=True)
    return Outcome(look_again=_next_look(target, session, context))


def _next_look(target: CloudAccount, session: Session | None, context: Context) -> float:
    looks = [SECRET_INTERVAL, resync_after(target.spec.resync_interval)]
    if session is not None and session.credentials.expires_at is not None:
        looks.append((session.credentials.expires_at - RENEW_BEFORE - context.now()).total_seconds())
    return max(SHORTEST_RESYNC, min(looks))


def _permitted(target: CloudAccount, principal: str | None, context: Context, *, keep: bool) -> list[Condition]:
    """`Permitted=False` while RAM denies something. A process that just started has met nothing: what stands, stays."""
    meta, stored = target.metadata, [c for c in target.status.conditions if c.type == denials.TYPE]
    denied = context.sessions.denials.keep(
        (meta.namespace, meta.name), lambda who: context.objects.get(who[0], meta.namespace, who[1]) is not None
    )
    if not denied:
        return stored if keep else []
    since = stored[0].last_transition_time if stored else context.now().replace(microsecond=0)
    return [
        Condition(
            type=denials.TYPE,
            status="False",
            reason=Reason.ACCESS_DENIED.value,
            message=denials.words(denied, principal or "the account's identity")[:MAX_MESSAGE],
            observed_generation=meta.generation,
            last_transition_time=since,
        )
    ]
