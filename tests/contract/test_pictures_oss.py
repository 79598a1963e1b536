"""`controller.reconcile.imports.pictures` through the real OSS adapter, against the emulator."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import oss2
import pytest

from controller.api.importsource import Operation
from controller.cloud.errors import BucketNotFound, Conflict, Denied, Throttled
from controller.cloud.ports import ObjectRange
from controller.core.manifest.lines import Line
from controller.core.pictures.window import BUDGET, FIRST
from controller.reconcile.imports.pictures import OssPictures, Pictures
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports
from tests.unit.odd_pictures import app1, exif, frame, gif, made, noise, profile, split_png, with_segments

PATH = "spring/"
CAMERA = with_segments(noise("JPEG", (1200, 900), quality=90), app1(exif(1, padding=12_000)), *profile(3144))


def add(name: str, product: str = "1000", region: str | None = None) -> Line:
    """A line that adds a picture."""
    return Line(Operation.ADD, product, name, custom_content="k:v", region=region)


def lines(*names: str) -> list[tuple[int, Line]]:
    """ADD lines, counted from 1."""
    return [(number, add(name)) for number, name in enumerate(names, 1)]


@pytest.fixture
def threads() -> Iterator[Executor]:
    """More of them than are ever used at once."""
    with ThreadPoolExecutor(64) as pool:
        yield pool


@dataclass
class WatchedOss:
    """The real port, watched: what is under way at once, and something that happens before a call."""

    oss: Any
    calls: list[tuple[str, int, int, str | None]] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    lock: Any = field(default_factory=threading.Lock)
    happens: Any = None

    def get_range(
        self, bucket: str, key: str, first: int, count: int, *, etag: str | None = None
    ) -> ObjectRange | None:
        with self.lock:
            self.calls.append((key, first, count, etag))
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            if self.happens is not None:
                self.happens(key, first)
            part: ObjectRange | None = self.oss.get_range(bucket, key, first, count, etag=etag)
            return part
        finally:
            with self.lock:
                self.under_way -= 1


@pytest.fixture
def watched(ports: Ports) -> WatchedOss:
    """The adapter, watched."""
    return WatchedOss(ports.oss)


def pictures_of(oss: Any, threads: Executor, **settings: Any) -> Pictures:
    """The check of a run whose pictures lie below `spring/`."""
    return Pictures(OssPictures(oss, "photos", PATH), 0, threads, **settings)


def check(oss: Any, threads: Executor, *names: str, **settings: Any) -> dict[int, tuple[str, ...]]:
    """What is said of each line, in words."""
    pictures = pictures_of(oss, threads, **settings)
    return {number: tuple(map(str, found)) for number, found in pictures.check(lines(*names)).items()}


def sent(cloud: LocalCloud) -> Counter[str]:
    """Bytes that were sent of each object, as the emulator's journal has it."""
    counted: Counter[str] = Counter()
    for entry in cloud.requests("oss", "GetObject"):
        counted[str(entry["resource"][1])] += int(str(entry["sent"]))  # type: ignore[index]  # a pair: bucket and key
    return counted


def test_every_picture_is_said_to_be_what_it_is(ports: Ports, bucket: oss2.Bucket, threads: Executor) -> None:
    """By line; nothing is said of good ones."""
    bucket.put_object("spring/good.jpg", made("JPEG"))
    bucket.put_object("spring/folder/small.png", made("PNG", (99, 100)))
    bucket.put_object("spring/empty.jpg", b"")
    bucket.put_object("gone.jpg", made("JPEG"))
    names = ("good.jpg", "folder/small.png", "gone.jpg", "empty.jpg", "/good.jpg")
    pixels = "product and generic image search take 100 x 100 to 4096 x 4096 pixels: scale it (it has 99 x 100)"
    missing = "there is no such picture: upload it, or correct the name"
    assert {
        2: (f"line 2: PicName 'folder/small.png': {pixels}",),
        3: (f"line 3: PicName 'gone.jpg': {missing} (oss://photos/spring/gone.jpg)",),
        4: ("line 4: PicName 'empty.jpg': it is empty: upload the picture again",),
        5: (f"line 5: PicName '/good.jpg': {missing} (oss://photos/spring//good.jpg)",),
    } == check(ports.oss, threads, *names)


