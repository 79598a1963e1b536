"""A write of a run to the cloud at which a test ends the operator.

The cloud holds it, the process ends meanwhile, and it takes effect all the same, or has already: nobody is left who
would hear the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tests.integration.import_room import ImportRoom

Writes = tuple[tuple[str, str], ...]  # in order: the operation, and what it writes
HELD = {"before": 3.0, "late": 9.0, "after": 3.0}  # seconds; a process begins anew in about three
SERVICES = {"IncreaseInstance": "imagesearch"}
OF_OSS = ("PutObject", "Copy", "Initiate", "UploadPart", "Complete", "Abort", "Append", "Delete")


@dataclass(frozen=True)
class HeldWrite:
    """One of `writes`, and when the process ends: before it takes effect, long before that, or after it."""

    number: int
    when: str
    writes: ClassVar[Writes] = ()

    @property
    def operation(self) -> str:
        """Of the cloud."""
        return self.writes[self.number][0]

    @property
    def what(self) -> str:
        """What it writes."""
        return self.writes[self.number][1]

    @property
    def service(self) -> str:
        """Whose operation it is."""
        return service_of(self.operation)

    @property
    def nth(self) -> int:
        """How many of this operation come before it."""
        return sum(operation == self.operation for operation, _ in self.writes[: self.number])

    def __str__(self) -> str:
        return f"{self.when} {self.operation} of {self.what}"

    def hold(self, room: ImportRoom) -> None:
        """Have the cloud hold it, and let those before it through."""
        rule: dict[str, Any] = {"service": self.service, "operation": self.operation}
        before = [rule | {"latency": 0.0, "times": self.nth}] if self.nth else []
        when = "after" if self.when == "after" else "before"
        room.world.cloud.fault(*before, rule | {"when": when, "latency": HELD[self.when], "times": 1})

    def await_held(self, room: ImportRoom) -> None:
        """Wait until the cloud holds it."""
        room.world.until(f"{self} to be held", lambda: room.struck()[-1] == 1, 40)

    def await_answered(self, room: ImportRoom, since: int) -> dict[str, Any]:
        """Wait until it took effect, whatever that was: nobody hears the answer. The request."""

        def over() -> list[dict[str, Any]]:
            made = room.world.cloud.requests(self.service, self.operation, since)
            return [one for one in made if float(str(one["duration"])) >= HELD[self.when]]

        room.world.until(f"{self} to be over", lambda: bool(over()))
        return over()[0]


def service_of(operation: str) -> str:
    """Whose operation it is."""
    if operation.endswith("FileMeta"):
        return "imm"
    return "mns" if operation.endswith("Message") else SERVICES.get(operation, "oss")


def latest(room: ImportRoom) -> int:
    """The number of the cloud's last request."""
    return int(str(room.world.cloud.requests()[-1]["number"]))
