"""Signatures: the official SDKs are let in, and every way to be wrong gets the service's own code and shape."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from email.utils import formatdate
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import oss2
import pytest
import requests
from alibabacloud_tea_openapi.exceptions import ClientException
from mns.account import Account
from mns.mns_exception import MNSServerException

from emulator.wire.xml import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.testing import LocalCloud

SKEW = 16 * 60  # seconds; one minute more than every scheme allows


def send(
    cloud: LocalCloud, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
) -> tuple[int, bytes]:
    """A hand-made request, for what no SDK would send."""
    connection = HTTPConnection(cloud.host, timeout=10)
    try:
        connection.request(method, target, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def acs3(
    cloud: LocalCloud, *, age: float = 0, nonce: str | None = "n", unsigned: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Headers of a signed GetCallerIdentity; the signature does not cover the `unsigned` ones."""
    digest = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": cloud.host,
        "x-acs-action": "GetCallerIdentity",
        "x-acs-content-sha256": digest,
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age)),
        "x-acs-version": "2015-04-01",
    }
    if nonce is not None:
        headers["x-acs-signature-nonce"] = nonce
    covered = sorted(headers.keys() - unsigned)
    names = ";".join(covered)
    lines = "".join(f"{name}:{headers[name]}\n" for name in covered)
    canonical = hashlib.sha256(f"POST\n/\n\n{lines}\n{names}\n{digest}".encode()).hexdigest()
    key = cloud.access_key_secret.encode()
    signature = hmac.new(key, f"ACS3-HMAC-SHA256\n{canonical}".encode(), hashlib.sha256).hexdigest()
    credential = f"ACS3-HMAC-SHA256 Credential={cloud.access_key_id},SignedHeaders={names},Signature={signature}"
    return {**headers, "Authorization": credential}


def rpc_v1(cloud: LocalCloud, *, age: float = 0, nonce: str = "n") -> str:
    """The target of a signed GetCallerIdentity, old style."""
    params = {
        "AccessKeyId": cloud.access_key_id,
        "Action": "GetCallerIdentity",
        "Format": "JSON",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": nonce,
        "SignatureVersion": "1.0",
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age)),
        "Version": "2015-04-01",
    }
    pairs = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted(params.items()))
    to_sign = f"GET&%2F&{quote(pairs, safe='~')}".encode()
    digest = hmac.new(f"{cloud.access_key_secret}&".encode(), to_sign, hashlib.sha1).digest()
    return "/?" + urlencode({**params, "Signature": base64.b64encode(digest).decode()})


def mns_headers(cloud: LocalCloud, target: str, *, age: float = 0) -> dict[str, str]:
    """Headers of a signed MNS request without a body."""
    date = formatdate(time.time() - age, usegmt=True)
    to_sign = f"GET\n\n\n{date}\nx-mns-version:2015-06-06\n{target}".encode()
    digest = hmac.new(cloud.access_key_secret.encode(), to_sign, hashlib.sha1).digest()
    signature = f"MNS {cloud.access_key_id}:{base64.b64encode(digest).decode()}"
    return {"Date": date, "x-mns-version": "2015-06-06", "Authorization": signature}


def code_of(body: bytes) -> str:
    """The error code, from either shape."""
    if body.startswith(b"{"):
        document = json.loads(body)
        assert {"RequestId", "HostId", "Code", "Message", "Recommend"} == set(document)
        return str(document["Code"])
    root = parse(body)
    assert root is not None
    return next(child.text or "" for child in root if child.tag.endswith("Code"))


