"""A cloud in process for tests of IMM and MNS: calls go to the handlers, answers are read by the vendor's models.

That reading is the field check of the whole suite: an answer that the vendor's own `…ResponseBody` cannot give back
unchanged holds a field, or a type, that the vendor does not know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import alibabacloud_imm20200930.models as imm_models
import alibabacloud_mns_open20220119.models as mns_open_models
import pytest

from emulator.call import Call, Operations
from emulator.imm import lifecycle
from emulator.imm.operations import OPERATIONS as IMM
from emulator.mns.control import OPERATIONS as MNS_OPEN
from emulator.oss.store import delete_object, make_object, put_object
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.state import Cloud

ACCOUNT = "1234567890123456"
REGION = "cn-hangzhou"
START = 1657062208.0  # 2022-07-06T07:03:28+08:00, the guide's morning
PLACE = {"ProjectName": "test-project", "DatasetName": "test-dataset"}
URI = "oss://test-bucket"


@dataclass
class Room:
    """One account's cloud on a virtual clock, with the bucket, project and dataset of the vendor's guide."""

    cloud: Cloud
    calls: int = field(default=0)
    last_event_id: str = ""
    last_request_id: str = ""

    def do(self, operation: str, **params: object) -> dict[str, Any]:
        """Call an IMM operation and let the vendor's model read the answer."""
        return self._call(IMM, imm_models, operation, params)

    def mns(self, operation: str, **params: object) -> dict[str, Any]:
        """Call an operation of the MNS control plane."""
        return self._call(MNS_OPEN, mns_open_models, operation, params)

    def in_dataset(self, operation: str, **params: object) -> dict[str, Any]:
        """Call an IMM operation on the room's dataset."""
        return self.do(operation, **PLACE, **params)

    def refused(self, operation: str, **params: object) -> tuple[int, str]:
        """Status and code of the refusal that a call meets."""
        with pytest.raises(Refusal) as caught:
            self.do(operation, **params)
        return caught.value.status, caught.value.code

    def put(self, key: str, data: bytes = b"x", **facts: Any) -> None:
        """Put an object into the room's bucket."""
        put_object(self.cloud, "test-bucket", make_object(key, data, self.cloud.clock.now(), **facts))

    def delete(self, key: str) -> None:
        """Delete an object of the room's bucket."""
        delete_object(self.cloud, "test-bucket", key)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.cloud.clock.advance(seconds)
        lifecycle.advance(self.cloud)

    def bind(self) -> None:
        """Bind the bucket and let the scan end."""
        self.in_dataset("CreateBinding", URI=URI)
        self.advance(60)

    def index(self, *keys: str, **stated: object) -> None:
        """Index objects by hand and let it be done."""
        self.in_dataset("BatchIndexFileMeta", Files=[{"URI": f"{URI}/{key}", **stated} for key in keys])
        self.advance(1)

    def meta(self, key: str) -> dict[str, Any]:
        """An object's entry."""
        [found] = self.in_dataset("GetFileMeta", URI=f"{URI}/{key}")["Files"]
        return dict(found)

    def keys(self) -> list[str]:
        """The keys that are indexed."""
        found = self.in_dataset("SimpleQuery", Sort="URI", Order="asc")["Files"]
        return [item["Filename"] for item in found]

    def _call(self, operations: Operations, models: Any, operation: str, params: dict[str, object]) -> dict[str, Any]:
        self.calls += 1
        request_id = f"00000000-0000-0000-0000-{self.calls:012d}"
        texts = {name: text_of(value) for name, value in params.items()}
        unknown = set(texts) - operations.by_name[operation].params
        assert not {name for name in unknown if not name.startswith("Tag.")}
        call = Call(operations.service, operation, ACCOUNT, REGION, request_id, texts)
        reply = operations.by_name[operation].handler(self.cloud, call)
        assert isinstance(reply.body, dict)
        raw = {"RequestId": request_id, **reply.body}
        read = getattr(models, f"{operation}ResponseBody")().from_map(raw).to_map()
        assert unread(raw, read) == []
        return raw


def unread(raw: Any, read: Any, place: str = "") -> list[str]:
    """Where an answer says something that the vendor's model did not take over. Models add empty lists of their own."""
    if isinstance(raw, dict) and isinstance(read, dict):
        return [found for key in raw for found in unread(raw[key], read.get(key), f"{place}.{key}")]
    if isinstance(raw, list) and isinstance(read, list) and len(raw) == len(read):
        return [found for item, seen in zip(raw, read, strict=True) for found in unread(item, seen, f"{place}[]")]
    return [] if raw == read else [f"{place}: {raw!r} was read as {read!r}"]


def text_of(value: object) -> str:
    """A parameter as the vendor's Python SDK writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
