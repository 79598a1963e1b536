"""Checking pictures by their first bytes, beside downloading them: same pictures, port, threads and run.

`fewer_bytes` is what a check is for. On one machine a megabyte costs as much as half a request, and a look takes more
than one, so that downloads are even faster there (`pictures_per_second_ratio` below 1): it shows what a request costs.
"""

from __future__ import annotations

import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import oss2
from PIL import Image, ImageCms

from controller.api.importsource import Operation
from controller.cloud.credentials import Credentials
from controller.cloud.limiter import Limiter
from controller.cloud.oss import Oss
from controller.core.manifest.lines import Line
from controller.core.pictures.rules import MOST_BYTES
from controller.reconcile.imports.pictures import WORKERS, OssPictures, Pictures
from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET

REGION, BUCKET = "cn-hangzhou", "bench-pictures"
COPIES = 8
ROUNDS = 5
SIDES = 1200, 900
THUMBNAIL = 12_000  # bytes in a camera's EXIF
LARGE_THUMBNAIL = 60_000
PRINTER_PROFILE = 557_168  # bytes of a widespread profile for print


def picture_check() -> dict[str, Any]:
    """Bytes and requests for each picture by its kind; pictures a second of both ways and their ratio, the medians."""
    kinds = _kinds()
    with _bucket() as (bucket, oss), ThreadPoolExecutor(WORKERS) as threads:
        names = {kind: [f"{kind}/{copy}.{_extension(kind)}" for copy in range(COPIES)] for kind in kinds}
        for kind, content in kinds.items():
            for name in names[kind]:
                bucket.put_object(name, content)
        everything = [name for each in names.values() for name in each]
        checked, whole = [], []
        for _ in range(ROUNDS):
            checked.append(_per_second(len(everything), lambda: _check(oss, threads, everything)))
            whole.append(_per_second(len(everything), lambda: _download(oss, threads, everything)))
        read, size = _bytes_each(oss, threads, everything), sum(map(len, kinds.values())) // len(kinds)
        return {
            "pictures": len(everything),
            "bytes_each": {kind: _bytes_each(oss, threads, names[kind]) for kind in kinds},
            "bytes_each_mean": read,
            "size_mean": size,
            "checked_per_second": round(statistics.median(checked)),
            "downloaded_per_second": round(statistics.median(whole)),
            "fewer_bytes": round(size / read),
            "pictures_per_second_ratio": round(
                statistics.median(ours / theirs for ours, theirs in zip(checked, whole, strict=True)), 1
            ),
        }


def _check(oss: Oss, threads: ThreadPoolExecutor, names: list[str]) -> Pictures:
    pictures = Pictures(OssPictures(oss, BUCKET, ""), 0, threads)
    found = pictures.check([(n, Line(Operation.ADD, "1", name, custom_content="-")) for n, name in enumerate(names)])
    if found or pictures.looked_at != len(names):
        raise RuntimeError(f"of {len(names)} good pictures this is said: {found}")
    return pictures


def _download(oss: Oss, threads: ThreadPoolExecutor, names: list[str]) -> None:
    sizes = threads.map(lambda name: len(oss.get_object(BUCKET, name, largest=MOST_BYTES) or b""), names)
    if not all(sizes):
        raise RuntimeError("a picture is not there")


def _bytes_each(oss: Oss, threads: ThreadPoolExecutor, names: list[str]) -> int:
    return _check(oss, threads, names).bytes_read // len(names)


def _per_second(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


@contextmanager
def _bucket() -> Iterator[tuple[oss2.Bucket, Oss]]:
    """A local cloud as a process, with a bucket, and the operator's port to it."""
    command = [sys.executable, "-m", "emulator", "run", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        try:
            url = process.stdout.readline().split()[-1] if process.stdout else ""
            auth = oss2.AuthV4(DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET)
            bucket = oss2.Bucket(auth, url, BUCKET, region=REGION)
            bucket.create_bucket()
            keys = Credentials(DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET)
            limiter = Limiter("benchmark", rate=1e6, burst=1e6)
            yield bucket, Oss(keys, region=REGION, endpoint=url, limiter=limiter)
        finally:
            process.terminate()


def _kinds() -> dict[str, bytes]:
    """A picture of each kind, as cameras, shops and editors write them; the grain makes them as large as theirs."""
    grain = Image.merge("RGB", [Image.effect_noise(SIDES, 60) for _ in range(3)])
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {
        "jpeg": _saved(grain, "JPEG", quality=85),
        "jpeg-progressive": _saved(grain, "JPEG", quality=85, progressive=True),
        "jpeg-camera": _saved(grain, "JPEG", quality=85, exif=_exif(THUMBNAIL), icc_profile=icc),
        "jpeg-camera-large-thumbnail": _saved(grain, "JPEG", quality=85, exif=_exif(LARGE_THUMBNAIL)),
        "jpeg-printer": _saved(grain.convert("CMYK"), "JPEG", quality=70, icc_profile=bytes(PRINTER_PROFILE)),
        "png": _saved(grain.resize((900, 700)), "PNG"),
        "webp": _saved(grain, "WEBP", exif=_exif(THUMBNAIL)),
        "tiff": _saved(grain, "TIFF"),
        "bmp": _saved(grain, "BMP"),
        "ppm": _saved(grain, "PPM"),
        "gif": _saved(grain.resize((240, 180)), "GIF"),
    }


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    content = BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def _exif(thumbnail: int) -> bytes:
    """An upright Orientation, and a thumbnail behind it."""
    return b"Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, 274, 3, 1, 1, 0) + bytes(thumbnail)


def _extension(kind: str) -> str:
    format_ = kind.partition("-")[0]
    return {"jpeg": "jpg", "tiff": "tif"}.get(format_, format_)
