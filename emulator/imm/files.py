"""Indexing and updating named files: IndexFileMeta, BatchIndexFileMeta, UpdateFileMeta, BatchUpdateFileMeta.

Index calls only accept work: `jobs` does it later and announces it. Updates change an entry that is there, at once.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from emulator.call import Operations, Refusal, Reply
from emulator.imm import params, refusals
from emulator.imm.indexing import STATED
from emulator.imm.kept import parse_file_uri
from emulator.imm.lookup import dataset_of, imm_of
from emulator.imm.state import IndexJob
from emulator.imm.times import rfc3339_nano

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.state import Dataset
    from emulator.state import Cloud

SERVED = Operations("imm")
MAX_FILES = 100
MAX_USER_DATA = 2048  # bytes
INPUT_FIELDS = frozenset({"URI", "Figures", *STATED})
UPDATABLE = ("CustomId", "CustomLabels", "Figures")
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@SERVED.serves("IndexFileMeta", "ProjectName", "DatasetName", "File", "Notification", "UserData")
def index_file_meta(cloud: Cloud, call: Call) -> Reply:
    """Accept one file for indexing. api-imm-2020-09-30-indexfilemeta."""
    dataset_of(cloud, call)
    stated = params.structure(call, "File")
    if stated is None:
        raise refusals.missing("File")
    return _accept(cloud, call, "FileMeta:Index", [_input_file(stated)])


@SERVED.serves("BatchIndexFileMeta", "ProjectName", "DatasetName", "Files", "Notification", "UserData")
def batch_index_file_meta(cloud: Cloud, call: Call) -> Reply:
    """Accept up to 100 files for indexing, under one event id. api-imm-2020-09-30-batchindexfilemeta."""
    dataset_of(cloud, call)
    return _accept(cloud, call, "FileMeta:BatchIndex", _input_files(call))


@SERVED.serves("UpdateFileMeta", "ProjectName", "DatasetName", "File")
def update_file_meta(cloud: Cloud, call: Call) -> Reply:
    """Change CustomLabels, CustomId or Figures of an indexed file. api-imm-2020-09-30-updatefilemeta."""
    _, dataset = dataset_of(cloud, call)
    stated = params.structure(call, "File")
    if stated is None:
        raise refusals.missing("File")
    if not _update(dataset, _input_file(stated), cloud.clock.now()):
        raise refusals.not_found("File")
    return Reply({})


@SERVED.serves("BatchUpdateFileMeta", "ProjectName", "DatasetName", "Files")
def batch_update_file_meta(cloud: Cloud, call: Call) -> Reply:
    """The same for up to 100 files, each with its own result. api-imm-2020-09-30-batchupdatefilemeta."""
    _, dataset = dataset_of(cloud, call)
    results = []
    for stated in _input_files(call):
        found = _update(dataset, stated, cloud.clock.now())
        message = "" if found else refusals.not_found("File").message
        results.append({"URI": stated["URI"], "Success": found, "Message": message})
    return Reply({"Files": results})


def event_id(call: Call) -> str:
    """An event id of the vendor's shape (`16C-` and 22 letters or digits), repeatable from the request."""
    seed = int.from_bytes(sha256(f"{call.account}/{call.request_id}".encode()).digest(), "big")
    text = ""
    for _ in range(22):
        seed, digit = divmod(seed, 62)
        text += BASE62[digit]
    return f"{seed % 4096:03X}-{text}"


def _accept(cloud: Cloud, call: Call, kind: str, files: list[dict[str, Any]]) -> Reply:
    user_data = call.params.get("UserData", "")
    if len(user_data.encode()) > MAX_USER_DATA:
        raise refusals.malformed("UserData")
    topic = _topic(call)
    now = cloud.clock.now()
    imm = imm_of(cloud, call)
    job = IndexJob(
        due=now + cloud.imm_settings.index_delay_seconds,
        started=now,
        event_id=event_id(call),
        kind=kind,
        project=call.params["ProjectName"],
        dataset=call.params["DatasetName"],
        files=files,
        topic=topic,
        user_data=user_data,
    )
    imm.jobs.append(job)
    return Reply({"EventId": job.event_id})


def _topic(call: Call) -> str:
    """The MNS topic to announce to, or none. Other channels are refused rather than silently dropped."""
    notification = params.structure(call, "Notification")
    if not notification:
        return ""
    others = sorted(set(notification) - {"MNS"})
    if others:
        raise Refusal(
            refusals.BAD_REQUEST,
            "NotImplemented.Emulator",
            f"Notification.{others[0]} is not served by the local cloud: use Notification.MNS.TopicName.",
        )
    mns = notification.get("MNS")
    topic = mns.get("TopicName") if isinstance(mns, dict) else None
    if not isinstance(topic, str) or not topic:
        raise refusals.invalid_argument("The parameter Notification.MNS.TopicName is required but not provided.")
    return topic


def _input_files(call: Call) -> list[dict[str, Any]]:
    files = params.structures(call, "Files")
    if not files:
        raise refusals.missing("Files")
    if len(files) > MAX_FILES:
        raise refusals.limit_exceeded(f"Files has {len(files)} elements, at most {MAX_FILES} are allowed.")
    return [_input_file(stated) for stated in files]


def _input_file(stated: dict[str, Any]) -> dict[str, Any]:
    """A checked InputFile (vendor: struct InputFile)."""
    unknown = sorted(set(stated) - INPUT_FIELDS)
    if unknown:
        raise refusals.invalid_argument(f"The field {unknown[0]} is not a field of InputFile.")
    uri = stated.get("URI")
    if not isinstance(uri, str) or not uri:
        raise refusals.invalid_argument("The parameter URI is required but not provided.")
    parse_file_uri(uri)
    labels = stated.get("CustomLabels") or {}
    flat = isinstance(labels, dict) and all(isinstance(value, str | int | float) for value in labels.values())
    if not flat:
        raise refusals.invalid_argument(f"CustomLabels of {uri} must be a flat map of keys and values.")
    return stated


def _update(dataset: Dataset, stated: dict[str, Any], now: float) -> bool:
    held = dataset.files.get(str(stated["URI"]))
    if held is None:
        return False
    held.meta.update({name: stated[name] for name in UPDATABLE if stated.get(name)})
    held.meta["UpdateTime"] = rfc3339_nano(now)
    return True
