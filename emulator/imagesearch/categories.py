"""The categories of product search (vendor: "Category reference", help.aliyun.com/document_detail/179184).

The service predicts a category that is not given, with a model that is not here: an honest stand-in takes its place,
which says Others of every picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.imagesearch.refusals import Unfit

if TYPE_CHECKING:
    from emulator.imagesearch.state import Instance

OTHERS = 88888888
NAMES = {
    0: "Tops",
    1: "Dress",
    2: "Bottoms",
    3: "Bag",
    4: "Shoes",
    5: "Accessories",
    6: "Snacks",
    7: "Makeups",
    8: "Bottle drink",
    9: "Furniture",
    20: "Toy",
    21: "Underwear",
    22: "Digital device",
    OTHERS: "Others",
}


def category_in_force(instance: Instance, given: int | None) -> int | Unfit:
    """The category of a picture: what is given, of a product instance; Others everywhere else."""
    if not instance.is_product or given is None:
        return OTHERS
    if given not in NAMES:
        listed = ", ".join(map(str, NAMES))
        return Unfit("InvalidCategory", f"CategoryId {given} is none of {listed}.")
    return given


def shown_categories(instance: Instance) -> list[dict[str, object]]:
    """AllCategories of an instance."""
    known = NAMES if instance.is_product else {OTHERS: NAMES[OTHERS]}
    return [{"Id": number, "Name": name} for number, name in known.items()]
