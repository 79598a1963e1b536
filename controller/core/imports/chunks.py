"""Packing items into calls: at most 100 a call, and no more than the gateway takes of a URL.

The official SDK puts every parameter into the query: compact JSON, characters beyond ASCII as they are, then
percent-encoded with `+` for a space. Sizes here are exact to that (tests/unit/test_import_chunks.py asks the adapter),
and count no member that a file does not have: the adapter writes none of the SDK's empty lists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from string import ascii_letters, digits
from urllib.parse import urlencode

from controller.core.imports.identity import user_data
from controller.core.imports.items import Item
from controller.core.imports.records import Chunk, Means, ranges_of

MAX_FILES = 100  # IMM 2020-09-30: files of BatchIndexFileMeta, URIs of BatchDeleteFileMeta and BatchGetFileMeta
DEFAULT_LIMIT = 7 * 1024
FLOOR = 512  # below this nothing is gained by halving: one file a call
KEPT = f"{ascii_letters}{digits}_.-~ ".encode()  # one byte each when encoded; a space becomes +
COMMA = len("%2C")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the calls of a run may take of a URL, and what each takes besides its files.

    Attributes:
        limit: Bytes of the request's target, `/?…` and all; None where the parameters travel in the body, 0 for one
            file a call.
    """

    project: str
    dataset: str
    topic: str
    run: str
    nonce: str
    limit: int | None = DEFAULT_LIMIT

    def halved(self) -> Allowance:
        """After the gateway refused a length. At the end of it, one file a call, which cannot be made shorter."""
        if self.limit is None:
            return replace(self, limit=DEFAULT_LIMIT)
        return replace(self, limit=self.limit // 2 if self.limit // 2 >= FLOOR else 0)

    def room(self, means: Means, number: int) -> float:
        """Bytes for the files of a call, in the measure of `encoded_size`."""
        return float("inf") if self.limit is None else self.limit - self.overhead(means, number)

    def overhead(self, means: Means, number: int) -> int:
        """Bytes of the target that the files do not account for."""
        parameters = {"ProjectName": self.project, "DatasetName": self.dataset}
        parameters["URIs" if means is Means.DELETE else "Files"] = "[]"
        if means is Means.INDEX:
            parameters["Notification"] = _compact({"MNS": {"TopicName": self.topic}})
            parameters["UserData"] = user_data(self.run, self.nonce, number)
        return len("/?" + urlencode(parameters)) - COMMA  # of n files there are n - 1 commas


def encoded_size(item: Item | str, means: Means) -> int:
    """Bytes that a file adds to the URL of a call, with the comma behind it.

    A deletion needs no more than a URI, which may stand alone, and an update nothing of the content.
    """
    if isinstance(item, str) or means is Means.DELETE:
        return _encoded(_compact(item if isinstance(item, str) else item.uri)) + COMMA
    stated: dict[str, object] = {"URI": item.uri}
    if item.custom_id is not None:
        stated["CustomId"] = item.custom_id
    if item.labels:
        stated["CustomLabels"] = item.labels
    if means is Means.INDEX and item.file_hash is not None:
        stated["FileHash"] = item.file_hash
    if means is Means.INDEX and item.oss_uri is not None:
        stated["OSSURI"] = item.oss_uri
    return _encoded(_compact(stated)) + COMMA


def pack(
    items: Iterable[tuple[int, Item]],
    means_of: Callable[[Item], Means],
    allowance: Allowance,
    *,
    first_number: int,
    most_chunks: int,
) -> list[Chunk]:
    """The first items, by ascending index, as at most `most_chunks` chunks, which are the fewest for this order.

    Each means has its own chunks, filled in order, and a file that stands in a chunk already goes into another, as its
    result could not be told from the first one's. A single item that is longer than the allowance has a chunk of its
    own. With `MAX_FILES * most_chunks` items given, only the last chunk of each means is less than full.
    """
    done: list[_Filling] = []
    filling: dict[Means, _Filling] = {}
    closed: set[Means] = set()
    opened = 0
    for index, item in items:
        means = means_of(item)
        if means in closed:
            continue
        size = encoded_size(item, means)
        current = filling.get(means)
        if current is None or not current.takes(item.uri, size):
            if opened == most_chunks:
                closed.add(means)
                if closed >= filling.keys():
                    break
                continue
            number = first_number + opened
            current = filling[means] = _Filling(number, means, allowance.room(means, number))
            done.append(current)
            opened += 1
        current.add(index, item.uri, size)
    return [Chunk(one.number, one.means, ranges_of(one.indices)) for one in done]


@dataclass(slots=True)
class _Filling:
    """A chunk that is being filled."""

    number: int
    means: Means
    room: float
    indices: list[int] = field(default_factory=list)
    uris: set[str] = field(default_factory=set)

    def takes(self, uri: str, size: int) -> bool:
        return len(self.indices) < MAX_FILES and size <= self.room and uri not in self.uris

    def add(self, index: int, uri: str, size: int) -> None:
        self.indices.append(index)
        self.uris.add(uri)
        self.room -= size


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encoded(text: str) -> int:
    raw = text.encode("utf-8", "surrogatepass")
    return len(raw) + 2 * len(raw.translate(None, KEPT))