class TestRpc:
    """ACS3 and version 1.0, in front of STS."""

    @pytest.mark.parametrize("old", [False, True])
    def test_the_sdk_is_let_in_and_told_who_it_is(
        self,
        cloud: LocalCloud,
        sts_of: Callable[..., Any],
        old: bool,  # noqa: FBT001 - a pytest parameter
    ) -> None:
        """Both generations of signature lead to the same identity."""
        body = sts_of(cloud, old=old).get_caller_identity().body
        arn = f"acs:ram::{cloud.account_id}:root"
        assert (cloud.account_id, arn, "Account") == (body.account_id, body.arn, body.identity_type)

    @pytest.mark.parametrize("old", [False, True])
    def test_an_unknown_key_and_a_wrong_secret_differ(
        self,
        cloud: LocalCloud,
        sts_of: Callable[..., Any],
        old: bool,  # noqa: FBT001 - a pytest parameter
    ) -> None:
        """The code says which half of the pair is wrong."""
        from dataclasses import replace  # noqa: PLC0415

        cases = {
            "InvalidAccessKeyId.NotFound": replace(cloud, access_key_id="LTAI5tNobody"),
            "SignatureDoesNotMatch": replace(cloud, access_key_secret="wrong"),
        }
        for code, wrong in cases.items():
            with pytest.raises(ClientException) as caught:
                sts_of(wrong, old=old).get_caller_identity()
            assert code == caught.value.code
            assert caught.value.request_id

    def test_a_replayed_nonce_is_refused(self, cloud: LocalCloud) -> None:
        """The same request a second time is a replay, under both schemes."""
        headers, target = acs3(cloud), rpc_v1(cloud, nonce="m")
        assert 200 == send(cloud, "POST", "/", headers)[0]
        assert (400, "SignatureNonceUsed") == refused(send(cloud, "POST", "/", headers))
        assert 200 == send(cloud, "GET", target, {})[0]
        assert (400, "SignatureNonceUsed") == refused(send(cloud, "GET", target, {}))

    @pytest.mark.parametrize(
        ("nonce", "unsigned", "code"),
        [
            (None, frozenset(), "MissingSignatureNonce"),
            ("", frozenset(), "MissingSignatureNonce"),
            ("m", frozenset({"x-acs-signature-nonce"}), "IncompleteSignature"),
        ],
    )
    def test_a_request_without_a_signed_nonce_is_refused(
        self, cloud: LocalCloud, nonce: str | None, unsigned: frozenset[str], code: str
    ) -> None:
        """Missing, empty, or one that anybody could change: the request could be sent again as often as one likes."""
        assert (400, code) == refused(send(cloud, "POST", "/", acs3(cloud, nonce=nonce, unsigned=unsigned)))
        assert {"sts": {"GetCallerIdentity": 1}} == cloud.counts()
        assert 200 == send(cloud, "POST", "/", acs3(cloud, nonce="m"))[0]

    @pytest.mark.parametrize("age", [SKEW, -SKEW])
    def test_a_skewed_clock_is_refused(self, cloud: LocalCloud, age: float) -> None:
        """Sixteen minutes early or late is too much."""
        assert (400, "InvalidTimeStamp.Expired") == refused(send(cloud, "POST", "/", acs3(cloud, age=age)))
        assert (400, "InvalidTimeStamp.Expired") == refused(send(cloud, "GET", rpc_v1(cloud, age=age), {}))

    def test_a_tampered_body_or_an_unsigned_request_is_refused(self, cloud: LocalCloud) -> None:
        """The body's digest is checked, and no signature at all is an error of its own."""
        assert (400, "InvalidContentSha256") == refused(send(cloud, "POST", "/", acs3(cloud), b"Evil=1"))
        unsigned = {"x-acs-action": "GetCallerIdentity", "x-acs-version": "2015-04-01"}
        assert (400, "MissingAccessKeyId") == refused(send(cloud, "POST", "/", unsigned))


def refused(answer: tuple[int, bytes]) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer[0], code_of(answer[1])


