"""What changed is found, whatever changed it: documents folded together are the state, after any history."""

from __future__ import annotations

import json
from collections import deque
from copy import deepcopy
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from emulator.kept import Kept
from emulator.persistence import codec as codec_module
from emulator.persistence.capture import Recorder
from emulator.persistence.codec import Codec, UnreadableDocumentError
from emulator.persistence.hints import tables_of
from emulator.persistence.marks import TRANSIENT
from emulator.persistence.tree import Node, blobs_of, build, changes_of, fold


class Place(NamedTuple):
    """A key that JSON has no name for."""

    row: str
    seat: int


@dataclass(frozen=True, slots=True)
class Photo:
    """Never changes; its content becomes a blob when it is long."""

    content: bytes
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Letter:
    """Plain fields only."""

    text: str
    read: bool = False
    due: float | None = None


@dataclass(slots=True)
class Box:
    """Tables of every kind, and what is no table."""

    name: str
    letters: dict[str, Letter] = field(default_factory=dict)
    photos: dict[str, Photo] = field(default_factory=dict)
    pages: dict[int, Photo] = field(default_factory=dict)
    older: dict[str, list[Photo]] = field(default_factory=dict)
    boxes: list[Letter] = field(default_factory=list)
    waiting: deque[Letter] = field(default_factory=deque)
    seats: dict[Place, None] = field(default_factory=dict)
    said: dict[str, object] = field(default_factory=dict)
    mood: Literal["good", "bad"] = "good"
    count: int = field(default=0, metadata=TRANSIENT)


@dataclass(slots=True)
class Shelf:
    """Held by the root itself: its tables are the root's."""

    boxes: dict[str, Box] = field(default_factory=dict)
    label: str = ""


@dataclass(slots=True)
class House:
    """The root."""

    shelf: Shelf = field(default_factory=Shelf)
    notes: list[str] = field(default_factory=list)


keys = st.sampled_from(["a", "b", "c", "ключ/1", "\udcff"])
texts = st.text(max_size=5)
contents = st.sampled_from([b"", b"short", b"long" * 2000, b"other" * 2000])


