"""Event rules as values: which objects' events go where. Matching only; nothing is sent here.

A rule names resources as `bucket/key`, or with OSS's `acs:oss:region:account:bucket/key` in front; both forms are met
in the wild (the API's own examples use the first). A rule's event types are OSS's, `ObjectCreated:PutObject`, or a
whole family. How a family is written is not settled (`Switches.event_rule_family`): OSS's page on event notifications
has `ObjectCreatedGroup`, and `ObjectCreated:*` and `ObjectCreated:All` are understood as well.
"""

from __future__ import annotations

from dataclasses import dataclass

# What the emulator raises; GetObject's and the replication's events, and those of a single part, it does not.
EVENT_OF_OPERATION = {
    "PutObject": "ObjectCreated:PutObject",
    "CopyObject": "ObjectCreated:CopyObject",
    "AppendObject": "ObjectCreated:AppendObject",
    "CompleteMultipartUpload": "ObjectCreated:CompleteMultipartUpload",
    "PutSymlink": "ObjectCreated:PutSymlink",
    "DeleteObject": "ObjectRemoved:DeleteObject",
    "DeleteMultipleObjects": "ObjectRemoved:DeleteObjects",
}
FAMILIES = frozenset({"ObjectCreated", "ObjectRemoved"})


@dataclass(frozen=True, slots=True)
class Match:
    """One condition on a resource's name: the whole of it, or its beginning and end; `wanted` False turns it round."""

    name: str = ""
    prefix: str = ""
    suffix: str = ""
    wanted: bool = True

    def holds(self, names: tuple[str, ...]) -> bool:
        """Whether the condition holds for a resource, which goes by any of `names`."""
        return self.wanted is any(self._fits(name) for name in names)

    def _fits(self, name: str) -> bool:
        if self.name:
            return name == self.name
        return name.startswith(self.prefix) and name.endswith(self.suffix)


@dataclass(slots=True)
class EventRule:
    """A rule: events of these types, on resources of which one list of conditions holds, go to the endpoint."""

    name: str
    event_types: list[str]
    matches: list[list[Match]]  # one list must hold in full
    endpoint_type: str  # `topic` or `queue`
    endpoint_name: str
    created: float
    product: str = "oss"
    client_token: str = ""
    delivery_mode: str = ""

    def wants(self, event: str, names: tuple[str, ...]) -> bool:
        """Whether an event on a resource is for this rule."""
        if not any(_is_type(event, kind) for kind in self.event_types):
            return False
        return any(all(match.holds(names) for match in matches) for matches in self.matches)


def names_of(region: str, account: str, bucket: str, key: str) -> tuple[str, ...]:
    """The names a rule may call an object by."""
    return (f"{bucket}/{key}", f"acs:oss:{region}:{account}:{bucket}/{key}")


def is_raised(kind: str) -> bool:
    """Whether the emulator raises events of this type at all."""
    bare = kind.removeprefix("oss:")
    return bare in EVENT_OF_OPERATION.values() or _family(bare) in FAMILIES


def _is_type(event: str, kind: str) -> bool:
    bare = kind.removeprefix("oss:")
    return event == bare or event.partition(":")[0] == _family(bare)


def spelling_of(kind: str) -> str:
    """How a family is written: `group`, `star`, or "" for a single event."""
    bare = kind.removeprefix("oss:")
    if bare.endswith("Group"):
        return "group"
    return "star" if bare.partition(":")[2] in {"*", "All"} else ""


def _family(kind: str) -> str:
    match spelling_of(kind):
        case "group":
            return kind.removesuffix("Group")
        case "star":
            return kind.partition(":")[0]
        case _:
            return ""
