"""The message IMM publishes when an index call is done, in either documented shape, raw or base64.

Flat is the vendor's indexing guide; the envelope is document 2743997. Which one an account gets is not known: a switch.
The message's RequestId is not the call's, as in the guide: who wants to correlate uses UserData and the URIs.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from emulator.imm.times import rfc3339_nano
from emulator.mns.publish import publish

if TYPE_CHECKING:
    from emulator.imm.state import IndexJob
    from emulator.state import Cloud


def announce(cloud: Cloud, account: str, region: str, job: IndexJob, errors: list[str]) -> None:
    """Publish a finished job's message to its topic; a topic that is gone gets nothing, as in the cloud."""
    body = _dumps(message(job, errors))
    if cloud.switches.notification_enveloped:
        body = _dumps(envelope(account, region, job, body))
    if cloud.switches.notification_base64:
        body = b64encode(body.encode()).decode()
    publish(cloud, account, region, job.topic, body, cloud.clock.now())


def message(job: IndexJob, errors: list[str]) -> dict[str, object]:
    """The flat message of the vendor's guide. `Success` is about the task: a file's own result is its Error."""
    files = []
    for stated, error in zip(job.files, errors, strict=True):
        shown: dict[str, object] = {"URI": stated["URI"]}
        if stated.get("CustomLabels"):
            shown["CustomLabels"] = stated["CustomLabels"]
        if stated.get("CustomId"):
            shown["CustomId"] = stated["CustomId"]
        files.append({**shown, "Error": error})
    flat: dict[str, object] = {
        "ProjectName": job.project,
        "DatasetName": job.dataset,
        "RequestId": message_request_id(job.event_id),
        "StartTime": rfc3339_nano(job.started),
        "EndTime": rfc3339_nano(job.due),
        "Success": True,
        "Message": "",
        "Files": files,
    }
    if job.user_data:
        flat["UserData"] = job.user_data
    return flat


def envelope(account: str, region: str, job: IndexJob, content: str) -> dict[str, object]:
    """The event around a flat message (vendor: "Asynchronous notification message formats", 2743997)."""
    name = job.kind.replace(":", "")
    return {
        "id": job.event_id,
        "source": "acs.imm",
        "type": f"imm:{job.kind}",
        "subject": f"acs:imm:{region}:{account}:{job.project}/{name}",
        "time": str(round(job.due * 1000)),
        "content": content,
    }


def message_request_id(event_id: str) -> str:
    """A request id that belongs to the event, repeatable, and not the call's."""
    digits = sha256(event_id.encode()).hexdigest().upper()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