class TestOss:
    """Versions 1 and 4, in the header and in signed addresses."""

    @pytest.mark.parametrize("v4", [False, True])
    def test_keys_of_every_kind_are_signed_alike(
        self,
        cloud: LocalCloud,
        bucket_of: Callable[..., oss2.Bucket],
        v4: bool,  # noqa: FBT001 - a pytest parameter
    ) -> None:
        """Client and server agree on the canonical form of awkward keys, metadata and parameters."""
        bucket = bucket_of(cloud, v4=v4)
        bucket.create_bucket()
        for key in ("plain", "a b+c", "照片/é.jpg", "%2F", "a//b/../c", "q?x=1&y#z", "~'()*!"):
            bucket.put_object(key, key.encode(), headers={"x-oss-meta-note": "v w", "Content-Type": "text/plain"})
            assert key.encode() == bucket.get_object(key, params={"response-content-type": "a/b; c=d"}).read()

    @pytest.mark.parametrize("v4", [False, True])
    def test_wrong_pairs_have_their_own_codes(
        self,
        cloud: LocalCloud,
        bucket_of: Callable[..., oss2.Bucket],
        v4: bool,  # noqa: FBT001 - a pytest parameter
    ) -> None:
        """403 with InvalidAccessKeyId or SignatureDoesNotMatch; also on HEAD, where the body is a header."""
        from dataclasses import replace  # noqa: PLC0415

        bucket_of(cloud).create_bucket()
        with pytest.raises(oss2.exceptions.SignatureDoesNotMatch):
            bucket_of(replace(cloud, access_key_secret="wrong"), v4=v4).get_object("a")
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket_of(replace(cloud, access_key_id="nobody"), v4=v4).head_object("a")
        assert (403, "InvalidAccessKeyId") == (caught.value.status, caught.value.code)

    @pytest.mark.parametrize("v4", [False, True])
    def test_a_signed_address_opens_one_object_for_a_while(
        self,
        cloud: LocalCloud,
        bucket_of: Callable[..., oss2.Bucket],
        v4: bool,  # noqa: FBT001 - a pytest parameter
    ) -> None:
        """GET works as signed; another key, or a time gone by, is refused."""
        bucket = bucket_of(cloud, v4=v4)
        bucket.create_bucket()
        bucket.put_object("a b.txt", b"open")
        address = bucket.sign_url("GET", "a b.txt", 60)
        assert b"open" == requests.get(address, timeout=10).content
        stolen = requests.get(address.replace("a%20b", "c"), timeout=10)
        assert (403, "SignatureDoesNotMatch") == (stolen.status_code, code_of(stolen.content))
        if not v4:  # version 4 refuses to sign an address without a lifetime
            late = requests.get(bucket.sign_url("GET", "a b.txt", -10), timeout=10)
            assert (403, "AccessDenied") == (late.status_code, code_of(late.content))

    def test_a_skewed_clock_is_refused(self, cloud: LocalCloud) -> None:
        """RequestTimeTooSkewed, before the signature is looked at."""
        date = formatdate(time.time() - SKEW, usegmt=True)
        headers = {"Date": date, "Authorization": f"OSS {cloud.access_key_id}:x"}
        assert (403, "RequestTimeTooSkewed") == refused(send(cloud, "GET", "/", headers))

    def test_anonymous_readers_need_a_public_bucket(self, cloud: LocalCloud, bucket: oss2.Bucket) -> None:
        """Without a signature only public-read objects can be read, and nothing written or listed."""
        bucket.put_object("a", b"open")
        address = f"{cloud.url}/pictures/a"
        assert 403 == requests.get(address, timeout=10).status_code
        bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
        assert b"open" == requests.get(address, timeout=10).content
        assert 403 == requests.put(address, data=b"x", timeout=10).status_code
        assert 403 == requests.get(f"{cloud.url}/pictures/", timeout=10).status_code


class TestMns:
    """The data plane's own scheme."""

    def test_the_sdk_is_let_in(self, cloud: LocalCloud) -> None:
        """A queue that does not exist is MNS's business, not the signature's."""
        queue = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret).get_queue("none")
        with pytest.raises(MNSServerException) as caught:
            queue.get_attributes()
        assert "QueueNotExist" == caught.value.type
        queue.mns_client.close_connection()

    def test_wrong_pairs_have_their_own_codes(self, cloud: LocalCloud) -> None:
        """InvalidAccessKeyId and SignatureDoesNotMatch, through the SDK."""
        pairs = {"InvalidAccessKeyId": ("nobody", "x"), "SignatureDoesNotMatch": (cloud.access_key_id, "wrong")}
        for code, (key_id, secret) in pairs.items():
            queue = Account(cloud.url, key_id, secret).get_queue("none")
            with pytest.raises(MNSServerException) as caught:
                queue.get_attributes()
            assert code == caught.value.type
            queue.mns_client.close_connection()

    def test_old_and_missing_dates_are_refused(self, cloud: LocalCloud) -> None:
        """TimeExpired with 408, as MNS's table has it, and MissingDateHeader."""
        late = mns_headers(cloud, "/queues", age=SKEW)
        assert (408, "TimeExpired") == refused(send(cloud, "GET", "/queues", late))
        undated = {name: value for name, value in late.items() if name != "Date"}
        assert (400, "MissingDateHeader") == refused(send(cloud, "GET", "/queues", undated))
        assert (400, "MissingAuthorizationHeader") == refused(send(cloud, "GET", "/queues", {"x-mns-version": "1"}))
        assert 200 == send(cloud, "GET", "/queues", mns_headers(cloud, "/queues"))[0]
