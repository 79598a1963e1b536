"""SIGTERM, whatever is under way: the process ends with 0 in time, and what it did is done once and on record."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from controller.runtime.ending import DRAIN, LONGEST
from sandbox import ports
from tests.integration.import_room import QUEUE, VISIBILITY, ImportRoom, lines, many
from tests.integration.replicas import (
    LEASE,
    RETRY,
    exit_code,
    has_ended,
    leads,
    lease,
    log_of,
    probed,
    proxied,
    replica_of,
    signalled,
)
from tests.integration.world import PROJECT, World

SLACK = 10.0  # seconds: the machine is shared
SLOW = 8.0  # seconds of an answer: longer than passes are waited for, shorter than a call may take
FAULT: dict[str, Any] = {"service": "imm", "operation": "CreateBinding", "when": "after", "latency": SLOW, "times": 1}
KUBECONFIG = """
{apiVersion: v1, kind: Config, current-context: x,
 clusters: [{name: x, cluster: {server: "http://127.0.0.1:%d"}}],
 users: [{name: x, user: {token: x}}],
 contexts: [{name: x, context: {cluster: x, user: x}}]}
"""


@pytest.fixture(scope="module")
def room(world: World) -> ImportRoom:
    """Everything an import needs, and a dataset to bind buckets to."""
    made = ImportRoom(world)
    made.open()
    world.dataset("stops")
    world.await_ready("Dataset", "stops")
    return made


@pytest.fixture
def leader(room: ImportRoom) -> Iterator[World]:
    """An operator that leads; whatever a test did to it, the next one has another."""
    world = room.world
    if world.operator is None or has_ended(world):
        again(world)
    world.until("it to lead", lambda: leads(world), LEASE + RETRY + SLACK)
    yield world
    world.cloud.fault()
    if world.operator is not None and not has_ended(world):
        return
    world.kubectl("delete", "lease", world.namespace, "--namespace=imm-operator", "--ignore-not-found")
    again(world)


def again(world: World) -> None:
    """Start the operator after it ended."""
    world.stop()
    world.start()


def struck(world: World) -> bool:
    """Whether the one request that the fault is for has arrived at the cloud."""
    return all(rule["left"] == 0 for rule in world.cloud.run(lambda instance: instance.faults.describe()))


def ended(world: World, since: float, most: float = LONGEST) -> float:
    """Wait for the end; the seconds that it took."""
    world.until("the operator to end", lambda: has_ended(world), most + SLACK, lambda: log_of(world)[-3000:])
    return time.monotonic() - since


def creates(world: World, bucket: str) -> int:
    """How often a binding of a bucket was asked for."""
    return sum(bucket in str(call["params"]) for call in world.cloud.requests("imm", "CreateBinding"))


def bind(world: World, name: str) -> None:
    """Apply a binding of a bucket of the same name."""
    world.bucket(f"{name}-bucket")
    world.binding(name, f"{name}-bucket", "stops")


def given_back(world: World) -> bool:
    """Whether nobody holds the Lease."""
    return lease(world).get("holderIdentity") in {None, ""}


def test_a_slow_answer_is_waited_for(leader: World) -> None:
    """Not ready at once, alive to the end; the log says for what; the next process needs no look-up."""
    leader.cloud.fault(FAULT)
    bind(leader, "slow")
    leader.until("the call to be on its way", lambda: struck(leader))
    assert 200 == probed(leader, "readyz")[0]
    began = signalled(leader)
    leader.until("not to be ready", lambda: probed(leader, "readyz")[0] == 503, DRAIN - 1)
    assert "this process is ending: SIGTERM" in probed(leader, "readyz")[1]
    assert (200, "ok") == probed(leader, "healthz")
    leader.until("more than a drain to go by", lambda: time.monotonic() - began > DRAIN + 0.5, DRAIN + 1)
    assert (200, "ok") == probed(leader, "healthz")
    assert ended(leader, began) < SLOW + SLACK
    assert 0 == exit_code(leader)
    assert given_back(leader)
    log = log_of(leader)
    own = f"1 pass (DatasetBinding {leader.namespace}/slow), 1 call to the cloud without an answer"
    for words in (
        f"SIGTERM: nothing new is begun; waiting up to 5 s for {own}",
        f"nothing more is submitted; still waiting for {own}",
        "everything under way is finished",
        "released the lease",
    ):
        assert words in log
    assert "bind oss://slow-bucket to dataset media/stops [request id" in log, "the answer was heard"
    again(leader)
    leader.await_ready("datasetbinding", "slow")
    assert 1 == creates(leader, "slow-bucket")


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_an_answer_that_never_comes_leaves_its_intent(leader: World) -> None:
    """The call runs into its time-out; the next process finds what it did, and does not do it again."""
    leader.cloud.fault(FAULT | {"latency": 14.0})
    bind(leader, "never")
    leader.until("the call to be on its way", lambda: struck(leader))
    assert ended(leader, signalled(leader)) < LONGEST
    assert 0 == exit_code(leader)
    assert "intent" in (leader.get("datasetbinding", "never") or {})["status"]
    again(leader)
    leader.await_ready("datasetbinding", "never", 90)
    leader.until("the cloud to be through with the call", lambda: creates(leader, "never-bucket") > 0)
    assert 1 == creates(leader, "never-bucket")


def test_what_waits_for_its_turn_is_turned_away(leader: World) -> None:
    """The limiter lets it through when the fence is shut: nothing was sent, and the next process sends it once."""
    leader.stop()
    settings = leader.settings
    leader.settings = settings | {"IMM_OPERATOR_IMM_RATE": "0.05", "IMM_OPERATOR_POLL_INTERVAL": "60"}
    leader.start()
    leader.settings = settings
    for name in ("first", "second", "third"):
        bind(leader, name)
    leader.until(
        "a pass to wait for its turn", lambda: "imm_operator_rate_limiter_waiting" in probed(leader, "metrics")[1]
    )
    assert ended(leader, signalled(leader), DRAIN) < DRAIN + SLACK
    assert 0 == exit_code(leader)
    assert given_back(leader)
    again(leader)
    for name in ("first", "second", "third"):
        leader.await_ready("datasetbinding", name, 60)
        assert 1 == creates(leader, f"{name}-bucket")


@pytest.mark.timeout(600)
def test_the_calls_of_an_import_are_answered_and_none_is_made_twice(leader: World, room: ImportRoom) -> None:
    """Sixteen are on their way, each slow: what was accepted is on record, so nothing is sent again."""
    keys = many("stopped", 2_000)
    room.upload(keys)
    rule = {"service": "imm", "operation": "BatchIndexFileMeta", "when": "after", "latency": SLOW, "times": 12}
    before = room.billed()
    leader.cloud.fault(rule)
    room.apply("stopped", room.table("tables/stopped.jsonl", lines(keys)))
    leader.until("calls to be on their way", lambda: struck(leader), 40)
    assert ended(leader, signalled(leader)) < SLOW + SLACK
    assert 0 == exit_code(leader)
    assert given_back(leader)
    again(leader)
    totals = room.await_phase("stopped", "Complete", 90)["totals"]
    assert (2_000, 2_000, 0) == (totals["items"], totals["succeeded"], totals.get("resent", 0))
    answered = leader.cloud.requests("imm", "BatchIndexFileMeta")[-(room.billed() - before) :]
    assert len(answered) == len({str(one["params"]) for one in answered}), "no call was made twice"


def test_messages_in_hand_are_worked_off(leader: World, room: ImportRoom) -> None:
    """The verdict goes into the journal and the message out of the queue, in that order, before the end."""
    room.put("in-hand.txt")
    room.hide(60)  # seconds: what is in hand for as long as below does not come again meanwhile
    leader.cloud.fault(
        {"service": "mns", "operation": "BatchDeleteMessage", "when": "before", "latency": DRAIN - 1, "times": 1}
    )
    room.apply("in-hand", room.items("in-hand.txt"))
    leader.until("a message to be in hand", lambda: struck(leader), 40)
    began = signalled(leader)
    assert ended(leader, began) < DRAIN + SLACK
    assert 0 == exit_code(leader)
    assert f"/{QUEUE}" in log_of(leader).split("nothing new is begun")[1]
    assert [] == room.messages(QUEUE)
    room.hide(VISIBILITY)
    again(leader)
    totals = room.await_phase("in-hand", "Complete", 60)["totals"]
    assert (1, 1) == (totals["items"], totals["succeeded"])


def test_a_long_poll_is_not_waited_for(leader: World, room: ImportRoom) -> None:
    """A reader that waits for messages has nothing in hand."""
    room.put("polled.txt")
    room.settings(index_delay_seconds=15.0)
    before = room.billed()
    room.apply("polled", room.items("polled.txt"))
    leader.until("a file to be sent", lambda: room.billed() > before, 40)
    room.settings(index_delay_seconds=0.2)
    leader.until("a long poll", lambda: leader.cloud.long_polls() > 0, 40)
    assert ended(leader, signalled(leader), DRAIN) < SLACK
    assert 0 == exit_code(leader)
    again(leader)
    assert 1 == room.await_phase("polled", "Complete", 60)["totals"]["succeeded"]


def test_a_second_signal_ends_it_at_once(leader: World) -> None:
    """Who insists is not kept waiting; the intent is on record, and the effect is found."""
    leader.cloud.fault(FAULT)
    bind(leader, "twice")
    leader.until("the call to be on its way", lambda: struck(leader))
    signalled(leader)
    leader.until("the first to be heard", lambda: "nothing new is begun" in log_of(leader))
    assert ended(leader, signalled(leader, signal.SIGINT), 0) < SLACK
    assert 1 == exit_code(leader)
    assert "SIGINT again: this process ends at once" in log_of(leader)
    assert "Traceback" not in log_of(leader)
    assert "intent" in (leader.get("datasetbinding", "twice") or {})["status"]


def test_a_standby_ends_at_once_and_leaves_the_lease(leader: World, tmp_path: Path) -> None:
    """Nothing is under way there, and the Lease is another's."""
    standby = replica_of(leader, tmp_path / "standby")
    standby.start()
    standby.until("it to stand by", lambda: "standing by" in log_of(standby))
    assert ended(standby, signalled(standby), 0) < SLACK
    assert 0 == exit_code(standby)
    assert "nothing is under way" in log_of(standby)
    standby.stop()
    assert leads(leader)


