"""Packing items into calls: exact sizes, fewest calls, and what happens when the gateway takes less."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controller.api.importsource import Operation
from controller.cloud.credentials import Credentials
from controller.cloud.files import ImmFiles
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.limiter import Limiter
from controller.cloud.ports import IndexedFile
from controller.core.imports.chunks import DEFAULT_LIMIT, FLOOR, MAX_FILES, Allowance, encoded_size, pack
from controller.core.imports.identity import user_data
from controller.core.imports.items import Item
from controller.core.imports.records import Chunk, Means
from controller.core.imports.run import items_of

RUN = "0123456789abcdef" * 2
ALLOWANCE = Allowance("media", "photos", "results", RUN, "nonce")
# Quotes, blanks, signs of addresses and of JSON, control characters, CJK, emoji, what is kept as it is.
HARD = "a \"b\" 'c' +%20%&=?#/\\<>{}[]~_.-*!() \n\t\x00\x1f\x7f 日本語 ü ß 😀\u2028"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from([HARD, "plain", "日" * 30])
ITEMS = st.builds(
    Item,
    TEXTS.map(lambda text: f"oss://photos/{text}"),
    st.sampled_from(Operation),
    st.none() | TEXTS,
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.none() | TEXTS,
    st.none() | TEXTS.map(lambda text: f"oss://photos/{text}"),
)
DRIVE = "pds://domains/bj1/drives/1/files/9520943DC264/revisions/40CB7794C929"
OF_A_DRIVE = Item(DRIVE, Operation.ADD, HARD, {HARD: HARD}, HARD, f"oss://photos/{HARD}")
CALLS = (Means.INDEX, Means.UPDATE, Means.DELETE)  # those of IMM; a batch task takes no files


def means_of(item: Item) -> Means:
    """As for target.dataset.onExisting: Reindex."""
    return Means.DELETE if item.operation is Operation.DELETE else Means.INDEX


class Gateway:
    """Somebody who only listens, and keeps the target of the last request."""

    def __init__(self) -> None:
        targets = self.targets = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                targets.append(self.path)
                body = b'{"RequestId":"r","EventId":"e","Files":[]}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        calls = ImmCalls(
            Credentials("id", "secret"),
            region="cn-hangzhou",
            endpoint=f"http://127.0.0.1:{self.server.server_port}",
            limiter_of=lambda _: Limiter("test", rate=1e6, burst=1e6),
        )
        self.files = ImmFiles(calls)

    def length(self, chunk: Chunk, items: list[Item], allowance: Allowance) -> int:
        """Send a chunk with the operator's own adapter and the official SDK; how many bytes its target had."""
        given = [IndexedFile(item.uri, item.custom_id, item.labels, item.file_hash, item.oss_uri) for item in items]
        place = allowance.project, allowance.dataset
        match chunk.means:
            case Means.INDEX:
                word = user_data(allowance.run, allowance.nonce, chunk.number)
                self.files.index(*place, given, topic=allowance.topic, user_data=word)
            case Means.UPDATE:
                self.files.update(*place, given)
            case Means.DELETE:
                self.files.delete(*place, [item.uri for item in items])
        return len(self.targets[-1].encode("latin-1"))


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """A listening gateway."""
    made = Gateway()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


class TestSize:
    """What a file and a call take of the URL."""

    @settings(max_examples=60)
    @given(st.lists(ITEMS, min_size=1, max_size=4), st.sampled_from(CALLS), st.integers(0, 999_999_999))
    @example([Item(f"oss://photos/{HARD}", Operation.ADD, HARD, {HARD: HARD})], Means.INDEX, 0)
    @example([Item(f"oss://photos/{HARD}", Operation.ADD, HARD, {HARD: HARD})], Means.UPDATE, 7)
    @example([Item(f"oss://photos/{HARD}"), Item("oss://photos/b"), OF_A_DRIVE], Means.DELETE, 12345)
    @example([OF_A_DRIVE, Item(DRIVE)], Means.INDEX, 3)
    @example([OF_A_DRIVE], Means.UPDATE, 3)
    @example([Item("oss://photos/a", Operation.ADD, "", {})], Means.INDEX, 99)
    def test_it_is_what_is_really_sent(self, gateway: Gateway, items: list[Item], means: Means, number: int) -> None:
        """Byte for byte, of the target of the very request that leaves through the official SDK."""
        chunk = Chunk(number, means, ((0, len(items)),))
        said = ALLOWANCE.overhead(means, number) + sum(encoded_size(item, means) for item in items)
        assert gateway.length(chunk, items, ALLOWANCE) == said

    def test_names_of_the_place_count_too(self, gateway: Gateway) -> None:
        """The longest names leave less room for files."""
        longest = Allowance("p" * 128, "d" * 128, "t" * 120, RUN, "n" * 64)
        chunk, items = Chunk(10**8, Means.INDEX, ((0, 1),)), [Item("oss://photos/a")]
        said = longest.overhead(Means.INDEX, 10**8) + encoded_size(items[0], Means.INDEX)
        assert gateway.length(chunk, items, longest) == said
        assert said < FLOOR + 512

    def test_a_chunk_of_the_greatest_size_keeps_to_the_limit(self, gateway: Gateway) -> None:
        """The request of a full chunk is within it, and the next file would not have been."""
        items = [Item(f"oss://photos/日本/{n:05}.jpg", labels={"place": "Dresden"}) for n in range(300)]
        [chunk] = pack(enumerate(items), means_of, ALLOWANCE, first_number=3, most_chunks=1)
        sent = gateway.length(chunk, [items[index] for index in items_of(chunk)], ALLOWANCE)
        assert sent <= DEFAULT_LIMIT < sent + encoded_size(items[chunk.size], Means.INDEX)
        assert 0 < chunk.size < MAX_FILES

    def test_a_uri_alone_is_what_a_deletion_takes(self) -> None:
        """Labels do not travel with it."""
        assert encoded_size("oss://photos/a", Means.DELETE) == encoded_size(
            Item("oss://photos/a", Operation.DELETE, "id", {"a": "b"}, "h", "oss://photos/b"), Means.DELETE
        )


