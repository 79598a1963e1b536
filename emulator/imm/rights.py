"""What each IMM operation needs: an action of its own name, on a project, a dataset or a project's batches.

Listing all bindings of a project is taken to be on all of its datasets: the page gives the resource of one only.
From the section "RAM authorization" of the operations' own pages (api-imm-2020-09-30-*) and of their common table
(api-imm-2020-09-30-ram); `assumed` where neither could be read. That giving a project a role needs `ram:PassRole`
follows from the vendor's sample policy only ("Custom permissions for image processing"), hence the switch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.rights import Need, Places, Source, Table

if TYPE_CHECKING:
    from emulator.call import Call


def _arn(call: Call, path: str) -> tuple[str, ...]:
    return (f"acs:imm:{call.region}:{call.account}:{path}",)


def _project(call: Call) -> tuple[str, ...]:
    return _arn(call, f"project/{call.params.get('ProjectName', '')}")


def _dataset(call: Call) -> tuple[str, ...]:
    return _arn(call, f"project/{call.params.get('ProjectName', '')}/dataset/{call.params.get('DatasetName') or '*'}")


def _datasets(call: Call) -> tuple[str, ...]:
    return _arn(call, f"project/{call.params.get('ProjectName', '')}/dataset/*")


def _batches(call: Call) -> tuple[str, ...]:
    return _arn(call, f"project/{call.params.get('ProjectName', '')}/batch/*")


def _projects(call: Call) -> tuple[str, ...]:
    return _arn(call, "project/*")


def _old_project(call: Call) -> tuple[str, ...]:
    return _arn(call, f"project/{call.params.get('Project') or '*'}")


def _role(call: Call) -> tuple[str, ...]:
    return (f"acs:ram:*:{call.account}:role/{call.params['ServiceRole']}",)


def _names_role(call: Call) -> bool:
    return bool(call.params.get("ServiceRole"))


def _each(places: Places, source: Source, *operations: str) -> dict[str, tuple[Need, ...]]:
    return {name: (Need(f"imm:{name}", places, source),) for name in operations}


_PASS = Need("ram:PassRole", _role, "documented", _names_role, "pass_role_needed")
NEEDS: Table = {
    "CreateProject": (Need("imm:CreateProject", _project), _PASS),
    "UpdateProject": (Need("imm:UpdateProject", _project, "assumed"), _PASS),
    "CreateBatch": (Need("imm:CreateBatch", _batches), _PASS),
    **_each(_project, "documented", "GetProject", "DeleteProject", "ListTasks", "AttachOSSBucket"),
    **_each(_project, "assumed", "GetTask", "ListAttachedOSSBuckets"),
    **_each(_projects, "assumed", "ListProjects", "DetachOSSBucket", "GetOSSBucketAttachment"),
    **_each(
        _dataset,
        "documented",
        *("CreateDataset", "GetDataset", "UpdateDataset", "DeleteDataset"),
        *("CreateBinding", "ListBindings", "DeleteBinding", "IndexFileMeta", "BatchIndexFileMeta"),
    ),
    **_each(
        _dataset,
        "assumed",
        *("GetBinding", "StopBinding", "ResumeBinding"),
        *("UpdateFileMeta", "BatchUpdateFileMeta", "GetFileMeta", "BatchGetFileMeta"),
        *("DeleteFileMeta", "BatchDeleteFileMeta", "SimpleQuery", "FuzzyQuery", "SemanticQuery"),
    ),
    **_each(_datasets, "documented", "ListDatasets"),
    **_each(_batches, "documented", "ListBatches"),
    **_each(_batches, "assumed", "GetBatch", "UpdateBatch", "SuspendBatch", "ResumeBatch", "DeleteBatch"),
}
OLD_NEEDS: Table = _each(
    _old_project, "assumed", "PutProject", "GetProject", "UpdateProject", "DeleteProject", "ListProjects"
)
