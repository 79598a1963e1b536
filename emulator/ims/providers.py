"""OpenID Connect providers: whose tokens an account's roles may trust.

Pages named as sources stand below help.aliyun.com/en/ram/developer-reference/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.ims import rules
from emulator.ims.registry import serves
from emulator.ims.state import OidcProvider
from emulator.ram.parameters import date, exists, page
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.state import Cloud

_DETAILS = ("Description", "ClientIds", "Fingerprints", "IssuanceLimitTime")


def answer(cloud: Cloud, call: Call, provider: OidcProvider, *, changed: bool = False) -> Reply:
    """The provider, whose change is dated if it is one."""
    if changed:
        provider.updated = cloud.clock.now()
    return Reply({"OIDCProvider": _shown(call.account, provider)})


def _shown(account_id: str, provider: OidcProvider) -> dict[str, object]:
    return {
        "OIDCProviderName": provider.name,
        "Arn": rules.provider_arn(account_id, provider),
        "IssuerUrl": provider.issuer_url,
        "ClientIds": ",".join(provider.client_ids),
        "Fingerprints": ",".join(provider.fingerprints),
        "IssuanceLimitTime": provider.issuance_limit,
        "Description": provider.description,
        "CreateDate": date(provider.created),
        "UpdateDate": date(provider.updated),
        "GmtCreate": str(int(provider.created * 1000)),
        "GmtModified": str(int(provider.updated * 1000)),
    }


@serves("CreateOIDCProvider", "OIDCProviderName", "IssuerUrl", *_DETAILS)
def create_provider(cloud: Cloud, call: Call) -> Reply:
    """Register an issuer; name and issuer are each unique in the account.

    Source: api-ims-2019-08-15-createoidcprovider.
    """
    known = cloud.accounts[call.account].ims.oidc_providers
    name, url = rules.new_name(call), rules.issuer_url(call)
    now = cloud.clock.now()
    provider = OidcProvider(
        name=name,
        issuer_url=url,
        created=now,
        updated=now,
        issuance_limit=rules.issuance_limit(call),
        description=rules.description(call, "Description"),
        client_ids=rules.client_ids(rules.listed(call, "ClientIds")),
        fingerprints=rules.fingerprints(rules.listed(call, "Fingerprints")),
    )
    if name in known:
        raise exists("OIDCProvider", name)
    if url in {other.issuer_url for other in known.values()}:
        raise exists("OIDCProvider.IssuerUrl", url)
    if len(known) >= rules.MOST_PROVIDERS:
        message = f"The count of OIDC providers is beyond the current limit: {rules.MOST_PROVIDERS}."
        raise Refusal(409, "LimitExceeded.OIDCProvider", message)
    known[name] = provider
    return answer(cloud, call, provider)


@serves("GetOIDCProvider", "OIDCProviderName")
def get_provider(cloud: Cloud, call: Call) -> Reply:
    """One provider. Source: api-ims-2019-08-15-getoidcprovider."""
    return answer(cloud, call, rules.find_provider(cloud, call))


@serves("ListOIDCProviders", "Marker", "MaxItems")
def list_providers(cloud: Cloud, call: Call) -> Reply:
    """Providers in order of name. Source: api-ims-2019-08-15-listoidcproviders."""
    known = cloud.accounts[call.account].ims.oidc_providers
    names, paging = page(call, list(known))
    return Reply({"OIDCProviders": {"OIDCProvider": [_shown(call.account, known[name]) for name in names]}, **paging})


@serves("UpdateOIDCProvider", "OIDCProviderName", "NewDescription", "ClientIds", "IssuanceLimitTime")
def update_provider(cloud: Cloud, call: Call) -> Reply:
    """Change what is given, keep the rest; fingerprints have operations of their own.

    Source: api-ims-2019-08-15-updateoidcprovider.
    """
    provider = rules.find_provider(cloud, call)
    text = rules.description(call, "NewDescription", provider.description)
    limit = rules.issuance_limit(call, provider.issuance_limit)
    if "ClientIds" in call.params:
        provider.client_ids = rules.client_ids(rules.listed(call, "ClientIds"))
    provider.description, provider.issuance_limit = text, limit
    return answer(cloud, call, provider, changed=True)


@serves("DeleteOIDCProvider", "OIDCProviderName")
def delete_provider(cloud: Cloud, call: Call) -> Reply:
    """Trust the issuer no longer; sessions that it led to go on to their end.

    Source: api-ims-2019-08-15-deleteoidcprovider.
    """
    del cloud.accounts[call.account].ims.oidc_providers[rules.find_provider(cloud, call).name]
    return Reply({})