def limits() -> st.SearchStrategy[Allowance]:
    """Allowances from one file a call to no limit."""
    given = st.none() | st.just(0) | st.integers(1, 3000)
    return given.map(lambda limit: Allowance("media", "photos", "results", RUN, "nonce", limit))


def pieces(items: list[Item], means: Means, allowance: Allowance) -> int:
    """The fewest calls for these items in this order, found by trying every way to cut the list."""
    sizes = [encoded_size(item, means) for item in items]
    best: list[int] = [0]
    for end in range(1, len(items) + 1):
        ways = [
            best[first]
            for first in range(max(0, end - MAX_FILES), end)
            if end - first == 1 or sum(sizes[first:end]) <= allowance.room(means, 0)
        ]
        best.append(1 + min(ways))
    return best[-1]


class TestPacking:
    """Which items go into which call."""

    @settings(max_examples=150)
    @given(st.lists(ITEMS, max_size=40, unique_by=lambda item: item.uri), limits(), st.integers(0, 5))
    def test_chunks_are_within_the_limits_and_the_fewest(
        self, items: list[Item], allowance: Allowance, first: int
    ) -> None:
        """All items, each once, in order; one means a chunk; more than one only within the bytes."""
        gaps = list(enumerate(items, start=10))
        chunks = pack(gaps, means_of, allowance, first_number=first, most_chunks=1000)
        assert [chunk.number for chunk in chunks] == list(range(first, first + len(chunks)))
        assert sorted(index for chunk in chunks for index in items_of(chunk)) == [index for index, _ in gaps]
        for chunk in chunks:
            held = [items[index - 10] for index in items_of(chunk)]
            assert {chunk.means} == {means_of(item) for item in held}
            assert 0 < chunk.size <= MAX_FILES
            size = sum(encoded_size(item, chunk.means) for item in held)
            assert chunk.size == 1 or size <= allowance.room(chunk.means, chunk.number)
        for means in (Means.INDEX, Means.DELETE):
            mine = [item for item in items if means_of(item) is means]
            packed = [list(items_of(chunk)) for chunk in chunks if chunk.means is means]
            assert [index for one in packed for index in one] == sorted(index for one in packed for index in one)
            assert len(packed) == pieces(mine, means, allowance)

    @given(st.lists(ITEMS, max_size=30), limits(), st.integers(0, 6))
    def test_at_most_so_many_chunks_and_no_file_twice_in_one(
        self, items: list[Item], allowance: Allowance, most: int
    ) -> None:
        """What does not go in stays for the next time; two results of one file could not be told apart."""
        chunks = pack(enumerate(items), means_of, allowance, first_number=0, most_chunks=most)
        assert len(chunks) <= most
        sent = [index for chunk in chunks for index in items_of(chunk)]
        assert len(sent) == len(set(sent))
        for chunk in chunks:
            uris = [items[index].uri for index in items_of(chunk)]
            assert len(uris) == len(set(uris))

    def test_repeated_packing_takes_as_few_calls_as_one(self) -> None:
        """Given `MAX_FILES * most_chunks` items each time, a worker's few chunks are as full as all at once."""
        items = [
            Item(f"oss://photos/{'日' * (n % 7)}/{n}.jpg", Operation.DELETE if n % 3 == 0 else Operation.ADD)
            for n in range(2000)
        ]
        whole = pack(enumerate(items), means_of, ALLOWANCE, first_number=0, most_chunks=10**6)
        left, calls = list(enumerate(items)), 0
        while left:
            chunks = pack(left[: 4 * MAX_FILES], means_of, ALLOWANCE, first_number=0, most_chunks=4)
            gone = {index for chunk in chunks for index in items_of(chunk)}
            left = [one for one in left if one[0] not in gone]
            calls += len(chunks)
        assert len(whole) <= calls <= 1.1 * len(whole)

    def test_adding_and_deleting_do_not_split_each_other(self) -> None:
        """Taking turns in the source costs one call each, not one a file."""
        items = [Item(f"oss://photos/{n}", Operation.DELETE if n % 2 else Operation.ADD) for n in range(20)]
        index, delete = pack(enumerate(items), means_of, ALLOWANCE, first_number=0, most_chunks=9)
        assert (Means.INDEX, tuple((n, n + 1) for n in range(0, 20, 2))) == (index.means, index.ranges)
        assert (Means.DELETE, tuple((n, n + 1) for n in range(1, 20, 2))) == (delete.means, delete.ranges)

    def test_a_file_that_is_too_long_goes_alone(self) -> None:
        """Between others, which do not go with it."""
        items = [Item("oss://photos/a"), Item("oss://photos/" + "日" * 1000), Item("oss://photos/b")]
        chunks = pack(enumerate(items), means_of, ALLOWANCE, first_number=0, most_chunks=9)
        assert [((0, 1),), ((1, 2),), ((2, 3),)] == [chunk.ranges for chunk in chunks]

    def test_without_a_limit_only_the_count_does_limit(self) -> None:
        """The form body's ten calls a thousand files."""
        items = [Item(f"oss://photos/{'a' * 900}/{n}", labels={"a": HARD}) for n in range(1000)]
        unlimited = Allowance("media", "photos", "results", RUN, "nonce", None)
        assert [100] * 10 == [
            chunk.size for chunk in pack(enumerate(items), means_of, unlimited, first_number=0, most_chunks=99)
        ]

    def test_it_stops_reading_when_nothing_more_goes_in(self) -> None:
        """The items come from the work bucket, part by part."""
        read = count()
        endless = ((index, Item(f"oss://photos/{index}")) for index in read)
        assert 2 == len(pack(endless, means_of, ALLOWANCE, first_number=0, most_chunks=2))
        assert next(read) < 2 * MAX_FILES + 2

    def test_a_hundred_thousand_files_take_seconds_at_most(self) -> None:
        """One pass over the items, whatever their number."""
        items = [Item(f"oss://my-photos/2026/11/{n:06}.jpg", labels={"album": "excursions"}) for n in range(50_000)]

        def took(some: int) -> float:
            began = time.thread_time()
            pack(enumerate(items[:some]), means_of, ALLOWANCE, first_number=0, most_chunks=10**6)
            return time.thread_time() - began

        took(1000)
        few, many = (min(took(some) for _ in range(3)) for some in (5_000, 50_000))  # or others are in the way
        assert many < 12 * max(few, 0.01) * 2


