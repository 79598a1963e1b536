"""Requests of the page: which ones they are, and what they are answered with.

The page shares its port with OSS, where `GET /` without a signature is an anonymous ListBuckets. So it is served only
to what a browser sends when a person types the address, to hosts that name no bucket, and only under names that are the
emulator's own (`emulator.guard`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from emulator import guard
from emulator.page import buckets, datasets, image_search, journal, messages, tasks, thumbnails
from emulator.page.documents import Missing
from emulator.routing import ADMIN_PREFIX, route
from emulator.wire.http import HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from emulator.instance import Instance

OnlyReading = Callable[[], AbstractContextManager[None]]
PREFIX = "/_emulator/page/"
DOCUMENTS: Mapping[str, Callable[[Instance, Mapping[str, str]], object]] = {
    "buckets": buckets.list_buckets,
    "objects": buckets.list_objects,
    "object": buckets.describe_object,
    "datasets": datasets.list_datasets,
    "bindings": datasets.list_bindings,
    "query": datasets.run_query,
    "tasks": tasks.list_tasks,
    "image-search": image_search.list_image_search,
    "messages": messages.list_messages,
    "requests": journal.list_requests,
    "overview": journal.overview,
    "settings": journal.settings,
}
_SIGNED = ("authorization", "x-acs-version", "x-mns-version", "x-oss-date", "date")
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_GUARDS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_STATIC = Path(__file__).with_name("static")
_FILES = {path.name: path for path in _STATIC.iterdir() if path.suffix in _KINDS}


def is_page_request(instance: Instance, request: HttpRequest) -> bool:
    """Whether a request is for the page: one of its own addresses, or `/` as a browser asks for it."""
    if request.target.startswith(PREFIX):
        return True
    if request.target != "/" or request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        return False
    if any(name in request.headers for name in _SIGNED):
        return False
    target = route(request, endpoint_hosts=instance.config.endpoint_hosts)
    return target.service != "oss" or target.place[0] not in instance.cloud.oss.buckets


def is_own_page(instance: Instance, request: HttpRequest) -> bool:
    """Whether a request is for the page or for anything else under `/_emulator/`."""
    return request.raw_path.startswith(ADMIN_PREFIX) or is_page_request(instance, request)


async def serve(instance: Instance, request: HttpRequest, only_reading: OnlyReading = nullcontext) -> HttpAnswer:
    """Answer a request for which `is_page_request` holds. Pictures are decoded in a thread, all else here.

    Args:
        instance: What is looked at, and not changed.
        request: The request.
        only_reading: Entered around every look at the state.
    """
    refused = _refused(instance, request)
    if refused is not None:
        return refused
    name = "static/index.html" if request.target == "/" else request.raw_path.removeprefix(PREFIX)
    try:
        if name == "thumbnail":
            with only_reading():
                data = buckets.content_of(instance, request.query)
            return await _thumbnail(data, request.query)
        if name in DOCUMENTS:
            with only_reading():
                return _json(200, DOCUMENTS[name](instance, request.query))
    except Missing as missing:
        return _json(404, {"error": str(missing)})
    except ValueError as error:
        return _json(400, {"error": str(error)})
    return _static(name)


def _refused(instance: Instance, request: HttpRequest) -> HttpAnswer | None:
    foreign = guard.foreign_name(instance.config, request)
    if foreign is not None:
        return _json(403, {"error": foreign})
    if request.method != "GET":
        return _json(405, {"error": "the page only reads: use GET"})
    return None


def _static(name: str) -> HttpAnswer:
    path = _FILES.get(name.removeprefix("static/"))
    if path is None:
        return _json(404, {"error": f"the page has no part {name[:100]!r}"})
    headers = {**_GUARDS, "content-type": _KINDS[path.suffix], "cache-control": "no-cache"}
    return HttpAnswer(200, headers, path.read_bytes())


async def _thumbnail(data: bytes, query: Mapping[str, str]) -> HttpAnswer:
    edge = thumbnails.LARGE if query.get("size") == "large" else thumbnails.SMALL
    made = await asyncio.to_thread(thumbnails.make, data, edge)
    if made is None:  # an answer all the same: a browser reports a failed picture as an error of the page
        return HttpAnswer(200, {**_GUARDS, "content-type": _KINDS[".svg"]}, _FILES["unreadable.svg"].read_bytes())
    # Addresses carry the object's ETag, so what they answer never changes.
    headers = {**_GUARDS, "content-type": "image/webp", "cache-control": "private, max-age=86400, immutable"}
    return HttpAnswer(200, headers, made)


def _json(status: int, document: object) -> HttpAnswer:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)
    headers = {**_GUARDS, "content-type": "application/json; charset=utf-8", "cache-control": "no-store"}
    return HttpAnswer(status, headers, body.encode("utf-8", "replace"))
