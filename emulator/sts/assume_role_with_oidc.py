"""AssumeRoleWithOIDC: whoever holds a token of an issuer that the account registered takes on a role that trusts it.

Nobody signs this call; the token is what is believed. The issuer is asked for its keys before the operation runs,
because a handler never waits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.ims.rules import provider_arn
from emulator.ram.parameters import date, required
from emulator.refusal import Refusal
from emulator.sts.issuers import fetch
from emulator.sts.registry import serves
from emulator.sts.requested import requested
from emulator.sts.sessions import open_session
from emulator.sts.tokens import Claims, check, issuer_of
from emulator.sts.trust import trusts

if TYPE_CHECKING:
    from emulator.ims.state import OidcProvider
    from emulator.state import Cloud

_PROVIDER_ARN = re.compile(r"acs:ram::(\d+):oidc-provider/([^/]+)", re.IGNORECASE)
_SESSION = ("RoleArn", "RoleSessionName", "DurationSeconds", "Policy")


async def ask_issuer(cloud: Cloud, call: Call) -> None:
    """Fetch the keys of the issuer that the call names, if the token claims to be of it."""
    try:
        _, provider = _provider(cloud, call)
        if issuer_of(call.params.get("OIDCToken", "")) != provider.issuer_url:
            return
    except Refusal:
        return  # the handler refuses it again, and its refusal is the answer
    await fetch(cloud.issuers, provider)


@serves("AssumeRoleWithOIDC", "OIDCProviderArn", "OIDCToken", *_SESSION, before=ask_issuer, anonymous=True)
def assume_role_with_oidc(cloud: Cloud, call: Call) -> Reply:
    """Give a temporary key of the role to the token's subject, if the role's trust policy names issuer and subject.

    Source: help.aliyun.com/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc.
    """
    account_id, provider = _provider(cloud, call)
    unheard = Refusal(
        401, "AuthenticationFail.OIDCToken.Invalid", "The issuer of the token was not asked for its keys."
    )
    heard = cloud.issuers.heard.get(provider.issuer_url, unheard)
    token = call.params.get("OIDCToken", "")
    claims = check(token, provider, heard, cloud.clock.wall())
    wanted = requested(cloud, call)
    arn = provider_arn(account_id, provider)
    if wanted.account.account_id != account_id or not trusts(wanted.role, "Federated", {arn}, _facts(claims)):
        raise Refusal(401, "AuthenticationFail.NoPermission", "There is no permission")
    return Reply({**open_session(cloud, wanted), "OIDCTokenInfo": _shown(claims)})


def _provider(cloud: Cloud, call: Call) -> tuple[str, OidcProvider]:
    """The account that the provider belongs to, and the provider."""
    arn = required(call, "OIDCProviderArn")
    named = _PROVIDER_ARN.fullmatch(arn)
    if named is None:
        message = f"The parameter OIDCProviderArn is wrongly formed: {arn}"
        raise Refusal(400, "InvalidParameter.OIDCProviderArn", message)
    account = cloud.accounts.get(named.group(1))
    provider = None if account is None else account.ims.oidc_providers.get(named.group(2))
    if provider is None:
        raise Refusal(401, "AuthenticationFail.NoPermission", "No such OIDC Provider registered.")
    return named.group(1), provider


def _facts(claims: Claims) -> dict[str, str | list[str]]:
    """What a trust policy's conditions may ask about."""
    return {"oidc:iss": claims["iss"], "oidc:sub": claims["sub"], "oidc:aud": claims["aud"]}


def _shown(claims: Claims) -> dict[str, object]:
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    return {
        "Issuer": claims["iss"],
        "Subject": claims["sub"],
        "ClientIds": ",".join(audiences),
        "IssuanceTime": date(claims["iat"]),
        "ExpirationTime": date(claims["exp"]),
        "VerificationInfo": "Success",
    }
