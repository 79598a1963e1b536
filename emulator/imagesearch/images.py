"""AddImage, DeleteImage, UpdateImage and CheckImageExists: one picture at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imagesearch import params, pictures
from emulator.imagesearch.categories import shown_categories
from emulator.imagesearch.instances import instance_of
from emulator.imagesearch.refusals import Unfit, bad_request, missing, of_unfit
from emulator.imagesearch.state import picture_key

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imagesearch.state import Instance, Picture
    from emulator.state import Cloud

SERVED = Operations("imagesearch")
_ATTRIBUTES = (*params.INT_NAMES, *params.STR_NAMES)
_PLACE = ("InstanceName", "ProductId", "PicName")
_SUCCESS = {"Success": True, "Code": 0, "Message": "success"}
_FAILED = 400  # what a body's Code says then; the pages say: not 0


@SERVED.serves("AddImage", *_PLACE, "PicContent", "CategoryId", "CustomContent", "Crop", "Region", *_ATTRIBUTES)
def add_image(cloud: Cloud, call: Call) -> Reply:
    """Add a picture, or put it in place of its namesake in the product. api-imagesearch-2020-12-14-addimage."""
    instance = instance_of(cloud, call)
    outcome = pictures.add(
        instance,
        params.content(call, "NoSpecifiedAddPic"),
        pictures.Said(
            product_id=params.text(call, "ProductId"),
            pic_name=params.text(call, "PicName"),
            custom_content=call.params.get("CustomContent", ""),
            category_id=params.integer(call, "CategoryId"),
            int_attrs=params.int_attrs(call),
            str_attrs=params.str_attrs(call),
            crop=params.boolean(call, "Crop", default=True),
            region=call.params.get("Region", ""),
        ),
        rotated_fits=cloud.switches.image_search_rotated == "accepted",
        counted=not cloud.loose,
    )
    if isinstance(outcome, Unfit):
        if cloud.switches.image_search_failure == "body":
            return Reply({"Success": False, "Code": _FAILED, "Message": outcome.message})
        raise of_unfit(outcome)
    return Reply({**_SUCCESS, "PicInfo": shown_subject(instance, outcome.category_id, outcome.region)})


@SERVED.serves("DeleteImage", *_PLACE, "IsDeleteByFilter", "Filter")
def delete_image(cloud: Cloud, call: Call) -> Reply:
    """Delete a picture, all of a product, or all that meet a condition. api-imagesearch-2020-12-14-deleteimage.

    Success where there is none.
    """
    instance = instance_of(cloud, call)
    if params.boolean(call, "IsDeleteByFilter", default=False):
        condition = params.condition(call, lists=False)
        if condition is None:
            raise missing("Filter")
        names = pictures.delete_where(instance, condition)
    else:
        names = pictures.delete(instance, params.text(call, "ProductId"), call.params.get("PicName") or None)
    return Reply({**_SUCCESS, "Data": {"PicNames": names}})


@SERVED.serves("UpdateImage", *_PLACE, "CustomContent", *_ATTRIBUTES)
def update_image(cloud: Cloud, call: Call) -> Reply:
    """Change a picture's content and attributes; what is not sent stays. api-imagesearch-2020-12-14-updateimage."""
    instance = instance_of(cloud, call)
    product_id, pic_name = params.text(call, "ProductId"), params.text(call, "PicName")
    content, ints, texts = call.params.get("CustomContent"), params.int_attrs(call), params.str_attrs(call)
    problem = pictures.problem_of(product_id, pic_name, content or "", ints, texts)
    if problem:
        raise bad_request(problem)
    key = picture_key(product_id, pic_name)
    if key in instance.pictures:
        pictures.update(instance, key, content, ints, texts)
    elif cloud.switches.image_search_update_missing != "accepted":
        raise bad_request(f"There is no picture {pic_name} of the product {product_id}.")
    return Reply(_SUCCESS)


@SERVED.serves("CheckImageExists", *_PLACE)
def check_image_exists(cloud: Cloud, call: Call) -> Reply:
    """Whether a picture is there, and what is said of it. api-imagesearch-2020-12-14-checkimageexists."""
    instance = instance_of(cloud, call)
    held = instance.pictures.get(picture_key(params.text(call, "ProductId"), params.text(call, "PicName")))
    answer: dict[str, object] = {"Success": True, "Code": 0, "Msg": "success", "Exists": held is not None}
    if held is not None:
        answer["Auctions"] = shown_picture(held)
    return Reply(answer)


def shown_picture(picture: Picture) -> dict[str, object]:
    """A picture as searches list it, without a score."""
    return {
        "ProductId": picture.product_id,
        "PicName": picture.pic_name,
        "CategoryId": picture.category_id,
        "CustomContent": picture.custom_content,
        **pictures.attributes_of(picture),
    }


def shown_subject(instance: Instance, category_id: int, region: str) -> dict[str, object]:
    """PicInfo of a picture."""
    return {
        "CategoryId": category_id,
        "AllCategories": shown_categories(instance),
        "Region": region,
        "MultiRegion": [{"Region": region}],
    }
