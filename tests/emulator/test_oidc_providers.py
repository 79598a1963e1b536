"""IMS: OpenID Connect providers, as the Terraform provider's `alicloud_ims_oidc_provider` makes and changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ims20190815 import models
from alibabacloud_ims20190815.client import Client

from tests.emulator.role_room import config_as, new_provider, new_user, refused

if TYPE_CHECKING:
    from emulator.testing import LocalCloud

URL = "https://issuer.example.com:6443"
FIRST, SECOND = "0BBFAB97059595E8D1EC48E89EB8657C0E5AAE71", "902ef2deeb3c5b13ea4c3d5193629309e231ae55"


@pytest.fixture(params=[False, True])
def ims(cloud: LocalCloud, request: pytest.FixtureRequest) -> Any:
    """IMS's official client, by both RPC signatures."""
    return Client(config_as(cloud, old=request.param))


def shown(ims: Any, name: str = "cluster") -> Any:
    """The provider as GetOIDCProvider tells it."""
    return ims.get_oidcprovider(models.GetOIDCProviderRequest(oidcprovider_name=name)).body.oidcprovider


def test_a_provider_is_read_as_it_was_made(cloud: LocalCloud, ims: Any) -> None:
    """Lists come back separated by commas and spelled as sent, or Terraform would see a difference for ever."""
    arn = new_provider(cloud, URL, client_ids="one,two", fingerprints=f"{FIRST},{SECOND}", description="a cluster")
    found = shown(ims)
    assert f"acs:ram::{cloud.account_id}:oidc-provider/cluster" == arn == found.arn
    assert (URL, "one,two", f"{FIRST},{SECOND}") == (found.issuer_url, found.client_ids, found.fingerprints)
    assert ("a cluster", 12, "cluster") == (found.description, found.issuance_limit_time, found.oidcprovider_name)
    assert found.create_date.endswith("Z")


def test_description_clients_and_limit_are_updated(cloud: LocalCloud, ims: Any) -> None:
    """What is not named stays; the fingerprints have operations of their own."""
    new_provider(cloud, URL, client_ids="one", fingerprints=FIRST, description="a cluster")
    cloud.advance(60)
    update = models.UpdateOIDCProviderRequest(oidcprovider_name="cluster", client_ids="two", issuance_limit_time=168)
    ims.update_oidcprovider(update)
    found = shown(ims)
    assert ("two", 168, "a cluster", FIRST) == (
        found.client_ids,
        found.issuance_limit_time,
        found.description,
        found.fingerprints,
    )
    assert found.update_date > found.create_date
    ims.update_oidcprovider(models.UpdateOIDCProviderRequest(oidcprovider_name="cluster", new_description="ours"))
    assert ("ours", "two") == (shown(ims).description, shown(ims).client_ids)


def test_fingerprints_change_one_by_one_and_one_stays(cloud: LocalCloud, ims: Any) -> None:
    """Adding twice changes nothing; there are five at most, and the last one is not removed."""
    new_provider(cloud, URL, fingerprints=FIRST)

    def add(fingerprint: str) -> None:
        request = models.AddFingerprintToOIDCProviderRequest(oidcprovider_name="cluster", fingerprint=fingerprint)
        ims.add_fingerprint_to_oidcprovider(request)

    def remove(fingerprint: str) -> None:
        request = models.RemoveFingerprintFromOIDCProviderRequest(oidcprovider_name="cluster", fingerprint=fingerprint)
        ims.remove_fingerprint_from_oidcprovider(request)

    add(SECOND)
    add(SECOND)
    assert f"{FIRST},{SECOND}" == shown(ims).fingerprints
    remove(FIRST)
    assert SECOND == shown(ims).fingerprints
    assert (404, "EntityNotExist.OIDCProvider.Fingerprint") == refused(remove, FIRST)
    assert (409, "LimitExceeded.OIDCProvider.Fingerprint") == refused(remove, SECOND)
    for number in range(4):
        add(str(number) * 40)
    assert (409, "LimitExceeded.OIDCProvider.Fingerprint") == refused(add, FIRST)


