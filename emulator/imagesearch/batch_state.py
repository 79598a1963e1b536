"""What Image Search remembers of work in progress: batch tasks, exports of metadata, and callbacks on their way.

Times are seconds since the epoch on the emulator's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from emulator.imagesearch.manifest import Fault

TaskStatus = Literal["PROCESSING", "SUCCESS", "FAIL", "CANCELLED"]  # how the last one is shown is a switch


@dataclass(slots=True)
class BatchSettings:
    """How fast the local Image Search works. Set through the admin interface or by a test."""

    begin_seconds: float = 0.5  # from IncreaseInstance's answer to the first line
    lines_per_second: float = 50.0  # of one task; 0: all of them at once
    turn_seconds: float = 0.05  # real ones of work before requests are answered again, while the clock is real
    dump_seconds: float = 1.0  # from DumpMeta's answer to its end
    callback_timeout_seconds: float = 5.0  # real ones
    callback_again_seconds: float = 10.0  # between two tries of a callback


@dataclass(frozen=True, slots=True)
class Manifest:
    """An `increment.meta` as it was when a task read it."""

    content: bytes
    etag: str


@dataclass(slots=True)
class Task:
    """One batch: an `increment.meta` being worked off.

    Attributes:
        id: Of all tasks of the region.
        base_url: Under which the caller saw this cloud: the report's address in the callback is below it.
        modified: When its status last changed, or its last line was worked off.
        code: "0" unless the whole operation failed.
        checked: Bytes of the manifest that are known to be one JSON object per line; `is_checked` once all are.
        lines: How many lines those bytes are, and how many of them hold an entry: `entries`.
        offset: Bytes of the manifest whose lines are worked off, and how many lines that is: `progress`.
        faults: Lines that were isolated, by number.
        report_key: Where its report is; "" if there is none.
    """

    id: int
    bucket: str
    path: str
    callback_address: str
    base_url: str
    created: float
    modified: float
    status: TaskStatus = "PROCESSING"
    code: str = "0"
    msg: str = ""
    checked: int = 0
    is_checked: bool = False
    lines: int = 0
    entries: int = 0
    offset: int = 0
    progress: int = 0
    faults: dict[int, Fault] = field(default_factory=dict)
    report_key: str = ""


@dataclass(slots=True)
class Dump:
    """One export of an instance's metadata."""

    id: int
    created: float
    modified: float
    status: Literal["PROCESSING", "SUCCESS"] = "PROCESSING"
    meta_key: str = ""


@dataclass(slots=True)
class Callback:
    """What a task's callback address is told; `outcomes` has one text for each try so far."""

    task: int
    instance: str
    address: str
    body: str
    outcomes: list[str] = field(default_factory=list)
    delivered: bool = False
