"""AppendObject: growing an object at its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.oss.access import cause_of, owned_bucket, writable_key
from emulator.oss.numbers import read_number
from emulator.oss.registry import serves
from emulator.oss.store import appended, grow_object, put_object
from emulator.oss.writing import WRITE_HEADERS, described, write_answer
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.oss.state import StoredObject
    from emulator.state import Cloud

_LARGEST = 5 * 1024**3


@serves("AppendObject", "append", "position", *WRITE_HEADERS)
def append_object(cloud: Cloud, call: Call) -> Reply:
    """Add the body at `position`, which must be the object's present size; position 0 of no object makes one.

    With versioning the current version grows in place; only a new object is a new version.
    """
    bucket = owned_bucket(cloud, call)
    present = bucket.objects.get(writable_key(call))
    if not call.params.get("position"):
        raise Refusal(400, "MissingArgument", "Missing Some Required Arguments: position.")
    position = read_number(call.params, "position", 0, 0, _LARGEST)
    if present is not None and present.object_type != "Appendable":
        raise Refusal(409, "ObjectNotAppendable", "The object is not appendable.")
    size = 0 if present is None else present.size
    if position != size:
        raise Refusal(409, "PositionNotEqualToLength", f"Position is not equal to file length {size}.")
    grown = _made(cloud, call, present)
    write = put_object if present is None else grow_object
    stored = write(cloud, bucket.name, grown, cause_of(call))
    return Reply(headers={**write_answer(bucket, stored), "x-oss-next-append-position": str(stored.size)})


def _made(cloud: Cloud, call: Call, present: StoredObject | None) -> StoredObject:
    if present is None:
        made = described(call, owned_bucket(cloud, call), call.body, cloud.clock.now())
        return replace(made, object_type="Appendable")
    data = present.data + call.body
    return appended(present, data)
