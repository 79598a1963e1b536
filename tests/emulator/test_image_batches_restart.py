"""Batches on a real clock in a process of their own: it is killed, started again, and goes on; admin pages steer it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from alibabacloud_imagesearch20201214 import models

from tests.emulator.image_batch_room import BUCKET, INSTANCE, PICTURE, client_of, fetch, line
from tests.emulator.processes import Running, emulator
from tests.emulator.test_image_batches_callback import listening

LINES = 400


def begin(running: Running, lines: list[str], address: str = "") -> int:
    """An instance, a bucket with a picture and a manifest, and a batch of it."""
    running.admin("PUT", "image-search/instances", {"name": INSTANCE})
    with running.bucket(BUCKET) as bucket:
        bucket.create_bucket()
        bucket.put_object("a.jpg", PICTURE)
        bucket.put_object("increment.meta", "\n".join(lines))
    request = models.IncreaseInstanceRequest(
        instance_name=INSTANCE, bucket_name=BUCKET, path="/", callback_address=address
    )
    return int(client_of(running.url.removeprefix("http://")).increase_instance(request).body.data.id)


def state(running: Running) -> Any:
    """The Image Search of the one account in the dump."""
    [account] = running.admin("GET", "state")["accounts"].values()
    [region] = account["imagesearch"].values()
    return region


def wait_until(running: Running, met: Any) -> Any:
    """The state's one task, once it meets a condition."""
    deadline = time.monotonic() + 30
    while True:
        found = state(running)
        [task] = found["instances"][INSTANCE]["tasks"].values()
        if met(task, found):
            return task
        assert time.monotonic() < deadline, task
        time.sleep(0.05)


def listed(running: Running) -> Any:
    """The one task as a client sees it."""
    time.sleep(1.1)  # the listing's own limit: once a second
    request = models.IncreaseListRequest(instance_name=INSTANCE)
    [task] = client_of(running.url.removeprefix("http://")).increase_list(request).body.data.increments.instance
    return task


def test_a_running_batch_goes_on_after_a_kill(tmp_path: Path) -> None:
    """Killed twice: every line once, in order, with the isolated ones of before and after in one report."""
    lines = [line(ProductId=str(number), CustomContent=str(number)) for number in range(LINES)]
    bad = (3, LINES - 2)
    for number in bad:
        lines[number] = line(ProductId=str(number), PicName="gone.jpg")
    with emulator("--data", str(tmp_path)) as first:
        first.admin("PATCH", "image-search/batches", {"lines_per_second": 100, "begin_seconds": 0.1})
        task_id = begin(first, lines)
        before = wait_until(first, lambda task, _: task["progress"] >= 20)
        assert "PROCESSING" == before["status"]
        first.process.kill()
    with emulator("--data", str(tmp_path)) as second:
        again = state(second)["instances"][INSTANCE]["tasks"][str(task_id)]
        assert (True, "PROCESSING") == (again["progress"] >= before["progress"], again["status"])
        wait_until(second, lambda task, _: task["progress"] > again["progress"])
        second.process.kill()
    with emulator("--data", str(tmp_path)) as third:
        wait_until(third, lambda task, _: task["status"] != "PROCESSING")
        task = listed(third)
        assert (task_id, "SUCCESS") == (task.id, task.status)
        assert [number + 1 for number in bad] == [
            json.loads(row)["Line"] for row in fetch(task.error_url)[1].splitlines()
        ]
        pictures = state(third)["instances"][INSTANCE]["pictures"].values()
        done = [str(number) for number in range(LINES) if number not in bad]
        assert done == [one["custom_content"] for one in pictures]
        assert {} == state(third)["running"]


def test_a_callback_on_its_way_arrives_after_a_kill(tmp_path: Path) -> None:
    """And the outcome of every try is in the dump."""
    with listening() as listener:
        listener.answers = [500]
        with emulator("--data", str(tmp_path)) as first:
            first.admin("PATCH", "image-search/batches", {"begin_seconds": 0, "callback_again_seconds": 2})
            begin(first, [line()], listener.url)
            listener.told(1)
            wait_until(
                first, lambda _, found: [one["outcomes"] for one in found["callbacks"].values()] == [["HTTP 500"]]
            )
            first.process.kill()
        listener.answers = [200]
        with emulator("--data", str(tmp_path)) as second:
            assert "NORMAL" == listener.told(2)[1][3]["status"]
            wait_until(second, lambda _, found: not found["outgoing"])
            [callback] = state(second)["callbacks"].values()
            assert (["HTTP 500", "HTTP 200"], True) == (callback["outcomes"], callback["delivered"])


def test_the_admin_pages_cancel_a_batch_and_set_its_pace() -> None:
    """While everything goes on by itself."""
    with emulator() as running:
        pace = running.admin("PATCH", "image-search/batches", {"lines_per_second": 1, "begin_seconds": 0})
        assert (1, 0, pace) == (
            pace["lines_per_second"],
            pace["begin_seconds"],
            running.admin("GET", "image-search/batches"),
        )
        task_id = begin(running, [line()] * 50)
        wait_until(running, lambda task, _: task["progress"] >= 1)
        assert {"status": "ok"} == running.admin("POST", "image-search/cancel", {"instance": INSTANCE, "id": task_id})
        assert "Stop" == listed(running).status
        wrong: list[tuple[str, str, dict[str, object]]] = [
            ("POST", "cancel", {"instance": INSTANCE, "id": task_id}),
            ("POST", "cancel", {"instance": "nobody", "id": task_id}),
            ("PATCH", "batches", {"lines_per_second": -1}),
            ("PATCH", "batches", {"lines": 1}),
        ]
        for method, page, document in wrong:
            with pytest.raises(HTTPError) as caught:
                running.admin(method, f"image-search/{page}", document)
            with caught.value as error:
                assert 400 == error.code


def test_requests_are_answered_while_a_large_batch_is_worked_off() -> None:
    """A turn takes a twentieth of a second, also while the manifest is checked."""
    with emulator() as running:
        running.admin("PATCH", "image-search/batches", {"lines_per_second": 0, "begin_seconds": 0})
        begin(running, [line(ProductId=str(number)) for number in range(30_000)])
        waits, began = [], time.monotonic()
        while listed(running).status == "PROCESSING":
            for _ in range(50):
                started = time.monotonic()
                running.admin("GET", "health")
                waits.append(time.monotonic() - started)
        assert len(waits) >= 50
        assert max(waits) < (time.monotonic() - began) / 4, "nobody waits for the batch"
