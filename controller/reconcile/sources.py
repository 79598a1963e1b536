"""Where a CloudAccount's credentials come from: a Secret or a service account of its own namespace, or the operator.

Only the account's own pass asks, and it asks the operator's STS alone: no address in a spec ever sees a token.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from hashlib import sha256

from controller.api.cloudaccount import CloudAccount, Rrsa
from controller.cloud.assume import AUDIENCE, LIFETIME
from controller.cloud.clouds import Place
from controller.cloud.credentials import Credentials, CredentialsUnavailable, from_secret
from controller.cloud.errors import Retryable
from controller.cloud.ports import Role
from controller.reconcile.context import Context
from controller.reconcile.ports import NotAllowed
from controller.reconcile.sessions import Session

RENEW_BEFORE = timedelta(minutes=15)  # as long as the vendor's own providers take for it
LAST_MOMENT = timedelta(minutes=1)
MAX_SESSION_NAME = 64
log = logging.getLogger(__name__)


def place_of(target: CloudAccount) -> Place:
    """Region and addresses of an account."""
    spec = target.spec
    return Place(
        spec.account_id,
        spec.region,
        imm=spec.endpoints.imm,
        oss=spec.endpoints.oss,
        mns=spec.endpoints.mns,
        image_search=spec.endpoints.image_search,
        work_bucket=spec.work_bucket,
    )


def from_source(target: CloudAccount, known: Session | None, context: Context) -> Credentials:
    """The credentials of this moment; temporary ones of a role are kept until 15 minutes before they end.

    Raises:
        CredentialsUnavailable: there are none, and the message says what is missing where.
        controller.cloud.errors.CloudError: the cloud gives none.
    """
    source = target.spec.credentials
    if source.secret_ref is not None:
        return _from_secret(target, source.secret_ref.name, context)
    if source.rrsa is None:
        return context.clouds.ambient()
    if (
        known is None
        or (known.source, known.place) != (source, place_of(target))
        or known.credentials.expires_at is None
    ):
        return _from_role(target, source.rrsa, context)
    left = known.credentials.expires_at - context.now()
    if left > RENEW_BEFORE:
        return known.credentials
    try:
        return _from_role(target, source.rrsa, context)
    except Retryable as error:
        if left < LAST_MOMENT:
            raise
        log.warning("CloudAccount %s: its keys could not be renewed yet: %s", _name(target), error)
        return known.credentials


def subject(target: CloudAccount, rrsa: Rrsa) -> str:
    """Who the service account is in its tokens, as a role's trust policy has it in `oidc:sub`."""
    return f"system:serviceaccount:{target.metadata.namespace}:{rrsa.service_account_name}"


def session_name(namespace: str, account: str) -> str:
    """What the cloud's own logs call us: the same for each next key, so that they can be told together."""
    name = f"{namespace}@{account}"
    return name if len(name) <= MAX_SESSION_NAME else f"{name[:52]}-{sha256(name.encode()).hexdigest()[:11]}"


def _from_secret(target: CloudAccount, name: str, context: Context) -> Credentials:
    namespace = target.metadata.namespace
    try:
        data = context.cluster.read_secret(namespace, name)
    except NotAllowed as error:
        raise _not_allowed(f"read Secret {name}", namespace) from error
    if data is None:
        raise CredentialsUnavailable(f"Secret {name} does not exist in namespace {namespace}: create it")
    return from_secret(name, data)


def _from_role(target: CloudAccount, rrsa: Rrsa, context: Context) -> Credentials:
    meta, who = target.metadata, rrsa.service_account_name
    try:
        token = context.cluster.request_token(meta.namespace, who, AUDIENCE, LIFETIME)
    except NotAllowed as error:
        raise _not_allowed(f"request a token of service account {who}", meta.namespace) from error
    if token is None:
        raise CredentialsUnavailable(f"service account {who} does not exist in namespace {meta.namespace}: create it")
    role = Role(rrsa.role_arn, rrsa.oidc_provider_arn, session_name(meta.namespace, meta.name))
    return context.clouds.roles(place_of(target), context.lane).assume(role, token)


def _not_allowed(what: str, namespace: str) -> CredentialsUnavailable:
    return CredentialsUnavailable(
        f"the operator may not {what} in namespace {namespace}: have its administrator bind the ClusterRole "
        "imm-operator-credentials there, and name another service account than the operator's own"
    )


def _name(target: CloudAccount) -> str:
    return f"{target.metadata.namespace}/{target.metadata.name}"
