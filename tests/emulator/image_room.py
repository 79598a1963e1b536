"""What tests of Image Search share: pictures to tell apart, and the official client of one instance."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_imagesearch20201214 import models
from alibabacloud_imagesearch20201214.client import Client
from alibabacloud_tea_openapi import utils_models
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from darabonba.runtime import RuntimeOptions
from PIL import Image, ImageDraw

from tests.emulator.conftest import rpc_config

if TYPE_CHECKING:
    from emulator.testing import LocalCloud

NAME = "demo"


def scene(number: int, size: tuple[int, int] = (320, 240), *, margin: float = 0.0) -> Image.Image:
    """A picture of coloured shapes, another for each number; with a `margin`, on a plain ground."""
    drawn = random.Random(number)  # noqa: S311 - pictures, not secrets
    ground = "white" if margin else _colour(drawn)
    picture = Image.new("RGB", size, ground)
    pen = ImageDraw.Draw(picture)
    for _ in range(drawn.randrange(6, 14)):
        x = sorted(int(drawn.uniform(margin, 1 - margin) * size[0]) for _ in range(2))
        y = sorted(int(drawn.uniform(margin, 1 - margin) * size[1]) for _ in range(2))
        draw = pen.ellipse if drawn.random() < 0.5 else pen.rectangle
        draw((x[0], y[0], x[1] + 1, y[1] + 1), fill=_colour(drawn))
    return picture


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture's bytes; `kind` is Pillow's name of the format."""
    content = BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def _colour(drawn: random.Random) -> tuple[int, int, int]:
    return drawn.randrange(256), drawn.randrange(256), drawn.randrange(256)


@dataclass
class Images:
    """One instance as the official SDK sees it. Every call is a second after the last one, so no rate stops it."""

    cloud: LocalCloud
    client: Any
    name: str = NAME

    def call(self, operation: str, **fields: Any) -> dict[str, Any]:
        """The answer's body as the vendor's model read it; `fields` are the request model's."""
        self.cloud.advance(1)
        return self.at_once(operation, **fields)

    def at_once(self, operation: str, **fields: Any) -> dict[str, Any]:
        """The same without waiting."""
        if isinstance(fields.get("pic_content"), bytes):
            fields["pic_content"] = base64.b64encode(fields["pic_content"]).decode()
        kind = "".join(part.capitalize() for part in operation.split("_"))
        request = getattr(models, f"{kind}Request")(instance_name=self.name, **fields)
        answer: dict[str, Any] = getattr(self.client, operation)(request).body.to_map()
        return answer

    def add(self, product_id: str, pic_name: str, picture: Image.Image | bytes, **fields: Any) -> dict[str, Any]:
        """Add a picture."""
        content = picture if isinstance(picture, bytes) else encoded(picture)
        return self.call("add_image", product_id=product_id, pic_name=pic_name, pic_content=content, **fields)

    def names(self, operation: str, **fields: Any) -> list[str]:
        """PicNames that a search finds, the best first."""
        return [hit["PicName"] for hit in self.call(operation, **fields)["Auctions"]]

    def send(self, action: str, **query: str) -> dict[str, Any]:
        """Send what no request model of the SDK holds."""
        self.cloud.advance(1)
        how = utils_models.Params(
            action=action,
            version="2020-12-14",
            protocol="HTTP",
            method="POST",
            auth_type="AK",
            style="RPC",
            pathname="/",
            req_body_type="formData",
            body_type="json",
        )
        asked = utils_models.OpenApiRequest(query=query)
        answer: dict[str, Any] = self.client.call_api(how, asked, RuntimeOptions())["body"]
        return answer

    def refused(self, operation: str, **fields: Any) -> tuple[int, str, str]:
        """Status, code and message of the refusal that a call meets."""
        with pytest.raises(AlibabaCloudException) as caught:
            self.call(operation, **fields)
        return caught.value.status_code, caught.value.code, caught.value.message


def images_of(cloud: LocalCloud, name: str = NAME) -> Images:
    """The official client of an instance."""
    return Images(cloud, Client(rpc_config(cloud)), name)
