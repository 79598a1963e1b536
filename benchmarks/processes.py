"""What a process under test takes: memory, processor time and time, as the kernel counts them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sandbox.demo.services import Service

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def pid_of(service: Service) -> int:
    """The process itself, which is the only child of its leash."""
    leash = service.process.pid
    return int(Path(f"/proc/{leash}/task/{leash}/children").read_text().split()[0])


def resident(service: Service) -> int:
    """Resident bytes (proc(5): the second field of statm)."""
    return int(Path(f"/proc/{pid_of(service)}/statm").read_text().split()[1]) * PAGE


def age(service: Service) -> float:
    """Seconds since the process began (proc(5): the 22nd field of stat, counted in ticks since the machine started)."""
    after_its_name = Path(f"/proc/{pid_of(service)}/stat").read_text().rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(after_its_name[22 - 3]) / TICKS


def processor_seconds(pid: int) -> float:
    """User and system time of a process, by its own clock (clock_getcpuclockid(3), as Linux numbers it)."""
    return time.clock_gettime((~pid << 3) | 2)
