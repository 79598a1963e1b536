"""What a caller chooses does not grow the emulator's memory: names, parameters and places are cut in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import oss2
import pytest
import requests

from emulator.journal import without_secrets

if TYPE_CHECKING:
    from emulator.testing import LocalCloud


def call(cloud: LocalCloud, action: str, query: str = "") -> None:
    """An unsigned RPC call."""
    headers = {"x-acs-version": "2015-05-01", "x-acs-action": action}
    requests.post(f"{cloud.url}/{query}", headers=headers, timeout=10)


def test_operations_that_nobody_serves_are_counted_together(cloud: LocalCloud) -> None:
    """Their names are the callers' inventions; served ones are counted by name, refused or not."""
    for number in range(20):
        call(cloud, f"Invented{number}")
    call(cloud, "ListUsers")
    requests.request("PATCH", f"{cloud.url}/pot/a", timeout=10)
    assert {"ram": {"(unknown)": 20, "ListUsers": 1}, "oss": {"(unknown)": 1}} == cloud.counts()
    assert ["Invented19", "ListUsers", "PATCH (unknown)"] == [e["operation"] for e in cloud.requests()[-3:]]


def test_an_entry_has_a_largest_size(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """A long name, a long place, a right to it, and more parameters than any operation has."""
    with pytest.raises(oss2.exceptions.InvalidObjectName):
        bucket.put_object("k" * 30_000, b"")
    call(cloud, "A" * 5000, "?" + "&".join(f"{'p' * 300}{n}={'v' * 900}" for n in range(150)))
    requests.get(f"{cloud.url}/bucket/{'k' * 5000}", timeout=10)
    requests.get(f"{cloud.url}/{'a/' * 2000}", headers={"x-mns-version": "1"}, timeout=10)
    for entry in cloud.requests():
        assert len(str(entry)) < 20_000


def test_what_is_left_out_is_told() -> None:
    """By number; and what is left has its secrets masked all the same."""
    shown = without_secrets({f"Name.{n}": "v" for n in range(150)})
    assert (101, "50 more") == (len(shown), shown["…"])
    shown = without_secrets({"Password": "v" * 600, **{f"Name.{n}": "v" * 600 for n in range(90)}})
    assert "***" == shown["Password"]
    assert sum(len(name) + len(value) for name, value in shown.items()) < 18_000
    assert {"a": "b"} == without_secrets({"a": "b"})
