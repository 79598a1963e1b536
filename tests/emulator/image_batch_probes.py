"""One probe per switch of Image Search's batches: it finds out what the cloud does and says which value that is.

A probe knows nothing of the switches. It is named as the one it finds out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from emulator.call import Call
from emulator.imagesearch import batch_work
from emulator.imagesearch.batch_end import cancel
from emulator.imagesearch.downloads import bucket_name
from emulator.imagesearch.instances import make_instance
from emulator.imagesearch.operations import OPERATIONS
from emulator.oss.store import delete_object, read_object
from emulator.refusal import Refusal
from tests.emulator.imm_room import ACCOUNT, REGION
from tests.emulator.pictures import picture

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

LINE = '{"OperationType": "ADD", "ProductId": "1", "PicName": "a.jpg", "CustomContent": "c"}\n'
GONE = LINE.replace("a.jpg", "gone.jpg")
BACK = "http://127.0.0.1:9/back"


def call(room: Room, operation: str, **params: object) -> dict[str, Any]:
    """An operation on the instance, which is made before the first one."""
    instance(room).tokens.clear()
    sent = {"InstanceName": "shop", **{name: str(value) for name, value in params.items()}}
    asked = Call("imagesearch", operation, ACCOUNT, REGION, "request", sent, base_url="http://127.0.0.1")
    body: Any = OPERATIONS.by_name[operation].handler(room.cloud, asked).body
    return json.loads(json.dumps(body))["Data"]  # type: ignore[no-any-return]  # as a client reads it


def instance(room: Room) -> Any:
    """The instance."""
    return make_instance(room.cloud, ACCOUNT, REGION, "shop", service_type=0, capacity=1000, qps=5)


def begin(room: Room, text: str | bytes = LINE, path: str = "/", address: str = "") -> int:
    """Start a batch of this manifest."""
    room.put("a.jpg", picture(size=(120, 110)))
    room.put("increment.meta", text if isinstance(text, bytes) else text.encode())
    return int(call(room, "IncreaseInstance", BucketName="test-bucket", Path=path, CallbackAddress=address)["Id"])


def let(room: Room, seconds: float = 3600) -> None:
    """Let batches go on."""
    room.cloud.clock.advance(seconds)
    batch_work.advance(room.cloud)


def shown(room: Room, task: int) -> dict[str, Any]:
    """A task as it is listed."""
    [found] = call(room, "IncreaseList", Id=task)["Increments"]["Instance"]
    assert isinstance(found, dict)
    return found


def ended(room: Room, text: str | bytes = LINE, address: str = "") -> dict[str, Any]:
    """A batch of this manifest, worked off."""
    task = begin(room, text, address=address)
    let(room)
    return shown(room, task)


def cancelled(room: Room, address: str = "") -> dict[str, Any]:
    """A batch of two lines, cancelled when both were done of three."""
    room.cloud.image_batches.lines_per_second = 1
    task = begin(room, LINE + GONE + LINE, address=address)
    let(room, 2.6)
    search = room.cloud.imagesearch(ACCOUNT, REGION)
    cancel(room.cloud, REGION, search, instance(room), instance(room).tasks[task])
    return shown(room, task)


def report(room: Room, task: dict[str, Any]) -> str:
    """What is at a task's ErrorUrl."""
    key = task["ErrorUrl"].partition("?")[0].rpartition("/")[2]
    return (read_object(room.cloud, bucket_name(REGION), key) or b"").decode()


def told(room: Room) -> dict[str, Any]:
    """The one callback; empty if there is none."""
    bodies = [json.loads(one.body) for one in room.cloud.imagesearch(ACCOUNT, REGION).callbacks.values()]
    return bodies[0] if bodies else {}


def code_of(room: Room, text: str = LINE, path: str = "/") -> str:
    """The code that starting a batch is refused with; "" if it is not."""
    try:
        begin(room, text, path)
    except Refusal as refusal:
        return refusal.code
    return ""


def increment_busy_code(room: Room) -> object:
    """A second batch while the first runs."""
    begin(room)
    return code_of(room)


def increment_unauthorized_code(room: Room) -> object:
    """A batch before anybody has clicked."""
    instance(room).authorized = False
    return code_of(room)


def increment_root_path(room: Room) -> object:
    """A batch at the root."""
    return "refused" if code_of(room) else "/"


def increment_manifest_missing(room: Room) -> object:
    """A batch of nothing."""
    try:
        task = call(room, "IncreaseInstance", BucketName="test-bucket", Path="/nowhere")["Id"]
    except Refusal as refusal:
        return refusal.code
    let(room)
    return shown(room, int(task))["Status"]


