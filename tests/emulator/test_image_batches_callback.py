"""The callback of a batch: what an HTTP server of the user's is told, and what happens when it does not listen."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from emulator.tls import make_certificates
from sandbox import ports
from tests.emulator.image_batch_room import INSTANCE, ISOLATED, BatchRoom, fetch, line, numbered, search

pytest_plugins = ["tests.emulator.image_batch_fixtures"]


@dataclass
class Listener:
    """A server that remembers what it was told. `answers` are given in turn, the last one for ever; 0 hangs up."""

    url: str
    answers: list[int] = field(default_factory=lambda: [200])
    delay: float = 0.0
    heard: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)

    def told(self, count: int = 1) -> list[tuple[str, str, str, dict[str, Any]]]:
        """What was heard, once it is so much."""
        wait_for(lambda: len(self.heard) >= count)
        return list(self.heard)


def wait_for(met: Any) -> None:
    """Until a condition is met."""
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def listening(*, secure: bool = False) -> Iterator[Listener]:
    """A heard_by on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard_by.heard.append((self.command, self.path, self.headers["content-type"], json.loads(body)))
            time.sleep(heard_by.delay)
            answer = heard_by.answers.pop(0) if len(heard_by.answers) > 1 else heard_by.answers[0]
            if answer == 0:
                self.close_connection = True
                return
            self.send_response(answer)
            self.send_header("content-length", "0")
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "https" if secure else "http"
    if secure:
        context: ssl.SSLContext = make_certificates("cn-hangzhou", []).context
        server.socket = context.wrap_socket(server.socket, server_side=True)
    heard_by = Listener(f"{scheme}://127.0.0.1:{server.server_address[1]}/back/secret?run=1")
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield heard_by
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A plain one."""
    with listening() as one:
        yield one


def work_off(shop: BatchRoom, listener: Listener, *lines: str) -> Any:
    """A batch with a callback, at its end."""
    shop.manifest(*lines)
    task_id = shop.increase(callback_address=listener.url)
    shop.cloud.advance(60)
    return shop.task(task_id)


def outcomes(shop: BatchRoom, task_id: int) -> list[str]:
    """What the state says of the tries."""
    return shop.cloud.run(lambda instance: list(search(instance).callbacks[task_id].outcomes))


def instance_id(shop: BatchRoom) -> str:
    """The instance's id, which is not its name."""
    return shop.cloud.run(lambda instance: str(search(instance).instances[INSTANCE].id))


def test_the_callback_is_the_guides_document(shop: BatchRoom, listener: Listener) -> None:
    """A POST of exactly these members, of these types."""
    task = work_off(shop, listener, line())
    [(verb, path, kind, told)] = listener.told()
    assert ("POST", "/back/secret?run=1", True) == (verb, path, kind.startswith("application/json"))
    finished = time.gmtime(task.utc_modified / 1000 + 8 * 3600)
    assert {
        "finishTime": time.strftime("%Y-%m-%d %H:%M:%S", finished),
        "instanceId": instance_id(shop),
        "instanceName": INSTANCE,
        "message": "success",
        "processResultUrl": "",
        "status": "NORMAL",
        "taskId": task.id,
    } == told
    keys = ["finishTime", "instanceId", "instanceName", "message", "processResultUrl", "status", "taskId"]
    assert keys == list(told)


def test_isolated_lines_are_told_with_where_to_read_of_them(shop: BatchRoom, listener: Listener) -> None:
    """Which is no failure."""
    work_off(shop, listener, line(PicName="gone.jpg"), line())
    [(*_, told)] = listener.told()
    assert ("NORMAL", ISOLATED) == (told["status"], told["message"])
    status, report = fetch(told["processResultUrl"])
    assert (200, "gone.jpg") == (status, json.loads(report)["PicName"])


def test_a_failed_operation_is_told_as_failed(shop: BatchRoom, listener: Listener) -> None:
    """With its message."""
    work_off(shop, listener, "nonsense")
    [(*_, told)] = listener.told()
    assert ("FAIL", True) == (told["status"], told["message"].startswith("Line 1"))


