"""What a process under test takes: memory and processor time, as the kernel counts them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sandbox.demo.services import Service

PAGE = os.sysconf("SC_PAGE_SIZE")


def pid_of(service: Service) -> int:
    """The process itself, which is the only child of its leash."""
    leash = service.process.pid
    return int(Path(f"/proc/{leash}/task/{leash}/children").read_text().split()[0])


def resident(service: Service) -> int:
    """Resident bytes (proc(5): the second field of statm)."""
    return int(Path(f"/proc/{pid_of(service)}/statm").read_text().split()[1]) * PAGE


def processor_seconds(pid: int) -> float:
    """User and system time of a process, by its own clock (clock_getcpuclockid(3), as Linux numbers it)."""
    return time.clock_gettime((~pid << 3) | 2)