def test_a_region_must_lie_within_its_picture(ports: Ports, bucket: oss2.Bucket, threads: Executor) -> None:
    """Each line has its own, and a picture is looked at once for all of them."""
    bucket.put_object("a.jpg", made("JPEG", (320, 240)))
    pictures = Pictures(OssPictures(ports.oss, "photos", ""), 0, threads)
    found = pictures.check(
        [
            (1, add("a.jpg", region="0,320,0,240")),
            (2, add("a.jpg", "1001", "0,321,0,240")),
            (3, add("a.jpg", "1002", "0,320,0,241")),
        ]
    )
    assert {2: ["Region"], 3: ["Region"]} == {number: [one.field for one in said] for number, said in found.items()}
    assert "line 2: Region '0,321,0,240'" in str(found[2][0])
    assert 1 == pictures.looked_at


def test_little_of_a_picture_is_sent(cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, threads: Executor) -> None:
    """Bodies as the emulator counts them, and the shell itself."""
    contents = {
        "camera.jpg": CAMERA,
        "thumbnail.jpg": with_segments(CAMERA, app1(exif(1, padding=60_000))),
        "printer.jpg": with_segments(CAMERA, *profile(560_000)),
        "pixels.png": split_png(noise("PNG", (1000, 1000)), 8192),
        "pixels.tif": noise("TIFF", (1000, 800)),
        "frame.gif": gif(frame(500_000)),
        "list.pdf": b"%PDF-1.7".ljust(300_000),
    }
    for name, content in contents.items():
        bucket.put_object(PATH + name, content)
    pictures = pictures_of(ports.oss, threads)
    pictures.check(lines(*contents))
    most = {
        "camera.jpg": 3 * FIRST,
        "thumbnail.jpg": 3 * FIRST,
        "printer.jpg": 3 * FIRST,
        "pixels.png": 2 * FIRST,
        "pixels.tif": FIRST,
        "frame.gif": BUDGET,
        "list.pdf": FIRST,
    }
    counted = sent(cloud)
    assert {} == {name: counted[PATH + name] for name in contents if counted[PATH + name] > most[name]}
    assert sum(counted.values()) == pictures.bytes_read
    assert (len(contents), 1) == (pictures.looked_at, pictures.unchecked)


def test_each_name_is_looked_at_once(cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, threads: Executor) -> None:
    """However many lines and batches name it."""
    for name in "abc":
        bucket.put_object(f"{PATH}{name}.jpg", made("JPEG"))
    pictures = pictures_of(ports.oss, threads)
    first = [(number, add(f"{'abc'[number % 3]}.jpg", str(number))) for number in range(300)]
    assert {} == pictures.check(first)
    assert {} == pictures.check(first)
    deletes = [(302, Line(Operation.DELETE, "1")), (303, Line(Operation.DELETE, "1", "e.jpg"))]
    assert [301] == list(pictures.check([*first, (301, add("d.jpg")), *deletes]))
    assert 4 == pictures.looked_at == cloud.counts()["oss"]["GetObject"]


def test_no_more_pictures_are_looked_at_at_once_than_allowed(
    watched: WatchedOss, bucket: oss2.Bucket, threads: Executor
) -> None:
    """And that many are: each waits until there are five."""
    names = [f"{number}.jpg" for number in range(60)]
    for name in names:
        bucket.put_object(PATH + name, made("JPEG"))
    five = threading.Barrier(5, timeout=60)
    watched.happens = lambda _key, first: five.wait() if first == 0 else None
    assert {} == check(watched, threads, *names, workers=5)
    assert 5 == watched.most


