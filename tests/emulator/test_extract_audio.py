"""Sound and video: durations, tags and dimensions from headers, and broken files."""

from __future__ import annotations

import struct
import wave
from io import BytesIO

import pytest

from emulator.imm.extract.files import extract
from emulator.imm.extract.outcome import Extracted


def wav(seconds: float = 1.5, rate: int = 8000, channels: int = 2) -> bytes:
    """Silence, written by the wave module."""
    content = BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * channels * int(seconds * rate))
    return content.getvalue()


def tagged_mp3() -> bytes:
    """Forty silent MPEG frames after an ID3v2.4 tag."""
    texts = {b"TIT2": "Lied ohne Worte", b"TPE1": "Fanny Hensel", b"TALB": "Opus 2", b"TCOM": "F. Hensel"}
    frames = b""
    for name, text in texts.items():
        body = b"\x03" + text.encode()
        frames += name + struct.pack(">IH", len(body), 0) + body
    size = len(frames)
    tag = b"ID3\x04\x00\x00" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127]) + frames
    return tag + (b"\xff\xfb\x90\x00" + b"\0" * 413) * 40


def box(kind: bytes, *inside: bytes) -> bytes:
    """One ISO media box."""
    content = b"".join(inside)
    return struct.pack(">I", len(content) + 8) + kind + content


def mp4(width: int = 1280, height: int = 720, *, version: int = 0) -> bytes:
    """The boxes of a ten-second film with one picture and one sound track."""
    times = struct.pack(">BxxxQQIQ" if version else ">BxxxIIII", version, 0, 0, 600, 6000)
    tracks = []
    for handler, size in ((b"vide", (width, height)), (b"soun", (0, 0))):
        header = b"\0" * 76 + struct.pack(">II", size[0] << 16, size[1] << 16)
        media = box(b"mdia", box(b"hdlr", b"\0" * 8 + handler + b"\0" * 13))
        tracks.append(box(b"trak", box(b"tkhd", header), media))
    movie = box(b"moov", box(b"mvhd", times + b"\0" * 80), *tracks)
    return box(b"ftyp", b"isom\0\0\2\0isomiso2") + movie + box(b"mdat", b"\0" * 1000)


def test_a_wave_file_tells_its_sound() -> None:
    """Duration in seconds, bitrate in bit/s, one stream."""
    kind, extracted = extract("silence.bin", "", wav())
    assert kind.media_type == "audio"
    stream = {"Index": 0, "Bitrate": 256000, "Channels": 2, "Duration": 1.5, "SampleRate": 8000}
    assert extracted.fields == {"StreamCount": 1, "AudioStreams": [stream], "Duration": 1.5, "Bitrate": 256000}


def test_an_mp3_tells_its_tags() -> None:
    """Title, artist, album and composer from ID3."""
    kind, extracted = extract("song.mp3", "", tagged_mp3())
    assert (kind.content_type, kind.media_type) == ("audio/mpeg", "audio")
    told = {name: extracted.fields[name] for name in ("Title", "Artist", "Album", "Composer")}
    assert told == {
        "Title": "Lied ohne Worte",
        "Artist": "Fanny Hensel",
        "Album": "Opus 2",
        "Composer": "F. Hensel",
    }
    assert extracted.fields["Duration"] == pytest.approx(1.04, abs=0.05)


@pytest.mark.parametrize("version", [0, 1])
def test_a_film_tells_its_size_and_length(version: int) -> None:
    """From the movie header and the track headers."""
    kind, extracted = extract("film", "", mp4(version=version))
    assert (kind.content_type, kind.media_type) == ("video/mp4", "video")
    told = {name: extracted.fields[name] for name in ("VideoWidth", "VideoHeight", "Duration", "StreamCount")}
    assert told == {"VideoWidth": 1280, "VideoHeight": 720, "Duration": 10.0, "StreamCount": 2}
    assert extracted.fields["VideoStreams"] == [{"Index": 0, "Width": 1280, "Height": 720, "Duration": 10.0}]
    assert extracted.fields["AudioStreams"] == [{"Index": 1, "Duration": 10.0}]


def test_sound_in_an_mp4_container_is_sound_if_its_label_says_so() -> None:
    """The container alone does not tell."""
    assert extract("song.m4a", "audio/mp4", mp4())[0].media_type in {"audio", "video"}
    assert extract("film.mp4", "", mp4())[0].content_type == "video/mp4"
    assert extract("film.mov", "", mp4().replace(b"isom\0\0", b"qt  \0\0", 1))[0].content_type == "video/quicktime"


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.mp3", b"no sound", "Audio"),
        ("a.flac", b"fLaC", "Audio"),
        ("a.wav", wav(0), "Audio"),
        ("a.mp4", b"\0\0\0\x08ftyp", "Video"),
        ("a.mp4", b"no film", "Video"),
        ("a.mp4", mp4()[:40], "Video"),
    ],
)
def test_broken_media_name_their_trouble(name: str, data: bytes, kind: str) -> None:
    """A reason, never an exception."""
    assert extract(name, "", data)[1].problem.startswith(f"[Invalid{kind}] ")


def test_other_containers_are_no_trouble() -> None:
    """Matroska is indexed by its object's facts."""
    kind, extracted = extract("film.mkv", "", b"\x1aE\xdf\xa3rest")
    assert (kind.media_type, extracted) == ("video", Extracted())


@pytest.mark.parametrize("cut", range(0, 400, 13))
def test_no_cut_of_a_file_raises(cut: int) -> None:
    """Extraction never raises."""
    for name, data in (("a.wav", wav()), ("a.mp3", tagged_mp3()), ("a.mp4", mp4())):
        extract(name, "", data[:cut])
