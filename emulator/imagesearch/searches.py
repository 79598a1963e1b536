"""The four searches: by a picture, by the name of one that is there, by a condition, by text.

Pictures rank by what they look like (`features`), the best first; equals by ProductId and PicName. A category that is
given narrows the search to it; one that nobody gave does not, because nothing here can predict it. A text is looked
for in CustomContent, PicName and ProductId, word by word: no model reads the pictures.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, NamedTuple

from emulator.call import Operations, Reply
from emulator.imagesearch import params
from emulator.imagesearch.categories import category_in_force, shown_categories
from emulator.imagesearch.features import likeness
from emulator.imagesearch.images import shown_picture, shown_subject
from emulator.imagesearch.instances import instance_of
from emulator.imagesearch.reading import look_at
from emulator.imagesearch.refusals import Unfit, bad_request, missing, of_unfit, refused
from emulator.imagesearch.state import picture_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.call import Call
    from emulator.imagesearch.filters import Condition
    from emulator.imagesearch.state import Instance, Picture
    from emulator.state import Cloud

SERVED = Operations("imagesearch")
MAX_TEXT = 512
_MOST, _USUAL = 100, 10
_MOST_TOGETHER = 500
_PAGE = ("Num", "Start")
_RANKED = ("InstanceName", *_PAGE, "Filter", "DistinctProductId", "ScoreThreshold")
_BEST = {True: 7.33136443711219e24, False: 5.37633353624177e24}  # SortExprValues of the same picture; categories 0 to 2
_CLOTHES = range(3)
# A word of a language that has spaces, or one character of one that has none.
_WORD = re.compile(r"[぀-ヿ㐀-鿿豈-﫿]|[^\W_぀-ヿ㐀-鿿豈-﫿]+")


class Hit(NamedTuple):
    """A picture found."""

    score: float
    picture: Picture


class Asked(NamedTuple):
    """What every search that ranks can be asked for."""

    num: int
    start: int
    condition: Condition | None
    distinct: bool
    threshold: float


@SERVED.serves("SearchImageByPic", *_RANKED, "PicContent", "CategoryId", "Crop", "Region")
def search_image_by_pic(cloud: Cloud, call: Call) -> Reply:
    """The pictures that look like the one that is sent. api-imagesearch-2020-12-14-searchimagebypic."""
    began = time.monotonic()
    instance, asked = instance_of(cloud, call), _asked(cloud, call)
    look = look_at(
        params.content(call, "NoSpecifiedSearchPic"),
        instance.service_type,
        crop=params.boolean(call, "Crop", default=True),
        region=call.params.get("Region", ""),
        rotated_fits=cloud.switches.image_search_rotated == "accepted",
    )
    category, narrow = _category(instance, call)
    if isinstance(look, Unfit):
        if cloud.switches.image_search_failure == "body":
            return Reply({"Success": False, "Code": 400, "Msg": look.message, "Auctions": []})
        raise of_unfit(look)
    hits = _alike(instance, look.features, narrow)
    return _answer(cloud, hits, asked, began, shown_subject(instance, category, str(look.region)))


@SERVED.serves("SearchImageByName", *_RANKED, "ProductId", "PicName", "CategoryId")
def search_image_by_name(cloud: Cloud, call: Call) -> Reply:
    """The pictures that look like one that is there, and itself. api-imagesearch-2020-12-14-searchimagebyname."""
    began = time.monotonic()
    instance, asked = instance_of(cloud, call), _asked(cloud, call)
    product_id, pic_name = params.text(call, "ProductId"), params.text(call, "PicName")
    _, narrow = _category(instance, call)
    held = instance.pictures.get(picture_key(product_id, pic_name))
    if held is None:
        if cloud.switches.image_search_by_missing_name == "empty":
            return _answer(cloud, [], asked, began, None)
        raise refused(
            cloud.switches.image_search_by_missing_name,
            f"There is no picture {pic_name} of the product {product_id}.",
        )
    hits = _alike(instance, held.features, narrow)
    return _answer(cloud, hits, asked, began, shown_subject(instance, held.category_id, held.region))


@SERVED.serves("SearchImageByFilter", "InstanceName", "Filter", *_PAGE)
def search_image_by_filter(cloud: Cloud, call: Call) -> Reply:
    """The pictures that meet a condition, oldest first. api-imagesearch-2020-12-14-searchimagebyfilter."""
    instance = instance_of(cloud, call)
    num, start = _page(cloud, call)
    condition = params.condition(call)
    if condition is None:
        raise missing("Filter")
    found = [picture for picture in instance.pictures.values() if condition(picture)]
    shown = [shown_picture(picture) for picture in found[start : min(start + num, _MOST_TOGETHER)]]
    return Reply({"Success": True, "Code": 0, "Msg": "success", "Auctions": shown})


@SERVED.serves("SearchImageByText", *_RANKED, "Text")
def search_image_by_text(cloud: Cloud, call: Call) -> Reply:
    """The pictures whose content, name or product has words of the text. api-imagesearch-2020-12-14-searchimagebytext.

    The score is the share of the text's words that are found.
    """
    began = time.monotonic()
    instance, asked = instance_of(cloud, call), _asked(cloud, call)
    text = params.text(call, "Text")
    if len(text) > MAX_TEXT:
        raise bad_request(f"Text has {len(text)} characters; at most {MAX_TEXT} are taken.")
    wanted = _words(text)
    hits = [
        Hit(round(len(wanted & held) / len(wanted), 6), picture)
        for picture in instance.pictures.values()
        if wanted & (held := _words(f"{picture.custom_content} {picture.pic_name} {picture.product_id}"))
    ]
    info: dict[str, object] = {"AllCategories": shown_categories(instance)}
    return _answer(cloud, hits, asked, began, info, by_looks=False)


def _asked(cloud: Cloud, call: Call) -> Asked:
    num, start = _page(cloud, call)
    distinct = params.boolean(call, "DistinctProductId", default=False)
    return Asked(num, start, params.condition(call), distinct, params.threshold(call))


def _page(cloud: Cloud, call: Call) -> tuple[int, int]:
    num, start = params.integer(call, "Num"), params.integer(call, "Start") or 0
    num = _USUAL if num is None else num
    if num > _MOST:
        raise refused("OverflowMaxReturnNum")
    if num < 1:
        raise refused("InvalidNumParameter", f"Num is {num}; 1 to {_MOST} is taken.")
    if not 0 <= start < _MOST_TOGETHER:
        raise refused("InvalidStartParameter", f"Start is {start}; 0 to {_MOST_TOGETHER - 1} is taken.")
    if start + num > _MOST_TOGETHER and cloud.switches.image_search_beyond_500 == "OverflowMaxResultNum":
        raise refused("OverflowMaxResultNum")
    return num, start


def _category(instance: Instance, call: Call) -> tuple[int, int | None]:
    """The category in force, and the one to narrow to; None for all."""
    given = params.integer(call, "CategoryId")
    category = category_in_force(instance, given)
    if isinstance(category, Unfit):
        raise of_unfit(category)
    return category, category if instance.is_product and given is not None else None


def _alike(instance: Instance, features: bytes, narrow: int | None) -> Iterable[Hit]:
    keys, matrix = instance.gallery.matrix(instance.pictures)
    if not keys:
        return
    for key, score in zip(keys, likeness(features, matrix).tolist(), strict=True):
        picture = instance.pictures[key]
        if narrow is None or picture.category_id == narrow:
            yield Hit(score, picture)


def _answer(
    cloud: Cloud,
    hits: Iterable[Hit],
    asked: Asked,
    began: float,
    info: dict[str, object] | None,
    *,
    by_looks: bool = True,
) -> Reply:
    found = [
        hit
        for hit in hits
        if hit.score >= asked.threshold and (asked.condition is None or asked.condition(hit.picture))
    ]
    found.sort(key=lambda hit: (-hit.score, hit.picture.product_id, hit.picture.pic_name))
    if asked.distinct:
        best: dict[str, Hit] = {}
        for hit in found:
            best.setdefault(hit.picture.product_id, hit)
        found = list(best.values())
    page = found[asked.start : min(asked.start + asked.num, _MOST_TOGETHER)]
    returned, matched = len(page), len(found)
    if cloud.switches.image_search_docs_found == "returned":
        returned, matched = matched, returned
    answer: dict[str, object] = {
        "Success": True,
        "Code": 0,
        "Msg": "success",
        "Head": {
            "DocsReturn": returned,
            "DocsFound": matched,
            "SearchTime": round((time.monotonic() - began) * 1000),
        },
        "Auctions": [_shown_hit(hit, by_looks=by_looks) for hit in page],
    }
    return Reply(answer if info is None else {**answer, "PicInfo": info})


def _shown_hit(hit: Hit, *, by_looks: bool) -> dict[str, object]:
    shown = {**shown_picture(hit.picture), "Score": hit.score}
    if by_looks:
        shown["SortExprValues"] = f"{hit.score * _BEST[hit.picture.category_id in _CLOTHES]:.15g};0"
    return shown


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
