"""Two operator processes over one Lease, and what a test does to them: pause, wake, kill, cut off."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.integration.world import World

LEASE, RETRY, CALL = 20, 2, 15  # seconds: the defaults of controller/runtime/settings.py, and a call's time-out


def replica_of(world: World, directory: Path) -> World:
    """Another operator of the same world: same namespace, same Lease."""
    directory.mkdir(exist_ok=True)
    replica = replace(world, directory=directory, operator=None)
    replica.user = world.user
    return replica


def leads(world: World) -> bool:
    """Whether this operator says that it leads."""
    if world.operator is None:
        return False
    try:
        with urllib.request.urlopen(f"{world.operator.url}/metrics", timeout=20) as response:  # noqa: S310 - ours
            text = response.read().decode()
    except OSError:
        return False
    return f'leader_election_master_status{{name="{world.namespace}"}} 1.0' in text


def is_ready(world: World) -> bool:
    """What /readyz says."""
    assert world.operator is not None
    with urllib.request.urlopen(f"{world.operator.url}/readyz", timeout=20) as response:  # noqa: S310 - ours
        return bool(response.status == 200)


def lease(world: World) -> dict[str, Any]:
    """The spec of the Lease, empty where there is none."""
    words = ("get", "lease", world.namespace, "--namespace=imm-operator", "--output=json", "--ignore-not-found")
    shown = world.kubectl(*words)
    return dict(json.loads(shown)["spec"]) if shown else {}


def process_of(world: World) -> int:
    """The process id of the operator itself, which its leash-holder started."""
    assert world.operator is not None
    holder = world.operator.service.process.pid
    return int(Path(f"/proc/{holder}/task/{holder}/children").read_text().split()[0])


def pause(world: World) -> None:
    """Stop the process where it stands."""
    os.kill(process_of(world), signal.SIGSTOP)


def wake(world: World) -> None:
    """Let it go on."""
    os.kill(process_of(world), signal.SIGCONT)


def revive(world: World) -> None:
    """Kill the operator, and begin another at once: its Lease is taken from it, as after it had run out."""
    world.kill()
    world.kubectl("delete", "lease", world.namespace, "--namespace=imm-operator", "--ignore-not-found")
    world.start()


def has_ended(world: World) -> bool:
    """Whether the operator is gone."""
    assert world.operator is not None
    return world.operator.service.process.poll() is not None


def signalled(world: World, number: int = signal.SIGTERM) -> float:
    """Send the operator a signal, as a kubelet would; the moment."""
    os.kill(process_of(world), number)
    return time.monotonic()


ENDED = r"^\S.* ended by itself, with (-?\d+)$"  # the last word in its log, of sandbox.apiserver.leashed


def exit_code(world: World) -> int:
    """What the operator ended with by itself, as its leash-holder heard."""
    told = re.findall(ENDED, log_of(world), re.MULTILINE)
    return int(told[-1])


def probed(world: World, path: str) -> tuple[int, str]:
    """The status and the words of a probe."""
    assert world.operator is not None
    try:
        with urllib.request.urlopen(f"{world.operator.url}/{path}", timeout=20) as response:  # noqa: S310 - ours
            return int(response.status), response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def log_of(world: World) -> str:
    """What it has said so far."""
    return (world.directory / "operator.log").read_text(errors="replace")


class Proxy:
    """A way to the API server that can be cut: what is under way breaks off, and nothing new gets through."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._target = address.hostname or "", address.port or 443
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"https://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection, and take no more."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for end in self._open:
            end_of(end)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def end_of(end: socket.socket) -> None:
    """Close a socket that another thread may be reading."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    end_of(sink)


@contextmanager
def proxied(world: World) -> Iterator[Proxy]:
    """While this lasts, an operator that this world starts reaches the API server through the proxy only."""
    proxy = Proxy(world.cluster.url)
    text = world.cluster.kubeconfig.read_text()
    own = world.directory / "admin.kubeconfig"
    own.write_text(re.sub(re.escape(world.cluster.url), proxy.url, text))
    direct = world.cluster
    world.cluster = replace(direct, kubeconfig=own, held=None)
    try:
        yield proxy
    finally:
        world.cluster = direct
