"""`imm-operator tasks`: the real adapter against the emulator, whose clock is the real one here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from controller.cli import main
from controller.cli.tasks import LIVES
from emulator.imagesearch.batch_state import Task
from emulator.instance import Config, Instance
from emulator.testing import LocalCloud, running

ROOT = Path(__file__).parents[2]
AT = 1_790_000_000.0  # 2026-09-21T14:13:20Z


@pytest.fixture
def shop() -> Iterator[LocalCloud]:
    """An instance `shop` without tasks."""
    with running(Config(virtual_clock=False)) as cloud:
        cloud.image_search_instance("shop")
        yield cloud


@pytest.fixture(autouse=True)
def environment(shop: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What `python -m emulator env` prints."""
    command = [sys.executable, "-m", "emulator", "env", "--url", shop.url, "--region", shop.region]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    said = dict(line.removeprefix("export ").split("=", 1) for line in printed.splitlines())
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    return said


def plant(cloud: LocalCloud, *tasks: dict[str, Any]) -> None:
    """Have tasks, as if they had been made; the first is the oldest."""

    def put(instance: Instance) -> None:
        shop = instance.cloud.imagesearch(cloud.account_id, cloud.region).instances["shop"]
        for number, fields in enumerate(tasks, 1):
            given = {"bucket": "photos", "path": "/spring", "callback_address": "", "base_url": cloud.url}
            times = {"created": AT + 60 * number, "modified": AT + 60 * number + 30}
            shop.tasks[number] = Task(id=number, **given | times | {"status": "SUCCESS"} | fields)

    cloud.run(put)


def run(*arguments: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, ["tasks", *arguments])


class TestTable:
    """What a person reads."""

    def test_tasks_are_listed_the_newest_first(self, shop: LocalCloud) -> None:
        """In the words of the one table; a message never draws on the terminal."""
        plant(
            shop,
            {
                "report_key": "r",
                "modified": time.time(),
                "msg": "Some of the images cannot be processed and are isolated.",
            },
            {"status": "FAIL", "code": "1", "msg": "bad\x1b[31m manifest", "path": "/"},
            {"status": "PROCESSING"},
        )
        found = run("shop")
        assert (0, "") == (found.exit_code, found.stderr)
        headings, third, second, first, report, empty, lives = found.stdout.splitlines()
        assert ["TASK", "STATE", "CREATED", "MODIFIED", "BUCKET", "PATH", "MESSAGE"] == headings.split()
        assert "3     Processing  2026-09-21 14:16:20Z  2026-09-21 14:16:50Z  photos  spring/  -" == third
        assert second.endswith("photos  /        bad\\x1b[31m manifest")
        assert first.startswith("1     Succeeded   2026-09-21 14:14:20Z")
        assert first.endswith("Some of the images cannot be processed and are isolated.")
        assert report.startswith(f"  report: {shop.url}/")
        assert ("", LIVES) == (empty, lives)

    def test_no_tasks_is_no_error(self) -> None:
        """It is said."""
        found = run("shop")
        assert (0, "no tasks\n", "") == (found.exit_code, found.stdout, found.stderr)

    def test_a_state_that_nobody_knows_is_shown_as_it_is(self, shop: LocalCloud) -> None:
        """And is in progress."""
        plant(shop, {"status": "Queued"})
        assert "1     Processing (Queued)  " in run("shop").stdout


class TestPages:
    """All of them."""

    def test_every_page_is_read_at_a_call_a_second(self, shop: LocalCloud) -> None:
        """What there is to wait for is said on standard error."""
        plant(shop, *({} for _ in range(23)))
        begin = time.monotonic()
        found = run("shop", "--output", "json")
        assert time.monotonic() - begin > 2
        assert list(range(23, 0, -1)) == [one["id"] for one in json.loads(found.stdout)]
        assert [
            "10 of 23 tasks listed; one call a second, ten tasks each",
            "20 of 23 tasks listed; one call a second, ten tasks each",
        ] == found.stderr.splitlines()
        calls = shop.requests("imagesearch", "IncreaseList")
        assert [200] * 3 == [one["status"] for one in calls]

    @pytest.mark.parametrize(
        ("options", "ids"),
        [
            (("--bucket", "photos"), [3, 1]),
            (("--bucket", "other"), [2]),
            (("--path", "spring"), [2, 1]),
            (("--path", "/spring/"), [2, 1]),
            (("--path", "/"), [3]),
            (("--bucket", "photos", "--path", "spring/"), [1]),
            (("--bucket", "nobodys"), []),
        ],
    )
    def test_they_are_filtered(self, shop: LocalCloud, options: tuple[str, ...], ids: list[int]) -> None:
        """By bucket and path, however the path is written."""
        plant(shop, {}, {"bucket": "other"}, {"path": "/"})
        assert ids == [one["id"] for one in json.loads(run("shop", *options, "--output", "json").stdout)]


def test_json_has_everything(shop: LocalCloud) -> None:
    """The cloud's own word beside ours."""
    plant(shop, {"callback_address": "https://x.example.com/y", "report_key": "r", "modified": time.time()})
    (one,) = json.loads(run("shop", "--output", "json").stdout)
    assert one.pop("report").startswith(shop.url)
    assert one.pop("modifiedAt").endswith("Z")
    assert {
        "id": 1,
        "state": "Succeeded",
        "status": "SUCCESS",
        "ended": True,
        "bucket": "photos",
        "path": "spring/",
        "createdAt": "2026-09-21T14:14:20Z",
        "code": "0",
        "message": "",
        "callback": "https://x.example.com/y",
    } == one


class TestMisuse:
    """What stands in the way is named; exit status 2 and nothing on standard output."""

    @pytest.mark.parametrize(
        ("changed", "arguments", "words"),
        [
            ({"ALIBABA_CLOUD_ACCESS_KEY_ID": ""}, ("shop",), "not set: ALIBABA_CLOUD_ACCESS_KEY_ID\n"),
            ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "x"}, ("shop",), "SignatureDoesNotMatch"),
            ({}, ("nobody",), "there is no Image Search instance nobody in this account and region"),
            ({}, ("",), "the instance's name is empty"),
            ({}, (), "Missing argument 'INSTANCE'"),
            (
                {"IMAGESEARCH_ENDPOINT": "a b"},
                ("shop",),
                "IMAGESEARCH_ENDPOINT or its option: 'https://a b' is no address",
            ),
        ],
    )
    def test_it_is_said(
        self,
        monkeypatch: pytest.MonkeyPatch,
        changed: dict[str, str],
        arguments: tuple[str, ...],
        words: str,
    ) -> None:
        """With the name of what is missing or wrong."""
        for name, value in changed.items():
            monkeypatch.setenv(name, value)
        found = run(*arguments)
        assert (2, "", True) == (found.exit_code, found.stdout, words in found.stderr), found.stderr


def test_as_a_process(shop: LocalCloud, environment: dict[str, str]) -> None:
    """The environment that the emulator prints is all it needs."""
    plant(shop, {})
    command = [sys.executable, "-m", "controller.cli", "tasks", "shop", "--output", "json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True)
    assert (0, b"", [1]) == (done.returncode, done.stderr, [one["id"] for one in json.loads(done.stdout)])
