"""The texts of an entry that FuzzyQuery and SemanticQuery look into; the vendor does not list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.imm.matching import words

if TYPE_CHECKING:
    from emulator.imm.state import IndexedFile

SEARCHED = (
    "Filename", "Title", "Artist", "Album", "AlbumArtist", "Composer", "Performer", "CustomId", "OCRTexts",
    "ContentType", "MediaType", "Language",
)  # fmt: skip


def texts_of(item: IndexedFile) -> list[str]:
    """Every searched text of an entry, its labels and custom labels included."""
    texts = [str(item.meta.get(name, "")) for name in SEARCHED]
    custom = item.meta.get("CustomLabels")
    if isinstance(custom, dict):
        texts += [str(part) for pair in custom.items() for part in pair]
    labels = item.meta.get("Labels")
    if isinstance(labels, list):
        texts += [str(label.get("LabelName", "")) for label in labels if isinstance(label, dict)]
    return texts


def words_of(item: IndexedFile) -> set[str]:
    """The words of those texts, in lower case."""
    return {word for text in texts_of(item) for word in words(text)}
