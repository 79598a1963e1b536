"""Web pages and the services: the key pair is public, so a signature does not say who sent a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import oss2
import pytest
import requests

from tests.emulator.test_auth_signatures import acs3, mns_headers, rpc_v1

if TYPE_CHECKING:
    from emulator.testing import LocalCloud

CROSS = {"Sec-Fetch-Site": "cross-site"}


def ask(cloud: LocalCloud, method: str, target: str, headers: dict[str, str]) -> requests.Response:
    """The answer to a request as it is."""
    return requests.request(method, cloud.url + target, headers=headers, timeout=10)


@pytest.mark.parametrize("mode", ["navigate", "no-cors", "cors"])
def test_a_page_of_another_site_changes_nothing(cloud: LocalCloud, bucket: oss2.Bucket, mode: str) -> None:
    """A signed request of every protocol, by a form or a script: 403, in the service's shape and in the journal."""
    bucket.put_object("a", b"text")
    by_page = {**CROSS, "Sec-Fetch-Mode": mode, "Origin": "http://evil.example"}
    asked = [
        ask(cloud, "POST", "/", {**acs3(cloud), **by_page}),
        ask(cloud, "GET", rpc_v1(cloud), by_page),
        ask(cloud, "GET", "/queues", {**mns_headers(cloud, "/queues"), **by_page}),
    ]
    for method in ("PUT", "DELETE", "POST"):
        address = bucket.sign_url(method, "a", 60).removeprefix(cloud.url)
        asked.append(ask(cloud, method, address, by_page))
    assert [403] * 6 == [answer.status_code for answer in asked]
    assert all("CrossSite.Emulator" in answer.text and "public" in answer.text for answer in asked)
    assert ["CrossSite.Emulator"] * 6 == [entry["code"] for entry in cloud.requests()[-6:]]
    assert b"text" == bucket.get_object("a").read()


@pytest.mark.parametrize("site", ["none", "same-origin", "same-site", None])
def test_other_callers_are_let_in(cloud: LocalCloud, site: str | None) -> None:
    """Programs, and what runs on this machine."""
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    assert 200 == ask(cloud, "POST", "/", {**acs3(cloud), **headers}).status_code


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_signed_address_of_a_picture_works_in_any_page(cloud: LocalCloud, bucket: oss2.Bucket, method: str) -> None:
    """Reading an object changes nothing, and no page can read the answer: nothing allows it to."""
    bucket.put_object("a.png", b"picture")
    address = bucket.sign_url(method, "a.png", 60).removeprefix(cloud.url)
    answer = ask(cloud, method, address, {**CROSS, "Sec-Fetch-Dest": "image", "Origin": "http://mine.example"})
    assert 200 == answer.status_code
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert "content-security-policy" not in answer.headers


@pytest.mark.parametrize("kind", ["document", "iframe", "frame", "embed", "object"])
def test_an_object_opened_as_a_document_has_no_origin(cloud: LocalCloud, bucket: oss2.Bucket, kind: str) -> None:
    """Its scripts would be of one origin with `/_emulator/state`; a refusal may not be a way around it."""
    bucket.put_object("a", b"<script>fetch('/_emulator/state')</script>")
    address = bucket.sign_url("GET", "a", 60, params={"response-content-type": "text/html"}).removeprefix(cloud.url)
    for target, status in ((address, 200), ("/pictures/a", 403)):
        answer = ask(cloud, "GET", target, {**CROSS, "Sec-Fetch-Dest": kind, "Sec-Fetch-Mode": "navigate"})
        assert status == answer.status_code
        assert ("sandbox", "nosniff") == (
            answer.headers["content-security-policy"],
            answer.headers["x-content-type-options"],
        )


def test_a_program_gets_the_objects_own_headers(bucket: oss2.Bucket) -> None:
    """An SDK sees what OSS would send."""
    bucket.put_object("a", b"text")
    headers: Any = bucket.get_object("a").headers
    assert {"content-security-policy", "x-content-type-options"}.isdisjoint({name.lower() for name in headers})
