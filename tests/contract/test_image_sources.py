"""`controller.reconcile.imports.checking` through the real adapter, against the emulator's OSS."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import oss2
import pytest
from PIL import Image

from controller.api.batchimport import BatchImport
from controller.cloud.errors import (
    BucketNotFound,
    CloudError,
    InstanceNotFound,
    Invalid,
    Retryable,
    Unavailable,
    WrongRegion,
)
from controller.core.facts import InstanceFacts
from controller.core.imports.identity import part_key, problems_key, progress_key
from controller.core.imports.items import PART
from controller.core.manifest.lines import Line, encode
from controller.reconcile.imports.checking import Checking
from controller.reconcile.imports.contents import SourceChanged, SourceNotFound
from controller.reconcile.imports.parts import LINES, FrozenContentLost
from controller.reconcile.imports.problems import ProblemReport
from controller.reconcile.imports.progress import piece_key, read_progress
from controller.reconcile.imports.resolutions import Resolutions
from controller.reconcile.imports.resolve import Question
from controller.reconcile.imports.standing import ImageLooks
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports
from tests.guide_manifest import GUIDE

WORK, READING, REGION = "records", "fedcba9876543210fedcba9876543210", "cn-hangzhou"
MANIFEST = {"manifest": {"key": "spring/increment.meta"}}
KEY = "spring/increment.meta"
SHOP = InstanceFacts("shop", REGION, 0, 10, 0, 5)
EXAMPLE = f"{GUIDE}\n"


def wanted(source: dict[str, Any], path: str = "spring/", **spec: Any) -> BatchImport:
    """An import of that source into the instance `shop`."""
    into = {"instanceName": "shop", "bucket": "photos", "path": path}
    fields = {"accountRef": {"name": "main"}, "target": {"imageSearch": into}, "source": source}
    return BatchImport.model_validate(
        {
            "apiVersion": "imm-operator.dev/v1alpha1",
            "kind": "BatchImport",
            "metadata": {"name": "spring", "namespace": "shop", "uid": "1"},
            "spec": fields | spec,
        }
    )


def never() -> bool:
    """There is time enough."""
    return False


def picture(width: int = 120, height: int = 110, form: str = "JPEG", **how: Any) -> bytes:
    """A picture."""
    made = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 90)).save(made, form, **how)
    return made.getvalue()


JPEG = picture()


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    """Threads for looks at pictures."""
    with ThreadPoolExecutor(16) as made:
        yield made


@pytest.fixture
def looks(executor: Executor) -> ImageLooks:
    """An instance of product search that is there and holds nothing."""
    return ImageLooks(lambda: SHOP, lambda *_: False, executor)


Check = Callable[..., Checking]


@pytest.fixture
def begin(ports: Ports, looks: ImageLooks) -> Iterator[Check]:
    """Make a checking that writes; `freezes=False` as mode DryRun has it. All are closed in the end."""
    made: list[Checking] = []

    def check(target: BatchImport, *, freezes: bool = True, **settings: Any) -> Checking:
        report = ProblemReport(ports.oss, WORK, problems_key(READING, None))
        given: dict[str, Any] = {"work_bucket": WORK, "reading": READING, "looks": looks, "report": report}
        made.append(Checking(target, ports.oss, freezes=ports.oss if freezes else None, **given | settings))
        return made[-1]

    yield check
    for one in made:
        one.close()


@pytest.fixture
def check(begin: Check) -> Check:
    """Check a source to its end."""

    def to_its_end(target: BatchImport, **settings: Any) -> Checking:
        made = begin(target, **settings)
        assert made.step(never)
        return made

    return to_its_end


@pytest.fixture(autouse=True)
def buckets(cloud: LocalCloud, bucket: oss2.Bucket) -> oss2.Bucket:
    """The bucket of pictures and the work bucket, which is given."""
    made = oss2.Bucket(bucket.auth, cloud.url, WORK, session=bucket.session, region=cloud.region)
    made.create_bucket()
    return made


def put(cloud: LocalCloud, *names: str, data: bytes = JPEG) -> None:
    """Put pictures into the target's path."""
    cloud.put_objects("photos", [(f"spring/{name}", data) for name in names])


def add(product: str, name: str, **more: Any) -> dict[str, Any]:
    """An ADD of a manifest."""
    return {"OperationType": "ADD", "ProductId": product, "PicName": name, "CustomContent": "c"} | more


