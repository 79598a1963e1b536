"""The demo's media, whose ground truth other programs read (exiftool, pdfinfo, ffprobe): both must agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.imm.extract.files import extract

MEDIA = Path(__file__).parents[2] / "examples" / "media"
MANIFEST: list[dict[str, Any]] = json.loads((MEDIA / "manifest.json").read_text("utf-8"))
SAME = ("ImageWidth", "ImageHeight", "Orientation", "Title", "Album", "Artist")


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["path"])
def test_extraction_agrees_with_the_ground_truth(entry: dict[str, Any]) -> None:
    """Field by field, as far as the vendor's model can hold what the other program says."""
    kind, extracted = extract(entry["path"], "", (MEDIA / entry["path"]).read_bytes())
    assert bool(extracted.problem) == bool(entry.get("broken"))
    expected, fields = entry["expect"], extracted.fields
    if entry.get("broken"):
        return
    assert kind.content_type == expected["ContentType"]
    wanted = {name: expected[name] for name in SAME if name in expected}
    wanted |= {
        name: expected[said] for name, said in (("Artist", "Author"), ("PageCount", "Pages")) if said in expected
    }
    if kind.media_type == "audio":  # of several artists the index keeps the first
        wanted = {name: str(value).split(";")[0] for name, value in wanted.items()}
    assert {name: fields.get(name) for name in wanted} == wanted
    if "ProduceTime" in expected:
        assert str(fields["ProduceTime"]).startswith(expected["ProduceTime"])
    if "Latitude" in expected:
        assert fields["LatLong"] == f"{expected['Latitude']:.6f},{expected['Longitude']:.6f}"
    if "Duration" in expected:
        assert fields["Duration"] == pytest.approx(expected["Duration"], abs=0.05)
    if "Make" in expected:
        exif = json.loads(str(fields["EXIF"]))
        assert (exif["Make"]["value"], exif["Model"]["value"]) == (expected["Make"], expected["Model"])
