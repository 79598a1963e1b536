"""Adding, changing and deleting pictures of an instance: the same rules for single calls and for lines of a batch."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from emulator.imagesearch.categories import category_in_force
from emulator.imagesearch.reading import look_at
from emulator.imagesearch.refusals import Unfit
from emulator.imagesearch.state import Picture, picture_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.imagesearch.state import Instance

IntAttrs = tuple[int | None, int | None, int | None, int | None]
StrAttrs = tuple[str | None, str | None, str | None, str | None]
NO_INTS: IntAttrs = (None, None, None, None)
NO_TEXTS: StrAttrs = (None, None, None, None)
MAX_ID = 256
MAX_NAME = 256
MAX_CONTENT = 4096
MAX_STR_ATTR = 128
INT_ATTR = range(-(2**31), 2**31)
_FORBIDDEN = re.compile(r"[\\¥$&%]")


@dataclass(frozen=True, slots=True)
class Said:
    r"""What is said of a picture that is to be added.

    Attributes:
        product_id: Up to 256 characters, as `pic_name`; together they are its identity.
        custom_content: Up to 4,096 characters.
        category_id: Of product search; None if it was not said.
        int_attrs: Whole numbers of 32 bits.
        str_attrs: Texts of up to 128 characters without `\ ¥ $ & %`.
        crop: Whether to look for the subject, unless `region` says where it is.
        region: `x1,x2,y1,y2` in pixels.
    """

    product_id: str
    pic_name: str
    custom_content: str = ""
    category_id: int | None = None
    int_attrs: IntAttrs = NO_INTS
    str_attrs: StrAttrs = NO_TEXTS
    crop: bool = True
    region: str = ""


def add(
    instance: Instance, content: bytes, said: Said, *, rotated_fits: bool, counted: bool, digest: str = ""
) -> Picture | Unfit:
    """Add a picture, or put it in place of the one with the same ProductId and PicName.

    Args:
        instance: Where to.
        content: The picture's bytes.
        said: What is said of it.
        rotated_fits: What the switch `image_search_rotated` says.
        counted: Whether the plan's capacity holds, as it does unless the cloud is loose.
        digest: A name of these bytes, where the caller has one: they are then not read again to know them.

    Returns:
        The picture as it is kept, or why it cannot be.
    """
    problem = problem_of(said.product_id, said.pic_name, said.custom_content, said.int_attrs, said.str_attrs)
    if problem:
        return Unfit("BadRequest", problem)
    category = category_in_force(instance, said.category_id)
    if isinstance(category, Unfit):
        return category
    is_new = picture_key(said.product_id, said.pic_name) not in instance.pictures
    if counted and is_new and len(instance.pictures) >= instance.capacity:
        return Unfit("BadRequest", f"The instance is full: it holds {instance.capacity:,} pictures.")
    look = look_at(
        content, instance.service_type, crop=said.crop, region=said.region, rotated_fits=rotated_fits, digest=digest
    )
    if isinstance(look, Unfit):
        return look
    seen = {"features": look.features, "width": look.width, "height": look.height, "size": look.size}
    picture = Picture(**asdict(said) | {"category_id": category, "region": str(look.region)} | seen)
    instance.keep(picture)
    return picture


def update(instance: Instance, key: str, custom_content: str | None, int_attrs: IntAttrs, str_attrs: StrAttrs) -> None:
    """Change what is said of a picture that is there; None leaves as it is."""
    held = instance.pictures[key]
    instance.keep(
        replace(
            held,
            custom_content=held.custom_content if custom_content is None else custom_content,
            int_attrs=tuple(old if new is None else new for old, new in zip(held.int_attrs, int_attrs, strict=True)),
            str_attrs=tuple(old if new is None else new for old, new in zip(held.str_attrs, str_attrs, strict=True)),
        )
    )


def delete(instance: Instance, product_id: str, pic_name: str | None = None) -> list[str]:
    """Delete a picture, or without a name every picture of the product; the names of those that were there."""
    if pic_name is not None:
        return [pic_name] if instance.forget(picture_key(product_id, pic_name)) else []
    return delete_all(instance, list(instance.of_product(product_id)))


def delete_where(instance: Instance, meets: Callable[[Picture], bool]) -> list[str]:
    """Delete every picture that meets a condition; their names."""
    return delete_all(instance, [picture for picture in instance.pictures.values() if meets(picture)])


def delete_all(instance: Instance, found: list[Picture]) -> list[str]:
    """Delete pictures that are there; their names."""
    for picture in found:
        instance.forget(picture.key)
    return [picture.pic_name for picture in found]


def problem_of(product_id: str, pic_name: str, custom_content: str, int_attrs: IntAttrs, str_attrs: StrAttrs) -> str:
    """What is wrong with what is said of a picture; "" if nothing is."""
    for name, value, most in (
        ("ProductId", product_id, MAX_ID),
        ("PicName", pic_name, MAX_NAME),
        ("CustomContent", custom_content, MAX_CONTENT),
    ):
        if len(value) > most:
            return f"{name} has {len(value):,} characters; at most {most:,} are taken."
    if not product_id or not pic_name:
        return f"{'PicName' if product_id else 'ProductId'} is empty."
    for number, whole in enumerate(int_attrs, 1):
        if whole is not None and whole not in INT_ATTR:
            return f"{attribute('IntAttr', number)} is {whole}; a whole number of 32 bits is taken."
    for number, text in enumerate(str_attrs, 1):
        if text is not None and len(text) > MAX_STR_ATTR:
            return f"{attribute('StrAttr', number)} has {len(text)} characters; at most {MAX_STR_ATTR} are taken."
        if text is not None and (found := _FORBIDDEN.search(text)):
            return f"{attribute('StrAttr', number)} has the character {found[0]}; none of \\ ¥ $ & % is taken."
    return ""


def attribute(kind: str, number: int) -> str:
    """The name of an attribute: `IntAttr`, `IntAttr2`, and so on."""
    return kind if number == 1 else f"{kind}{number}"


def attributes_of(picture: Picture) -> dict[str, int | str]:
    """IntAttr to IntAttr4 and StrAttr to StrAttr4, those that the picture has."""
    given = (("IntAttr", picture.int_attrs), ("StrAttr", picture.str_attrs))
    return {
        attribute(kind, number): value
        for kind, values in given
        for number, value in enumerate(values, 1)
        if value is not None
    }
