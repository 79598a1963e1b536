"""File metadata of IMM 2020-09-30: `controller.cloud.ports.FilesPort`.

The SDK's own methods write three empty lists for every file into the address, which is what limits a call, and an
update would empty those lists. So the parameters are written here and handed to the SDK's generic call, which signs
them wherever they travel: in the address, as documented, or in the form body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from alibabacloud_imm20200930 import models
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.core import DaraCore

from controller.cloud.answers import understood
from controller.cloud.errors import TimedOut
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.ports import IndexedFile
from controller.core.facts import FileFacts, FileOutcome

# BatchGetFileMeta, WithFields: of some eighty fields only these are sent.
FIELDS = ("URI", "UpdateTime", "ObjectStatus", "Reason")


@understood
class ImmFiles:
    """Files as one account sees them in one region. Safe to share between threads."""

    def __init__(self, calls: ImmCalls, *, form_body: bool = False) -> None:
        self._calls = calls
        self._place = "body" if form_body else "query"

    def index(self, project: str, dataset: str, files: Sequence[IndexedFile], *, topic: str, user_data: str) -> str:
        body = self._call(
            project,
            dataset,
            "BatchIndexFileMeta",
            Files=_json([_input_file(file) for file in files]),
            Notification=_json({"MNS": {"TopicName": topic}}),
            UserData=user_data,
        )
        event = body.get("EventId")
        if not event:
            raise TimedOut(
                "imm:BatchIndexFileMeta",
                "the answer has no EventId; whether the call took effect is unclear",
                request_id=body.get("RequestId", ""),
            )
        return str(event)

    def update(self, project: str, dataset: str, files: Sequence[IndexedFile]) -> list[FileOutcome]:
        given = _json([_labelled(file) for file in files])
        body = self._call(project, dataset, "BatchUpdateFileMeta", Files=given)
        return [_outcome(item) for item in body.get("Files") or ()]

    def delete(self, project: str, dataset: str, uris: Sequence[str]) -> None:
        self._call(project, dataset, "BatchDeleteFileMeta", URIs=_json(list(uris)))

    def get(self, project: str, dataset: str, uris: Sequence[str]) -> list[FileFacts]:
        wanted = {"URIs": _json(list(uris)), "WithFields": _json(FIELDS)}
        body = self._call(project, dataset, "BatchGetFileMeta", **wanted)
        return [_facts(item) for item in body.get("Files") or ()]

    def _call(self, project: str, dataset: str, operation: str, **parameters: str) -> dict[str, Any]:
        def post(request: Mapping[str, str], runtime: Any) -> Any:
            carried = OpenApiRequest(**{self._place: request})
            answer = self._calls.client.call_api(_how(operation), carried, runtime)
            return DaraCore.from_map(getattr(models, f"{operation}Response")(), answer)

        given = {"ProjectName": project, "DatasetName": dataset, **parameters}
        return self._calls.in_project(project, operation, given, post)


def _how(operation: str) -> Params:
    """As the SDK's own methods have it for each of these operations."""
    return Params(
        action=operation,
        version="2020-09-30",
        protocol="HTTPS",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )


def _input_file(file: IndexedFile) -> dict[str, Any]:
    """Struct InputFile, without what nobody said."""
    said = _labelled(file)
    if file.file_hash is not None:
        said["FileHash"] = file.file_hash
    if file.oss_uri is not None:
        said["OSSURI"] = file.oss_uri
    return said


def _labelled(file: IndexedFile) -> dict[str, Any]:
    """The part of it that an update can change."""
    said: dict[str, Any] = {"URI": file.uri}
    if file.custom_id is not None:
        said["CustomId"] = file.custom_id
    if file.labels:
        said["CustomLabels"] = dict(file.labels)
    return said


def _json(value: object) -> str:
    """As short as it can be: it is what the length of the address is made of."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _outcome(body: Mapping[str, Any]) -> FileOutcome:
    if body.get("Success") is True:
        return FileOutcome(body.get("URI", ""))
    return FileOutcome(body.get("URI", ""), body.get("Message") or "the answer does not say that it succeeded")


def _facts(body: Mapping[str, Any]) -> FileFacts:
    return FileFacts(
        uri=body.get("URI", ""),
        updated_at=body.get("UpdateTime", ""),
        object_status=body.get("ObjectStatus", ""),
        reason=body.get("Reason", ""),
    )