def test_client_ids_change_one_by_one(cloud: LocalCloud, ims: Any) -> None:
    """The audiences of the issuer's tokens."""
    new_provider(cloud, URL, client_ids="one")
    ims.add_client_id_to_oidcprovider(
        models.AddClientIdToOIDCProviderRequest(oidcprovider_name="cluster", client_id="two")
    )
    assert "one,two" == shown(ims).client_ids
    remove = models.RemoveClientIdFromOIDCProviderRequest(oidcprovider_name="cluster", client_id="one")
    ims.remove_client_id_from_oidcprovider(remove)
    assert "two" == shown(ims).client_ids
    refusal = refused(ims.remove_client_id_from_oidcprovider, remove)
    assert (404, "EntityNotExist.OIDCProvider.ClientId") == refusal


def test_listed_in_pages_and_deleted(cloud: LocalCloud, ims: Any) -> None:
    """In order of name; a provider that is gone is EntityNotExist.OIDCProvider, which Terraform waits for."""
    for name in ("b", "c", "a"):
        new_provider(cloud, f"https://{name}.example.com", name=name)
    first = ims.list_oidcproviders(models.ListOIDCProvidersRequest(max_items=2)).body
    rest = ims.list_oidcproviders(models.ListOIDCProvidersRequest(max_items=2, marker=first.marker)).body
    pages = [[found.oidcprovider_name for found in page.oidcproviders.oidcprovider] for page in (first, rest)]
    assert ([["a", "b"], ["c"]], True, False) == (pages, first.is_truncated, rest.is_truncated)
    ims.delete_oidcprovider(models.DeleteOIDCProviderRequest(oidcprovider_name="a"))
    assert (404, "EntityNotExist.OIDCProvider") == refused(shown, ims, "a")


@pytest.mark.parametrize(
    ("name", "url", "details", "refusal"),
    [
        ("cluster", "https://other.example.com", {}, (409, "EntityAlreadyExists.OIDCProvider")),
        ("other", URL, {}, (409, "EntityAlreadyExists.OIDCProvider.IssuerUrl")),
        ("-other", "https://b.example.com", {}, (400, "InvalidParameter.OIDCProviderName")),
        ("other", "http://b.example.com", {}, (400, "InvalidParameter.IssuerUrl")),
        ("other", "https://b.example.com?query", {}, (400, "InvalidParameter.IssuerUrl")),
        ("other", "https://user@b.example.com", {}, (400, "InvalidParameter.IssuerUrl")),
        ("other", "https://[b.example.com", {}, (400, "InvalidParameter.IssuerUrl")),
        ("other", "https://b.example.com", {"client_ids": "-one"}, (400, "InvalidParameter.ClientIds")),
        ("other", "https://b.example.com", {"fingerprints": "a:b"}, (400, "InvalidParameter.Fingerprints")),
        ("other", "https://b.example.com", {"issuance_limit_time": 169}, (400, "InvalidParameter.IssuanceLimitTime")),
        ("other", "https://b.example.com", {"description": "x" * 257}, (400, "InvalidParameter.Description")),
    ],
)
def test_a_provider_is_checked(
    cloud: LocalCloud, name: str, url: str, details: dict[str, Any], refusal: tuple[int, str]
) -> None:
    """Names and issuers are unique, and of the documented form."""
    new_provider(cloud, URL)
    assert refusal == refused(new_provider, cloud, url, name=name, **details)


def test_a_user_needs_the_right_of_each_operation(cloud: LocalCloud) -> None:
    """IMS's rights are RAM's."""
    new_provider(cloud, URL)
    reader = Client(config_as(cloud, new_user(cloud, "reader", "AliyunRAMReadOnlyAccess")))
    assert URL == shown(reader).issuer_url
    gone = models.DeleteOIDCProviderRequest(oidcprovider_name="cluster")
    assert 403 == refused(reader.delete_oidcprovider, gone)[0]
