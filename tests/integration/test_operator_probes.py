"""The probes of a real operator while something is wrong with it, or with the way to the API server."""

from __future__ import annotations

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.demo.operator import Operator
from tests.integration.api_gateway import Fault, Gateway, start_behind
from tests.integration.replicas import has_ended, log_of, pause, wake
from tests.integration.world import World

QUICK = {"IMM_OPERATOR_WATCH_TIMEOUT": "2", "IMM_OPERATOR_RELIST_INTERVAL": "1"}
UNHEARD = 2 + 15  # seconds until a silent watch is told, controller/runtime/watches.py
UNANSWERED = 2 * 2 + 45
DEAF = 60
SLACK = 40  # the machine is shared


def asked(operator: Operator, probe: str, seconds: float = 20) -> tuple[int, str]:
    """Status and words of a probe; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(f"{operator.url}/{probe}", timeout=seconds) as response:  # noqa: S310 - ours
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def says(world: World, probe: str, seconds: float = 20) -> tuple[int, str]:
    """The same of this world's operator."""
    assert world.operator is not None
    return asked(world.operator, probe, seconds)


@contextmanager
def standby(world: World, directory: Path, **settings: str) -> Iterator[tuple[Gateway, World]]:
    """A second operator that stands by, behind a gateway: its first one holds the Lease on the straight way."""
    with Gateway(world.cluster).running() as gateway:
        operator = start_behind(gateway, world, directory, QUICK | settings)
        other = replace(world, directory=directory, operator=operator)
        other.user = world.user
        try:
            other.until("it to be ready", lambda: says(other, "readyz")[0] == 200, 60, lambda: log_of(other)[-2000:])
            yield gateway, other
        finally:
            end = operator.service.stop if has_ended(other) else operator.service.kill
            end()


def test_all_is_well_and_says_so(world: World) -> None:
    """Two words, for two probes."""
    assert [(200, "ok"), (200, "ok")] == [says(world, "healthz"), says(world, "readyz")]


def test_an_event_loop_that_stands_still_answers_no_probe(world: World, tmp_path: Path) -> None:
    """That is how it is told; once it goes on, its pause is held against nobody."""
    with standby(world, tmp_path / "paused") as (_, other):
        pause(other)
        try:
            assert 0 == says(other, "healthz", 2)[0]
            time.sleep(5)
        finally:
            wake(other)
        other.until("it to answer", lambda: says(other, "healthz") == (200, "ok"), SLACK)
        other.until("it to be ready", lambda: says(other, "readyz") == (200, "ok"), SLACK)


def test_watches_leave_connections_for_everything_else(world: World, tmp_path: Path) -> None:
    """Each keeps one, for each kind and namespace: here 28; LISTs and the Lease have to get through beside them."""
    more = [f"{world.namespace}-{number}" for number in range(6)]
    for name in more:
        world.kubectl("create", "namespace", name)
    settings = {
        "IMM_OPERATOR_NAMESPACES": ",".join([world.namespace, *more]),
        "IMM_OPERATOR_WATCH_TIMEOUT": "70",  # one that ends would make room for another
    }
    with standby(world, tmp_path / "many", **settings) as (gateway, other):
        other.until("every watch", lambda: gateway.watches == 28, SLACK, lambda: f"only {gateway.watches}")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            assert (200, "ok") == says(other, "readyz")
            time.sleep(1)


