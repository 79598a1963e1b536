"""One door to extraction: kind first, then the family's module; the result holds `File` fields only."""

from __future__ import annotations

from typing import assert_never

from emulator.imm.extract.audio import extract_audio
from emulator.imm.extract.documents import extract_document
from emulator.imm.extract.images import extract_image
from emulator.imm.extract.kinds import Kind, kind_of
from emulator.imm.extract.outcome import Extracted
from emulator.imm.extract.video import extract_video

MAX_BYTES = 256 * 1024 * 1024  # larger content is indexed by its object's facts alone


def extract(name: str, declared: str, data: bytes) -> tuple[Kind, Extracted]:
    """What a file says about itself.

    Args:
        name: The object's key.
        declared: Its stored content type.
        data: Its content.
    """
    kind = kind_of(name, declared, data)
    if len(data) > MAX_BYTES:
        return kind, Extracted()
    match kind.media_type:
        case "image":
            return kind, extract_image(data, kind.content_type)
        case "document":
            return kind, extract_document(data, kind.content_type)
        case "audio":
            return kind, extract_audio(data)
        case "video":
            return kind, extract_video(data, kind.content_type)
        case "archive" | "other":
            return kind, Extracted()
        case _:
            assert_never(kind.media_type)