def test_nobody_who_dawdles_at_a_port_holds_up_the_end(room: ImportRoom, leader: World) -> None:
    """A callback whose body does not come, and a probe that is half asked."""
    leader.stop()
    port = ports.reserve()
    settings = leader.settings
    leader.settings = settings | {
        "IMM_OPERATOR_CALLBACK_URL": "https://callbacks.example.com",
        "IMM_OPERATOR_CALLBACK_PORT": str(port),
    }
    leader.start()
    leader.settings = settings
    assert leader.operator is not None
    probes = urlsplit(leader.operator.url).port
    with (
        closing(socket.create_connection(("127.0.0.1", port))) as caller,
        closing(socket.create_connection(("127.0.0.1", probes or 0))) as prober,
    ):
        caller.sendall(b"POST /runs/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
        prober.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        assert ended(leader, signalled(leader), 0) < SLACK
    assert 0 == exit_code(leader)


@pytest.mark.timeout(600)
def test_without_the_api_server_it_ends_in_time(room: ImportRoom, leader: World) -> None:
    """The Lease cannot be given back, and passes cannot write; the probes behave all the same."""
    leader.stop()
    with proxied(leader) as proxy:
        leader.start()
    leader.until("it to lead", lambda: leads(leader), LEASE + RETRY + SLACK)
    leader.cloud.fault(FAULT)
    bind(leader, "cut")
    leader.until("the call to be on its way", lambda: struck(leader))
    proxy.cut()
    began = signalled(leader)
    leader.until("not to be ready", lambda: probed(leader, "readyz")[0] == 503, DRAIN - 1)
    assert (200, "ok") == probed(leader, "healthz")
    assert ended(leader, began) < LONGEST
    assert 0 == exit_code(leader)
    assert "could not be released" in log_of(leader)
    assert "Traceback" not in log_of(leader)
    leader.kubectl("delete", "lease", leader.namespace, "--namespace=imm-operator")
    again(leader)
    leader.await_ready("datasetbinding", "cut", 60)
    assert 1 == creates(leader, "cut-bucket")
    assert 1 == [binding.bucket for binding in leader.imm.list_bindings(PROJECT)].count("cut-bucket")


def test_before_the_first_list(tmp_path: Path) -> None:
    """An API server that takes the connection and says nothing: there is nothing to wait for."""
    with socket.create_server(("127.0.0.1", 0)) as silent, started(tmp_path, silent.getsockname()[1]) as process:
        log = tmp_path / "log"
        await_that(lambda: "leases" in log.read_text() or "authentication has finished" in log.read_text())
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert 0 == process.wait(30)
        assert time.monotonic() - began < DRAIN + SLACK
        assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("module", [["controller"], ["controller.cli", "run"]], ids=" ".join)
def test_while_it_is_being_imported(tmp_path: Path, module: list[str]) -> None:
    """The first process of a container is not told of a signal it has no handler for: so it has one from the start."""
    with started(tmp_path, 1, module) as process:
        await_that(lambda: catches(process.pid, signal.SIGTERM))
        assert "" == (tmp_path / "log").read_text(), "it has not begun yet"
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(60)
        assert "" == (tmp_path / "log").read_text()


@contextmanager
def started(directory: Path, port: int, module: Sequence[str] = ("controller",)) -> Iterator[subprocess.Popen[bytes]]:
    """The operator without a leash, told to use an API server at a port; its output goes to `log`."""
    config = directory / "kubeconfig"
    config.write_text(KUBECONFIG % port)
    environment = {
        **os.environ,
        "KUBECONFIG": str(config),
        "IMM_OPERATOR_LEASE_NAMESPACE": "imm-operator",
        "IMM_OPERATOR_HTTP_HOST": "127.0.0.1",
        "IMM_OPERATOR_HTTP_PORT": "0",
        "IMM_OPERATOR_LOG_FORMAT": "plain",
    }
    with (directory / "log").open("wb") as log:
        words = [sys.executable, "-m", *module]
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal (proc(5): the mask of those it catches)."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def await_that(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)
