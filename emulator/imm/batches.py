"""Batches: CreateBatch, GetBatch, ListBatches, UpdateBatch, SuspendBatch, ResumeBatch, DeleteBatch.

The vendor's templates (doc/convert, video/convert, …) process content, which the emulator does not do: it refuses them
by name. What it can do with every file of a prefix is index its metadata, under a name that no vendor template has:
`{"Name": "emulator/index", "Parameters": ["dataset=NAME"]}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.batch_run import DATASET_PARAMETER, INDEX_ACTION, set_going
from emulator.imm.batch_state import Action, Batch
from emulator.imm.buckets import require_bucket
from emulator.imm.event_ids import prefixed_uuid
from emulator.imm.lookup import imm_of, project_of
from emulator.imm.notification import mns_topic
from emulator.imm.notify import statistic
from emulator.imm.paging import page_by
from emulator.imm.roles import known_role
from emulator.imm.times import rfc3339_nano
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.state import Project
    from emulator.state import Cloud

SERVED = Operations("imm")
MAX_PAGE = 100
STATES = ("Ready", "Running", "Failed", "Suspended", "Succeeded")
PLACE = ("ProjectName", "Id")
# Which states each operation is allowed in: the operations' own pages.
SUSPENDABLE = frozenset({"Running"})
RESUMABLE = frozenset({"Suspended", "Failed"})
UPDATABLE = frozenset({"Ready", "Failed"})
DELETABLE = frozenset({"Ready", "Failed", "Suspended", "Succeeded"})


def shown_batch(batch: Batch) -> dict[str, object]:
    """The vendor's `DataIngestion`. Error and Notification are there only when there is one."""
    shown: dict[str, object] = {
        "Id": batch.batch_id,
        "State": batch.state,
        "Phase": "FullScanning" if batch.state in {"Running", "Suspended"} else "",
        "Marker": batch.cursor,
        "CreateTime": rfc3339_nano(batch.created),
        "UpdateTime": rfc3339_nano(batch.updated),
        "ServiceRole": batch.service_role,
        "Input": {"OSS": {"Bucket": batch.bucket, "Prefix": batch.prefix}},
        "Actions": [_shown_action(action) for action in batch.actions],
        "Statistic": statistic(batch),
        "Tags": dict(batch.tags),
    }
    if batch.error:
        shown["Error"] = batch.error
    if batch.topic:
        shown["Notification"] = {"MNS": {"TopicName": batch.topic}}
    return shown


@SERVED.serves("CreateBatch", "ProjectName", "ServiceRole", "Input", "Actions", "Notification", "Tags")
def create_batch(cloud: Cloud, call: Call) -> Reply:
    """Run templates on every object of a prefix. api-imm-2020-09-30-createbatch."""
    project = project_of(cloud, call)
    role = known_role(cloud, call, params.text(call, "ServiceRole"))
    bucket, prefix = _input(cloud, call) or _missing("Input")
    actions = _actions(cloud, call, project) or _missing("Actions")
    now = cloud.clock.now()
    batch = Batch(
        prefixed_uuid("batch", f"{call.account}/{call.request_id}"), now, now, role, bucket, prefix, actions,
        topic=mns_topic(cloud, call), tags=params.tag_map(call, "Tags") or {},
    )  # fmt: skip
    project.batches[batch.batch_id] = batch
    set_going(cloud, imm_of(cloud, call), project, batch)
    return Reply({"Id": batch.batch_id})


@SERVED.serves("GetBatch", *PLACE)
def get_batch(cloud: Cloud, call: Call) -> Reply:
    """Read a batch. api-imm-2020-09-30-getbatch."""
    return Reply({"Batch": shown_batch(_batch(cloud, call)[1])})


@SERVED.serves("ListBatches", "ProjectName", "State", "TagSelector", "Sort", "Order", "MaxResults", "NextToken")
def list_batches(cloud: Cloud, call: Call) -> Reply:
    """List batches, oldest first unless asked otherwise. api-imm-2020-09-30-listbatches."""
    project = project_of(cloud, call)
    state = params.choice(call, "State", STATES)
    tags = params.tag_selector(call)
    by_update = params.choice(call, "Sort", ("CreateTime", "UpdateTime")) == "UpdateTime"
    found = {
        f"{batch.updated if by_update else batch.created:018.6f}/{batch.batch_id}": batch
        for batch in project.batches.values()
        if state in {"", batch.state} and tags.items() <= batch.tags.items()
    }
    keys, token = page_by(call, found, MAX_PAGE)
    return Reply({"Batches": [shown_batch(found[key]) for key in keys], "NextToken": token})