class ChangesAreFound(RuleBasedStateMachine):
    """Random work on a house, at times unwatched where it only reads."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.recorder = Recorder(House)
        self.tree = Node()
        self.blobs: dict[str, bytes] = {}

    def box(self, key: str) -> Box:
        """A box, made on first use as the services do."""
        return self.house.shelf.boxes.setdefault(key, Box(key))

    @rule(box=keys, key=keys, text=texts)
    def put_letter(self, box: str, key: str, text: str) -> None:
        self.box(box).letters[key] = Letter(text)

    @rule(box=keys)
    def change_all_letters(self, box: str) -> None:
        for letter in self.box(box).letters.values():
            letter.read = not letter.read

    @rule(box=keys, key=keys)
    def change_one_letter(self, box: str, key: str) -> None:
        letter = self.box(box).letters.get(key)
        if letter is not None:
            letter.due = (letter.due or 0.1) * 2

    @rule(box=keys)
    def change_letters_of_a_copy(self, box: str) -> None:
        for letter in {**self.box(box).letters}.values():
            letter.text += "!"

    @rule(box=keys, key=keys, content=contents)
    def put_photo(self, box: str, key: str, content: bytes) -> None:
        held = self.box(box)
        if key in held.photos:
            held.older.setdefault(key, []).insert(0, held.photos[key])
        held.photos[key] = Photo(content, {"key": key})
        held.pages[len(content)] = held.photos[key]

    @rule(box=keys, key=keys)
    def remove(self, box: str, key: str) -> None:
        held = self.box(box)
        held.letters.pop(key, None)
        held.photos.pop(key, None)
        if held.pages:
            held.pages.popitem()

    @rule(box=keys, key=keys)
    def move_to_the_end(self, box: str, key: str) -> None:
        held = self.box(box)
        if key in held.letters:
            held.letters[key] = held.letters.pop(key)

    @rule(box=keys)
    def clear(self, box: str) -> None:
        self.box(box).letters.clear()

    @rule(box=keys, key=keys, text=texts)
    def replace_a_whole_table(self, box: str, key: str, text: str) -> None:
        self.box(box).letters = {key: Letter(text)}

    @rule(old=keys, new=keys)
    def rename_a_box(self, old: str, new: str) -> None:
        if old in self.house.shelf.boxes:
            self.house.shelf.boxes[new] = self.house.shelf.boxes.pop(old)

    @rule(box=keys)
    def copy_a_box_over_itself(self, box: str) -> None:
        self.house.shelf.boxes[box] = replace(self.box(box), mood="bad")

    @rule(box=keys)
    def make_a_box_anew(self, box: str) -> None:
        self.house.shelf.boxes[box] = Box(box)

    @rule(box=keys)
    def drop_a_box(self, box: str) -> None:
        self.house.shelf.boxes.pop(box, None)

    @rule(box=keys, text=texts)
    def change_what_is_no_table(self, box: str, text: str) -> None:
        held = self.box(box)
        held.waiting.append(Letter(text, due=1.5))
        held.boxes.append(Letter(text))
        held.seats[Place(text, 3)] = None
        held.said.setdefault("said", []).append(text)  # type: ignore[attr-defined]  # a caller's JSON
        held.count += 1

    @rule(text=texts)
    def change_the_root(self, text: str) -> None:
        self.house.notes.append(text)
        self.house.shelf.label = text

    @rule()
    def start_over(self) -> None:
        self.house = House()

    @rule()
    def only_read(self) -> None:
        with self.recorder.watch.pause():
            assert all(box.name is not None for box in self.house.shelf.boxes.values())

    @rule()
    def restart(self) -> None:
        self.house = self.read_back()
        self.recorder = Recorder(House)
        self.recorder.adopt(self.house)
        assert [] == self.recorder.capture(self.house).changes

    @rule()
    def compact(self) -> None:
        fresh = Node()
        fold(fresh, [json.loads(change) for change in changes_of(self.tree)])
        self.tree = fresh
        named = set(blobs_of(fresh))
        self.blobs = {digest: content for digest, content in self.blobs.items() if digest in named}

    def read_back(self) -> Any:
        """The state of the documents."""
        return build(Codec(self.blobs.__setitem__, self.blobs.__getitem__), House, self.tree)

    @invariant()
    def the_documents_are_the_state(self) -> None:
        batch = self.recorder.capture(self.house)
        self.blobs |= batch.blobs
        fold(self.tree, [json.loads(change) for change in batch.changes])
        expected = deepcopy(self.house)
        for box in expected.shelf.boxes.values():
            box.count = 0
        assert shown(expected) == shown(self.read_back())
        assert [] == self.recorder.capture(self.house).changes


def shown(house: House) -> object:
    """The house with the order of its tables, which dictionaries do not compare."""
    boxes = house.shelf.boxes
    order = [(key, [*box.letters], [*box.photos], [*box.pages], [*box.older]) for key, box in boxes.items()]
    return house, order


ChangesAreFound.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestChangesAreFound = ChangesAreFound.TestCase


def test_one_change_writes_one_document() -> None:
    """What a change costs does not grow with what is there."""
    house = House(Shelf({str(n): Box(str(n), {str(m): Letter("") for m in range(50)}) for n in range(50)}))
    recorder = Recorder(House)
    recorder.capture(house)
    house.shelf.boxes["7"].letters["9"].read = True
    [change] = recorder.capture(house).changes
    assert ["shelf.boxes", "7", "letters", "9"] == json.loads(change)["at"]


def test_a_version_is_digested_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A put into a bucket with versions does not look at the contents of all the older ones again."""
    digested: list[int] = []

    def counted(content: bytes) -> Any:
        digested.append(len(content))
        return sha256(content)

    monkeypatch.setattr(codec_module, "sha256", counted)
    house = House(Shelf({"a": Box("a")}))
    recorder, tree, blobs = Recorder(House), Node(), {}
    for number in range(50):
        box = house.shelf.boxes["a"]
        if number:
            box.older.setdefault("k", []).insert(0, box.photos["k"])
        box.photos["k"] = Photo(b"%d" % number * 5000)
        batch = recorder.capture(house)
        blobs.update(batch.blobs)
        fold(tree, [json.loads(change) for change in batch.changes])
    assert 99 == len(digested)  # as the present one, and as the newest of the older ones
    assert house == build(Codec(blobs.__setitem__, blobs.__getitem__), House, tree)


def test_a_field_with_a_default_may_be_missing_and_an_unknown_one_may_not() -> None:
    """Old documents are read by newer releases; newer ones are refused instead of being cut down."""
    blobs: dict[str, bytes] = {}
    codec = Codec(blobs.__setitem__, blobs.__getitem__)
    assert Letter("x", read=False, due=None) == codec.decode(Letter, {"text": "x"})
    with pytest.raises(UnreadableDocumentError, match="Letter has a field 'colour' that this release does not know"):
        codec.decode(Letter, {"text": "x", "colour": "red"})
    with pytest.raises(UnreadableDocumentError, match="Letter lacks a field"):
        codec.decode(Letter, {})


def test_every_type_of_the_clouds_state_can_be_kept() -> None:
    """Also those that this test does not know: a service that adds state adds nothing to the persistence."""
    blobs: dict[str, bytes] = {}
    codec = Codec(blobs.__setitem__, blobs.__getitem__)
    waiting: list[Any] = [Kept]
    while waiting:
        kind = waiting.pop()
        codec._encoder(kind, apart=True)  # noqa: SLF001 - whether there is one, without a value of each type
        if kind is not Kept:
            codec._decoder(kind)  # noqa: SLF001 - likewise
        waiting += [table.entry for table in tables_of(kind)]