def test_a_callback_that_fails_is_tried_again_and_hurts_nothing(shop: BatchRoom, listener: Listener) -> None:
    """Twice more, ten seconds apart on the emulator's clock; the journal has every try."""
    listener.answers = [500, 0, 204]
    task = work_off(shop, listener, line())
    assert "SUCCESS" == task.status
    for count in (1, 2, 3):
        listener.told(count)
        wait_for(lambda count=count: len(outcomes(shop, task.id)) == count)
        shop.cloud.advance(11)
    assert ["HTTP 500", "ServerDisconnectedError: Server disconnected", "HTTP 204"] == outcomes(shop, task.id)
    journal = shop.cloud.requests("imagesearch", "Callback")
    assert [(500, "HTTP 500"), (0, "ServerDisconnectedError: Server disconnected"), (204, "")] == [
        (entry["status"], entry["code"]) for entry in journal
    ]
    assert {"CallbackAddress": listener.url, "TaskId": str(task.id), "Try": "1"} == journal[0]["params"]


def test_a_redirect_is_not_followed(shop: BatchRoom, listener: Listener) -> None:
    """It counts as a failure."""
    shop.cloud.switch("increment_callback_retries", 0)
    listener.answers = [302]
    task = work_off(shop, listener, line())
    wait_for(lambda: outcomes(shop, task.id))
    assert (["HTTP 302"], 1) == (outcomes(shop, task.id), len(listener.heard))


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_how_often_it_is_tried_again_is_a_switch(shop: BatchRoom, listener: Listener, retries: int) -> None:
    """increment_callback_retries."""
    shop.cloud.switch("increment_callback_retries", retries)
    listener.answers = [503]
    task = work_off(shop, listener, line())
    for count in range(1, retries + 2):
        wait_for(lambda count=count: len(outcomes(shop, task.id)) == count)
        shop.cloud.advance(11)
    assert {} == shop.cloud.run(lambda instance: dict(search(instance).outgoing))
    assert ["HTTP 503"] * (retries + 1) == outcomes(shop, task.id)


def test_one_that_does_not_answer_is_given_up_and_holds_nothing_up(shop: BatchRoom, listener: Listener) -> None:
    """After the timeout; requests are answered meanwhile."""
    shop.cloud.image_batches(callback_timeout_seconds=0.2)
    shop.cloud.switch("increment_callback_retries", 0)
    listener.delay = 1
    task = work_off(shop, listener, line())
    assert "SUCCESS" == shop.task(task.id).status
    wait_for(lambda: outcomes(shop, task.id))
    assert [True] == [one.startswith(("TimeoutError", "ConnectionTimeoutError")) for one in outcomes(shop, task.id)]


def test_nobody_there_is_no_harm(shop: BatchRoom) -> None:
    """Connection refused."""
    gone = Listener(f"http://127.0.0.1:{ports.reserve()}/")
    task = work_off(shop, gone, line())
    wait_for(lambda: outcomes(shop, task.id))
    assert ("SUCCESS", True) == (task.status, "ClientConnectorError" in outcomes(shop, task.id)[0])


@pytest.mark.parametrize(("certificate", "delivered"), [("checked", False), ("unchecked", True)])
def test_https_certificates_are_checked_by_a_switch(
    shop: BatchRoom,
    certificate: str,
    delivered: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """increment_callback_certificate."""
    shop.cloud.switch("increment_callback_certificate", certificate)
    with listening(secure=True) as secure:
        task = work_off(shop, secure, line())
        wait_for(lambda: outcomes(shop, task.id))
        assert (delivered, delivered) == (outcomes(shop, task.id) == ["HTTP 200"], bool(secure.heard))


def test_each_task_tells_its_own_address(shop: BatchRoom, listener: Listener) -> None:
    """In no promised order; and one without an address tells nobody."""
    first = work_off(shop, listener, line())
    shop.run(line())
    last = work_off(shop, listener, *numbered(3))
    assert {first.id, last.id} == {told["taskId"] for *_, told in listener.told(2)}
    assert 2 == len(listener.told(2))
