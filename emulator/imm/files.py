"""Indexing and updating named files: IndexFileMeta, BatchIndexFileMeta, UpdateFileMeta, BatchUpdateFileMeta.

Index calls only accept work: `jobs` does it later and announces it. Updates change an entry that is there, at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.batch_state import Task
from emulator.imm.event_ids import event_id
from emulator.imm.indexing import STATED
from emulator.imm.kept import check_file_uri, check_object_uri, is_of_a_drive
from emulator.imm.lookup import dataset_of, imm_of
from emulator.imm.notification import mns_topic
from emulator.imm.state import IndexJob
from emulator.imm.tasks import INDEX_TASK
from emulator.imm.times import rfc3339_nano

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.state import Dataset
    from emulator.state import Cloud
    from emulator.switches import Switches

SERVED = Operations("imm")
MAX_FILES = 100
MAX_USER_DATA = 2048  # bytes
INPUT_FIELDS = frozenset({"URI", "Figures", *STATED})
LISTS = frozenset({"Labels", "Addresses", "Figures"})  # of structures; CustomLabels is a map, all else is text
UPDATABLE = ("CustomId", "CustomLabels", "Figures")


@SERVED.serves("IndexFileMeta", "ProjectName", "DatasetName", "File", "Notification", "UserData")
def index_file_meta(cloud: Cloud, call: Call) -> Reply:
    """Accept one file for indexing. api-imm-2020-09-30-indexfilemeta."""
    dataset_of(cloud, call)
    stated = params.structure(call, "File")
    if stated is None:
        raise refusals.missing("File")
    return _accept(cloud, call, "FileMeta:Index", [_input_file(cloud, stated)])


@SERVED.serves("BatchIndexFileMeta", "ProjectName", "DatasetName", "Files", "Notification", "UserData")
def batch_index_file_meta(cloud: Cloud, call: Call) -> Reply:
    """Accept up to 100 files for indexing, under one event id. api-imm-2020-09-30-batchindexfilemeta."""
    dataset_of(cloud, call)
    return _accept(cloud, call, "FileMeta:BatchIndex", _input_files(cloud, call, MAX_FILES))


@SERVED.serves("UpdateFileMeta", "ProjectName", "DatasetName", "File")
def update_file_meta(cloud: Cloud, call: Call) -> Reply:
    """Change CustomLabels, CustomId or Figures of an indexed file. api-imm-2020-09-30-updatefilemeta."""
    _, dataset = dataset_of(cloud, call)
    stated = params.structure(call, "File")
    if stated is None:
        raise refusals.missing("File")
    if not _update(dataset, _input_file(cloud, stated), cloud.clock.now()):
        raise refusals.not_found(cloud.switches, "File")
    return Reply({})


@SERVED.serves("BatchUpdateFileMeta", "ProjectName", "DatasetName", "Files")
def batch_update_file_meta(cloud: Cloud, call: Call) -> Reply:
    """The same for several files, each with its own result. api-imm-2020-09-30-batchupdatefilemeta."""
    _, dataset = dataset_of(cloud, call)
    results = []
    for stated in _input_files(cloud, call, cloud.switches.batch_update_files_max):
        found = _update(dataset, stated, cloud.clock.now())
        message = "" if found else refusals.not_found(cloud.switches, "File").message
        results.append({"URI": stated["URI"], "Success": found, "Message": message})
    return Reply({"Files": results})


def _accept(cloud: Cloud, call: Call, kind: str, files: list[dict[str, Any]]) -> Reply:
    user_data = call.params.get("UserData", "")
    if len(user_data.encode()) > MAX_USER_DATA:
        raise refusals.malformed("UserData")
    topic = mns_topic(cloud, call)
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
        request_id=call.request_id,
    )
    if cloud.switches.event_id_is_task:
        task = Task(job.event_id, INDEX_TASK, now, event_id=job.event_id, dataset=job.dataset, user_data=user_data)
        imm.projects[job.project].tasks[task.task_id] = task
        job.task_id = task.task_id
    imm.jobs.append(job)
    return Reply({"EventId": job.event_id})


def _input_files(cloud: Cloud, call: Call, most: int) -> list[dict[str, Any]]:
    files = params.structures(call, "Files")
    if not files:
        raise refusals.missing("Files")
    if len(files) > most:
        raise refusals.limit_exceeded(f"Files has {len(files)} elements, at most {most} are allowed.")
    return [_input_file(cloud, stated) for stated in files]


def _input_file(cloud: Cloud, stated: dict[str, Any]) -> dict[str, Any]:
    """A checked InputFile (vendor: struct InputFile)."""
    unknown = sorted(set(stated) - INPUT_FIELDS)
    if unknown:
        raise refusals.invalid_argument(f"The field {unknown[0]} is not a field of InputFile.")
    uri = stated.get("URI")
    if not isinstance(uri, str) or not uri:
        raise refusals.invalid_argument("The parameter URI is required but not provided.")
    check_file_uri(uri)
    wrong = sorted(name for name, value in stated.items() if not _has_its_type(name, value))
    if wrong:
        raise refusals.invalid_argument(f"The field {wrong[0]} of {uri} does not have its type.")
    if stated.get("OSSURI") and is_of_a_drive(uri):
        check_object_uri(str(stated["OSSURI"]))
    labels = stated.get("CustomLabels") or {}
    flat = isinstance(labels, dict) and all(isinstance(value, str | int | float) for value in labels.values())
    if not flat:
        raise refusals.invalid_argument(f"CustomLabels of {uri} must be a flat map of keys and values.")
    _check_labels(cloud.switches, uri, labels)
    return stated


def _has_its_type(name: str, value: object) -> bool:
    """Whether a member of InputFile is of the type that the vendor's struct gives it."""
    if value is None or name == "CustomLabels":
        return True
    if name in LISTS:
        return isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return isinstance(value, str)


def _check_labels(switches: Switches, uri: str, labels: dict[str, Any]) -> None:
    if len(labels) > switches.custom_labels_max:
        message = f"{uri} has {len(labels)} CustomLabels, at most {switches.custom_labels_max} are allowed."
        raise refusals.limit_exceeded(message)
    longest = max((len(str(text)) for pair in labels.items() for text in pair), default=0)
    if longest > switches.custom_label_max_length:
        message = f"A CustomLabel of {uri} has {longest} characters"
        raise refusals.limit_exceeded(f"{message}, at most {switches.custom_label_max_length} are allowed.")


def _update(dataset: Dataset, stated: dict[str, Any], now: float) -> bool:
    uri = str(stated["URI"])
    held = dataset.files.get(uri)
    if held is None:
        return False
    said = {name: stated[name] for name in UPDATABLE if stated.get(name)}
    dataset.keep(uri, replace(held, meta={**held.meta, **said, "UpdateTime": rfc3339_nano(now)}))
    return True
