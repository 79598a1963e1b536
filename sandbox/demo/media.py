"""The demo's input: real files into their buckets, and one more and one less while everything runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

MEDIA = Path(__file__).resolve().parents[2] / "examples" / "media"
PICTURES = {"photos", "pictures"}
PICTURE_SUFFIXES = {".jpg", ".png", ".gif", ".webp", ".tif", ".bmp", ".avif"}


def corpus() -> dict[str, list[Path]]:
    """The files of `examples/media` by what they are indexed as: photos, or documents."""
    files = [path for path in sorted(MEDIA.glob("*/*")) if path.parent.name != "licences"]
    return {
        "photos": [path for path in files if _is_picture(path)],
        "documents": [path for path in files if not _is_picture(path)],
    }


def upload(bucket: Any, files: list[Path]) -> None:
    """Put files under their folder's name, a few at a time."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        for _ in pool.map(lambda path: bucket.put_object_from_file(key_of(path), str(path)), files):
            pass


def key_of(path: Path) -> str:
    """The object key of a file of the corpus."""
    return path.relative_to(MEDIA).as_posix()


def _is_picture(path: Path) -> bool:
    if path.parent.name == "broken":
        return path.suffix in PICTURE_SUFFIXES
    return path.parent.name in PICTURES
