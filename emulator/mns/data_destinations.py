"""Queues and topics on the XML data plane: create, read, change, delete, list."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from emulator.call import Operations, Reply
from emulator.mns import destinations
from emulator.mns.attributes import checked_name, numbers, switch, whole
from emulator.mns.destinations import KINDS, QUEUE, TOPIC, all_of, find
from emulator.mns.documents import document, read_flat, read_root

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.call import Call
    from emulator.mns.destinations import Kind
    from emulator.mns.state import Queue, Topic
    from emulator.state import Cloud
    from emulator.wire.xml import Node

SERVED = Operations("mns")
MAX_LISTED = 1000


def queue_of(cloud: Cloud, call: Call) -> Queue:
    """The queue that the call's path names.

    Raises:
        Refusal: QueueNotExist.
    """
    return find(QUEUE, cloud, call, call.resource[1])


def topic_of(cloud: Cloud, call: Call) -> Topic:
    """The topic that the call's path names.

    Raises:
        Refusal: TopicNotExist.
    """
    return find(TOPIC, cloud, call, call.resource[1])


def listed(call: Call, held: Iterable[str]) -> tuple[list[str], list[Node]]:
    """One page of names and its NextMarker, which is left out at the end: the SDK cannot read an empty one.

    Prefix, marker and number travel in x-mns- headers.
    """
    names = sorted(name for name in held if name.startswith(call.headers.get("x-mns-prefix", "")))
    size = whole("x-mns-ret-number", call.headers.get("x-mns-ret-number", str(MAX_LISTED)), 1, MAX_LISTED)
    begin = bisect_right(names, call.headers.get("x-mns-marker", ""))
    chosen = names[begin : begin + size]
    return chosen, [("NextMarker", chosen[-1])] if begin + size < len(names) else []


def _create(kind: Kind[Any], cloud: Cloud, call: Call) -> Reply:
    """201 with a Location; 204 if the same one is there; 409 if another is."""
    name = checked_name(kind.name, call.resource[1])
    is_new = destinations.add(kind, cloud, call, name, _given(kind, call))
    return Reply(status=201 if is_new else 204, headers={"location": _address(kind, call, name)})


def _read(kind: Kind[Any], cloud: Cloud, call: Call) -> Reply:
    return Reply(document(kind.name, _shown(kind, cloud, find(kind, cloud, call, call.resource[1]))))


def _change(kind: Kind[Any], cloud: Cloud, call: Call) -> Reply:
    destinations.change(cloud, find(kind, cloud, call, call.resource[1]), _given(kind, call))
    return Reply(status=204)


def _delete(kind: Kind[Any], cloud: Cloud, call: Call) -> Reply:
    destinations.remove(kind, cloud, call, call.resource[1])
    return Reply(status=204)


def _list(kind: Kind[Any], cloud: Cloud, call: Call) -> Reply:
    held = all_of(kind, cloud, call)
    names, marker = listed(call, held)
    nodes: list[Node] = []
    for name in names:
        meta = _shown(kind, cloud, held[name]) if call.headers.get("x-mns-with-meta") == "true" else []
        nodes.append((kind.name, [(f"{kind.name}URL", _address(kind, call, name)), *meta]))
    return Reply(document(f"{kind.name}s", nodes + marker))


def _address(kind: Kind[Any], call: Call, name: str) -> str:
    return f"{call.base_url}/{kind.family}/{name}"


def _given(kind: Kind[Any], call: Call) -> dict[str, Any]:
    if not call.body:
        return {}
    given = read_flat(read_root(call.body, kind.name), frozenset({*kind.ranges, "LoggingEnabled"}))
    found = numbers(given, kind.ranges)
    if "LoggingEnabled" in given:
        found["logging_enabled"] = switch("LoggingEnabled", given["LoggingEnabled"])
    return found


def _shown(kind: Kind[Any], cloud: Cloud, found: Queue | Topic) -> list[Node]:
    facts = kind.facts(found, cloud.clock.now())
    return [(f"{kind.name}Name", found.name), *((name, _written(fact)) for name, fact in facts.items())]


def _written(fact: object) -> str | int:
    """Numbers as they are; True and False in words, with a capital."""
    return fact if isinstance(fact, int) and not isinstance(fact, bool) else str(fact)


for _kind in KINDS:
    destinations.serve(
        SERVED,
        _kind,
        {
            "Create{}": (_create, ()),
            "Get{}Attributes": (_read, ()),
            "Set{}Attributes": (_change, ("metaoverride",)),
            "Delete{}": (_delete, ()),
            "List{}": (_list, ()),
        },
    )
