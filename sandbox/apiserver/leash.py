"""Who holds a running cluster, kept by the kernel so that it is true even after `kill -9`.

The server reads a named pipe and ends when the last process that holds the other end is gone. While it lives it owns a
lock, so a later start knows whether an ending server still writes to the directory. Several processes, such as the
workers of one test session, may hold the same server.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Let one process at a time start, join or leave the cluster of this directory."""
    with (directory / "start.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def join(directory: Path) -> int | None:
    """Take hold of the running server's leash; None when no server is there."""
    try:
        # without O_NONBLOCK this would wait for a reader instead of failing with ENXIO
        end = os.open(_pipe(directory), os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None
    fcntl.flock(end, fcntl.LOCK_SH)
    return end


def create(directory: Path) -> tuple[int, int]:
    """Return the server's end of a new leash and our own."""
    with suppress(FileExistsError):
        os.mkfifo(_pipe(directory), mode=0o600)
    server_end = os.open(_pipe(directory), os.O_RDONLY | os.O_NONBLOCK)
    end = join(directory)
    os.set_blocking(server_end, True)
    if end is None:
        os.close(server_end)
        raise RuntimeError(f"The named pipe {_pipe(directory)} cannot be opened; delete it and start again.")
    return server_end, end


def is_last(end: int) -> bool:
    """Tell whether nobody else holds the leash: every holder has a shared lock on it."""
    try:
        fcntl.flock(end, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def life_lock(directory: Path, seconds: float) -> int | None:
    """Take the lock that a server owns while it lives, waiting for an ending one; None when it does not end."""
    lock = os.open(directory / "alive.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                return None
            time.sleep(0.02)
        else:
            return lock


def _pipe(directory: Path) -> Path:
    return directory / "leash"
