"""What all answers of the control plane share: the envelope, pages, tags, required parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.call import Reply
from emulator.mns.attributes import whole
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.call import Call

DONE: dict[str, object] = {"Code": 200, "Success": True, "Message": ""}
TAG = re.compile(r"Tag\.(\d+)\.(Key|Value)")
MAX_PAGE = 100
DEFAULT_PAGE = 10


def answer(call: Call, data: object, *, status: int = 200) -> Reply:
    """The envelope around `data`, if there is any; `status` is the Code inside, the HTTP status is always 200."""
    body: dict[str, object] = {
        "RequestId": call.request_id,
        "Code": status,
        "Status": "Success",
        "Success": True,
        "Message": "operation success",
    }
    if data is not None:
        body["Data"] = data
    return Reply(body)


def required(call: Call, name: str) -> str:
    """A required text.

    Raises:
        Refusal: `Missing{name}`.
    """
    value = call.params.get(name, "")
    if not value:
        raise Refusal(400, f"Missing{name}", f"{name} is mandatory for this action.")
    return value


def paged(call: Call, names: list[str], show: Callable[[str], Mapping[str, object]]) -> dict[str, object]:
    """The page of `names` that PageNum (from 1) and PageSize ask for."""
    number = whole("PageNum", call.params.get("PageNum") or "1", 1, 1_000_000)
    size = whole("PageSize", call.params.get("PageSize") or str(DEFAULT_PAGE), 1, MAX_PAGE)
    chosen = names[(number - 1) * size : number * size]
    return {
        "PageData": [show(name) for name in chosen],
        "PageNum": number,
        "PageSize": size,
        "Pages": -(-len(names) // size),
        "Size": len(chosen),
        "Total": len(names),
    }


def tags(call: Call) -> dict[str, str]:
    """Tags, which travel flattened: Tag.1.Key, Tag.1.Value."""
    parts: dict[str, dict[str, str]] = {}
    for name, value in call.params.items():
        matched = TAG.fullmatch(name)
        if matched:
            parts.setdefault(matched[1], {})[matched[2]] = value
    return {part["Key"]: part.get("Value", "") for part in parts.values() if part.get("Key")}


def shown_tags(held: Mapping[str, str]) -> list[dict[str, str]]:
    """The response form of tags."""
    return [{"TagKey": key, "TagValue": value} for key, value in held.items()]
