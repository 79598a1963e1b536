"""Field by field: which members of the vendor's answers are never filled by pictures and searches, and why.

`ask` already refuses an answer with a member that the vendor's model does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alibabacloud_imagesearch20201214 import models

from emulator.imagesearch import images, instances, searches
from tests.emulator.image_picture_probes import OTHER, PLACE, ask, content
from tests.emulator.model_members import Members

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]

ATTRIBUTES = {f"{kind}Attr{number}": 1 for kind in ("Int", "Str") for number in ("", 2, 3, 4)}
NEVER = {
    "SearchImageByTextResponseBody": {"AccessDeniedDetail": "of a refusal: test_image_search_instances"},
}


def test_every_member_of_an_answer_is_filled(room: Room) -> None:
    """One journey over the operations that are not batches."""
    cloud = room.cloud
    text = {"Text": "word"}
    calls: dict[str, dict[str, Any]] = {
        "AddImage": {**PLACE, "PicContent": content(1), "CustomContent": "word", **ATTRIBUTES},
        "Detail": {},
        "CheckImageExists": PLACE,
        "SearchImageByPic": {"PicContent": content(1)},
        "SearchImageByName": PLACE,
        "SearchImageByFilter": {"Filter": "int_attr=1"},
        "SearchImageByText": text,
        "UpdateImage": {**PLACE, "IntAttr": 2},
        "DeleteImage": PLACE,
    }
    served = {name for room_ in (instances, images, searches) for name in room_.SERVED.by_name}
    assert served == calls.keys()
    seen = Members(models)
    ask(cloud, "AddImage", **OTHER, PicContent=content(2))
    for operation, params in calls.items():
        seen.note(ask(cloud, operation, **params), getattr(models, f"{operation}ResponseBody"))
    unfilled = {name: sorted(own - seen.filled[name]) for name, own in seen.known.items() if own - seen.filled[name]}
    assert unfilled == {name: sorted(why) for name, why in NEVER.items()}


def test_the_request_models_have_no_parameter_that_is_refused() -> None:
    """What the SDK can send, the operation knows; except what its _advance calls have of their own."""
    for room_ in (instances, images, searches):
        for name, operation in room_.SERVED.by_name.items():
            request = getattr(models, f"{name}Request")
            sent = {_wire(attribute) for attribute in vars(request())}
            assert sent == operation.params, name


def _wire(attribute: str) -> str:
    return "".join(part.capitalize() for part in attribute.split("_") if part)