class Dripping:
    """A cloud that answers a byte a second, for ever: within every time-out that a library has."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def end(self) -> None:
        """Take no more."""
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
            while True:
                connection.sendall(b" ")
                time.sleep(0.5)


def test_a_pass_that_waits_for_ever_is_a_reason_to_restart(world: World) -> None:
    """No time-out ends it and nobody else may run its key; the probe names the object and the call."""
    cloud = Dripping()
    world.stop()
    world.settings |= {"IMM_OPERATOR_STUCK_AFTER": "10"}
    try:
        world.start()
        world.dataset("dripped")
        world.await_ready("dataset", "dripped")
        time.sleep(12)
        assert (200, "ok") == says(world, "healthz")  # work that gets somewhere is not stuck, however long it goes on
        world.account("slow", endpoints={"imm": cloud.url, "oss": cloud.url})
        world.apply("Dataset", "stuck", {"accountRef": {"name": "slow"}, "project": "media", "name": "stuck"})
        world.until("the probe to fail", lambda: says(world, "healthz")[0] == 503)
        words = says(world, "healthz")[1]
        assert words.startswith(f"stuck: Dataset {world.namespace}/stuck in the reconcile threads at imm:")
        assert 503 == says(world, "readyz")[0]
        world.until("the log to say it", lambda: "has to be restarted: stuck: Dataset" in log_of(world))
    finally:
        cloud.end()
        del world.settings["IMM_OPERATOR_STUCK_AFTER"]
        world.kill()
        world.kubectl("delete", "dataset", "stuck", f"--namespace={world.namespace}", "--wait=false")
        world.start()


def await_failure(other: World, seconds: float) -> None:
    """Wait until the process has ended by itself, and not in order."""
    other.until("the process to end", lambda: has_ended(other), seconds, lambda: log_of(other)[-2000:])
    assert other.operator is not None
    assert 0 != other.operator.service.process.returncode


def test_a_watch_that_died_ends_the_process(world: World, tmp_path: Path) -> None:
    """Kopf cannot go on from an error it does not know, and takes the operator with it: nobody stays, deaf."""
    with standby(world, tmp_path / "broken") as (gateway, other):
        gateway.spoil(Fault.BREAKING)
        # An orderly end alone may take 26 s (docs/architecture.md), and Kopf has to notice first.
        await_failure(other, 90)
        assert "WatchingError" in log_of(other)


def test_a_watch_that_is_not_answered_keeps_no_process_that_ends(world: World, tmp_path: Path) -> None:
    """Kopf may wait for its answer, or for another key, without end: `test_operator_end` has how that is cut short."""
    with standby(world, tmp_path / "late") as (gateway, other):
        gateway.spoil(Fault.BREAKING_LATE)
        await_failure(other, 25 + SLACK)


def test_a_half_open_connection_is_opened_anew(world: World, tmp_path: Path) -> None:
    """Neither its end nor a byte arrives, as behind a balancer that forgot it."""
    with standby(world, tmp_path / "half") as (gateway, other):
        before = gateway.watches
        gateway.spoil(Fault.HALF_OPEN)
        other.until("every watch to be opened anew", lambda: gateway.watches >= before + 4, SLACK)
        assert [(200, "ok"), (200, "ok")] == [says(other, "healthz"), says(other, "readyz")]


@pytest.mark.e2e
def test_an_api_server_that_does_not_answer_makes_unready_and_not_restarted(world: World, tmp_path: Path) -> None:
    """It accepts and says nothing for a minute: nothing in here can be mended, and all goes on when it is back."""
    with standby(world, tmp_path / "outage") as (gateway, other):
        gateway.spoil(Fault.SILENT)
        other.until("it to be not ready", lambda: says(other, "readyz")[0] == 503, UNHEARD + SLACK)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert (200, "ok") == says(other, "healthz")
            time.sleep(1)
        gateway.spoil(Fault.NONE)
        other.until(
            "it to be ready again", lambda: says(other, "readyz")[0] == 200, 60, lambda: says(other, "readyz")[1]
        )


def test_a_watch_without_rights_makes_unready(world: World, tmp_path: Path) -> None:
    """A restart would not grant them."""
    with standby(world, tmp_path / "rights") as (gateway, other):
        gateway.spoil(Fault.NO_WATCH)
        other.until("it to be not ready", lambda: says(other, "readyz")[0] == 503, UNHEARD + SLACK)
        assert "is refused: HTTP 403" in says(other, "readyz")[1]
        assert (200, "ok") == says(other, "healthz")


@pytest.mark.e2e
def test_deaf_unanswered_and_quiet_watches_are_told_apart(world: World, tmp_path: Path) -> None:
    """For a minute and a half: nothing happens to one of three; the other two have to be restarted."""
    with (
        standby(world, tmp_path / "quiet") as (_, quiet),
        standby(world, tmp_path / "deaf") as (deaf_gateway, deaf),
        standby(world, tmp_path / "unanswered") as (silent_gateway, silent),
    ):
        deaf_gateway.spoil(Fault.DEAF)
        silent_gateway.spoil(Fault.UNANSWERED)
        world.dataset("unheard")
        silent.until("not ready", lambda: says(silent, "readyz")[0] == 503, UNHEARD + SLACK)
        silent.until("a restart", lambda: says(silent, "healthz")[0] == 503, UNANSWERED + SLACK)
        assert "gets no answer" in says(silent, "healthz")[1]
        deaf.until("a restart", lambda: says(deaf, "healthz")[0] == 503, DEAF + SLACK)
        assert "the watch of Dataset is deaf" in says(deaf, "healthz")[1]
        assert [(200, "ok"), (200, "ok")] == [says(quiet, "healthz"), says(quiet, "readyz")]
