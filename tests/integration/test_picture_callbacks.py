"""The callback of a batch task with the operator as a process: a hint to look at once, and never more than that."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import ports
from tests.integration.import_room import IMPORT, WORK
from tests.integration.picture_room import PICTURES, PictureRoom, inline, line, target
from tests.integration.replicas import is_ready, replica_of
from tests.integration.world import World

FAR = 600.0  # seconds; a task so old is looked at every 15
SOON = 12.0  # seconds: sooner than a look that nothing called for
TRAP = "a-trap"
RUN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def port() -> int:
    """Where the operator listens."""
    return ports.reserve()


@pytest.fixture(scope="module")
def room(world: World, port: int) -> Iterator[PictureRoom]:
    """Everything an import needs, and an operator that gives Image Search its address."""
    world.stop()
    url = f"http://127.0.0.1:{port}/imm"
    world.settings |= {"IMM_OPERATOR_CALLBACK_URL": url, "IMM_OPERATOR_CALLBACK_PORT": str(port)}
    world.start()
    made = PictureRoom(world)
    made.open()
    yield made
    # Of everything here: an address that a callback names is never called.
    assert [] == [one for one in world.cloud.requests("oss") if TRAP in str(one["resource"])]


@pytest.fixture(autouse=True)
def defaults(room: PictureRoom) -> Iterator[None]:
    """A test's pace and readings end with it."""
    yield
    room.calm()


def aged(room: PictureRoom, name: str, count: int = 2) -> tuple[list[dict[str, Any]], int]:
    """An import whose task is held, and is not looked at for a while; its lines and the task."""
    lines = room.shop(name, count)
    task = room.begun(name, inline(lines))
    room.age(name, FAR)
    return lines, task


def path_of(room: PictureRoom, name: str, nonce: str = "") -> str:
    """The path of an import's callback, as only the run's record has it."""
    run = room.status(name)["run"]
    record = json.loads(room.world.bucket(WORK).get_object(f"runs/{run}/record.json").read())
    return f"/imm/v1/callbacks/{run}/{nonce or record['nonce']}"


def document(room: PictureRoom, task: int, status: str = "NORMAL") -> bytes:
    """What the guide says is sent, with an address that nobody may call."""
    return json.dumps(
        {
            "finishTime": "2021-05-19 17:50:00", "instanceId": "imagesearch-cn-xxxx", "instanceName": "x",
            "message": "success", "processResultUrl": f"{room.world.cloud.url}/{TRAP}/report", "status": status,
            "taskId": task,
        }
    ).encode()  # fmt: skip


def call(port: int, path: str, body: bytes, method: str = "POST") -> int:
    """Call the operator; the answer's status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, {"content-type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def outcomes(room: PictureRoom, task: int) -> list[int]:
    """How a task's callback was answered, try by try."""
    tries = room.world.cloud.requests("imagesearch", "Callback")
    return [one["status"] for one in tries if dict(one["params"])["TaskId"] == str(task)]  # type: ignore[call-overload, misc] # the journal's JSON


def settle(room: PictureRoom, name: str) -> float:
    """Let the task go; seconds until its import is Complete."""
    room.work()
    began = time.monotonic()
    room.await_phase(name, "Complete", 40)
    return time.monotonic() - began


def test_the_end_is_noticed_at_once(room: PictureRoom) -> None:
    """Seconds before the next look was due; the address has the run, and stands in no status."""
    _, task = aged(room, "noticed")
    path = path_of(room, "noticed")
    [asked] = room.asked("IncreaseInstance", "noticed")
    assert asked["params"]["CallbackAddress"].endswith(path)
    assert settle(room, "noticed") < SOON
    assert [202] == outcomes(room, task)
    assert path.rpartition("/")[2] not in json.dumps(room.world.get(IMPORT, "noticed"))


def test_it_works_without(room: PictureRoom, port: int) -> None:
    """Image Search cannot reach the operator: the list is looked at, as ever."""
    room.world.stop()
    before = room.world.settings["IMM_OPERATOR_CALLBACK_URL"]
    room.world.settings["IMM_OPERATOR_CALLBACK_URL"] = f"http://127.0.0.1:{ports.reserve()}"
    room.world.start()
    try:
        lines = room.shop("unheard", 2)
        task = room.begun("unheard", inline(lines))
        room.work()
        room.await_phase("unheard", "Complete", 40)
        room.world.until("the callback to be tried", lambda: len(outcomes(room, task)) >= 1)
        assert {0} == set(outcomes(room, task))
    finally:
        room.world.stop()
        room.world.settings["IMM_OPERATOR_CALLBACK_URL"] = before
        room.world.start()


def test_a_forged_callback_changes_nothing(room: PictureRoom, port: int) -> None:
    """Whoever learned the address says that all is over, or failed: the task is looked at, and goes on."""
    _, task = aged(room, "forged")
    path = path_of(room, "forged")
    for word in ("NORMAL", "FAIL", "Stop"):
        looks = len(room.asked("IncreaseList", "forged"))
        assert 202 == call(port, path, document(room, task, word))
        room.world.until("a look", lambda seen=looks: len(room.asked("IncreaseList", "forged")) > seen)  # type: ignore[misc] # a lambda's default has no type
    status = room.status("forged")
    assert ("Waiting", "Processing", task) == (status["phase"], status["task"]["state"], status["task"]["id"])
    assert 0 == status["totals"]["succeeded"] + status["totals"]["failed"]
    room.work()
    room.await_phase("forged", "Complete", 40)