def increment_manifest_read(room: Room) -> object:
    """A manifest that is replaced after its first line, and then deleted."""
    room.cloud.image_batches.lines_per_second = 1
    task = begin(room, LINE + LINE)
    let(room, 1.6)
    room.put("increment.meta", (LINE + GONE + GONE + LINE).encode())
    let(room, 2.0)
    if len(instance(room).tasks[task].faults) == 0:
        return "once"
    assert {2: "BadRequest", 3: "BadRequest"} == {n: one.code for n, one in instance(room).tasks[task].faults.items()}
    delete_object(room.cloud, "test-bucket", "increment.meta")
    let(room, 2.0)
    assert "FAIL" == shown(room, task)["Status"]
    return "throughout"


def increment_byte_order_mark(room: Room) -> object:
    """One at the beginning."""
    return {"FAIL": "fails", "SUCCESS": "skipped"}[ended(room, b"\xef\xbb\xbf" + LINE.encode())["Status"]]


def increment_blank_line(room: Room) -> object:
    """One in the middle."""
    return {"FAIL": "fails", "SUCCESS": "skipped"}[ended(room, f"{LINE} \r\n{LINE}")["Status"]]


def increment_empty_manifest(room: Room) -> object:
    """No line at all."""
    return ended(room, "")["Status"]


def increment_duplicate_field(room: Room) -> object:
    """CustomContent twice."""
    task = ended(room, LINE.replace("{", '{"CustomContent": "first", '))
    return "isolated" if task["ErrorUrl"] else {"c": "last"}[instance(room).pictures["1/a.jpg"].custom_content]


def increment_unknown_field(room: Room) -> object:
    """One of AddImage's that the guide does not list."""
    return "isolated" if ended(room, LINE.replace("{", '{"IntAttr2": 7, '))["ErrorUrl"] else "ignored"


def increment_all_isolated(room: Room) -> object:
    """Nothing but bad lines, and a blank one."""
    return ended(room, f"{GONE}\n{GONE}")["Status"]


def increment_isolated_code(room: Room) -> object:
    """A good line and a bad one."""
    return ended(room, LINE + GONE)["Code"]


def increment_report_shape(room: Room) -> object:
    """What is written of a bad line."""
    text = report(room, ended(room, LINE + GONE.replace('"1"', '"<&,>"')))
    beginnings = {"<html>": "html", "[{": "json-array", "{": "jsonl", "Line,Op": "csv", "line 2": "text", "": "empty"}
    assert text == "" or ("gone.jpg" in text and "a.jpg" not in text)
    assert ("&lt;&amp;,&gt;" in text) == ("<html>" in text)
    return next(shape for beginning, shape in beginnings.items() if text.startswith(beginning))


def increment_report_always(room: Room) -> object:
    """A batch of good lines."""
    return bool(ended(room)["ErrorUrl"])


def increment_report_kept_seconds(room: Room) -> object:
    """The first whole hour after the task's end with an address a second before it and none a second behind it."""
    task, hours = ended(room, GONE), 2
    while True:
        let(room, task["UtcModified"] / 1000 + hours * 3600 - 1 - room.cloud.clock.now())
        assert shown(room, task["Id"])["ErrorUrl"]
        let(room, 2)
        if not shown(room, task["Id"])["ErrorUrl"]:
            return hours * 3600.0
        hours += 1


def increment_cancelled_status(room: Room) -> object:
    """Of a cancelled task."""
    return cancelled(room)["Status"]


def increment_cancel_report(room: Room) -> object:
    """What is written of two lines."""
    return {1: "failures", 2: "every_line"}[len(report(room, cancelled(room)).splitlines())]


def increment_cancel_callback(room: Room) -> object:
    """Whom it is told to."""
    cancelled(room, BACK)
    return told(room).get("status", "none")


def increment_callback_time(room: Room) -> object:
    """On the guide's morning, which is before midnight in London."""
    ended(room, address=BACK)
    return {"2022-07-06": "china", "2022-07-05": "utc"}[told(room)["finishTime"].partition(" ")[0]]


def increment_list_order(room: Room) -> object:
    """Of two tasks."""
    first = ended(room)["Id"]
    ended(room)
    listed = call(room, "IncreaseList")["Increments"]["Instance"]
    return "oldest" if listed[0]["Id"] == first else "newest"


def increment_page_max(room: Room) -> object:
    """The largest that is not refused."""
    size = 10
    while True:
        try:
            call(room, "IncreaseList", PageSize=size + 1)
        except Refusal:
            return size
        size += 1
