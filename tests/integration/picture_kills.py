"""What the tests share that kill the operator in the middle of an import into Image Search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.integration.import_truth import runs_on_record
from tests.integration.picture_room import INCREASE, PICTURES, PictureRoom, line, own, text_of
from tests.integration.picture_truth import assert_pictures_true, original

LINES, ROOM = 8, 5  # the instance isolates what it has no room for
BAD: dict[str, Any] = {"OperationType": "ADD", "ProductId": "without a picture"}
HELD = {"before": 3.0, "late": 9.0, "after": 3.0}  # seconds; a process begins anew in about three
# Every write of a run whose manifest takes the place of its user's, in order: the operation, and what it writes.
WRITES = (
    ("PutObject", "problems"),
    ("PutObject", "checked"),
    ("PutObject", "progress"),
    ("PutObject", "items"),
    ("PutObject", "all problems"),
    ("PutObject", "resolution"),
    ("PutObject", "record"),
    ("CopyObject", "original"),
    ("InitiateMultipartUpload", "manifest"),
    ("PutObject", "upload"),
    ("UploadPart", "manifest"),
    ("CompleteMultipartUpload", "manifest"),
    ("PutObject", "journal 0: uploaded"),
    ("PutObject", "journal 1: planned"),
    (INCREASE, "task"),
    ("PutObject", "journal 2: answered"),
    ("PutObject", "task report"),
    ("PutObject", "journal 3: verdicts"),
    ("PutObject", "report"),
    ("PutObject", "end"),
)
WRITING = ("PutObject", "Copy", "Initiate", "UploadPart", "Complete", "Abort", "Append", "Delete", INCREASE)
CHECKED = WRITES.index(("PutObject", "progress"))  # from here on no picture is looked at again
BEGUN = WRITES.index(("InitiateMultipartUpload", "manifest"))
ON_RECORD = WRITES.index(("PutObject", "upload"))  # the upload's id: who comes after can drop it


@dataclass(frozen=True)
class Point:
    """A write, and when the process ends: before it takes effect, long before that, or after it."""

    number: int
    when: str

    @property
    def operation(self) -> str:
        """Of the cloud."""
        return WRITES[self.number][0]

    @property
    def what(self) -> str:
        """What it writes."""
        return WRITES[self.number][1]

    @property
    def service(self) -> str:
        """Whose operation it is."""
        return "imagesearch" if self.operation == INCREASE else "oss"

    @property
    def nth(self) -> int:
        """How many of this operation come before it."""
        return sum(operation == self.operation for operation, _ in WRITES[: self.number])

    def __str__(self) -> str:
        return f"{self.when} {self.operation} of {self.what}"

    def hold(self, room: PictureRoom) -> None:
        """Have the cloud hold it, and let those before it through."""
        rule: dict[str, Any] = {"service": self.service, "operation": self.operation}
        before = [rule | {"latency": 0.0, "times": self.nth}] if self.nth else []
        when = "after" if self.when == "after" else "before"
        room.world.cloud.fault(*before, rule | {"when": when, "latency": HELD[self.when], "times": 1})

    def await_held(self, room: PictureRoom) -> None:
        """Wait until the cloud holds it."""
        room.world.until(f"{self} to be held", lambda: room.struck()[-1] == 1, 40)

    def await_answered(self, room: PictureRoom, since: int) -> None:
        """Wait until it took effect, whatever that was: nobody hears the answer."""

        def is_over() -> bool:
            made = room.world.cloud.requests(self.service, self.operation, since)
            return any(float(str(one["duration"])) >= HELD[self.when] for one in made)

        room.world.until(f"{self} to be over", is_over, HELD[self.when])


def prepare(room: PictureRoom, name: str) -> list[dict[str, Any]]:
    """An instance that is too small for the lines of its manifest, one of which is bad; the good ones."""
    room.instance(name, capacity=ROOM)
    return write(room, name)


def write(room: PictureRoom, name: str) -> list[dict[str, Any]]:
    """A manifest of a user's own in the path of that name, and the pictures of its good lines, which are returned."""
    lines = [line(f"{name}-{number}", f"{number:03}.jpg") for number in range(LINES)]
    room.draw(*(f"{name}/{one['PicName']}" for one in lines))
    room.manifest(name, [*lines, BAD])
    return lines


def start(room: PictureRoom, name: str) -> None:
    """An import that writes everything there is to write."""
    room.apply(name, own(name), onInvalid="Skip", allowManifestReplace=True)


def finish(room: PictureRoom, name: str, lines: list[dict[str, Any]], runs: set[str]) -> dict[str, Any]:
    """To the end: the truth, in one run, in one task."""
    room.await_phase(name, "Failed", 90)
    status = assert_pictures_true(room, name, adds=pairs(lines))
    assert (ROOM, LINES - ROOM, 0, 0) == room.counts(name)
    assert 1 == status["totals"]["skipped"]
    assert {status["run"]} == runs_on_record(room) - runs
    assert text_of([*lines, BAD]).encode() == original(room, name)
    assert [one | {"Crop": True} for one in lines] == [{"Crop": True} | one for one in room.lies(name)]
    return status


def pairs(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Product and picture of each."""
    return [(one["ProductId"], one["PicName"]) for one in lines]


def latest(room: PictureRoom) -> int:
    """The number of the cloud's last request."""
    return int(str(room.world.cloud.requests()[-1]["number"]))


def occupy(room: PictureRoom, name: str) -> int:
    """Have somebody else's task run at an instance for as long as tasks are held; its id."""
    room.draw(f"{name}-other/x.jpg")
    room.write(f"{name}-other/increment.meta", text_of([line("x", "x.jpg")]))
    room.hold()
    made = room.images(name).call("increase_instance", bucket_name=PICTURES, path=f"/{name}-other")
    return int(made["Data"]["Id"])
