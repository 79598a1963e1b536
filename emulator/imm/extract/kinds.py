"""What kind of file this is: its first bytes decide, then the stored content type, then the name.

Content comes first because object names and content types are written by people; a JPEG called `.png` is a JPEG.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import Literal

MediaType = Literal["image", "video", "audio", "document", "archive", "other"]

UNKNOWN_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})
OPEN_XML = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
DOCUMENT_TYPES = frozenset({
    "application/pdf", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
    "application/rtf", "application/json", "application/xml", "application/epub+zip", "application/x-ndjson",
    "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation", *OPEN_XML.values(),
})  # fmt: skip
ARCHIVE_TYPES = frozenset({
    "application/zip", "application/gzip", "application/x-gzip", "application/x-tar", "application/x-7z-compressed",
    "application/vnd.rar", "application/x-rar-compressed", "application/x-bzip2", "application/x-xz",
})  # fmt: skip
# offset, bytes, type
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (8, b"WAVE", "audio/x-wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
)
BMP_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})


@dataclass(frozen=True, slots=True)
class Kind:
    """A file's content type and media type; `sniffed` says that its content, not its label, told us."""

    content_type: str
    media_type: MediaType
    sniffed: bool


def kind_of(name: str, declared: str, data: bytes) -> Kind:
    """The kind of a file from its content, its declared content type and its name, in that order of trust."""
    label = _labelled(name, declared)
    seen = _sniffed(data)
    if seen == "application/zip":  # many formats are zip archives inside: the label may know better
        suffix = name[name.rfind(".") :].lower() if "." in name else ""
        office = OPEN_XML.get(suffix) or (label if label in DOCUMENT_TYPES else None)
        return Kind(office or seen, "document" if office else "archive", sniffed=True)
    if seen is None or (label.partition("/")[0] == seen.partition("/")[0] and seen in {"video/mp4", "audio/ogg"}):
        return Kind(label, media_type_of(label), sniffed=False)
    return Kind(seen, media_type_of(seen), sniffed=True)


def media_type_of(content_type: str) -> MediaType:
    """IMM's MediaType for a MIME type."""
    if content_type in DOCUMENT_TYPES or content_type.startswith("text/"):
        return "document"
    if content_type in ARCHIVE_TYPES:
        return "archive"
    family = content_type.partition("/")[0]
    return family if family in {"image", "video", "audio"} else "other"  # type: ignore[return-value]  # just compared


def _labelled(name: str, declared: str) -> str:
    stated = declared.partition(";")[0].strip().lower()
    if stated not in UNKNOWN_TYPES:
        return stated
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _sniffed(data: bytes) -> str | None:
    for offset, signature, content_type in SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            return content_type
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in BMP_HEADER_SIZES:
        return "image/bmp"
    return None
