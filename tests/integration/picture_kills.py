"""What the tests share that kill the operator in the middle of an import into Image Search."""

from __future__ import annotations

from typing import Any

from tests.integration.held_writes import OF_OSS, HeldWrite
from tests.integration.import_truth import runs_on_record
from tests.integration.picture_room import INCREASE, PICTURES, PictureRoom, line, own, text_of
from tests.integration.picture_truth import assert_pictures_true, original

LINES, ROOM = 8, 5  # the instance isolates what it has no room for
BAD: dict[str, Any] = {"OperationType": "ADD", "ProductId": "without a picture"}
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
WRITING = (*OF_OSS, INCREASE)
CHECKED = WRITES.index(("PutObject", "progress"))  # from here on no picture is looked at again
BEGUN = WRITES.index(("InitiateMultipartUpload", "manifest"))
ON_RECORD = WRITES.index(("PutObject", "upload"))  # the upload's id: who comes after can drop it


class Point(HeldWrite):
    """One of them."""

    writes = WRITES


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


def occupy(room: PictureRoom, name: str) -> int:
    """Have somebody else's task run at an instance for as long as tasks are held; its id."""
    room.draw(f"{name}-other/x.jpg")
    room.write(f"{name}-other/increment.meta", text_of([line("x", "x.jpg")]))
    room.hold()
    made = room.images(name).call("increase_instance", bucket_name=PICTURES, path=f"/{name}-other")
    return int(made["Data"]["Id"])
