"""What Image Search remembers in one account and region: instances with their pictures and batch tasks.

A picture's identity is its ProductId and PicName together; adding it again replaces it. Only what a search needs is
kept of it, never its bytes. Times are seconds since the epoch on the emulator's clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from emulator.imagesearch.batch_state import Callback, Dump, Manifest, Task
from emulator.imagesearch.gallery import Gallery
from emulator.persistence.marks import TRANSIENT

Status = Literal["NORMAL", "UNAVAILABLE"]
PRODUCT = 0  # ServiceType of product search; every other type is generic here


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture. Never changed in place: the instance's gallery must hear of every change (`Instance.keep`).

    Attributes:
        product_id: ProductId, up to 256 characters.
        pic_name: PicName, up to 256 characters.
        category_id: As in force: given, predicted, or 88888888.
        custom_content: Up to 4,096 characters.
        int_attrs: IntAttr, IntAttr2, IntAttr3, IntAttr4; None where not given.
        str_attrs: StrAttr to StrAttr4, likewise.
        crop: Whether the subject was looked for.
        region: The subject as `x1,x2,y1,y2`, given or found; "" for the whole picture.
        features: What the subject looks like; see `emulator.imagesearch.features`.
        width: In pixels, as `height`.
        size: In bytes.
    """

    product_id: str
    pic_name: str
    category_id: int
    features: bytes
    width: int
    height: int
    size: int
    custom_content: str = ""
    int_attrs: tuple[int | None, ...] = (None, None, None, None)
    str_attrs: tuple[str | None, ...] = (None, None, None, None)
    crop: bool = True
    region: str = ""

    @property
    def key(self) -> str:
        """Its place in `Instance.pictures`."""
        return picture_key(self.product_id, self.pic_name)


@dataclass(slots=True)
class Instance:
    """One instance; `pictures` change through `keep` and `forget` only."""

    id: str  # imagesearch-cn-…
    name: str
    region: str
    created: float
    expires: float
    service_type: int = PRODUCT
    capacity: int = 2_500_000  # pictures
    qps: int = 5
    status: Status = "NORMAL"
    pictures: dict[str, Picture] = field(default_factory=dict)
    authorized: bool = True  # the console's first-time authorization to read OSS was confirmed
    tasks: dict[int, Task] = field(default_factory=dict)
    manifests: dict[int, Manifest] = field(default_factory=dict)  # of the task that runs, apart because they are large
    dumps: dict[int, Dump] = field(default_factory=dict)
    # Of each operation's allowance: what was left, and when. Follows from the pictures: `gallery`, by ProductId.
    tokens: dict[str, tuple[float, float]] = field(default_factory=dict, metadata=TRANSIENT)
    gallery: Gallery = field(default_factory=Gallery, metadata=TRANSIENT)

    def __post_init__(self) -> None:
        for key, picture in self.pictures.items():
            self.gallery.add(key, picture.product_id)

    @property
    def is_product(self) -> bool:
        """Whether pictures have categories."""
        return self.service_type == PRODUCT

    def keep(self, picture: Picture) -> None:
        """Add or replace a picture."""
        self.pictures[picture.key] = picture
        self.gallery.add(picture.key, picture.product_id)

    def forget(self, key: str) -> bool:
        """Take a picture out; whether it was there."""
        held = self.pictures.pop(key, None)
        if held is not None:
            self.gallery.remove(key, held.product_id)
        return held is not None

    def of_product(self, product_id: str) -> Iterator[Picture]:
        """The pictures of a product; it may be forgotten while going through them."""
        for key in self.gallery.of_product(product_id):
            yield self.pictures[key]


@dataclass(slots=True)
class ImageSearchState:
    """One account's Image Search in one region, instances by name."""

    instances: dict[str, Instance] = field(default_factory=dict)
    next_task: int = 1  # ids of batches and dumps; of the whole region
    running: dict[str, int] = field(default_factory=dict)  # by instance, the batch that is not at its end
    dumping: dict[str, int] = field(default_factory=dict)  # likewise the export
    callbacks: dict[int, Callback] = field(default_factory=dict)  # by task
    outgoing: dict[int, float] = field(default_factory=dict)  # of those, when each is sent


def picture_key(product_id: str, pic_name: str) -> str:
    """One text for both: `product/picture`, where the product's own slashes are escaped, so no two pairs share one."""
    return f"{quote(product_id, safe='', errors='surrogatepass')}/{pic_name}"
