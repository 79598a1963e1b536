"""Tasks: GetTask and ListTasks over what batches submit and, if switched so, over index calls.

A task's information is kept for seven days (every Create…Task page); the operations that make tasks directly are not
served here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.lookup import project_of
from emulator.imm.paging import page_by
from emulator.imm.times import normalised, utc_millis

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.batch_state import Task
    from emulator.imm.state import Project
    from emulator.state import Cloud

SERVED = Operations("imm")
INDEX_TASK = "FileMetaIndex"  # assumed: the vendor's list of task types could not be read
KEPT_SECONDS = 7 * 24 * 3600.0
MAX_PAGE = 100
STATUSES = ("Running", "Succeeded", "Failed")
SORTS = ("TaskId", "StartTime", "EndTime")


def shown_task(task: Task) -> dict[str, object]:
    """The vendor's `TaskInfo`. RequestDefinition has no effect on the types of task that exist here."""
    shown: dict[str, object] = {
        "TaskId": task.task_id,
        "TaskType": task.task_type,
        "Status": task.status,
        "Code": task.code,
        "Message": task.message,
        "StartTime": utc_millis(task.started),
        "UserData": task.user_data,
        "Tags": dict(task.tags),
    }
    if task.ended is not None:
        shown["EndTime"] = utc_millis(task.ended)
    return shown


@SERVED.serves("GetTask", "ProjectName", "TaskType", "TaskId", "RequestDefinition")
def get_task(cloud: Cloud, call: Call) -> Reply:
    """Read a task. api-imm-2020-09-30-gettask: Progress is not supported by this operation."""
    project = project_of(cloud, call)
    params.boolean(call, "RequestDefinition")
    task_type = params.text(call, "TaskType")
    task = _kept(cloud, project).get(params.text(call, "TaskId"))
    if task is None or task.task_type != task_type:
        raise refusals.not_found(cloud.switches, "Task")
    return Reply({**shown_task(task), "ProjectName": project.name, "EventId": task.event_id})


@SERVED.serves(
    "ListTasks",
    "ProjectName", "TaskTypes", "Status", "TagSelector", "StartTimeRange", "EndTimeRange", "Sort", "Order",
    "MaxResults", "NextToken", "RequestDefinition",
)  # fmt: skip
def list_tasks(cloud: Cloud, call: Call) -> Reply:
    """List tasks that meet every filter. api-imm-2020-09-30-listtasks; MaxResults in the answer is a text."""
    project = project_of(cloud, call)
    params.boolean(call, "RequestDefinition")
    types = params.texts(call, "TaskTypes") or []
    status = params.choice(call, "Status", STATUSES)
    tags = params.tag_selector(call)
    began, ended = _range(call, "StartTimeRange"), _range(call, "EndTimeRange")
    sort = params.choice(call, "Sort", SORTS) or "TaskId"
    found = {
        _sort_key(task, sort): task
        for task in _kept(cloud, project).values()
        if (not types or task.task_type in types)
        and status in {"", task.status}
        and tags.items() <= task.tags.items()
        and _within(task.started, began)
        and _within(task.ended, ended)
    }
    keys, token = page_by(call, found, MAX_PAGE)
    shown = [{**shown_task(found[key]), "Progress": _progress(found[key])} for key in keys]
    return Reply(
        {"ProjectName": project.name, "Tasks": shown, "NextToken": token, "MaxResults": str(len(shown))},
    )


def _kept(cloud: Cloud, project: Project) -> dict[str, Task]:
    """The project's tasks without those that are too old to be told of."""
    oldest = cloud.clock.now() - KEPT_SECONDS
    for task_id in [held.task_id for held in project.tasks.values() if held.started < oldest]:
        del project.tasks[task_id]
    return project.tasks


def _progress(task: Task) -> int:
    return 100 if task.status == "Succeeded" else 0


def _sort_key(task: Task, sort: str) -> str:
    moment = {"TaskId": 0.0, "StartTime": task.started, "EndTime": task.ended or 0.0}[sort]
    return f"{moment:018.6f}/{task.task_id}"


def _range(call: Call, name: str) -> tuple[float, float] | None:
    """Both ends of a TimeRange, in seconds since the epoch; an end that is not given is open."""
    asked = params.structure(call, name)
    if asked is None:
        return None
    ends = []
    for member, unbounded in (("Start", float("-inf")), ("End", float("inf"))):
        written = asked.get(member)
        moment = normalised(written) if isinstance(written, str) and written else None
        if written and moment is None:
            raise refusals.malformed(name)
        ends.append(unbounded if moment is None else moment.timestamp())
    return ends[0], ends[1]


def _within(moment: float | None, ends: tuple[float, float] | None) -> bool:
    """Whether a time lies within, to the millisecond that answers show."""
    return ends is None or (moment is not None and ends[0] <= math.floor(moment * 1000) / 1000 <= ends[1])
