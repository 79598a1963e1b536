"""The stack's policy for the operator is sufficient and minimal for imports, too: what they used is what it grants.

Each way that an import may go is gone once: every kind of source, labels alone, removal, a retry, foreign messages, a
source that changes while it is checked, a manifest that is put in another's place, and an upload that is given up.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.core.imports.identity import progress_key
from infra import rights
from tests.integration.import_room import DATASET, DEAD, FILES, IMPORT, QUEUE, WORK, ImportRoom, lines, uri
from tests.integration.picture_room import PICTURES, PictureRoom, inline, line, manifest_of, own, target, text_of
from tests.integration.test_operator_policy import covers, used
from tests.integration.world import PROJECT, World

# Whether a batch asks for the right to a single one, too, is not known; the local cloud says no. And only a process
# that was killed in a report of more than 4 MiB leaves one to be given up (tests/unit/test_import_report.py).
RUNS = f"acs:oss:*:{{account}}:{WORK}/runs/*"
BESIDE = {"mns:ReceiveMessage", "mns:DeleteMessage"}
FOREIGN = '{"somebody": "else"}'
LONG = "x" * 300


@pytest.fixture(scope="module")
def files(world: World) -> ImportRoom:
    """Everything an import into a dataset needs."""
    made = ImportRoom(world)
    made.open()
    return made


@pytest.fixture(scope="module")
def pictures(world: World, files: ImportRoom) -> PictureRoom:
    """Everything an import into Image Search needs, beside it."""
    made = PictureRoom(files.world)
    world.bucket(PICTURES)
    made.calm()
    return made


def test_what_imports_use_is_what_the_policy_grants(world: World, files: ImportRoom, pictures: PictureRoom) -> None:
    """Over all of their ways; the journal has every request."""
    _index(files)
    _steer(files)
    _set_aside(files)
    _import_pictures(pictures)
    _give_up_an_upload(pictures)
    _change_while_checked(pictures)
    scope = rights.Scope(
        *(world.cloud.region, world.cloud.account_id),
        projects=(PROJECT,),
        buckets=(FILES, PICTURES),
        work=(WORK,),
        queues=(QUEUE,),
        dead_letter_queues=(DEAD,),
        instances=("shop",),
    )
    asked = used(world)
    assert not {
        right for right in asked if not any(covers(one, right) for one in rights.grants(rights.OPERATOR, scope))
    }
    granted = rights.grants((*rights.IMPORTS, *rights.PICTURES), scope)
    unused = {grant for grant in granted if not any(covers(grant, right) for right in asked)}
    given_up = ("oss:AbortMultipartUpload", RUNS.format(account=world.cloud.account_id))
    there = {(action, where) for action, where in unused if not _elsewhere(action, where)}
    assert BESIDE == {action for action, _ in there - {given_up}}
    assert given_up in there


def _elsewhere(action: str, where: str) -> bool:
    """Of no use in that bucket: manifests lie beside pictures, and prefixes are listed of files."""
    beside_files = where.endswith("increment.meta") and f":{FILES}/" in where
    return beside_files or (action, where.rpartition(":")[2]) == ("oss:ListObjects", PICTURES)


def _index(room: ImportRoom) -> None:
    room.put("p/a.txt", "p/b.txt", "t/c.txt")
    room.apply("prefix", {"prefix": {"bucket": FILES, "prefix": "p/"}})
    room.world.await_ready(IMPORT, "prefix")
    room.apply("table", room.table("list.jsonl", lines(["t/c.txt", "t/late.txt"])))
    room.world.await_reason(IMPORT, "table", "PartiallyFailed")
    room.put("t/late.txt")
    source = {"table": {"bucket": FILES, "key": "list.jsonl"}}
    room.apply("table", source, retry={"failedItems": "one"})
    room.world.await_ready(IMPORT, "table")


def _steer(room: ImportRoom) -> None:
    """Labels of what is there, and its removal."""
    into = {"dataset": {"project": PROJECT, "name": DATASET, "onExisting": "UpdateLabels"}}
    room.apply("labels", room.items("p/a.txt", "p/b.txt", customLabels={"year": "2026"}), target=into)
    room.world.await_ready(IMPORT, "labels")
    room.apply("removal", room.items("p/a.txt", operation="DELETE"))
    room.world.await_ready(IMPORT, "removal")
    assert {uri("p/b.txt"), uri("t/c.txt"), uri("t/late.txt")} == set(room.indexed())


def _set_aside(room: ImportRoom) -> None:
    room.account(foreignMessages="DeadLetter")
    room.send(QUEUE, FOREIGN)
    room.world.cloud.fault({"delay": 6})  # what the account says is learned while an import waits
    room.apply("foreign", room.items("p/a.txt"))
    room.world.await_ready(IMPORT, "foreign")
    room.world.until("it to be set aside", lambda: FOREIGN in room.messages(DEAD))
    room.world.cloud.fault()


def _import_pictures(room: PictureRoom) -> None:
    """What a DryRun would overwrite, and a manifest of the user's own that is kept before another takes its place."""
    found = [*room.shop("shop", 2), line("p9", "not-there.jpg")]
    room.manifest("shop", found)
    room.apply("shop", own("shop"), onInvalid="Skip", allowManifestReplace=True, mode="DryRun")
    room.world.await_reason(IMPORT, "shop", "Planned", 40)
    room.apply("shop", own("shop"), onInvalid="Skip", allowManifestReplace=True, mode="Apply")
    room.world.await_ready(IMPORT, "shop", 40)
    assert {("p0", "000.jpg"), ("p1", "001.jpg")} == room.held("shop")


