"""Sound: tags and duration through TinyTag, which reads headers and never decodes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from tinytag import TinyTag

from emulator.imm.extract.outcome import Extracted, broken

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXT = 1024
TAGS = {
    "Title": "title",
    "Artist": "artist",
    "Album": "album",
    "AlbumArtist": "albumartist",
    "Composer": "composer",
}


def extract_audio(data: bytes) -> Extracted:
    """Title, Artist, Album, AlbumArtist, Composer, Duration (s), Bitrate (bit/s) and the one AudioStreams entry."""
    try:
        tag = TinyTag.get(file_obj=BytesIO(data))
    except Exception as error:  # noqa: BLE001 - a parser of hostile files may raise anything; extraction never does
        return broken("Audio", f"{type(error).__name__}: {error}")
    if not tag.duration:
        return broken("Audio", "No sound of any duration can be read from the content.")
    bitrate = round(tag.bitrate * 1000) if tag.bitrate else None  # TinyTag counts in kbit/s
    stream = {
        "Index": 0,
        "Bitrate": bitrate,
        "Channels": tag.channels,
        "Duration": round(tag.duration, 3),
        "SampleRate": tag.samplerate,
    }
    return Extracted({**tags(tag), "StreamCount": 1, "AudioStreams": [_known(stream)], **_timing(tag, bitrate)})


def tags(tag: TinyTag) -> dict[str, str]:
    """The textual tags as `File` fields; of a tag with several values the first."""
    found = {field: getattr(tag, name) for field, name in TAGS.items()}
    return {field: str(value)[:MAX_TEXT] for field, value in found.items() if value}


def _timing(tag: TinyTag, bitrate: int | None) -> dict[str, object]:
    return _known({"Duration": round(tag.duration or 0.0, 3), "Bitrate": bitrate})


def _known(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
