"""Video in the ISO base media format (MP4, MOV): dimensions and duration from its boxes, texts from its tags.

A box reader of our own because the sound library knows no dimensions and a video library would bring a codec stack.
Other containers (Matroska, AVI) get their object's facts only.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from tinytag import TinyTag

from emulator.imm.extract.audio import tags
from emulator.imm.extract.outcome import Extracted, broken

if TYPE_CHECKING:
    from collections.abc import Iterator

ISO_TYPES = frozenset({"video/mp4", "video/quicktime", "video/x-m4v", "video/3gpp"})
MAX_BOXES = 10_000  # of one level; a file of endless empty boxes is not worth more


def extract_video(data: bytes, content_type: str) -> Extracted:
    """VideoWidth, VideoHeight, Duration (s), Bitrate (bit/s), stream lists and Title of an MP4 or MOV file."""
    if content_type not in ISO_TYPES:
        return Extracted()
    try:
        return _read(memoryview(data))
    except Exception as error:  # noqa: BLE001 - a parser of hostile files may raise anything; extraction never does
        return broken("Video", f"{type(error).__name__}: {error}")


def _read(data: memoryview) -> Extracted:
    movie = next(_inside(data, b"moov"), None)
    header = next(_inside(movie, b"mvhd"), None) if movie is not None else None
    if movie is None or header is None:
        return broken("Video", "The content has no movie header.")
    duration = _duration(header)
    video: list[dict[str, object]] = []
    audio: list[dict[str, object]] = []
    for index, track in enumerate(_inside(movie, b"trak")):
        kind, width, height = _track(track)
        if kind == b"vide":
            video.append({"Index": index, "Width": width, "Height": height, "Duration": duration})
        elif kind == b"soun":
            audio.append({"Index": index, "Duration": duration})
    fields: dict[str, object] = {"Duration": duration, "StreamCount": len(video) + len(audio), **_texts(data)}
    if duration:
        fields["Bitrate"] = round(len(data) * 8 / duration)
    if video:
        fields |= {"VideoWidth": video[0]["Width"], "VideoHeight": video[0]["Height"], "VideoStreams": video}
    if audio:
        fields["AudioStreams"] = audio
    return Extracted(fields)


def _texts(data: memoryview) -> dict[str, str]:
    try:
        return tags(TinyTag.get(file_obj=BytesIO(data), duration=False))
    except Exception:  # noqa: BLE001 - the boxes could be read; unreadable tags are no tags
        return {}


def _inside(data: memoryview, wanted: bytes) -> Iterator[memoryview]:
    """The contents of the boxes of type `wanted` directly inside `data`."""
    position = 0
    for _ in range(MAX_BOXES):
        if position + 8 > len(data):
            return
        size = int.from_bytes(data[position : position + 4], "big")
        header = 8
        if size == 1:  # a 64-bit size follows
            size, header = int.from_bytes(data[position + 8 : position + 16], "big"), 16
        end = position + size if size else len(data)
        if end < position + header:
            return
        if data[position + 4 : position + 8] == wanted:
            yield data[position + header : end]
        position = end


def _duration(header: memoryview) -> float:
    """Seconds from a movie header: version 1 has 64-bit times."""
    begin, width = (20, 8) if header[0] == 1 else (12, 4)
    scale = int.from_bytes(header[begin : begin + 4], "big")
    units = int.from_bytes(header[begin + 4 : begin + 4 + width], "big")
    return round(units / scale, 3) if scale else 0.0


def _track(track: memoryview) -> tuple[bytes, int, int]:
    """A track's handler type and its width and height in pixels."""
    handler = next(
        (bytes(box[8:12]) for media in _inside(track, b"mdia") for box in _inside(media, b"hdlr")),
        b"",
    )
    header = next(_inside(track, b"tkhd"), None)
    if header is None:
        return handler, 0, 0
    last = len(header)
    return (
        handler,
        int.from_bytes(header[last - 8 : last - 4], "big") >> 16,
        int.from_bytes(header[last - 4 : last], "big") >> 16,
    )