class TestHalving:
    """The gateway refused a request for its length."""

    def test_it_ends_with_one_file_a_call(self) -> None:
        """Which cannot be made shorter: what is refused then has failed."""
        limits = [ALLOWANCE.limit]
        allowance = ALLOWANCE
        while allowance.limit:
            allowance = allowance.halved()
            limits.append(allowance.limit)
        assert [7168, 3584, 1792, 896, 0] == limits
        assert allowance.halved() == allowance
        items = [Item(f"oss://photos/{n}") for n in range(5)]
        assert [1] * 5 == [
            chunk.size for chunk in pack(enumerate(items), means_of, allowance, first_number=0, most_chunks=9)
        ]

    def test_a_body_that_is_too_long_is_cut_to_the_default(self) -> None:
        """No limit cannot be halved."""
        assert DEFAULT_LIMIT == Allowance("p", "d", "t", RUN, "n", None).halved().limit


def test_what_is_sent_is_json_that_others_read(gateway: Gateway) -> None:
    """The size would be worthless if the content were not right."""
    item = Item(f"oss://photos/{HARD}", Operation.ADD, HARD, {HARD: HARD})
    gateway.length(Chunk(1, Means.INDEX, ((0, 1),)), [item], ALLOWANCE)
    [files] = parse_qs(urlsplit(gateway.targets[-1]).query)["Files"]
    assert [{"URI": item.uri, "CustomId": HARD, "CustomLabels": {HARD: HARD}}] == json.loads(files)


def test_what_belongs_to_a_file_of_a_drive_is_sent_to_index_it_and_not_to_label_it(gateway: Gateway) -> None:
    """UpdateFileMeta changes CustomId and CustomLabels only."""
    labelled = {"URI": DRIVE, "CustomId": HARD, "CustomLabels": {HARD: HARD}}
    content = {"FileHash": HARD, "OSSURI": f"oss://photos/{HARD}"}
    for means, expected in ((Means.INDEX, labelled | content), (Means.UPDATE, labelled)):
        gateway.length(Chunk(1, means, ((0, 1),)), [OF_A_DRIVE], ALLOWANCE)
        [files] = parse_qs(urlsplit(gateway.targets[-1]).query)["Files"]
        assert [expected] == json.loads(files)
