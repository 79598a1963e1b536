"""One probe per switch of Image Search's pictures and searches: what the cloud does, as the value that says so.

Every answer is read by the vendor's model, which must know all of it.
"""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any

from alibabacloud_imagesearch20201214 import models
from PIL import ExifTags, Image

from emulator.call import Call
from emulator.imagesearch.instances import make_instance
from emulator.imagesearch.operations import OPERATIONS
from emulator.refusal import Refusal
from tests.emulator.image_room import encoded, scene
from tests.emulator.imm_room import ACCOUNT, REGION, text_of, unread

if TYPE_CHECKING:
    from emulator.state import Cloud
    from tests.emulator.imm_room import Room

PLACE = {"ProductId": "p", "PicName": "a.png"}
OTHER = {"ProductId": "p", "PicName": "other.png"}


def ask(cloud: Cloud, operation: str, **params: object) -> dict[str, Any]:
    """An answer of the instance, which is made before the first one; its allowance is never used up."""
    instance = make_instance(cloud, ACCOUNT, REGION, "demo", service_type=0, capacity=1000, qps=5)
    instance.tokens.clear()
    sent = {"InstanceName": "demo", **{name: text_of(value) for name, value in params.items()}}
    assert not set(sent) - OPERATIONS.by_name[operation].params
    reply = OPERATIONS.by_name[operation].handler(cloud, Call("imagesearch", operation, ACCOUNT, REGION, "id", sent))
    assert isinstance(reply.body, dict)
    raw = {"RequestId": "id", **reply.body}
    assert [] == unread(raw, getattr(models, f"{operation}ResponseBody")().from_map(raw).to_map())
    return raw


def content(number: int = 1) -> str:
    """A picture as PicContent."""
    return base64.b64encode(encoded(scene(number))).decode()


def image_search_failure(room: Room) -> object:
    """A text in place of a picture."""
    text = base64.b64encode(b"no picture").decode()
    try:
        added = ask(room.cloud, "AddImage", **PLACE, PicContent=text)
        found = ask(room.cloud, "SearchImageByPic", PicContent=text)
    except Refusal as refusal:
        return "error" if refusal.code == "BadRequest" else refusal.code
    failed = not added["Success"] and added["Code"] != 0 and not found["Success"] and found["Code"] != 0
    return "body" if failed else added


def image_search_rotated(room: Room) -> object:
    """A picture that says how it was held, to be added and to be searched with."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    turned = BytesIO()
    scene(1).save(turned, "JPEG", exif=exif)
    sent = base64.b64encode(turned.getvalue()).decode()
    outcomes = set()
    for operation, more in (("AddImage", PLACE), ("SearchImageByPic", {})):
        try:
            ask(room.cloud, operation, **more, PicContent=sent)
        except Refusal as refusal:
            outcomes.add("refused" if "rotation" in refusal.message else refusal.message)
        else:
            outcomes.add("accepted")
    return outcomes.pop() if len(outcomes) == 1 else outcomes


def image_search_update_missing(room: Room) -> object:
    """An update where there is nothing, which makes nothing."""
    try:
        ask(room.cloud, "UpdateImage", **PLACE, IntAttr=1)
    except Refusal as refusal:
        return refusal.code
    assert not ask(room.cloud, "CheckImageExists", **PLACE)["Exists"]
    return "accepted"


def image_search_by_missing_name(room: Room) -> object:
    """A search by a name that is not there."""
    ask(room.cloud, "AddImage", **OTHER, PicContent=content())
    try:
        found = ask(room.cloud, "SearchImageByName", **PLACE)
    except Refusal as refusal:
        return refusal.code
    return "empty" if not found["Auctions"] and found["Success"] else found


def image_search_beyond_500(room: Room) -> object:
    """The last page that its two limits allow."""
    ask(room.cloud, "AddImage", **PLACE, PicContent=content())
    try:
        found = ask(room.cloud, "SearchImageByPic", PicContent=content(), Start=499, Num=100)
    except Refusal as refusal:
        return refusal.code
    return "cut" if found["Success"] and not found["Auctions"] else found


def image_search_docs_found(room: Room) -> object:
    """Two pictures matched, one of them returned."""
    ask(room.cloud, "AddImage", **PLACE, PicContent=content(1))
    ask(room.cloud, "AddImage", **OTHER, PicContent=content(2))
    head = ask(room.cloud, "SearchImageByPic", PicContent=content(1), Num=1)["Head"]
    counts = {(2, 1): "matched", (1, 2): "returned"}
    return counts.get((head["DocsFound"], head["DocsReturn"]), head)
