"""The demo's media: every file is listed, licensed and the one whose ground truth was read; the whole stays small."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

MEDIA = Path(__file__).parents[2] / "examples" / "media"
FOLDERS = ("photos", "pictures", "documents", "audio", "broken")
MANIFEST: list[dict[str, Any]] = json.loads((MEDIA / "manifest.json").read_text("utf-8"))
MINIMUM = {"photo": 15, "picture": 5, "pdf": 4, "office": 3, "audio": 3, "text": 1, "broken": 4}
REDISTRIBUTABLE = {
    "Apache-2.0", "BSD-3-Clause", "CC-BY", "CC-BY-2.0", "CC-BY-3.0", "CC-BY-SA", "CC-BY-SA-3.0", "CC-BY-SA-4.0",
    "CC0-1.0", "GPL-2.0-or-later", "GPL-3.0-or-later", "LGPL-3.0-only", "MIT", "public domain",
}  # fmt: skip
LARGEST = 400 * 1024  # bytes of one file
LARGEST_SUM = 8_000_000


def _listed() -> list[str]:
    return sorted(entry["path"] for entry in MANIFEST)


def _licences() -> dict[str, str]:
    """Licence by path, from the table of LICENSES.md."""
    rows = re.findall(r"^\| `([^`]+/[^`]+)` \|(.+)\|$", (MEDIA / "LICENSES.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a file stands twice in LICENSES.md"
    return {path: rest.split("|")[3].strip() for path, rest in rows}


def test_the_manifest_names_exactly_the_files() -> None:
    """A file without ground truth, and ground truth without a file, are both refused."""
    found = sorted(
        path.relative_to(MEDIA).as_posix()
        for folder in FOLDERS
        for path in (MEDIA / folder).rglob("*")
        if path.is_file()
    )
    assert found == _listed()
    assert len(found) >= 40


def test_every_file_has_a_licence_that_allows_passing_it_on() -> None:
    """LICENSES.md and the manifest name the same files and the same licences."""
    assert {entry["path"]: entry["licence"] for entry in MANIFEST} == _licences()
    assert set(_licences().values()) <= REDISTRIBUTABLE


def test_every_file_is_the_one_whose_ground_truth_was_read() -> None:
    """Size and digest in the manifest are those of the file."""
    actual = {
        entry["path"]: (len(content), hashlib.sha256(content).hexdigest())
        for entry in MANIFEST
        for content in [(MEDIA / entry["path"]).read_bytes()]
    }
    assert {entry["path"]: (entry["size"], entry["sha256"]) for entry in MANIFEST} == actual


def test_the_corpus_is_small() -> None:
    """Everyone who clones the project downloads it."""
    assert sum(entry["size"] for entry in MANIFEST) < LARGEST_SUM
    assert [entry["path"] for entry in MANIFEST if entry["size"] > LARGEST] == []


def test_every_kind_is_there() -> None:
    """The demo has something of each kind to find, and something to stumble over."""
    counts = Counter(entry["kind"] for entry in MANIFEST)
    assert counts.keys() == MINIMUM.keys()
    assert {kind: counts[kind] for kind, least in MINIMUM.items() if counts[kind] < least} == {}


def test_photos_carry_camera_time_and_place() -> None:
    """Queries by camera, by time and by place all have an answer."""
    facts = [entry["expect"] for entry in MANIFEST if entry["kind"] == "photo"]
    assert sum("Make" in fact and "Model" in fact and "ProduceTime" in fact for fact in facts) >= 15
    assert sum("Latitude" in fact and "Longitude" in fact for fact in facts) >= 3


def test_documents_and_sounds_carry_titles() -> None:
    """PDFs name title and author; some sounds name title and artist."""
    untitled = [e["path"] for e in MANIFEST if e["kind"] == "pdf" and not {"Title", "Author"} <= e["expect"].keys()]
    assert untitled == []
    assert sum(e["kind"] == "audio" and {"Title", "Artist"} <= e["expect"].keys() for e in MANIFEST) >= 3


def test_broken_files_say_why() -> None:
    """Only the files of broken/ are broken, and each says what is wrong with it."""
    said = {entry["path"] for entry in MANIFEST if entry.get("broken") is True and entry["why"] and not entry["expect"]}
    assert said == {entry["path"] for entry in MANIFEST if entry["path"].startswith("broken/")}
    assert said == {entry["path"] for entry in MANIFEST if entry["kind"] == "broken"}


def test_every_unbroken_file_names_the_tool_that_read_it() -> None:
    """What is not broken has a content type at least, and names the tool that read it."""
    unread = [
        e["path"] for e in MANIFEST if not e.get("broken") and not (e["read_by"] and e["expect"].get("ContentType"))
    ]
    assert unread == []