@SERVED.serves("UpdateBatch", *PLACE, "Actions", "Input", "Tags")
def update_batch(cloud: Cloud, call: Call) -> Reply:
    """Change a Ready or Failed batch, which does not go on by itself. api-imm-2020-09-30-updatebatch."""
    project, batch = _batch(cloud, call, UPDATABLE)
    source, actions = _input(cloud, call), _actions(cloud, call, project)
    tags = params.tag_map(call, "Tags")
    if source is not None and source != (batch.bucket, batch.prefix):
        batch.bucket, batch.prefix = source
        batch.cursor, batch.scanned = "", False
    batch.actions = actions or batch.actions
    batch.tags = batch.tags if tags is None else tags
    batch.updated = cloud.clock.now()
    return Reply({})


@SERVED.serves("SuspendBatch", *PLACE)
def suspend_batch(cloud: Cloud, call: Call) -> Reply:
    """Submit no further tasks of a Running batch. api-imm-2020-09-30-suspendbatch."""
    _, batch = _batch(cloud, call, SUSPENDABLE)
    batch.state, batch.updated = "Suspended", cloud.clock.now()
    return Reply({})


@SERVED.serves("ResumeBatch", *PLACE)
def resume_batch(cloud: Cloud, call: Call) -> Reply:
    """Go on with a Suspended or Failed batch after its marker. api-imm-2020-09-30-resumebatch."""
    project, batch = _batch(cloud, call, RESUMABLE)
    batch.state, batch.error, batch.scanned, batch.updated = "Running", "", False, cloud.clock.now()
    set_going(cloud, imm_of(cloud, call), project, batch)
    return Reply({})


@SERVED.serves("DeleteBatch", *PLACE)
def delete_batch(cloud: Cloud, call: Call) -> Reply:
    """Forget a batch that is not Running; its tasks stay. api-imm-2020-09-30-deletebatch."""
    project, batch = _batch(cloud, call, DELETABLE)
    del project.batches[batch.batch_id]
    return Reply({})


def _batch(cloud: Cloud, call: Call, states: frozenset[str] | None = None) -> tuple[Project, Batch]:
    project = project_of(cloud, call)
    batch = project.batches.get(params.text(call, "Id"))
    if batch is None:
        raise refusals.not_found(cloud.switches, "Batch")
    if states is not None and batch.state not in states:
        allowed = ", ".join(sorted(states))
        message = f"{call.operation} is not allowed while the batch is {batch.state}, only in {allowed}."
        raise Refusal(refusals.BAD_REQUEST, cloud.switches.batch_state_code, message)
    return project, batch


def _missing(parameter: str) -> Any:
    raise refusals.missing(parameter)


def _input(cloud: Cloud, call: Call) -> tuple[str, str] | None:
    """Bucket and prefix of the call's Input."""
    given = params.structure(call, "Input")
    if not given:
        return None
    source = given.get("OSS")
    if set(given) != {"OSS"} or not isinstance(source, dict) or set(source) - {"Bucket", "Prefix", "MatchExpressions"}:
        raise refusals.malformed("Input")
    if source.get("MatchExpressions"):
        raise refusals.not_served("Input.OSS.MatchExpressions, whose grammar the vendor does not publish,")
    bucket, prefix = source.get("Bucket"), source.get("Prefix") or ""
    if not isinstance(bucket, str) or not bucket or not isinstance(prefix, str):
        raise refusals.malformed("Input")
    return require_bucket(cloud, call, bucket), prefix


def _actions(cloud: Cloud, call: Call, project: Project) -> list[Action]:
    return [_action(cloud, project, given) for given in params.structures(call, "Actions") or []]


def _action(cloud: Cloud, project: Project, given: dict[str, Any]) -> Action:
    name, parameters = given.get("Name"), given.get("Parameters") or []
    policy = given.get("FastFailPolicy") or {}
    on_error = str(policy.get("Action", "")) if isinstance(policy, dict) else None
    listed = isinstance(parameters, list) and all(isinstance(text, str) for text in parameters)
    unknown = set(given) - {"Name", "Parameters", "FastFailPolicy"}
    if unknown or not isinstance(name, str) or not name or not listed or on_error not in {"", "abort", "ignore"}:
        raise refusals.malformed("Actions")
    if name != INDEX_ACTION:
        raise refusals.not_served(f"The template {name} (only {INDEX_ACTION} with {DATASET_PARAMETER}NAME is)")
    datasets = [text.removeprefix(DATASET_PARAMETER) for text in parameters if text.startswith(DATASET_PARAMETER)]
    if len(datasets) != 1 or len(parameters) != 1:
        raise refusals.invalid_argument(f"The template {INDEX_ACTION} takes one parameter: {DATASET_PARAMETER}NAME.")
    if datasets[0] not in project.datasets:
        raise refusals.not_found(cloud.switches, "Dataset")
    return Action(name, parameters, cast("Any", on_error))


def _shown_action(action: Action) -> dict[str, object]:
    shown: dict[str, object] = {"Name": action.name, "Parameters": list(action.parameters)}
    if action.on_error:
        shown["FastFailPolicy"] = {"Action": action.on_error}
    return shown