def test_a_replayed_callback_changes_nothing(room: PictureRoom, port: int) -> None:
    """The run is over, and nobody waits for it: no call, no write."""
    _, task = aged(room, "replayed")
    path = path_of(room, "replayed")
    settle(room, "replayed")
    room.world.request(IMPORT, "replayed", "settled")
    before = room.world.cloud.counts()["imagesearch"]
    version = (room.world.get(IMPORT, "replayed") or {})["metadata"]["resourceVersion"]
    assert [404] * 3 == [call(port, path, document(room, task, "FAIL")) for _ in range(3)]
    room.world.request(IMPORT, "replayed", "afterwards")
    counts = room.world.cloud.counts()["imagesearch"]
    assert before == counts
    assert int(version) < int((room.world.get(IMPORT, "replayed") or {})["metadata"]["resourceVersion"])
    assert (2, 0, 0, 0) == room.counts("replayed")


def test_who_does_not_know_the_address_gets_nowhere(room: PictureRoom, port: int) -> None:
    """A wrong nonce, a run that nobody knows, another path, another method: no look comes of it."""
    _, task = aged(room, "guessed")
    path, looks = path_of(room, "guessed"), len(room.asked("IncreaseList", "guessed"))
    said = document(room, task)
    wrong = [
        path_of(room, "guessed", "0" * 32), path[:-1], f"{path}0", f"/imm/v1/callbacks/{RUN}/{'0' * 32}", "/imm", "/",
        "/healthz", "/metrics", f"{path}/more", path.replace("callbacks", "callback"), f"{path.rpartition('/')[0]}/%00",
    ]  # fmt: skip
    assert [404] * len(wrong) == [call(port, one, said) for one in wrong]
    assert {404, 405} >= {call(port, path, b"", method) for method in ("GET", "PUT", "DELETE", "HEAD")}
    assert looks == len(room.asked("IncreaseList", "guessed"))
    room.work()
    room.await_phase("guessed", "Complete", 40)


def test_what_is_no_document_is_a_hint_all_the_same(room: PictureRoom, port: int) -> None:
    """Nothing of it is believed, so nothing of it can be wrong."""
    aged(room, "odd")
    path = path_of(room, "odd")
    bodies = [b"", b"{", b"[]", b"null", b'{"taskId": {}}', b"\xff\xfe", b"[" * 9000, b"9" * 9000, b"x" * 16384]
    assert [202] * len(bodies) == [call(port, path, body) for body in bodies]
    room.work()
    room.await_phase("odd", "Complete", 40)


def test_a_huge_body_is_not_taken_in(room: PictureRoom, port: int) -> None:
    """A gigabyte is said to come, and no more of it is read than a callback may have; the next caller is answered."""
    _, task = aged(room, "huge")
    path = path_of(room, "huge")
    assert flood(port, path, 1 << 30) < 64 << 20, "most of it was never read"
    assert is_ready(room.world)
    assert 202 == call(port, path, document(room, task))
    room.work()
    room.await_phase("huge", "Complete", 40)


def test_a_body_that_does_not_come_is_not_waited_for(room: PictureRoom, port: int) -> None:
    """Some seconds, and then the hint counts without it."""
    aged(room, "slow")
    head = f"POST {path_of(room, 'slow')} HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head + b'{"finishTime": ')
        assert b"HTTP/1.1 202" == connection.recv(12)
    room.work()
    room.await_phase("slow", "Complete", 40)


def flood(port: int, path: str, length: int) -> int:
    """Send a body for as long as somebody takes it, up to its length; bytes that were sent."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
    block, sent = b"x" * (1 << 20), 0
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        try:
            connection.sendall(head)
            while sent < length:
                connection.sendall(block)
                sent += len(block)
        except OSError:
            pass
    return sent


def test_a_replica_that_does_not_lead_says_so(room: PictureRoom, tmp_path_factory: pytest.TempPathFactory) -> None:
    """So that whoever balances the load asks another one, or Image Search tries again."""
    _, task = aged(room, "followed")
    path = path_of(room, "followed")
    follower = replica_of(room.world, tmp_path_factory.mktemp("follower"))
    own = ports.reserve()
    follower.settings = room.world.settings | {"IMM_OPERATOR_CALLBACK_PORT": str(own)}
    follower.start()
    try:
        assert 503 == call(own, path, document(room, task))
        assert 503 == call(own, f"/v1/callbacks/{RUN}/{'0' * 32}", b"{}")
    finally:
        follower.stop()
    room.work()
    room.await_phase("followed", "Complete", 40)


def test_a_hint_wakes_an_operator_that_began_anew(room: PictureRoom, port: int) -> None:
    """The run is not loaded yet, or only just: the end is noticed all the same, and nothing is submitted."""
    _, task = aged(room, "reborn")
    path = path_of(room, "reborn")
    room.world.kill()
    room.world.start()
    room.work()
    room.world.until("the callback", lambda: call(port, path, document(room, task)) in {202, 404}, 90)
    room.await_phase("reborn", "Complete", 40)
    assert 1 == room.submits("reborn")


def test_every_import_of_the_instance_is_served_by_one_hint(room: PictureRoom) -> None:
    """Whoever waits for its turn is woken by the end of the one before."""
    room.instance("chain")
    room.hold()
    for number in range(2):
        room.draw(f"chain/{number}/a.jpg")
        room.apply(f"chain-{number}", inline([line(f"c{number}", "a.jpg")]), target=target("chain", f"chain/{number}/"))
        if number == 0:
            room.await_task("chain-0")
    room.await_said("chain-1", "1 import comes before")
    room.age("chain", FAR)
    room.calm()
    room.work()
    for number in range(2):
        began = time.monotonic()
        room.await_phase(f"chain-{number}", "Complete", 60)
        assert time.monotonic() - began < SOON
    assert 2 == room.submits("chain")
    assert room.world.bucket(PICTURES).object_exists("chain/1/increment.meta")
