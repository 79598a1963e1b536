"""`imm-operator owners --forget` where a record changes under its hands; the rest runs in test_disaster_recovery."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from controller.cli import main
from controller.cli.access import Access
from controller.cloud.ports import ObjectPage
from controller.core.facts import ObjectFacts

KEPT, GONE, CHANGED = (f"owners/1/r/p/d/{name}.json" for name in ("kept", "gone", "changed"))


KEY = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "a",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "b",
    "ALIBABA_CLOUD_REGION": "cn-hangzhou",
}


def record(name: str) -> bytes:
    """A record of the lost cluster."""
    owner = {"version": 1, "cluster": "lost", "kind": "DatasetBinding", "namespace": "a", "name": name}
    return json.dumps(owner | {"recordedAt": "2026-01-01T00:00:00+00:00"}).encode()


class Restless:
    """A work bucket in which somebody works between the first look and the second."""

    def __init__(self) -> None:
        self.held = {key: record(key) for key in (KEPT, GONE, CHANGED)}
        self.looks = 0

    def list_objects(self, _bucket: str, _prefix: str, *, after: str | None = None) -> ObjectPage:
        assert after is None
        return ObjectPage(tuple(ObjectFacts(key, 1, "1") for key in self.held), None)

    def get_object(self, _bucket: str, key: str) -> bytes | None:
        self.looks += 1
        if self.looks == 1 + len((KEPT, GONE, CHANGED)):
            del self.held[GONE]
            self.held[CHANGED] = record("another")
        return self.held.get(key)

    def delete_object(self, _bucket: str, key: str) -> None:
        del self.held[key]


@pytest.mark.parametrize("form", ["table", "json"])
def test_what_was_written_anew_stays_and_is_named(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Somebody still works there; what is gone by itself is as good as removed."""
    bucket = Restless()
    monkeypatch.setattr(Access, "oss", lambda _self: bucket)
    words = ["owners", "imm-work", "--cluster", "lost", "--forget", "--yes", "--output", form]
    done = CliRunner().invoke(main, words, env=KEY)
    assert (1, {CHANGED}) == (done.exit_code, set(bucket.held))
    assert [f"oss://imm-work/{CHANGED}"] == [line.split(" stays")[0] for line in done.stderr.splitlines()]
    if form == "json":
        told: list[dict[str, Any]] = json.loads(done.stdout)
        assert [True, True, False] == [one["removed"] for one in told]
    else:
        assert "2 of 3 records removed" == done.stdout.splitlines()[-1]
