"""Facts about pictures and searches of Image Search that no account has confirmed; part of `emulator.switches`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from emulator.facts import Fact


@dataclass
class PictureSwitches:
    """The readings in force."""

    # pictures and searches of Image Search
    image_search_failure: Annotated[
        Literal["error", "body"],
        Fact(
            "Is a picture that cannot be taken refused with an error, or in a 200 answer with Success false and a Code"
            " that is not 0?",
            "adding pictures one by one; searching with one",
            "AddImage and SearchImageByPic list Success and Code with a meaning of failure; the error table"
            " (document_detail/66619) has BadRequest",
        ),
    ] = "error"
    image_search_rotated: Annotated[
        Literal["refused", "accepted"],
        Fact(
            "Is a picture with rotation information (EXIF Orientation) refused, or taken as it is stored?",
            "pictures straight from a camera",
            "AddImage's page: the image must not contain rotation information; no page says what happens",
        ),
    ] = "refused"
    image_search_update_missing: Annotated[
        Literal["BadRequest", "accepted"],
        Fact(
            "What does UpdateImage answer for a picture that is not there?",
            "changing attributes",
            "UpdateImage's page does not say; DeleteImage answers success",
        ),
    ] = "BadRequest"
    image_search_by_missing_name: Annotated[
        Literal["NoSpecifiedSearchPic", "BadRequest", "empty"],
        Fact(
            "What does SearchImageByName answer for a picture that is not there?",
            "searching by name",
            "SearchImageByName's page does not say; the error table has NoSpecifiedSearchPic",
        ),
    ] = "NoSpecifiedSearchPic"
    image_search_beyond_500: Annotated[
        Literal["OverflowMaxResultNum", "cut"],
        Fact(
            "Is a search refused whose Start and Num together exceed 500, or does it return what there is up to 500?",
            "paging through results",
            "the error table has OverflowMaxResultNum; the pages allow Start up to 499 and Num up to 100",
        ),
    ] = "OverflowMaxResultNum"
    image_search_docs_found: Annotated[
        Literal["matched", "returned"],
        Fact(
            "Is Head.DocsFound the number of pictures matched, and DocsReturn of those returned, or the other way"
            " around?",
            "counting results",
            "the names say one thing, the SDK's comments (SearchImageByPic) the other",
        ),
    ] = "matched"
