"""Requests of the real provider, recorded once: how a line is signed anew, and which shape its answer has.

The signatures are made here from the vendors' descriptions, not by the code that checks them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from emulator.testing import LocalCloud
    from emulator.wire.http import HttpRequest

FIXTURE = Path(__file__).parent / "fixtures" / "alicloud_provider" / "requests.jsonl"
KEPT_HEADERS = re.compile(r"content-(type|md5)|x-oss-(?!date).*|x-acs-(action|version|content-sha256)")
SIGNING_PARAMETERS = frozenset(
    {"AccessKeyId", "Signature", "SignatureNonce", "SignatureMethod", "SignatureVersion", "SignatureType", "Timestamp"}
)
FORM = "application/x-www-form-urlencoded"


def scheme_of(request: HttpRequest) -> str:
    """How the request is signed: `acs3`, `rpc1`, or OSS v4 with the date in one header or the other."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("OSS4-"):
        return "oss4, x-oss-date" if "x-oss-date" in request.headers else "oss4, date"
    return "acs3" if authorization.startswith("ACS3-") else "rpc1"


def shape_of(body: bytes) -> list[str]:
    """Every path of names that the answer has, in XML or JSON, without the values."""
    if not body:
        return []
    if body.startswith(b"<"):
        return sorted(set(_elements(ET.fromstring(body), "")))  # noqa: S314 - our own emulator's answer
    return sorted(set(_members(json.loads(body), "")))


def _elements(element: ET.Element, above: str) -> list[str]:
    path = f"{above}.{element.tag}".lstrip(".")
    return [path, *(deeper for child in element for deeper in _elements(child, path))]


def _members(value: Any, above: str) -> list[str]:
    if isinstance(value, dict):
        paths = {name: f"{above}.{name}".lstrip(".") for name in value}
        return [deeper for name, it in value.items() for deeper in [paths[name], *_members(it, paths[name])]]
    if isinstance(value, list):
        return [deeper for it in value for deeper in _members(it, f"{above}[]")]
    return []


def send(
    cloud: LocalCloud, line: dict[str, Any], keys: dict[str, str], altered: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Sign a recorded request for this cloud and send it as the provider does, as to a proxy.

    Args:
        cloud: Where to.
        line: A line of the fixture.
        keys: What stands for the placeholders in its body.
        altered: Headers to change once it is signed.

    Returns:
        Status and body.
    """
    body = line["body"]
    for placeholder, value in keys.items():
        body = body.replace(placeholder, value)
    headers, query = dict(line["headers"]), dict(line["query"])
    now = datetime.now(UTC)
    host = f"{line['host']}:{cloud.host.rpartition(':')[2]}"
    match line["scheme"]:
        case "rpc1":
            query |= _rpc1(cloud, line["method"], query, body, now)
        case "acs3":
            headers |= _acs3(cloud, line, host, body, now)
        case scheme:
            headers |= _oss4(cloud, line, headers, now, own_date=scheme.endswith("x-oss-date"))
    address = f"http://{host}{line['path']}" + (f"?{_joined(query)}" if query else "")
    connection = http.client.HTTPConnection(cloud.host, timeout=30)
    connection.request(line["method"], address, body.encode() or None, headers | {"Host": host} | (altered or {}))
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def _joined(query: dict[str, str]) -> str:
    return "&".join(
        f"{_quoted(name)}={_quoted(value)}" if value else _quoted(name) for name, value in sorted(query.items())
    )


def _quoted(text: str) -> str:
    return quote(text, safe="~")


def _rpc1(cloud: LocalCloud, method: str, query: dict[str, str], body: str, now: datetime) -> dict[str, str]:
    mine = {
        "AccessKeyId": cloud.access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    signed = query | mine | dict(parse_qsl(body, keep_blank_values=True))
    pairs = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(signed.items()))
    digest = hmac.digest(f"{cloud.access_key_secret}&".encode(), f"{method}&%2F&{_quoted(pairs)}".encode(), "sha1")
    return mine | {"Signature": base64.b64encode(digest).decode()}


def _acs3(cloud: LocalCloud, line: dict[str, Any], host: str, body: str, now: datetime) -> dict[str, str]:
    signed = {name: value for name, value in line["headers"].items() if name.startswith("x-acs-")} | {
        "host": host,
        "x-acs-content-sha256": hashlib.sha256(body.encode()).hexdigest(),
        "x-acs-date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": uuid.uuid4().hex,
    }
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(line["query"].items()))
    canonical = "\n".join([line["method"], line["path"], query, lines, names, signed["x-acs-content-sha256"]])
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(cloud.access_key_secret.encode(), to_sign.encode(), "sha256").hex()
    credential = f"Credential={cloud.access_key_id},SignedHeaders={names},Signature={signature}"
    del signed["host"]  # every request has one
    return signed | {"Authorization": f"ACS3-HMAC-SHA256 {credential}"}


def _oss4(
    cloud: LocalCloud, line: dict[str, Any], headers: dict[str, str], now: datetime, *, own_date: bool
) -> dict[str, str]:
    day = now.strftime("%Y%m%d")
    date = now.strftime("%Y%m%dT%H%M%SZ") if own_date else now.strftime("%a, %d %b %Y %H:%M:%S GMT")
    dated = {"x-oss-date": date} if own_date else {"Date": date}
    covered = {**headers, **(dated if own_date else {})}
    lines = "".join(f"{name}:{value.strip()}\n" for name, value in sorted(covered.items()))
    bucket = line["host"].partition(".127.")[0] if not line["host"].startswith("127.") else ""
    path = f"/{bucket}{line['path']}" if bucket else line["path"]
    canonical = "\n".join([line["method"], path, _joined(line["query"]), lines, "", headers["x-oss-content-sha256"]])
    scope = f"{day}/{cloud.region}/oss/aliyun_v4_request"
    to_sign = f"OSS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"aliyun_v4{cloud.access_key_secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    authorization = f"OSS4-HMAC-SHA256 Credential={cloud.access_key_id}/{scope},Signature={signature}"
    return dated | {"Authorization": authorization}
