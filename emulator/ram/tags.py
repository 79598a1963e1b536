"""Tags of roles and policies, read back by provisioning programs after every change."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.ram.parameters import absent, ram_of, required, tag_pairs
from emulator.ram.registry import serves
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.ram.state import Policy, Role
    from emulator.state import Cloud

_MOST = 20


@serves("TagResources", "ResourceType", "ResourceNames", "Tag")
def tag_resources(cloud: Cloud, call: Call) -> Reply:
    """Add tags to the named resources, replacing values of keys they have."""
    tags = tag_pairs(call)
    for _, tagged in _named(cloud, call):
        if len({**tagged.tags, **tags}) > _MOST:
            raise Refusal(400, "LimitExceeded.Tag", f"A resource has at most {_MOST} tags.")
        tagged.tags.update(tags)
    return Reply({})


@serves("UntagResources", "ResourceType", "ResourceNames", "TagKeys", "All")
def untag_resources(cloud: Cloud, call: Call) -> Reply:
    """Remove the named tags, or all of them."""
    keys = named_texts(call, "TagKeys")
    for _, tagged in _named(cloud, call):
        for key in list(tagged.tags) if call.params.get("All", "").lower() == "true" else keys:
            tagged.tags.pop(key, None)
    return Reply({})


@serves("ListTagResources", "ResourceType", "ResourceNames", "Tag", "PageSize", "NextToken")
def list_tag_resources(cloud: Cloud, call: Call) -> Reply:
    """Tags of the named resources, or of all of the type; always in one page."""
    wanted = tag_pairs(call)
    listed = [
        {"ResourceName": name, "ResourceType": call.params["ResourceType"], "TagKey": key, "TagValue": value}
        for name, tagged in _named(cloud, call)
        for key, value in tagged.tags.items()
        if not wanted or wanted.get(key) == value
    ]
    return Reply({"TagResources": listed})


def _named(cloud: Cloud, call: Call) -> list[tuple[str, Role | Policy]]:
    ram, kind = ram_of(cloud, call), required(call, "ResourceType")
    if kind not in {"role", "policy"}:
        raise Refusal(400, "NotImplemented.Emulator", f"Tags of {kind} are not kept; add them in emulator/ram/tags.py.")
    known: dict[str, Role] | dict[str, Policy] = ram.roles if kind == "role" else ram.policies
    names = named_texts(call, "ResourceNames") or list(known)
    for name in names:
        if name not in known:
            raise absent(kind.capitalize(), name)
    return [(name, known[name]) for name in names]


def named_texts(call: Call, name: str) -> list[str]:
    """A list that travels as JSON or flattened (`ResourceNames.1`)."""
    flat = sorted(
        (int(match.group(1)), value)
        for key, value in call.params.items()
        if (match := re.fullmatch(rf"{name}\.(\d{{1,6}})", key)) is not None
    )
    if flat or not call.params.get(name):
        return [value for _, value in flat]
    try:
        listed = json.loads(call.params[name])
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise Refusal(400, f"InvalidParameter.{name}", f"The parameter {name} is a list of texts.")
    return listed