def _give_up_an_upload(room: PictureRoom) -> None:
    """Its end did not answer, in the bucket's root and in a directory: it is begun anew."""
    for name, path in (("in-the-root", ""), ("in-a-folder", "folder/")):
        room.draw(f"{path}{name}.jpg")
        room.world.cloud.fault(
            {"service": "oss", "operation": "CompleteMultipartUpload", "when": "before", "drop": True, "times": 1}
        )
        room.apply(name, inline([line(name, f"{name}.jpg")]), target=target("shop", path))
        room.world.await_ready(IMPORT, name, 40)
        assert [1] == room.struck()
    room.world.cloud.fault()


def _change_while_checked(room: PictureRoom) -> None:
    """What was checked of the first counts no more: the second is read from its begin, and goes through."""
    room.draw("changing/000.jpg")

    def text(product: str) -> str:
        return text_of(line(f"{product}{number}", "000.jpg", CustomContent=LONG) for number in range(12_000))

    room.write(manifest_of("changing"), text("old"))
    room.world.cloud.fault({"service": "oss", "operation": "GetObject", "latency": 0.5})
    room.apply("changing", own("changing"), target=target("shop", "changing/"))
    room.world.until("a checkpoint", lambda: bool(_progress(room, "changing")), 60)
    before = _progress(room, "changing")["content"]
    etag = room.write(manifest_of("changing"), text("new"))
    room.world.cloud.fault()
    status: dict[str, Any] = room.await_phase("changing", "Complete", 90)
    assert 12_000 == status["totals"]["succeeded"]
    assert {"new"} == {product[:3] for product, picture in room.held("shop") if picture == "000.jpg"} - {"p0"}
    assert before != _progress(room, "changing")["content"]
    assert etag == room.world.bucket(PICTURES).head_object(manifest_of("changing")).etag


def _progress(room: PictureRoom, name: str) -> dict[str, Any]:
    """How far the check of an import is, as it is on record."""
    bucket, key = room.world.bucket(WORK), progress_key(room.status(name).get("work", ""))
    return dict(json.loads(bucket.get_object(key).read())) if bucket.object_exists(key) else {}
