"""What IMM remembers of work in progress: batches, the tasks they submit, and buckets attached to a project."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

BatchState = Literal["Ready", "Running", "Failed", "Suspended", "Succeeded"]
TaskStatus = Literal["Running", "Succeeded", "Failed"]


@dataclass(slots=True)
class Action:
    """One template that a batch runs on every file, with its parameters as sent."""

    name: str
    parameters: list[str] = field(default_factory=list)
    on_error: Literal["", "abort", "ignore"] = ""  # FastFailPolicy.Action; "" was not sent and is like ignore


@dataclass(slots=True)
class Batch:
    """A batch over a bucket's prefix. `cursor` is the last key looked at; `pace` counts keys since `scan_started`."""

    batch_id: str
    created: float
    updated: float
    service_role: str
    bucket: str
    prefix: str
    actions: list[Action]
    topic: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    state: BatchState = "Ready"
    error: str = ""
    scan_started: float = 0.0
    scanned: bool = False  # every key has been looked at
    pace: int = 0
    cursor: str = ""
    open_tasks: int = 0
    submitted: int = 0
    not_submitted: int = 0
    skipped: int = 0


@dataclass(slots=True)
class Task:
    """An asynchronous task. `code` and `message` say why it failed."""

    task_id: str
    task_type: str
    started: float
    ended: float | None = None
    status: TaskStatus = "Running"
    code: str = ""
    message: str = ""
    event_id: str = ""
    dataset: str = ""
    user_data: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class BucketAttachment:
    """A bucket attached to a project, for processing through OSS."""

    bucket: str
    project: str
    created: float
    updated: float
    description: str = ""