def test_what_was_looked_at_before_a_call_failed_is_not_looked_at_again(
    watched: WatchedOss, bucket: oss2.Bucket, threads: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes as it is; those under way end, and no other begins."""
    names = [f"{number:02}.jpg" for number in range(40)]
    for name in names:
        bucket.put_object(PATH + name, made("JPEG"))

    takers: list[Future[None]] = []
    submit = threads.submit

    def recorded(*task: Any) -> Future[None]:
        takers.append(submit(*task))
        return takers[-1]

    def throttle(key: str, _first: int) -> None:
        if key.endswith("20.jpg"):
            raise Throttled("oss:GetObject", "too many requests")
        deadline = time.monotonic() + 60
        while key > f"{PATH}20.jpg" and not any(one.done() and one.exception() for one in takers):
            assert time.monotonic() < deadline
            time.sleep(0.001)

    monkeypatch.setattr(threads, "submit", recorded)
    watched.happens = throttle
    pictures = pictures_of(watched, threads, workers=4)
    with pytest.raises(Throttled):
        pictures.check(lines(*names))
    assert 20 <= pictures.looked_at <= 23
    watched.happens = None
    assert {} == pictures.check(lines(*names))
    assert 40 == pictures.looked_at
    assert {1} == set(Counter(key for key, *_ in watched.calls if not key.endswith("20.jpg")).values())


@pytest.mark.parametrize("replacement", [b"another picture", None], ids=["replaced", "removed"])
def test_a_picture_that_changes_while_it_is_looked_at_is_looked_at_again(
    watched: WatchedOss, bucket: oss2.Bucket, threads: Executor, replacement: bytes | None
) -> None:
    """Parts of two pictures are none."""
    bucket.put_object("spring/a.jpg", with_segments(made("JPEG"), *profile(100_000)))

    def change(_key: str, first: int) -> None:
        if first > 0:
            if replacement is None:
                bucket.delete_object("spring/a.jpg")
            else:
                bucket.put_object("spring/a.jpg", replacement * 9000)

    watched.happens = change
    with pytest.raises(Conflict):
        check(watched, threads, "a.jpg")
    assert watched.calls[0][3] is None
    assert all(etag for _, _, _, etag in watched.calls[1:])
    watched.happens = None
    said = "content is no picture" if replacement else "there is no such picture"
    assert said in check(watched, threads, "a.jpg")[1][0]


def test_what_one_object_cannot_be_read_for_is_said_of_its_line(
    cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, threads: Executor
) -> None:
    """Names that OSS does not know, and archived objects: the other lines are looked at."""
    bucket.put_object("spring/good.jpg", made("JPEG"))
    archived = {"status": 403, "code": "InvalidObjectState"}
    cloud.fault({"service": "oss", "operation": "GetObject", "times": 1, "error": archived})
    assert {1: ("line 1: PicName 'cold.jpg': it is archived and cannot be read: restore it first",)} == check(
        ports.oss, threads, "cold.jpg"
    )
    found = check(ports.oss, threads, "猫" * 400 + ".jpg", "half-\ud83d.jpg", "good.jpg")
    assert [1, 2] == list(found)
    assert all("OSS allows no object of that name: rename the picture" in said for (said,) in found.values())


def test_a_bucket_that_is_not_there_is_an_error_not_a_picture(
    cloud: LocalCloud, ports_of: Any, ports: Ports, bucket: oss2.Bucket, threads: Executor
) -> None:
    """Nor is one that may not be read."""
    with pytest.raises(BucketNotFound):
        Pictures(OssPictures(ports.oss, "nobody-has-this", ""), 0, threads).check(lines("a.jpg"))
    bucket.put_object("spring/a.jpg", made("JPEG"))
    stranger = ports_of(cloud.add_account("9999999999999999", "LTAIstranger", "stranger-secret"))
    with pytest.raises(Denied):
        check(stranger.oss, threads, "a.jpg")


def test_verdicts_that_are_kept_are_bounded(ports: Ports, bucket: oss2.Bucket, threads: Executor) -> None:
    """The oldest go first, and a batch larger than what is kept is checked all the same."""
    for number in range(25):
        bucket.put_object(f"{PATH}{number:02}.jpg", made("JPEG"))
    pictures = pictures_of(ports.oss, threads, workers=1, kept=10)
    assert {} == pictures.check(lines(*[f"{number:02}.jpg" for number in range(25)]))
    assert 25 == pictures.looked_at
    pictures.check(lines("24.jpg", "15.jpg"))
    assert 25 == pictures.looked_at
    pictures.check(lines("14.jpg"))
    assert 26 == pictures.looked_at
    pictures.check(lines("15.jpg"))
    assert 26 == pictures.looked_at


def test_no_line_needs_no_call(cloud: LocalCloud, ports: Ports, threads: Executor) -> None:
    """A batch of DELETE lines only."""
    pictures = pictures_of(ports.oss, threads)
    assert {} == pictures.check([])
    assert {} == cloud.counts().get("oss", {})


def test_what_was_looked_at_before_a_restart_is_not_looked_at_again(
    cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, threads: Executor
) -> None:
    """And the words are the same."""
    bucket.put_object("spring/small.png", made("PNG", (99, 100)))
    names = ("small.png", "gone.jpg")
    before = pictures_of(ports.oss, threads)
    said = before.check(lines(*names))
    looks = before.known([*names, "of-another-batch.jpg"])
    assert set(names) == looks.keys()
    after = pictures_of(ports.oss, threads)
    after.remember(looks)
    assert said == after.check(lines(*names))
    assert (0, 2) == (after.looked_at, cloud.counts()["oss"]["GetObject"])
