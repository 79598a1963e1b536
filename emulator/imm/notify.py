"""The messages IMM publishes when an index call, a task or a batch is done, in either documented shape, raw or base64.

Flat is the vendor's indexing guide; the envelope is document 2743997. Which one an account gets is not known, nor
whether a message's RequestId and id are the call's: switches, all of them. Who wants to correlate uses UserData and the
URIs.
"""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from emulator.imm.roles import cannot_publish
from emulator.imm.times import rfc3339_nano, utc_millis
from emulator.mns.publish import publish

if TYPE_CHECKING:
    from emulator.imm.batch_state import Batch, Task
    from emulator.imm.state import IndexJob
    from emulator.state import Cloud
    from emulator.switches import Switches


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell: `kind` is the event type without its `imm:`, `content` the flat message."""

    kind: str
    event_id: str
    project: str
    time: float
    content: dict[str, object]


def announce(cloud: Cloud, account: str, region: str, role: str, topic: str, event: Event) -> None:
    """Publish an event as the service role; a topic that is gone, or that the role may not publish to, gets nothing."""
    forbidden = cannot_publish(cloud, account, region, role, topic)
    if forbidden:
        log.warning("IMM's message %s to the topic %s is lost: %s", event.event_id, topic, forbidden)
        return
    body = _dumps(event.content)
    if cloud.switches.notification_enveloped:
        body = _dumps(envelope(cloud.switches, account, region, event, body))
    if cloud.switches.notification_base64:
        body = b64encode(body.encode()).decode()
    publish(cloud, account, region, topic, body, cloud.clock.now())


def index_event(switches: Switches, job: IndexJob, errors: list[str]) -> Event:
    """The flat message of the vendor's guide. `Success` is about the task: a file's own result is its Error."""
    files = []
    for stated, error in zip(job.files, errors, strict=True):
        shown: dict[str, object] = {"URI": stated["URI"]}
        if stated.get("CustomLabels"):
            shown["CustomLabels"] = stated["CustomLabels"]
        if stated.get("CustomId"):
            shown["CustomId"] = stated["CustomId"]
        if switches.notification_user_data == "file" and job.user_data:
            shown["UserData"] = job.user_data
        files.append({**shown, "Error": error})
    flat: dict[str, object] = {
        "ProjectName": job.project,
        "DatasetName": job.dataset,
        "RequestId": job.request_id if switches.notification_request_id == "call" else derived_uuid(job.event_id),
        "StartTime": rfc3339_nano(job.started),
        "EndTime": rfc3339_nano(job.due),
        "Success": True,
        "Message": "",
        "Files": files,
    }
    place = switches.notification_user_data
    if place == "always" or (place == "given" and job.user_data):
        flat["UserData"] = job.user_data
    return Event(job.kind, job.event_id, job.project, job.due, flat)


def task_event(project: str, task: Task, batch: Batch, uri: str) -> Event:
    """A batch's task is done: the members that the vendor's sample of a task's message has (2743997)."""
    content: dict[str, object] = {
        "ProjectName": project,
        "DatasetName": task.dataset,
        "RequestId": derived_uuid(task.task_id),
        "StartTime": utc_millis(task.started),
        "EndTime": utc_millis(task.ended or task.started),
        "UserData": task.user_data,
        "TaskType": task.task_type,
        "TaskId": task.task_id,
        "Status": task.status,
        "Code": task.code,
        "Message": task.message,
        "EventSourceId": batch.batch_id,
        "Sources": [{"URI": uri}],
    }
    return Event(f"Task:{task.task_type}", task.event_id, project, task.ended or task.started, content)


def batch_event(project: str, batch: Batch, event_id: str) -> Event:
    """A batch has come to its end. The vendor shows no sample of this message: its members are assumed."""
    content: dict[str, object] = {
        "ProjectName": project,
        "RequestId": derived_uuid(f"{batch.batch_id}/{batch.updated}"),
        "Id": batch.batch_id,
        "StartTime": utc_millis(batch.created),
        "EndTime": utc_millis(batch.updated),
        "State": batch.state,
        "Error": batch.error,
        "Statistic": statistic(batch),
    }
    return Event("Batch:Notification", event_id, project, batch.updated, content)


def statistic(batch: Batch) -> dict[str, object]:
    """What became of the files of a batch so far (struct DataIngestion)."""
    return {"SubmitSuccess": batch.submitted, "SubmitFailure": batch.not_submitted, "SkipFiles": batch.skipped}


def envelope(switches: Switches, account: str, region: str, event: Event, content: str) -> dict[str, object]:
    """The event around a flat message (vendor: "Asynchronous notification message formats", 2743997)."""
    name = event.kind.replace(":", "") if event.kind.startswith("FileMeta:") else f"imm:{event.kind}"
    return {
        "id": event.event_id if switches.envelope_id == "event_id" else derived_uuid(f"event {event.event_id}"),
        "source": "acs.imm",
        "type": f"imm:{event.kind}",
        "subject": f"acs:imm:{region}:{account}:{event.project}/{name}",
        "time": str(round(event.time * 1000)),
        "content": content,
    }


def derived_uuid(seed: str) -> str:
    """An id of the form of a request id that belongs to `seed`, repeatable."""
    digits = sha256(seed.encode()).hexdigest().upper()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
