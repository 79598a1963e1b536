"""A line of increment.meta: what is done with one picture, or with all pictures of a product.

Lengths and types stand in the type itself, so that msgspec checks them in C where lines are decoded; what it cannot
say is checked by `controller.core.manifest.quick`. Whoever makes a `Line` in Python must have had it judged before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from controller.api.importsource import Operation

MOST_ID = MOST_NAME = 256  # characters of ProductId, of PicName
MOST_CONTENT = 4096
MOST_ATTRIBUTE = 128
LEAST_INTEGER, MOST_INTEGER = -(2**63), 2**63 - 1
_Integer = Annotated[int, Meta(ge=LEAST_INTEGER, le=MOST_INTEGER)]


class Line(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, rename="pascal", gc=False):
    """One operation on one (ProductId, PicName); its fields stand in the order of the vendor's example.

    Attributes:
        pic_name: Missing of a DELETE only, which then takes every picture of the product.
        custom_content: Missing of a DELETE only.
        region: `x1,x2,y1,y2` in pixels.
    """

    operation: Operation = msgspec.field(name="OperationType")
    product_id: Annotated[str, Meta(min_length=1, max_length=MOST_ID)]
    pic_name: Annotated[str, Meta(min_length=1, max_length=MOST_NAME)] | None = None
    category_id: _Integer | None = None
    int_attr: _Integer | None = None
    str_attr: Annotated[str, Meta(max_length=MOST_ATTRIBUTE)] | None = None
    custom_content: Annotated[str, Meta(min_length=1, max_length=MOST_CONTENT)] | None = None
    crop: bool | None = None
    region: str | None = None

    @property
    def wide(self) -> bool:
        """Whether it deletes every picture of its product."""
        return self.operation is Operation.DELETE and self.pic_name is None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


def encode(lines: Sequence[Line]) -> bytes:
    """The lines as a manifest: always the same bytes for the same lines."""
    return _encoder.encode_lines(list(lines))  # msgspec 0.22 never lets go of any other iterable


def decode(data: bytes) -> list[Line]:
    """The lines of what `encode` wrote. What somebody else wrote is read by `controller.core.manifest.reading`.

    Raises:
        msgspec.DecodeError: it is no manifest that this version wrote.
        UnicodeDecodeError: likewise.
    """
    return _decoder.decode_lines(data)


def name_of(line: Line) -> str:
    """The line for people: `1000 girl_cloth1.jpg`."""
    return f"{line.product_id}, every picture" if line.pic_name is None else f"{line.product_id} {line.pic_name}"


def key_of(line: Line) -> str:
    """What tells its (ProductId, PicName) from every other, as a text."""
    picture = "" if line.pic_name is None else f"/{line.pic_name}"
    return f"{len(line.product_id)}:{line.product_id}{picture}"
