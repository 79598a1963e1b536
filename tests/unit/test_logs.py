"""A record as a line: its fields, and that no text can forge another line."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from controller.cloud.errors import Throttled
from controller.reconcile.kinds import Key
from controller.runtime.announcement import changed
from controller.runtime.logs import JsonLines, PlainLines, about, subject
from controller.runtime.settings import Settings
from controller.runtime.threads import Threads

KEY = Key("Dataset", "team", "photos")
OTHER = Key("BatchImport", "team", "spring")


def record(message: str, *args: object, exc_info: Any = None, **extra: Any) -> logging.LogRecord:
    """As a logger makes one."""
    made = logging.LogRecord("controller.test", logging.WARNING, __file__, 1, message, args, exc_info)
    made.__dict__.update(extra)
    return made


def line(message: str, *args: object, exc_info: Any = None, **extra: Any) -> dict[str, Any]:
    """A record as JSON."""
    text = JsonLines().format(record(message, *args, exc_info=exc_info, **extra))
    assert "\n" not in text
    return dict(json.loads(text))


def test_a_line_has_what_every_line_has() -> None:
    """In this order, so that a person who reads JSON finds the words."""
    found = line("%d files", 3)
    assert ["time", "level", "logger", "message"] == list(found)
    assert ("warning", "controller.test", "3 files") == (found["level"], found["logger"], found["message"])


def test_a_line_from_under_a_pass_has_its_object_in_every_thread() -> None:
    """Those of the pass, and those that the pass hands its calls to."""
    passes, chunks = Threads("reconcile", 1), Threads("chunk", 1)
    with about(KEY, generation=4):
        deep = passes.submit(lambda: chunks.submit(lambda: (line("x"), subject())).result(60)).result(60)
    assert ({"kind": "Dataset", "namespace": "team", "name": "photos"}, 4) == (deep[0]["object"], deep[0]["generation"])
    assert "Dataset team/photos" == deep[1]
    assert ("", "object" in line("x")) == (subject(), False)
    passes.shutdown()
    chunks.shutdown()


def test_a_key_in_the_words_is_the_object() -> None:
    """A line about another object than the pass's has none of the pass's generation."""
    with about(KEY, generation=4):
        found = line("%s waits", OTHER)
    assert "spring" == found["object"]["name"]
    assert "generation" not in found


def test_an_error_of_the_cloud_brings_its_fields() -> None:
    """Whether it stands in the words or is what is being handled."""
    error = Throttled("imm:GetProject", "slow down", code="Throttling.User", request_id="r-1")
    expected = {"error": "Throttled", "operation": "imm:GetProject", "code": "Throttling.User", "requestId": "r-1"}
    assert expected.items() <= line("Dataset x: %s", error).items()
    assert expected.items() <= line("failed", exc_info=(Throttled, error, None)).items()


def test_a_traceback_is_a_field() -> None:
    """Of one line."""
    try:
        int("first\nsecond")
    except ValueError:
        found = line("it broke", exc_info=sys.exc_info())
    assert "ValueError" == found["error"]
    assert found["exception"].endswith(r"'first\nsecond'")


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\u2028b", '"}\n{"level": "critical"', "雪\x00", "\x1b[2Jgone"])
def test_no_text_begins_another_line(text: str) -> None:
    """Names and messages of tenants are in the log."""
    formatted = JsonLines().format(record("%s", text))
    assert 1 == len(formatted.splitlines())
    assert text == json.loads(formatted)["message"]
    assert PlainLines().format(record("%s", text)).isprintable()


def test_a_plain_line_names_the_object_once() -> None:
    """Where the words do not."""
    with about(KEY):
        assert PlainLines().format(record("run 1 is task 2")).endswith("run 1 is task 2 (Dataset team/photos)")
        assert PlainLines().format(record("Dataset team/photos: made")).endswith("Dataset team/photos: made")


def test_a_line_of_kopfs_about_an_object_has_it() -> None:
    """And nothing of Kopf's own bookkeeping."""
    reference = {"apiVersion": "v1", "kind": "Dataset", "namespace": "team", "name": "photos", "uid": "u"}
    found = line("Handler failed", k8s_ref=reference, k8s_skip=True, settings=object())
    assert {"kind": "Dataset", "namespace": "team", "name": "photos"} == found["object"]
    assert not {"k8s_skip", "settings"} & found.keys()


def test_settings_are_told_without_what_an_address_should_not_have() -> None:
    """A password in an address, or a query, is nobody's to read."""
    told = changed(
        Settings(sts_endpoint="https://user:pass@sts.example:8443/x?token=1", workers=3, lease_namespace="ns")
    )
    assert {"lease_namespace": "ns", "sts_endpoint": "https://sts.example:8443/x", "workers": 3} == told
