"""The demo's Image Search: an instance as the console sells it, and a search by what a picture looks like."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path

from alibabacloud_imagesearch20201214 import models
from alibabacloud_imagesearch20201214.client import Client
from PIL import Image

from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config
from emulator.ask import ask

SHOWN = 3


@dataclass(frozen=True)
class Hit:
    """A picture that was found."""

    name: str
    product: str
    content: str
    score: float


def buy_instance(url: str, name: str) -> None:
    """Have an instance of product search. No API sells one; the local cloud's own page stands for the console."""
    ask(url, "PUT", "image-search/instances", json.dumps({"name": name}).encode())


def smaller_copy(picture: Path) -> bytes:
    """What a phone would send: half the size, compressed anew."""
    with Image.open(picture) as opened:
        copy = opened.convert("RGB").resize((opened.width // 2, opened.height // 2))
    written = io.BytesIO()
    copy.save(written, "JPEG", quality=60)
    return written.getvalue()


def find_similar(picture: bytes, instance: str, *, root: Credentials, region: str, url: str) -> list[Hit]:
    """What looks most like a picture, the best first."""
    client = Client(client_config(root, region=region, endpoint=url))
    request = models.SearchImageByPicRequest(
        instance_name=instance, pic_content=base64.b64encode(picture).decode(), num=SHOWN
    )
    found = client.search_image_by_pic(request).body.auctions or []
    return [Hit(one.pic_name, one.product_id, one.custom_content, float(one.score)) for one in found]