def lines(fields: Iterable[dict[str, Any]]) -> bytes:
    """A manifest, or a table of JSON lines."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in fields)


def frozen(ports: Ports, found: Checking) -> list[Line]:
    """The frozen content, read back."""
    count = found.counts.items
    return [line for number in range(-(-count // PART)) for line in LINES.read(ports.oss, WORK, found.content, number)]


def reported(ports: Ports) -> list[dict[str, str]]:
    """The report of problems."""
    data = ports.oss.get_object(WORK, problems_key(READING, None), largest=1 << 26) or b""
    return [json.loads(line) for line in data.splitlines()]


def _read(cloud: LocalCloud) -> list[str]:
    """Keys of what was read of the bucket, as often as it was."""
    asked: list[Any] = [one["resource"] for one in cloud.requests("oss", "GetObject")]
    return [key for bucket, key in asked if bucket == "photos"]


def reads(cloud: LocalCloud, key: str) -> int:
    """How often an object of the bucket was read."""
    return _read(cloud).count(key)


def gets(cloud: LocalCloud) -> int:
    """How often pictures were read."""
    return sum(key.startswith("spring/") and not key.endswith(".meta") for key in _read(cloud))


class TestManifest:
    """An increment.meta that lies there already."""

    def test_the_vendors_own_example_goes_in_as_it_is(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, check: Check
    ) -> None:
        """Its ETag is on record; the DELETE of a whole product is counted."""
        put(cloud, *(f"girl_cloth{n}.jpg" for n in (1, 2, 3, 4, 6, 7)), "girlCloth/girl_cloth10.jpg")
        etag = bucket.put_object(KEY, EXAMPLE.encode()).etag
        found = check(wanted(MANIFEST))
        counts = found.counts
        assert (9, 9, 7, 2, 1) == (counts.read, counts.items, counts.adds, counts.deletes, counts.wide)
        assert (0, 0, [], etag) == (counts.problems, counts.warnings, found.problems, found.source_etag)
        assert [json.loads(line) for line in EXAMPLE.splitlines()] == [
            json.loads(encode([line])) for line in frozen(ports, found)
        ]
        assert 9 == len(set(LINES.fingerprints(ports.oss, WORK, found.content, 9)))

    def test_every_problem_of_every_line_is_reported(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, check: Check
    ) -> None:
        """With line, field, value and rule: of the grammar, the instance, a picture, and of two lines together."""
        put(cloud, "a.jpg", "b.jpg")
        put(cloud, "turned.jpg", data=picture(exif=_orientation(6)))
        put(cloud, "page.jpg", data=b"<html></html>")
        bad = [
            add("1", "a.jpg"),
            add("", "/a.jpg", StrAttr="5%"),
            add("1", "b.jpg", Region="0,500,0,50", CategoryId=77),
            add("2", "gone.jpg"),
            add("2", "turned.jpg"),
            add("2", "page.jpg"),
            add("1", "a.jpg", IntAttr=4),
            {"OperationType": "DELETE", "ProductId": "1"},
        ]
        bucket.put_object(KEY, lines(bad) + b"{}{}\n")
        found = check(wanted(MANIFEST))
        seen = [(one["where"], one["field"], one["value"], one["rule"].split(":")[0][:40]) for one in reported(ports)]
        assert [
            ("line 2", "ProductId", "", "it is empty"),
            ("line 2", "PicName", "/a.jpg", "a picture's name is relative"),
            ("line 2", "StrAttr", "5%", "none of \\ ¥ ￥ $ & % is allowed"),
            ("line 3", "CategoryId", "77", "it is none of the categories of product "),
            ("line 3", "Region", "0,500,0,50", "the region is not within its picture (it"),
            ("line 4", "PicName", "gone.jpg", "there is no such picture"),
            ("line 5", "PicName", "turned.jpg", "a picture cannot contain rotation inform"),
            ("line 6", "PicName", "page.jpg", "Image Search takes PNG, JPG, JPEG, BMP, "),
            ("line 7", "PicName", "a.jpg", "another line does this with the same pic"),
            ("line 8", "ProductId", "1", "one line deletes every picture of the pr"),
            ("line 9", "line", "", "several values on one line fail the whol"),
        ] == seen  # fmt: skip
        assert (9, 11, 1, 0) == (found.counts.read, found.counts.problems, found.counts.items, found.counts.skipped)
        assert 10 == len(found.problems)
        assert "" == found.source_etag

    def test_skip_freezes_the_good_lines_and_counts_the_others(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, check: Check
    ) -> None:
        """The user's own manifest is not submitted then: another has to be made."""
        put(cloud, "a.jpg", "b.jpg")
        bucket.put_object(KEY, lines([add("1", "a.jpg"), add("1", "gone.jpg"), {"ProductId": 1}, add("1", "b.jpg")]))
        found = check(wanted(MANIFEST, onInvalid="Skip"))
        assert (2, 2, "") == (found.counts.items, found.counts.skipped, found.source_etag)
        assert ["a.jpg", "b.jpg"] == [line.pic_name for line in frozen(ports, found)]
        assert ["line 2", "line 3", "line 3"] == [one["where"] for one in reported(ports)]

    def test_warnings_leave_nothing_out_and_the_first_five_are_shown(
        self, cloud: LocalCloud, bucket: oss2.Bucket, check: Check, ports: Ports
    ) -> None:
        """They are all counted, with those of line ends and of pictures; a picture of too few bytes is unchecked."""
        put(cloud, "a.png", *(f"{n}.jpg" for n in range(6)))
        put(cloud, "cut.tiff", data=_far_tiff())
        bad = [add("1", f"{n}.jpg", Region="0,9,0,9", Crop=True) for n in range(6)]
        fields = [*bad, add("1", "a.png"), add("1", "cut.tiff"), add("2", "cut.tiff")]
        bucket.put_object(KEY, lines(fields).replace(b"\n", b"\r\n"))
        found = check(wanted(MANIFEST))
        assert (0, 9, 1) == (found.counts.problems, found.counts.items, found.counts.unchecked)
        assert found.counts.warnings >= 9
        assert 5 == len(found.warnings)
        assert ["line 1", "line 1"] == [one.partition(":")[0] for one in found.warnings[:2]]
        assert found.source_etag
        assert ports.oss.get_object(WORK, problems_key(READING, None)) is None

    def test_a_large_one_is_read_in_ranges_of_one_version(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, check: Check
    ) -> None:
        """A MiB each, whatever lies at the seams; nothing else is read but the one picture, once."""
        put(cloud, "a.jpg")
        data = lines(add(f"{n}", "a.jpg", CustomContent="x" * 300) for n in range(12_000))
        bucket.put_object(KEY, data)
        found = check(wanted(MANIFEST))
        assert (12_000, 0) == (found.counts.items, found.counts.problems)
        assert -(-len(data) // (1 << 20)) == reads(cloud, KEY)
        assert 1 == gets(cloud)
        assert [f"{n}" for n in range(12_000)] == [line.product_id for line in frozen(ports, found)]

    def test_one_that_changes_while_it_is_checked_is_checked_anew(
        self, cloud: LocalCloud, bucket: oss2.Bucket, begin: Check, ports: Ports
    ) -> None:
        """Also by a process that comes after: what was frozen of the first is no part of the second."""
        put(cloud, "a.jpg")
        old = lines(add(f"old{n}", "a.jpg", CustomContent="x" * 300) for n in range(12_000))
        new = lines(add(f"new{n}", "a.jpg", CustomContent="x" * 300) for n in range(12_000))
        for restarted in (False, True):
            bucket.put_object(KEY, old)
            found = begin(wanted(MANIFEST))
            while ports.oss.get_object(WORK, progress_key(READING), largest=1 << 24) is None:
                found.step(lambda: True)
            bucket.put_object(KEY, new)
            if restarted:
                found = begin(wanted(MANIFEST))
            with pytest.raises(SourceChanged, match="was changed while it was read"):
                found.step(never)
            assert read_progress(ports.oss, WORK, READING) is None
            anew = begin(wanted(MANIFEST))
            assert anew.step(never)
            assert {"new"} == {line.product_id[:3] for line in frozen(ports, anew)}
            ports.oss.delete_object(WORK, progress_key(READING))

    def test_one_that_is_missing_may_still_come(self, cloud: LocalCloud, bucket: oss2.Bucket, begin: Check) -> None:
        """It is no line that is wrong."""
        put(cloud, "a.jpg")
        found = begin(wanted(MANIFEST))
        for _ in range(2):
            with pytest.raises(SourceNotFound, match=r"there is no oss://photos/spring/increment\.meta"):
                found.step(never)
        bucket.put_object(KEY, lines([add("1", "a.jpg")]))
        assert (True, 1) == (found.step(never), found.counts.items)


def _orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def _far_tiff() -> bytes:
    """A TIFF whose directory is further from its header, and longer, than anybody may read."""
    count = 60_000
    tags = b"".join((40_000).to_bytes(2, "little") + b"\1\0\1\0\0\0\0\0\0\0" for _ in range(count))
    return b"II*\0\x08\0\0\0" + count.to_bytes(2, "little") + tags + b"\0\0\0\0"


class TestOtherSources:
    """What becomes the same lines."""

    FIELDS = (
        add("1", "a.jpg", CategoryId=3, IntAttr=-4, StrAttr="s", Crop=False),
        add("1", "b.jpg", Region="0,50,0,50"),
        {"OperationType": "DELETE", "ProductId": "2"},
    )
    NAMES = {  # noqa: RUF012 - never written to
        "OperationType": "operation", "ProductId": "productId", "PicName": "picName", "CategoryId": "categoryId",
        "IntAttr": "intAttr", "StrAttr": "strAttr", "CustomContent": "customContent", "Crop": "crop",
        "Region": "region",
    }  # fmt: skip

    def test_the_digest_is_the_same_from_everywhere(self, cloud: LocalCloud, bucket: oss2.Bucket, check: Check) -> None:
        """Manifest, inline, JSON lines and CSV with names of their own; another line or order has another."""
        put(cloud, "a.jpg", "b.jpg")
        bucket.put_object(KEY, lines(dict(reversed(one.items())) for one in self.FIELDS))
        inline = [{self.NAMES[name]: value for name, value in one.items()} for one in self.FIELDS]
        bucket.put_object(
            "list.jsonl", lines({"what": one.pop("OperationType"), **one} for one in map(dict, self.FIELDS))
        )
        bucket.put_object(
            "list.csv",
            b"ProductId,PicName,CustomContent,CategoryId,IntAttr,StrAttr,Crop,Region,op\r\n"
            b'1,a.jpg,c,3,-4,s,FALSE,,add\r\n1,b.jpg,c,,,,,"0,50,0,50",\r\n2,,,,,,,,DELETE\r\n',
        )
        named = {"bucket": "photos", "key": "list.jsonl", "pictureColumns": {"operation": "what"}}
        in_csv = {"bucket": "photos", "key": "list.csv", "format": "CSV", "pictureColumns": {"operation": "op"}}
        sources: list[dict[str, Any]] = [MANIFEST, {"pictures": inline}, {"table": named}, {"table": in_csv}]
        found = [check(wanted(source), freezes=False) for source in sources]
        assert [[]] * 4 == [one.problems for one in found]
        assert 1 == len({one.digest for one in found})
        assert [True, False, False, False] == [bool(one.source_etag) for one in found]
        others = [inline[::-1], inline[:2], [inline[0] | {"intAttr": 5}, *inline[1:]]]
        assert 4 == len({found[0].digest, *(check(wanted({"pictures": o}), freezes=False).digest for o in others)})

    def test_inline_pictures_are_named_by_their_place(self, cloud: LocalCloud, check: Check, ports: Ports) -> None:
        """In whatever is said of them, the other of two included."""
        put(cloud, "a.jpg")
        pictures = [
            {"productId": "1", "picName": "a.jpg", "customContent": "c"},
            {"productId": "1", "picName": "gone.jpg", "customContent": "c"},
            {"productId": "1", "picName": "a.jpg", "operation": "DELETE"},
            {"productId": "1", "picName": "x/../a.jpg", "customContent": ""},
        ]
        check(wanted({"pictures": pictures}))
        seen = [(one["where"], one["field"]) for one in reported(ports)]
        assert [
            ("spec.source.pictures[1]", "PicName"),
            ("spec.source.pictures[2]", "PicName"),
            ("spec.source.pictures[3]", "picName"),
            ("spec.source.pictures[3]", "customContent"),
        ] == seen
        assert "spec.source.pictures[0]" in reported(ports)[1]["rule"]

    def test_a_table_looks_at_each_picture_once(self, cloud: LocalCloud, bucket: oss2.Bucket, check: Check) -> None:
        """Twenty thousand lines over fifty pictures: fifty reads."""
        put(cloud, *(f"{n}.jpg" for n in range(50)))
        bucket.put_object("list.jsonl", lines(add(f"{n}", f"{n % 50}.jpg") for n in range(20_000)))
        found = check(wanted({"table": {"bucket": "photos", "key": "list.jsonl"}}))
        assert (20_000, 0, 50) == (found.counts.items, found.counts.problems, gets(cloud))

    def test_a_column_that_is_missing_leaves_nothing_to_run(self, bucket: oss2.Bucket, check: Check) -> None:
        """Whatever is skipped."""
        bucket.put_object(
            "list.jsonl", lines({"OperationType": "DELETE", "ProductId": f"{n}"} for n in range(PART + 9))
        )
        table = {"bucket": "photos", "key": "list.jsonl", "pictureColumns": {"intAttr": "Zahl"}}
        found = check(wanted({"table": table}, onInvalid="Skip"))
        assert (0, 0, PART + 9, 1) == (
            found.counts.items, found.counts.deletes, found.counts.skipped, found.counts.problems
        )  # fmt: skip
        assert "Zahl" in found.problems[0]


class TestPrefix:
    """The objects below a prefix."""

    def source(self, **pictures: Any) -> dict[str, Any]:
        """All of the target's path but what is raw."""
        return {"prefix": {"bucket": "photos", "prefix": "spring/", "exclude": ["raw/**"], "pictures": pictures}}

    def test_each_picture_is_a_line(self, cloud: LocalCloud, ports: Ports, check: Check) -> None:
        """Named relative to the path; marks of folders and the manifest itself are none, and pages are followed."""
        names = [f"{n:04}.jpg" for n in range(1500)] + ["x/y.v2.jpg"]
        put(cloud, *names)
        put(cloud, "", "x/", "increment.meta", "raw/a.jpg", data=b"")
        found = check(wanted(self.source(intAttr=7, strAttr="s", categoryId=2, crop=False)))
        assert (1501, 1501, 0) == (found.counts.items, found.counts.adds, found.counts.problems)
        last = frozen(ports, found)[-1]
        assert ("y.v2", "x/y.v2.jpg", "oss://photos/spring/x/y.v2.jpg", 7, "s", 2, False) == (
            last.product_id, last.pic_name, last.custom_content, last.int_attr, last.str_attr, last.category_id,
            last.crop,
        )  # fmt: skip
        assert 2 == cloud.counts()["oss"]["ListObjectsV2"]

    @pytest.mark.parametrize(
        ("rule", "ids"),
        [
            ({}, ["shoe_1", "shoe_2"]),
            ({"productIdFrom": "Folder"}, ["red", "spring"]),
            ({"productIdFrom": "BeforeSeparator"}, ["shoe", "shoe"]),
            ({"productIdFrom": "BeforeSeparator", "separator": "e_"}, ["sho", "sho"]),
        ],
    )
    def test_the_product_is_a_part_of_the_name(
        self, cloud: LocalCloud, ports: Ports, check: Check, rule: dict[str, str], ids: list[str]
    ) -> None:
        """Whichever part the spec says."""
        put(cloud, "red/shoe_1.jpg", "shoe_2.jpg")
        found = check(wanted(self.source(**rule, customContent="same")))
        assert ids == [line.product_id for line in frozen(ports, found)]
        assert {"same"} == {line.custom_content for line in frozen(ports, found)}

    def test_a_name_that_breaks_a_rule_is_a_problem_of_that_object(
        self, cloud: LocalCloud, ports: Ports, check: Check
    ) -> None:
        """As is one that is no picture."""
        put(cloud, "a.jpg", "noextension", "_1.jpg", "x" * 260 + ".jpg")
        put(cloud, "notes.txt", data=b"hello")
        found = check(wanted(self.source(productIdFrom="BeforeSeparator"), onInvalid="Skip"))
        assert (1, 4) == (found.counts.items, found.counts.skipped)
        seen = {(one["where"][:20], one["field"]) for one in reported(ports)}
        assert {
            ("spring/_1.jpg", "ProductId"),
            ("spring/noextension", "PicName"),
            ("spring/notes.txt", "PicName"),
            ("spring/xxxxxxxxxxxxx", "PicName"),
            ("spring/xxxxxxxxxxxxx", "ProductId"),
        } == seen

    def test_deleting_looks_at_no_picture(self, cloud: LocalCloud, ports: Ports, check: Check) -> None:
        """Only the names count."""
        put(cloud, "a.jpg", data=b"")
        source = self.source(intAttr=7)
        source["prefix"]["operation"] = "DELETE"
        found = check(wanted(source))
        assert [{"OperationType": "DELETE", "ProductId": "a", "PicName": "a.jpg"}] == [
            json.loads(encode([line])) for line in frozen(ports, found)
        ]
        assert 0 == gets(cloud)

    def test_the_root_of_a_bucket_is_a_path_too(self, cloud: LocalCloud, ports: Ports, check: Check) -> None:
        """PicNames are whole keys then."""
        put(cloud, "a.jpg")
        found = check(wanted({"prefix": {"bucket": "photos"}}, path=""))
        assert ["spring/a.jpg"] == [line.pic_name for line in frozen(ports, found)]


class TestPlace:
    """The instance and the bucket of the pictures: nothing of that is a problem of a line."""

    def test_without_the_instance_nothing_is_read(self, cloud: LocalCloud, begin: Check, executor: Executor) -> None:
        """And it may still come."""
        there: list[InstanceFacts] = []
        found = begin(
            wanted({"pictures": [{"productId": "1", "operation": "DELETE"}]}),
            looks=ImageLooks(lambda: there[-1] if there else None, lambda *_: False, executor),
        )
        with pytest.raises(InstanceNotFound, match="no instance shop: give its name, not its id"):
            found.step(never)
        assert "GetObject" not in cloud.counts()["oss"]
        there.append(SHOP)
        assert found.step(never)

    def test_a_bucket_of_another_region_is_refused(self, cloud: LocalCloud, begin: Check) -> None:
        """Image Search reads pictures of its own region only."""

        def move(instance: Any) -> None:
            instance.cloud.oss.buckets["photos"].region = "cn-shanghai"

        cloud.run(move)
        with pytest.raises(WrongRegion):
            begin(wanted({"pictures": [{"productId": "1", "operation": "DELETE"}]})).step(never)

    def test_an_instance_of_another_region_is_refused(self, begin: Check, executor: Executor) -> None:
        """Both are named with their regions."""
        far = InstanceFacts("shop", "cn-shanghai", 0, 10, 0, 5)
        looks = ImageLooks(lambda: far, lambda *_: False, executor)
        with pytest.raises(WrongRegion, match="bucket photos is in cn-hangzhou, instance shop in cn-shanghai"):
            begin(wanted(MANIFEST), looks=looks).step(never)

    def test_the_work_bucket_and_one_that_is_missing_are_refused(self, begin: Check, bucket: oss2.Bucket) -> None:
        """By the words for each."""
        with pytest.raises(Invalid, match="bucket photos is the work bucket"):
            begin(wanted(MANIFEST), work_bucket="photos").step(never)
        bucket.delete_bucket()
        with pytest.raises(BucketNotFound, match="there is no bucket photos"):
            begin(wanted(MANIFEST)).step(never)

    def test_the_rules_are_those_of_the_instances_type(
        self, cloud: LocalCloud, bucket: oss2.Bucket, check: Check, executor: Executor
    ) -> None:
        """A category that is none is a problem of product search only, a small picture of the two stated types."""
        put(cloud, "small.jpg", data=picture(50, 50))
        bucket.put_object(KEY, lines([add("1", "small.jpg", CategoryId=77)]))
        for kind, told in ((0, (2, 0)), (1, (1, 1)), (7, (0, 2))):
            detail = partial(InstanceFacts, "shop", REGION, kind, 10, 0, 5)
            found = check(wanted(MANIFEST), freezes=False, looks=ImageLooks(detail, lambda *_: False, executor))
            assert told == (found.counts.problems, found.counts.warnings)


class TestSlices:
    """It is done in pieces of time, by processes that come and go."""

    COUNT = 2 * PART + 1500

    @pytest.fixture
    def manifest(self, cloud: LocalCloud, bucket: oss2.Bucket) -> dict[str, Any]:
        """Pictures of their own for some hundreds of lines, wrong lines here and there, and pairs far apart."""
        put(cloud, *(f"{n}.jpg" for n in range(0, self.COUNT, 25)))
        fields: list[dict[str, Any]] = [
            add(f"{n}", f"{n}.jpg")
            if n % 25 == 0
            else {"OperationType": "DELETE", "ProductId": f"{n}", "PicName": "a.jpg"}
            for n in range(self.COUNT)
        ]
        for n in (100, 5100, 11_400):
            fields[n] = add(f"{n}", "gone.jpg")
        for n in (6001, 11_301):
            fields[n] = fields[1]
        bucket.put_object(KEY, lines(fields))
        return MANIFEST

    def test_it_stops_between_groups_of_pictures_and_goes_on(
        self, cloud: LocalCloud, begin: Check, check: Check, manifest: dict[str, Any]
    ) -> None:
        """No stop loses or repeats anything."""
        target = wanted(manifest, onInvalid="Skip")
        sliced, stops = begin(target, freezes=False), 0
        before = gets(cloud)
        while not sliced.step(lambda: True):
            now = gets(cloud)
            assert now - before <= 200
            before, stops = now, stops + 1
        assert stops > 12
        assert self.COUNT // 25 - 3 + 1 == gets(cloud)
        whole = check(target, freezes=False)
        assert (whole.digest, whole.counts, whole.problems) == (sliced.digest, sliced.counts, sliced.problems)

    def test_a_restart_at_every_batch_asks_for_no_picture_again(
        self, cloud: LocalCloud, ports: Ports, begin: Check, check: Check, manifest: dict[str, Any]
    ) -> None:
        """And comes to the same end: counts, digest, words, the report, and the places of pairs far apart."""
        target = wanted(manifest, onInvalid="Skip")
        whole = check(target, freezes=False)
        expected, asked = reported(ports), gets(cloud)
        assert ["line 6002", "line 11302"] == [one["where"] for one in expected if "line 2" in one["rule"]]
        restarts = 0
        found = begin(target)
        while not found.done:
            progress, saved = ports.oss.get_object(WORK, progress_key(READING), largest=1 << 24), False
            while not (saved or found.step(lambda: True)):
                saved = progress != ports.oss.get_object(WORK, progress_key(READING), largest=1 << 24)
            if saved:
                restarts += 1
                found = begin(target)
        assert restarts >= 3
        assert 2 * asked == gets(cloud)
        assert (whole.digest, whole.counts, whole.problems) == (found.digest, found.counts, found.problems)
        assert expected == reported(ports)
        assert whole.counts.items == len(frozen(ports, found))

    @pytest.mark.parametrize("form", ["JSONLines", "CSV"])
    def test_a_table_goes_on_too(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, begin: Check, check: Check, form: str
    ) -> None:
        """It is read again; its pictures are not, those of several batches included."""
        put(cloud, *(f"{n}.jpg" for n in range(30)))
        rows = [add(f"{n}", f"{n % 30}.jpg") for n in range(12_000)]
        if form == "CSV":
            text = "ProductId,PicName,CustomContent\n" + "".join(
                f'{one["ProductId"]},{one["PicName"]},"c"\n' for one in rows
            )
            bucket.put_object("list", text.encode())
        else:
            bucket.put_object("list", lines(rows))
        target = wanted({"table": {"bucket": "photos", "key": "list", "format": form}})
        found = begin(target)
        while ports.oss.get_object(WORK, progress_key(READING)) is None:
            found.step(lambda: True)
        asked = gets(cloud)
        found = check(target)
        assert (12_000, 0, 30, 30) == (found.counts.items, found.counts.problems, asked, gets(cloud))
        assert found.digest == check(target, freezes=False).digest
        assert [f"{n}" for n in range(12_000)] == [line.product_id for line in frozen(ports, found)]

    def test_a_prefix_goes_on_behind_its_last_key(
        self, cloud: LocalCloud, ports: Ports, begin: Check, check: Check
    ) -> None:
        """The pages before are not listed again."""
        put(cloud, *(f"{n:05}.jpg" for n in range(6500)), data=b"")
        source = {"prefix": {"bucket": "photos", "prefix": "spring/", "operation": "DELETE"}}
        found = begin(wanted(source))
        while ports.oss.get_object(WORK, progress_key(READING), largest=1 << 24) is None:
            found.step(lambda: True)
        before = cloud.counts()["oss"]["ListObjectsV2"]
        again = check(wanted(source))
        assert (6500, 2) == (again.counts.items, cloud.counts()["oss"]["ListObjectsV2"] - before)
        assert [f"{n:05}" for n in range(6500)] == [line.product_id for line in frozen(ports, again)]

    @pytest.mark.parametrize("fault", [{"when": "before", "html": 503}, {"when": "after", "drop": True}])
    def test_a_failed_call_loses_nothing(
        self, cloud: LocalCloud, ports: Ports, begin: Check, check: Check, bucket: oss2.Bucket, fault: dict[str, Any]
    ) -> None:
        """Whichever it is, and whether or not it took effect."""
        put(cloud, *(f"{n}.jpg" for n in range(3)))
        bucket.put_object(KEY, lines([*(add(f"{n}", f"{n % 3}.jpg") for n in range(PART + 5)), add("1", "gone.jpg")]))
        target = wanted(MANIFEST, onInvalid="Skip")
        clean = check(target, freezes=False)
        found, failed, done = begin(target), 0, False
        while not done:
            cloud.fault({"service": "oss", "times": 1} | fault)
            try:
                done = found.step(lambda: True)
            except Retryable:
                failed += 1
                cloud.fault()
                done = found.step(lambda: True)
        cloud.fault()
        assert failed >= 10
        assert (clean.digest, clean.counts) == (found.digest, found.counts)
        assert PART + 5 == len(frozen(ports, found))
        assert 1 == len(reported(ports))

    def test_what_cannot_be_gone_on_from_is_checked_anew(
        self, ports: Ports, begin: Check, check: Check, manifest: dict[str, Any]
    ) -> None:
        """A part or piece that somebody removed or changed, a progress that nobody can read."""
        target = wanted(manifest, onInvalid="Skip")

        def stopped() -> Checking:
            found = begin(target)
            while found.counts.read < 2 * PART:
                found.step(lambda: True)
            for _ in range(9):
                found.step(lambda: True)
            return found

        def spoil(key: str) -> None:
            ports.oss.put_object(WORK, key, b"{")

        for key_of in (part_key, piece_key):
            content = stopped().content
            spoil(key_of(content, 0))
            with pytest.raises(SourceChanged, match="checked anew"):
                begin(target).step(never)
            assert check(target).content != content
            ports.oss.delete_object(WORK, progress_key(READING))
        content = stopped().content
        spoil(progress_key(READING))
        found = check(target)
        assert content != found.content
        assert found.counts.items == len(frozen(ports, found))

    def test_a_picture_that_changed_around_a_crash_is_not_mixed_in(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, begin: Check, check: Check
    ) -> None:
        """The part was written and the checkpoint was not: the content begins anew instead of being another's."""
        put(cloud, "0.jpg")
        bucket.put_object(KEY, lines(add(f"{n}", "0.jpg" if n else "1.jpg") for n in range(PART + 1)))
        target = wanted(MANIFEST, onInvalid="Skip")
        found = begin(target)
        while found.counts.read < PART:
            found.step(lambda: True)
        data = encode([Line("ADD", "another", "a.jpg", custom_content="c")])  # type: ignore[arg-type] # as its value
        ports.oss.put_new(WORK, part_key(found.content, 0), data)
        with pytest.raises(SourceChanged, match="checked anew"):
            found.step(never)
        put(cloud, "1.jpg")
        again = check(target)
        assert (PART + 1, again.counts.items) == (again.counts.items, len(frozen(ports, again)))

    def test_a_full_disk_is_said_and_the_checkpoint_is_gone_on_from(
        self, begin: Check, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever makes room has it go on."""

        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(tempfile, "TemporaryFile", full)
        found = begin(wanted(manifest, onInvalid="Skip"))
        with pytest.raises(Unavailable, match="No space left on device; make room where TMPDIR is"):
            found.step(never)
        monkeypatch.undo()
        assert found.step(never)


class TestDryRun:
    """Nothing is written but the report of problems."""

    def test_only_the_report_is_written(
        self, cloud: LocalCloud, bucket: oss2.Bucket, buckets: oss2.Bucket, check: Check, ports: Ports
    ) -> None:
        """The counts and the digest are those of the run it would be."""
        put(cloud, "a.jpg")
        bucket.put_object(KEY, lines([*(add(f"{n}", "a.jpg") for n in range(PART + 7)), add("1", "gone.jpg")]))
        target = wanted(MANIFEST, onInvalid="Skip")
        dry = check(target, freezes=False)
        assert [problems_key(READING, None)] == [one.key for one in oss2.ObjectIterator(buckets)]
        assert [("line 5008", "gone.jpg")] == [(one["where"], one["value"]) for one in reported(ports)]
        real = check(target)
        assert (real.digest, real.counts) == (dry.digest, dry.counts)

    def test_what_the_instance_has_already_is_counted_within_a_budget(
        self, cloud: LocalCloud, check: Check, executor: Executor
    ) -> None:
        """A hundred look-ups; of more nobody knows. Nobody asks for a run that is to be sent."""
        put(cloud, "a.jpg")
        asked: list[tuple[str, str]] = []

        def exists(product: str, name: str) -> bool:
            asked.append((product, name))
            return int(product) % 4 == 0

        looks = ImageLooks(lambda: SHOP, exists, executor)
        for count, freezes, existing in ((100, False, 25), (101, False, None), (100, True, None)):
            pictures = [{"productId": f"{n}", "picName": "a.jpg", "customContent": "c"} for n in range(count)]
            pictures += [{"productId": "1", "operation": "DELETE", "picName": "b.jpg"}]
            found = check(wanted({"pictures": pictures}), freezes=freezes, looks=looks)
            assert existing == found.existing
        assert [(f"{n}", "a.jpg") for n in range(100)] == sorted(asked, key=lambda one: int(one[0]))

    def test_the_service_itself_is_asked(
        self, cloud: LocalCloud, ports: Ports, check: Check, executor: Executor
    ) -> None:
        """Detail and CheckImageExists, through the adapter."""
        put(cloud, "a.jpg")
        cloud.image_search_instance("shop", service_type=1)
        search = ports.image_search
        looks = ImageLooks(lambda: search.detail("shop"), lambda *pair: search.exists("shop", *pair), executor)
        pictures = [{"productId": "1", "picName": "a.jpg", "customContent": "c", "categoryId": 3}]
        found = check(wanted({"pictures": pictures}), freezes=False, looks=looks)
        assert (0, 0) == (found.existing, found.counts.problems)
        assert "generic image search has no categories" in found.warnings[0]


class TestBounds:
    """What a run may not be."""

    def test_a_run_has_a_greatest_number_of_lines(self, cloud: LocalCloud, bucket: oss2.Bucket, check: Check) -> None:
        """The rest is not read, and nothing is run in part."""
        bucket.put_object(KEY, lines({"OperationType": "DELETE", "ProductId": f"{n:0250}"} for n in range(12_000)))
        found = check(wanted(MANIFEST, onInvalid="Skip"), most=100)
        assert (0, PART, 1) == (found.counts.items, found.counts.skipped, found.counts.problems)
        assert "line 5000: source: a run has 100 lines at most" in found.problems[0]
        assert 2 == reads(cloud, KEY)

    def test_content_that_no_part_can_hold_is_refused(
        self, bucket: oss2.Bucket, cloud: LocalCloud, check: Check
    ) -> None:
        """Each line is within the bounds, and five thousand of them are not."""
        put(cloud, "a.jpg")
        text = "画" * 4000
        bucket.put_object(
            KEY,
            "".join(
                json.dumps(add(f"{n}", "a.jpg", CustomContent=text), ensure_ascii=False) + "\n" for n in range(3500)
            ).encode(),
        )
        found = check(wanted(MANIFEST))
        assert (0, 1) == (found.counts.items, found.counts.problems)
        assert "5000 lines in a row take more than 32 MiB" in found.problems[0]

    def test_lines_with_very_many_problems_make_smaller_batches(self, bucket: oss2.Bucket, check: Check) -> None:
        """All of them are counted, and what is kept of them is bounded."""
        fields = ",".join(f'"x{n}":1' for n in range(3000))
        bucket.put_object(KEY, f"{{{fields}}}\n".encode() * 60)
        found = check(wanted(MANIFEST))
        assert 60 * 3002 == found.counts.problems
        assert (10, 60) == (len(found.problems), found.counts.read)

    def test_parts_that_are_gone_are_said_to_be(self, ports: Ports, bucket: oss2.Bucket, check: Check) -> None:
        """Whoever sends a run from them cannot."""
        bucket.put_object(KEY, lines([{"OperationType": "DELETE", "ProductId": "1"}]))
        found = check(wanted(MANIFEST))
        with pytest.raises(FrozenContentLost, match="another number of lines"):
            LINES.fingerprints(ports.oss, WORK, found.content, 2)
        ports.oss.put_object(WORK, part_key(found.content, 0), b"{")
        with pytest.raises(FrozenContentLost, match="somebody changed it"):
            LINES.read(ports.oss, WORK, found.content, 0)
        with pytest.raises(FrozenContentLost, match="it is gone"):
            LINES.read(ports.oss, WORK, found.content, 1)


class TestResolving:
    """From a checked source to the run it stands for."""

    NOW = datetime(2026, 11, 22, tzinfo=UTC)

    def question(self, ports: Ports, looks: ImageLooks, target: BatchImport, **changed: Any) -> Question:
        """What the pass asks."""
        return Question(target, READING, changed.get("oss", ports.oss), REGION, WORK, looks)

    def test_the_resolution_says_where_the_content_lies_and_whether_the_manifest_is_the_users_own(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, looks: ImageLooks
    ) -> None:
        """And another process reads all of it from the record."""
        put(cloud, "a.jpg")
        fields = [add("1", "a.jpg", Region="0,9,0,9", Crop=True), {"OperationType": "DELETE", "ProductId": "2"}]
        etag = bucket.put_object(KEY, lines(fields)).etag
        question = self.question(ports, looks, wanted(MANIFEST))
        for resolutions in (Resolutions(), Resolutions()):
            if resolutions.find(question) is None:
                resolutions.step(question, never, self.NOW)
            found, record = resolutions.find(question), resolutions.record(question)
            assert found is not None
            assert (2, 1, 1, 1, 1, 0, etag) == (
                found.items, found.adds, found.deletes, found.wide, found.warning_count, found.problem_count,
                found.source_etag,
            )  # fmt: skip
            assert (32, None, "") == (len(found.run), found.existing, found.report)
            assert found.warnings[0].startswith("line 1: Crop 'true'")
            assert 2 == len(LINES.read(ports.oss, WORK, record.content, 0))

    def test_rejected_lines_make_no_run(self, ports: Ports, bucket: oss2.Bucket, looks: ImageLooks) -> None:
        """The resolution has the problems, and the report their address."""
        bucket.put_object(KEY, lines([add("1", "gone.jpg"), {"OperationType": "DELETE", "ProductId": "2"}]))
        resolutions, question = Resolutions(), self.question(ports, looks, wanted(MANIFEST))
        resolutions.step(question, never, self.NOW)
        found = resolutions.find(question)
        assert found is not None
        assert ("", 1, f"oss://{WORK}/{problems_key(READING, None)}") == (found.run, found.problem_count, found.report)
        assert 1 == len(reported(ports))

    def test_a_dry_run_is_kept_in_memory_only(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, buckets: oss2.Bucket, looks: ImageLooks
    ) -> None:
        """With what Apply would overwrite."""
        put(cloud, "a.jpg")
        bucket.put_object(KEY, lines([add("1", "a.jpg")]))
        resolutions, question = Resolutions(), self.question(ports, looks, wanted(MANIFEST, mode="DryRun"))
        resolutions.step(question, never, self.NOW)
        found = resolutions.find(question)
        assert found is not None
        assert (1, 0) == (found.items, found.existing)
        assert [] == list(oss2.ObjectIterator(buckets))

    def test_a_source_that_changes_is_forgotten_and_checked_anew(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, looks: ImageLooks
    ) -> None:
        """By the next pass."""
        put(cloud, "a.jpg")
        bucket.put_object(KEY, lines(add(f"{n}", "a.jpg", CustomContent="x" * 300) for n in range(9000)))
        resolutions, question = Resolutions(), self.question(ports, looks, wanted(MANIFEST))
        while ports.oss.get_object(WORK, progress_key(READING), largest=1 << 24) is None:
            resolutions.step(question, lambda: True, self.NOW)
        bucket.put_object(KEY, lines([add("1", "a.jpg")]))
        with pytest.raises(SourceChanged):
            resolutions.step(question, never, self.NOW)
        resolutions.step(question, never, self.NOW)
        found = resolutions.find(question)
        assert found is not None
        assert 1 == found.items
        resolutions.forget(question.owner)

    @pytest.mark.parametrize("source", [MANIFEST, {"items": [{"uri": f"oss://photos/{n}"} for n in range(9)]}])
    def test_each_pass_goes_on_with_its_own_rights(
        self, cloud: LocalCloud, ports: Ports, ports_of: Callable[..., Ports], bucket: oss2.Bucket, looks: ImageLooks,
        source: dict[str, Any],
    ) -> None:  # fmt: skip
        """A key that ended since the begin is not used any more; of files neither."""
        put(cloud, "a.jpg")
        bucket.put_object(KEY, lines([add("1", "a.jpg")]))
        target = wanted(source)
        if "items" in source:
            fields = {"dataset": {"project": "p", "name": "d"}}
            spec = {"accountRef": {"name": "main"}, "target": fields, "source": source}
            target = BatchImport.model_validate(target.model_dump(by_alias=True) | {"spec": spec})
        refused = ports_of(cloud, secret="wrong")
        resolutions = Resolutions()
        with pytest.raises(CloudError):
            resolutions.step(self.question(ports, looks, target, oss=refused.oss), never, self.NOW)
        resolutions.step(self.question(ports, looks, target), never, self.NOW)
        assert resolutions.find(self.question(ports, looks, target)) is not None
