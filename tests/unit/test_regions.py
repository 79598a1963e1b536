"""A region that does not exist is told apart from a name server that is down."""

from __future__ import annotations

import socket

import pytest

from controller.cloud import openapi
from controller.cloud.errors import Unavailable, WrongRegion
from controller.cloud.regions import KNOWN, missing_host

WORDS = (
    "HTTPSConnectionPool(host='{}', port=443): Max retries exceeded with url: /?Action=X&SecurityToken=planted (Caused "
    "by NameResolutionError(\"Failed to resolve '{}' ([Errno -2] Name or service not known)\"))"
)
NOWHERE = "imm.cn-nowhere.aliyuncs.com"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names that resolve; the system's resolver is stood in for."""
    known = {KNOWN}

    def resolve(host: str, *_: object) -> list[object]:
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [host]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


def test_a_region_without_an_address_does_not_exist(names: set[str]) -> None:
    """The vendor's own name resolves, that of the region does not."""
    assert NOWHERE == missing_host(WORDS.format(NOWHERE, NOWHERE))
    names.add(NOWHERE)
    assert None is missing_host(WORDS.format(NOWHERE, NOWHERE))


def test_without_a_name_server_nothing_is_said(names: set[str]) -> None:
    """Then no name resolves."""
    names.clear()
    assert None is missing_host(WORDS.format(NOWHERE, NOWHERE))


@pytest.mark.parametrize("host", ["imm.example.com", "127.0.0.1", KNOWN])
def test_other_hosts_say_nothing_of_regions(names: set[str], host: str) -> None:
    """An override is an address of somebody else's."""
    assert None is missing_host(WORDS.format(host, host))


def test_the_error_names_the_host_and_none_of_the_parameters(names: set[str]) -> None:
    """Some protocols sign in the address."""
    error = openapi.translate("imm:GetDataset", RuntimeError(WORDS.format(NOWHERE, NOWHERE)))
    assert WrongRegion is type(error)
    assert NOWHERE in error.message
    names.add(NOWHERE)
    error = openapi.translate("imm:GetDataset", RuntimeError(WORDS.format(NOWHERE, NOWHERE)))
    assert Unavailable is type(error)
    assert "planted" not in error.message
