"""The log: one JSON object a line, or plain text for people; each line says which object it is about.

Nobody has to pass that on: a pass is run in a context that knows its object, its threads inherit it, and a cloud's
error brings its operation and request id along.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from controller.cloud import spans
from controller.cloud.errors import CloudError
from controller.reconcile.kinds import Key

Fields = Mapping[str, Any]
# Below INFO these write down addresses and headers, in which some protocols carry tokens: no verbose log has them.
WIRE = (
    "urllib3",
    "aiohttp",
    "asyncio",
    "alibabacloud",
    "alibabacloud_credentials",
    "Tea",
    "darabonba",
    "opentelemetry",
)
_OF_KOPF = ("k8s_ref", "k8s_skip", "settings")
_about: ContextVar[Fields] = ContextVar("about", default={})  # noqa: B039 - never changed, only replaced
log = logging.getLogger(__name__)


@contextmanager
def about(key: Key | None = None, **fields: Any) -> Iterator[None]:
    """Log lines of the block are about an object, or have other fields in common."""
    named = {"object": _object(key)} if key is not None else {}
    token = _about.set({**_about.get(), **named, **fields})
    try:
        yield
    finally:
        _about.reset(token)


def subject() -> str:
    """What the present context is about: `Dataset team/photos`; empty where that is no object."""
    found = _about.get().get("object")
    return f"{found['kind']} {found['namespace']}/{found['name']}" if found else ""


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a record tells besides its words, by the names a line has it under."""
    fields = dict(_about.get())
    given = record.args if isinstance(record.args, tuple) else ()
    key = next((one for one in given if isinstance(one, Key)), None)
    if key is not None and fields.get("object") != _object(key):
        fields.pop("generation", None)  # of the object that this line is not about
        fields["object"] = _object(key)
    reference = getattr(record, "k8s_ref", None)  # Kopf's own lines about an object
    if reference:
        fields["object"] = {name: reference.get(name) for name in ("kind", "namespace", "name")}
    error = next((one for one in given if isinstance(one, BaseException)), None)
    if error is None and record.exc_info:
        error = record.exc_info[1]
    if error is not None:
        fields |= _error(error)
    trace_id = spans.trace_id()
    return fields | ({"trace_id": trace_id} if trace_id else {})


def _error(error: BaseException) -> Fields:
    told = {"error": type(error).__name__}
    if isinstance(error, CloudError):
        found = {"operation": error.operation, "code": error.code, "requestId": error.request_id}
        told |= {name: value for name, value in found.items() if value}
    return told


def _object(key: Key) -> Fields:
    return {"kind": key.kind, "namespace": key.namespace, "name": key.name}


class JsonLines(JsonFormatter):
    """One JSON object a line, in ASCII: no text of a tenant's can begin another line."""

    def __init__(self) -> None:
        reserved = [*RESERVED_ATTRS, *_OF_KOPF]
        super().__init__(rename_fields={"exc_info": "exception"}, reserved_attrs=reserved)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """The library's hook: ours first, then the message and whatever the record was given in `extra`."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["time"] = moment.replace("+00:00", "Z")
        log_data["level"] = record.levelname.lower()
        log_data["logger"] = record.name
        log_data["message"] = ""  # keeps its place
        log_data.update(fields_of(record))
        super().add_fields(log_data, record, message_dict)


class PlainLines(logging.Formatter):
    """For people: the object is named where the words do not name it already."""

    def __init__(self) -> None:
        super().__init__("[%(asctime)s] %(name)-20.20s [%(levelname)-8.8s] %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """A message stays on its line, and steers no terminal."""
        record.message = "".join(
            sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in record.message
        )
        found = fields_of(record).get("object")
        if found and str(found["name"]) not in record.message:
            record.message += f" ({found['kind']} {found['namespace']}/{found['name']})"
        return super().formatMessage(record)


def configure(*, json: bool, verbose: bool) -> None:
    """Send every log line of the process to standard error in one format, warnings and last words included."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if json else PlainLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    for name in WIRE:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger("oss2").setLevel(logging.WARNING)  # it calls each object that is not there yet an exception
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # it has a line for every event it hands to us
    logging.captureWarnings(capture=True)
    sys.excepthook = _last_words
    threading.excepthook = _thread_died


def _last_words(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    log.critical("the operator ends: %s", error, exc_info=(kind, error, where))


def _thread_died(last: threading.ExceptHookArgs) -> None:
    name = last.thread.name if last.thread else "?"
    if last.exc_value is not None:
        log.critical("thread %s died", name, exc_info=(last.exc_type, last.exc_value, last.exc_traceback))
