"""Queues and topics on the RPC control plane, which spells some attributes otherwise and adds types, tags and DLQs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from emulator.call import Operations, Reply
from emulator.mns import destinations, refusals
from emulator.mns.attributes import checked_name, chosen, numbers, switch, whole
from emulator.mns.destinations import KINDS, QUEUE, TOPIC, all_of, find
from emulator.mns.envelope import DONE, answer, paged, required, shown_tags, tags

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.mns.destinations import Kind
    from emulator.mns.state import Queue, Topic
    from emulator.state import Cloud

SERVED = Operations("mns-open")
MAX_RECEIVES = 1000
TYPES = frozenset({"normal"})
# This plane's names of what the data plane names otherwise.
_RESPELLED = {TOPIC.name: {"MaximumMessageSize": "MaxMessageSize"}}
_MORE = {QUEUE.name: ("DlqPolicy",)}
# A page of topics has no counts of pages and of what is on it.
_PAGE = {TOPIC.name: ("PageData", "PageNum", "PageSize", "Total")}


def topic_of(cloud: Cloud, call: Call) -> Topic:
    """The topic that the call names.

    Raises:
        Refusal: MissingTopicName, TopicNotExist.
    """
    return find(TOPIC, cloud, call, required(call, "TopicName"))


def _create(kind: Kind[Any], cloud: Cloud, call: Call) -> Reply:
    """The same one again is answered with 204, another one with QueueAlreadyExist or TopicAlreadyExist."""
    name = checked_name(kind.name, required(call, f"{kind.name}Name"))
    values = _given(kind, call)
    if tags(call):
        values["tags"] = tags(call)
    type_ = f"{kind.name}Type"
    values[f"{kind.name.lower()}_type"] = chosen(type_, call.params.get(type_) or "normal", TYPES)
    is_new = destinations.add(kind, cloud, call, name, values)
    return answer(call, DONE, status=201 if is_new else 204)


def _read(kind: Kind[Any], cloud: Cloud, call: Call) -> Reply:
    return answer(call, _shown(kind, cloud, _found(kind, cloud, call)))


def _change(kind: Kind[Any], cloud: Cloud, call: Call) -> Reply:
    destinations.change(cloud, _found(kind, cloud, call), _given(kind, call))
    return answer(call, DONE)


def _delete(kind: Kind[Any], cloud: Cloud, call: Call) -> Reply:
    destinations.remove(kind, cloud, call, required(call, f"{kind.name}Name"))
    return answer(call, DONE, status=204)


def _list(kind: Kind[Any], cloud: Cloud, call: Call) -> Reply:
    """Those whose name begins with the one given and that have every tag given, by page."""
    held = all_of(kind, cloud, call)
    wanted = tags(call).items()
    begin = call.params.get(f"{kind.name}Name", "")
    names = sorted(name for name, item in held.items() if name.startswith(begin) and wanted <= item.tags.items())
    page = paged(call, names, lambda name: _shown(kind, cloud, held[name]))
    return answer(call, {key: page[key] for key in _PAGE.get(kind.name, page)})


def _found(kind: Kind[Any], cloud: Cloud, call: Call) -> Queue | Topic:
    found: Queue | Topic = find(kind, cloud, call, required(call, f"{kind.name}Name"))
    return found


def _spelled(kind: Kind[Any], name: str) -> str:
    return _RESPELLED.get(kind.name, {}).get(name, name)


def _written(kind: Kind[Any]) -> tuple[str, ...]:
    """The parameters that CreateX and SetXAttributes share."""
    return (*(_spelled(kind, name) for name in kind.ranges), "EnableLogging", *_MORE.get(kind.name, ()))


def _given(kind: Kind[Any], call: Call) -> dict[str, Any]:
    given = {name: call.params[name] for name in _written(kind) if call.params.get(name)}
    found = numbers(given, {_spelled(kind, name): limits for name, limits in kind.ranges.items()})
    if "EnableLogging" in given:
        found["logging_enabled"] = switch("EnableLogging", given["EnableLogging"])
    if "DlqPolicy" in given:
        found["dlq_policy"] = _dlq_policy(given["DlqPolicy"])
    return found


def _dlq_policy(text: str) -> dict[str, object]:
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        policy = None
    if not isinstance(policy, dict) or set(policy) - {"Enabled", "DeadLetterTargetQueue", "MaxReceiveCount"}:
        raise refusals.invalid_argument("The value of DlqPolicy is invalid.")
    whole("DlqPolicy.MaxReceiveCount", str(policy.get("MaxReceiveCount", 16)), 1, MAX_RECEIVES)
    return policy


def _shown(kind: Kind[Any], cloud: Cloud, found: Queue | Topic) -> dict[str, object]:
    facts = kind.facts(found, cloud.clock.now())
    shown: dict[str, object] = {
        f"{kind.name}Name": found.name,
        f"{kind.name}Type": getattr(found, f"{kind.name.lower()}_type"),
        **{_spelled(kind, name): fact for name, fact in facts.items()},
        "Tags": shown_tags(found.tags),
    }
    policy = getattr(found, "dlq_policy", None)
    if policy:
        shown["DlqPolicy"] = {
            "Enabled": bool(policy.get("Enabled")),
            "DeadLetterTargetQueue": str(policy.get("DeadLetterTargetQueue", "")),
            "MaxReceiveCount": str(policy.get("MaxReceiveCount", "")),
        }
    return shown


def _serve(kind: Kind[Any]) -> None:
    name, type_ = f"{kind.name}Name", f"{kind.name}Type"
    destinations.serve(
        SERVED,
        kind,
        {
            "Create{}": (_create, (name, *_written(kind), type_, "Tag")),
            "Get{}Attributes": (_read, (name, "Tag")),
            "Set{}Attributes": (_change, (name, *_written(kind))),
            "Delete{}": (_delete, (name,)),
            "List{}": (_list, (name, type_, "PageNum", "PageSize", "Tag")),
        },
    )


for _kind in KINDS:
    _serve(_kind)
