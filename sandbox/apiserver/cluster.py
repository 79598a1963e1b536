"""Start a real Kubernetes API server in a directory, and hand it out.

A second start on the same directory joins the server if it runs, and otherwise finds its objects, certificates and port
again. The server ends with the last process that holds it, however that process ends (see `leash`).
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from sandbox import ports
from sandbox.apiserver import kubeconfig, leash, private_file
from sandbox.apiserver.build import NO_CONTROLLERS, OneBinary, Programs, find_programs
from sandbox.apiserver.certificates import Certificates, certificates
from sandbox.apiserver.readiness import await_ready
from sandbox.apiserver.server_files import server_flags, server_url, write_etcd_config
from sandbox.programs import ProgramError

ENDING_SECONDS = 15.0


class _Server(subprocess.Popen[bytes]):
    """A child that others may hold after us, whoever of them ends it: that it outlives us is no oversight."""

    def __del__(self) -> None:
        """Say nothing, where Python warns of a child that still runs."""


# Kept until they have ended, so that those that end before us are waited for.
_children: dict[int, _Server] = {}


@dataclass
class Cluster:
    """A cluster to use: `kubeconfig` is the administrator's."""

    kubeconfig: Path
    url: str
    ca_file: Path | None
    directory: Path
    pid: int | None = None
    audit_log: Path | None = None
    controllers: bool = True
    held: int | None = field(default=None, repr=False)  # our end of its leash; None: not ours to stop

    def stop(self) -> None:
        """Let go of the cluster; the last holder ends the server and waits for that.."""
        end, self.held = self.held, None
        if end is None:
            return
        with leash.alone(self.directory):
            last = leash.is_last(end)
            os.close(end)
            if last and self.pid:
                _await_end(self.directory, self.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_cluster(
    directory: Path,
    *,
    programs: Programs | None = None,
    audit: bool = False,
    durable: bool = True,
    seconds: float = 60,
) -> Cluster:
    """Return the cluster of `directory`, started unless it runs already.

    With `audit` every request leaves a line in `Cluster.audit_log`. Without `durable` etcd skips fsync, which is
    faster and safe against everything but a crash of the machine. A running server keeps what it was started with.

    Raises:
        ProgramError: it cannot be built or did not become ready; the message ends with the log's tail.
    """
    directory = directory.absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    programs = programs or find_programs()
    with leash.alone(directory):
        keys = certificates(directory / "pki")
        end = leash.join(directory)
        if end is None:
            end = _start(directory, programs, keys, audit=audit, durable=durable)
        cluster = _describe(directory, keys, end)
        log = directory / "server.log"
        try:
            await_ready(
                cluster.url, keys, log, controllers=cluster.controllers, ended=lambda: _ended(cluster), seconds=seconds
            )
        except BaseException:
            os.close(end)
            if cluster.pid in _children:
                _await_end(directory, cluster.pid)
            raise
    return cluster


def _start(directory: Path, programs: Programs, keys: Certificates, *, audit: bool, durable: bool) -> int:
    alive = leash.life_lock(directory, ENDING_SECONDS)
    if alive is None:
        raise ProgramError(f"An earlier server still runs in {directory} and does not end; see server.log there.")
    port = _port(directory)
    audit_log = directory / "audit.log" if audit else None
    etcd = write_etcd_config(directory, durable=durable)
    flags = server_flags(directory, port, keys, audit_log)
    if isinstance(programs, OneBinary):
        authority = keys.authority.certificate
        controllers = kubeconfig.with_certificate(
            directory / "controllers.kubeconfig", server_url(port), authority, keys.controllers
        )
        command = [str(programs.server), str(etcd), str(controllers), *flags]
    else:
        click.echo(NO_CONTROLLERS, err=True)
        both = [str(programs.etcd), f"--config-file={etcd}", "--", str(programs.apiserver), *flags]
        command = [sys.executable, "-m", "sandbox.apiserver.leashed", *both]
    server_end, end = leash.create(directory)
    pid = _spawn(command, directory, server_end, alive)
    state = {"port": port, "pid": pid, "audit": audit, "controllers": isinstance(programs, OneBinary)}
    private_file.write(directory / "cluster.json", json.dumps(state))
    return end


def _spawn(command: list[str], directory: Path, server_end: int, alive: int) -> int:
    """Start the server with the leash as its input and with the lock that says it lives; return its process id."""
    source = str(Path(__file__).parents[2])  # it runs in its data directory, where `-m sandbox` is not found
    try:
        with (directory / "server.log").open("wb") as log:
            child = _Server(
                command,
                cwd=directory,
                env={**os.environ, "PYTHONPATH": source},
                stdin=server_end,
                stdout=log,
                stderr=log,
                pass_fds=[alive],
                start_new_session=True,  # Ctrl-C is for us: we end the server, tidily
            )
    finally:
        os.close(server_end)
        os.close(alive)
    _children[child.pid] = child
    return child.pid


def _describe(directory: Path, keys: Certificates, end: int) -> Cluster:
    state = json.loads((directory / "cluster.json").read_text())
    url = server_url(state["port"])
    authority = keys.authority.certificate
    return Cluster(
        kubeconfig=kubeconfig.with_certificate(directory / "admin.kubeconfig", url, authority, keys.admin),
        url=url,
        ca_file=authority,
        directory=directory,
        pid=state["pid"],
        audit_log=directory / "audit.log" if state["audit"] else None,
        controllers=state["controllers"],
        held=end,
    )


def _port(directory: Path) -> int:
    """Return the port of the last start if it is still free, so that kubeconfigs handed out then stay true."""
    state = directory / "cluster.json"
    wanted = [json.loads(state.read_text())["port"]] if state.exists() else []
    for port in [*wanted, 0]:
        with suppress(OSError):
            return ports.reserve(port)
    raise ProgramError("No free port on 127.0.0.1: is the loopback interface up?")


def _ended(cluster: Cluster) -> bool:
    lock = leash.life_lock(cluster.directory, 0)
    if lock is None:
        return False
    os.close(lock)
    return True


def _await_end(directory: Path, pid: int) -> None:
    """Wait until the server has ended; end it by force when it does not go."""
    lock = leash.life_lock(directory, ENDING_SECONDS)
    if lock is None:  # the lock says that it lives, so the number is still its own
        os.killpg(pid, signal.SIGKILL)
        lock = leash.life_lock(directory, ENDING_SECONDS)
    if lock is not None:
        os.close(lock)
    if child := _children.pop(pid, None):
        child.wait(ENDING_SECONDS)
