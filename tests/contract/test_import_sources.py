"""`controller.reconcile.imports.sources` through the real adapter, against the emulator."""

from __future__ import annotations

import itertools
import json
from array import array
from collections.abc import Callable, Iterable
from typing import Any

import oss2
import pytest

from controller.api.batchimport import BatchImport
from controller.api.importsource import Operation
from controller.cloud.errors import Conflict, Denied, Invalid, Retryable
from controller.core.imports.identity import part_key, problems_key
from controller.core.imports.items import PART, Item, fingerprint
from controller.reconcile.imports.contents import BLOCK
from controller.reconcile.imports.parts import FILES, FrozenContentLost
from controller.reconcile.imports.problems import LARGEST, MOST, ProblemReport
from controller.reconcile.imports.sources import (
    Freezing,
    Reading,
    SourceChanged,
    SourceNotFound,
)
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports

DRIVE = "pds://domains/bj1/drives/1/files/9520943DC264/revisions/40CB7794C929"
WORK, RUN, REGION = "records", "0123456789abcdef0123456789abcdef", "cn-hangzhou"
TABLE = {"table": {"bucket": "photos", "key": "list.jsonl"}}


def wanted(source: dict[str, Any], **spec: Any) -> BatchImport:
    """An import of that source."""
    fields = {"accountRef": {"name": "main"}, "target": {"dataset": {"project": "p", "name": "d"}}, "source": source}
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


def stops(step: Callable[[Callable[[], bool]], bool], until: Callable[[], bool]) -> int:
    """How often something stops before it is done."""
    count = 0
    while not step(until):
        count += 1
    return count


def read(ports: Ports, target: BatchImport, **settings: Any) -> Reading:
    """Read a source to its end."""
    reading = Reading(target, ports.oss, REGION, work_bucket=WORK, **settings)
    assert reading.step(never)
    return reading


def freeze(ports: Ports, target: BatchImport, found: Reading) -> None:
    """Freeze a source to its end."""
    known: dict[str, Any] = {"digest": found.digest, "marks": found.marks}
    freezing = Freezing(target, ports.oss, REGION, work_bucket=WORK, run=RUN, **known)
    assert freezing.step(never)


def frozen(ports: Ports, count: int) -> list[Item]:
    """The frozen content, read back."""
    return [item for number in range(-(-count // PART)) for item in FILES.read(ports.oss, WORK, RUN, number)]


def lines(uris: Iterable[str]) -> bytes:
    """A table of these files."""
    return b"".join(json.dumps({"uri": uri}).encode() + b"\n" for uri in uris)


@pytest.fixture(autouse=True)
def buckets(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """The bucket of files and the work bucket."""
    oss2.Bucket(bucket.auth, cloud.url, WORK, session=bucket.session, region=cloud.region).create_bucket()


def other(bucket: oss2.Bucket, name: str, **settings: Any) -> oss2.Bucket:
    """Another bucket with the same key."""
    found = oss2.Bucket(bucket.auth, bucket.endpoint, name, session=bucket.session, region=REGION)
    found.create_bucket(**settings)
    return found


class TestInline:
    """Files in the spec."""

    ITEMS = (
        {"uri": "oss://photos/a.jpg", "customId": "17", "customLabels": {"b": "2", "a": "1"}},
        {"uri": DRIVE, "operation": "DELETE"},
    )
    FILES = (
        Item("oss://photos/a.jpg", custom_id="17", labels={"a": "1", "b": "2"}),
        Item(DRIVE, Operation.DELETE),
    )

    def test_they_are_frozen_as_they_stand(self, ports: Ports) -> None:
        """And counted, by what is done with them."""
        target = wanted({"items": self.ITEMS})
        reading = read(ports, target)
        assert (2, 1, 1, 0, 0, ()) == (
            reading.items, reading.adds, reading.deletes, reading.skipped, reading.problem_count, reading.problems
        )  # fmt: skip
        freeze(ports, target, reading)
        assert list(self.FILES) == frozen(ports, 2)
        assert array("Q", map(fingerprint, ["oss://photos/a.jpg", DRIVE])) == FILES.fingerprints(
            ports.oss, WORK, RUN, 2
        )

    def test_the_same_files_have_the_same_digest_however_they_are_written(
        self, ports: Ports, bucket: oss2.Bucket
    ) -> None:
        """In the spec, as JSON lines in another order of fields, as CSV with columns of other names."""
        bucket.put_object(
            "list.jsonl", b"".join(json.dumps(dict(reversed(item.items()))).encode() + b"\r\n" for item in self.ITEMS)
        )
        columns = {"uri": "file", "operation": "what", "customId": "x", "labels": {"b": "two", "a": "one"}}
        in_csv = {"bucket": "photos", "key": "list.csv", "format": "CSV", "columns": columns}
        bucket.put_object(
            "list.csv", f'what,x,one,two,"file"\n,17,1,2,oss://photos/a.jpg\ndelete,,,,{DRIVE}\n'.encode()
        )
        digests = {read(ports, wanted(source)).digest for source in ({"items": self.ITEMS}, TABLE, {"table": in_csv})}
        assert 1 == len(digests)
        swapped = read(ports, wanted({"items": self.ITEMS[::-1]})).digest
        relabelled = read(
            ports, wanted({"items": [self.ITEMS[0] | {"customLabels": {"a": "1"}}, self.ITEMS[1]]})
        ).digest
        assert 3 == len(digests | {swapped, relabelled})

    def test_a_file_that_stands_there_twice_is_named_with_both_places(self, ports: Ports) -> None:
        """Adding and removing it in one run is no order of things either."""
        items = [{"uri": DRIVE}, {"uri": f"{DRIVE}-2"}, {"uri": DRIVE, "operation": "DELETE"}]
        assert (
            f"spec.source.items[2]: uri '{DRIVE}': the same file is in spec.source.items[0]: name each file once",
        ) == read(ports, wanted({"items": items})).problems


class TestTable:
    """A table in OSS."""

    def test_it_is_read_in_ranges_of_one_version(self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket) -> None:
        """A look at the bucket of the files, and a call for each MiB; read back, nothing is lost at the seams."""
        uris = [f"oss://photos/{'x' * 200}/{number}.jpg" for number in range(12_000)]
        data = lines(uris)
        bucket.put_object("list.jsonl", data)
        reading = read(ports, wanted(TABLE))
        assert (12_000, 0) == (reading.items, reading.problem_count)
        assert {
            "PutBucket": 2,
            "PutObject": 1,
            "GetBucketInfo": 1,
            "GetBucketStat": 1,
            "GetObject": -(-len(data) // BLOCK),
        } == (cloud.counts()["oss"])
        freeze(ports, wanted(TABLE), reading)
        assert uris == [item.uri for item in frozen(ports, 12_000)]
        assert 3 == len(list(oss2.ObjectIterator(other(bucket, WORK))))

    def test_it_goes_on_where_it_stopped(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Slices of any size come to the same end, for the reading and for the freezing."""
        bucket.put_object("list.jsonl", lines(f"oss://photos/{number}" for number in range(7000)) + b"wrong\n")
        whole = read(ports, wanted(TABLE, onInvalid="Skip"))
        sliced = Reading(wanted(TABLE, onInvalid="Skip"), ports.oss, REGION, work_bucket=WORK)
        clock = itertools.count(1)
        steps = stops(sliced.step, lambda: next(clock) % 1000 == 0)
        assert (steps, whole.digest, 7000, 1) == (7, sliced.digest, sliced.items, sliced.skipped)
        known: dict[str, Any] = {"digest": whole.digest, "marks": whole.marks}
        target = wanted(TABLE, onInvalid="Skip")
        freezing = Freezing(target, ports.oss, REGION, work_bucket=WORK, run=RUN, **known)
        assert stops(freezing.step, lambda: next(clock) % 1000 == 0) >= 6
        assert 7000 == len(frozen(ports, 7000))

    @pytest.mark.parametrize("fault", [{"when": "before", "html": 503}, {"when": "after", "drop": True}])
    def test_a_failed_call_loses_nothing(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, fault: dict[str, Any]
    ) -> None:
        """The next step makes it again, wherever it stood, and whether or not it took effect."""
        source = lines(f"oss://photos/{'x' * 300}/{number}" for number in range(6000))
        bucket.put_object("list.jsonl", source + b"{}\n")
        clean = read(ports, wanted(TABLE, onInvalid="Skip"))
        target, key = wanted(TABLE, onInvalid="Skip"), problems_key(RUN, None)
        rule = {"service": "oss", "times": 1} | fault
        report = ProblemReport(ports.oss, WORK, key)
        reading = Reading(target, ports.oss, REGION, work_bucket=WORK, report=report)
        known: dict[str, Any] = {"digest": clean.digest, "marks": clean.marks}
        freezing = Freezing(target, ports.oss, REGION, work_bucket=WORK, run=RUN, **known)
        failed = 0
        for step in (reading.step, freezing.step):
            done = False
            while not done:
                cloud.fault(rule)  # the next call meets it
                try:
                    done = step(lambda: True)
                except Retryable:
                    failed += 1
                    cloud.fault()
                    done = step(lambda: True)
        assert 2 * (1 + 2) + 1 + 2 == failed  # twice the bucket and two ranges; the report, two parts
        cloud.fault()
        assert (clean.digest, 6000, 1) == (reading.digest, reading.items, reading.skipped)
        assert 6000 == len(frozen(ports, 6000))
        assert 1 == (ports.oss.get_object(WORK, key) or b"").count(b"\n")

    def test_all_lines_are_checked_and_the_first_problems_are_shown(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Reject counts them and leaves nothing out; Skip leaves the wrong lines out and goes on with the others."""
        bucket.put_object("list.jsonl", (lines(["oss://photos/{}", "http://x"]) + b"no\n") * 20)
        rejected, skipping = read(ports, wanted(TABLE)), read(ports, wanted(TABLE, onInvalid="Skip"))
        assert (59, 0) == (rejected.problem_count, rejected.skipped)  # the file itself comes twenty times
        assert (59, 59, 1) == (skipping.problem_count, skipping.skipped, skipping.items)
        assert 10 == len(rejected.problems)
        assert "line 2: uri 'http://x': a file is oss://BUCKET/KEY or pds://" in rejected.problems[0]
        assert "line 4: uri 'oss://photos/{}': the same file is in line 1: name each file once" == rejected.problems[2]
        assert rejected.digest == skipping.digest == read(ports, wanted({"items": [{"uri": "oss://photos/{}"}]})).digest

    def test_a_missing_column_leaves_nothing_to_run_whatever_is_skipped(
        self, ports: Ports, bucket: oss2.Bucket
    ) -> None:
        """The labels of a thousand files would be lost in silence."""
        bucket.put_object("list.jsonl", lines(f"oss://photos/{number}" for number in range(PART + 1)))
        table = TABLE["table"] | {"columns": {"labels": {"colour": "Farbe"}}}
        reading = read(ports, wanted({"table": table}, onInvalid="Skip"))
        assert (0, 0, PART + 1, 1, True) == (
            reading.items, reading.adds, reading.skipped, reading.problem_count, reading.unusable
        )  # fmt: skip
        assert "every line: Farbe: there is no such column, only: uri;" in reading.problems[0]

    def test_the_mark_of_a_folder_is_no_file(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Lists of buckets hold them."""
        bucket.put_object("list.jsonl", lines(["oss://photos/a/"]))
        assert "line 1: uri 'oss://photos/a/': it ends with /" in read(ports, wanted(TABLE)).problems[0]

    @pytest.mark.parametrize("name", ["photos", "later"])
    def test_one_that_is_missing_may_still_come(self, ports: Ports, bucket: oss2.Bucket, name: str) -> None:
        """It is no line that is wrong; the words name it, and the next step looks again."""
        target = wanted({"table": {"bucket": name, "key": "list.jsonl"}})
        reading = Reading(target, ports.oss, REGION, work_bucket=WORK)
        for _ in range(2):
            with pytest.raises(SourceNotFound) as caught:
                reading.step(never)
            missing = "there is no oss://photos/list.jsonl" if name == "photos" else "bucket later does not exist"
            assert missing in caught.value.message
            assert "correct spec.source" in caught.value.message
        other(bucket, name).put_object("list.jsonl", lines(["oss://photos/1"]))
        assert (True, 1) == (reading.step(never), reading.items)

    def test_one_that_changes_while_it_is_read_is_begun_anew(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Half of each is worth nothing; the same bytes again are the same table."""
        data = lines(f"oss://photos/{'x' * 300}/{number}" for number in range(10_000))
        for after, gone in ((data, False), (data[: len(data) // 2], False), (b"{}", False), (data, True)):
            bucket.put_object("list.jsonl", data)
            reading = Reading(wanted(TABLE), ports.oss, REGION, work_bucket=WORK)
            assert not reading.step(lambda: True)
            if gone:
                bucket.delete_object("list.jsonl")
            else:
                bucket.put_object("list.jsonl", after)
            if after == data and not gone:
                assert reading.step(never)
                continue
            with pytest.raises(SourceChanged) as caught:
                reading.step(never)
            assert isinstance(caught.value, Conflict)
            assert "oss://photos/list.jsonl was changed while it was read" in caught.value.message

    def test_an_empty_table_holds_nothing(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """No problem, and no file either."""
        bucket.put_object("list.jsonl", b"")
        reading = read(ports, wanted(TABLE))
        assert (0, 0, False) == (reading.items, reading.problem_count, reading.unusable)
        freeze(ports, wanted(TABLE), reading)
        assert array("Q") == FILES.fingerprints(ports.oss, WORK, RUN, 0)


class TestBounds:
    """What a run may not be: it is kept in memory while it is worked off."""

    def test_a_run_has_a_greatest_number_of_files(self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket) -> None:
        """The rest is not read either, and nothing is run in part."""
        bucket.put_object("list.jsonl", lines(f"oss://photos/{'x' * 300}/{number}" for number in range(10_000)))
        reading = read(ports, wanted(TABLE, onInvalid="Skip"), most=100)
        assert (0, 101, 1, True) == (reading.items, reading.skipped, reading.problem_count, reading.unusable)
        assert "line 101: source: a run has 100 files at most" in reading.problems[0]
        assert 1 == cloud.counts()["oss"]["GetObject"]
        assert 100 == read(ports, wanted({"items": [{"uri": f"oss://photos/{n}"} for n in range(100)]}), most=100).items

    def test_files_with_too_many_labels_are_refused_together(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Each is within the bounds, and a part of the frozen content is not."""
        labels = {f"{number}": "x" * 500 for number in range(32)}
        line = json.dumps({"uri": "oss://photos/NUMBER", "customLabels": labels})
        for count, problems in ((900, 0), (1100, 1)):
            data = "".join(line.replace("NUMBER", str(number)) + "\n" for number in range(count))
            bucket.put_object("list.jsonl", data.encode())
            reading = read(ports, wanted(TABLE))
            assert (count * (not problems), problems) == (reading.items, reading.problem_count)
        assert "5000 files in a row take more than 16 MiB" in reading.problems[0]


class TestPrefix:
    """The objects of a bucket."""

    SOURCE = {  # noqa: RUF012 - never written to
        "prefix": {
            "bucket": "photos",
            "prefix": "spring/",
            "include": ["**/*.jpg"],
            "exclude": ["raw/**"],
            "operation": "DELETE",
            "customLabels": {"season": "spring"},
        }
    }

    def test_every_page_is_read_and_the_globs_decide(self, cloud: LocalCloud, ports: Ports) -> None:
        """Marks of folders are left out; a name may hold anything."""
        taken = [f"spring/{number:04} ä&+%.jpg" for number in range(2100)] + ["spring/x/y.jpg"]
        left = ["spring/", "spring/x/", "spring/raw/a.jpg", "spring/a.png", "summer/a.jpg"]
        cloud.put_objects("photos", [(key, b"") for key in (*taken, *left)])
        reading = read(ports, wanted(self.SOURCE))
        assert (2101, 2101, 0) == (reading.items, reading.deletes, reading.problem_count)
        assert 3 == cloud.counts()["oss"]["ListObjectsV2"]
        freeze(ports, wanted(self.SOURCE), reading)
        expected = [Item(f"oss://photos/{key}", Operation.DELETE, None, {"season": "spring"}) for key in sorted(taken)]
        assert expected == frozen(ports, 2101)

    def test_a_key_that_no_call_can_name_is_a_problem(self, cloud: LocalCloud, ports: Ports) -> None:
        """Not the end of all others."""
        cloud.put_objects("photos", [("a\nb", b""), ("c", b"")])
        reading = read(ports, wanted({"prefix": {"bucket": "photos"}}, onInvalid="Skip"))
        assert (1, 1) == (reading.items, reading.skipped)
        assert reading.problems[0].startswith("a\nb: uri 'oss://photos/a\\nb'")

    def test_a_missing_bucket_may_still_come(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """The next step looks again."""
        reading = Reading(wanted({"prefix": {"bucket": "later"}}), ports.oss, REGION, work_bucket=WORK)
        for _ in range(2):
            with pytest.raises(SourceNotFound, match="bucket later does not exist"):
                reading.step(never)
        other(bucket, "later").put_object("a", b"")
        assert (True, 1) == (reading.step(never), reading.items)

    @pytest.mark.parametrize("on_invalid", ["Reject", "Skip"])
    def test_the_work_bucket_is_never_imported(self, ports: Ports, on_invalid: str) -> None:
        """It holds the operator's own records."""
        reading = read(ports, wanted({"prefix": {"bucket": WORK}}, onInvalid=on_invalid))
        assert (0, 1) == (reading.items, reading.problem_count)
        assert "imports never index the operator's own records" in reading.problems[0]

    def test_a_bucket_of_another_region_is_refused(self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket) -> None:
        """Once, not for each object in it."""
        elsewhere(cloud, bucket, "far")
        reading = read(ports, wanted({"prefix": {"bucket": "far"}}, onInvalid="Skip"))
        assert (0, 0, 1) == (reading.items, reading.skipped, reading.problem_count)
        assert "bucket far is in another region, the account in cn-hangzhou" in reading.problems[0]

    def test_one_that_changes_before_it_is_frozen_writes_nothing_wrong(self, cloud: LocalCloud, ports: Ports) -> None:
        """A run's name stands for its content."""
        cloud.put_objects("photos", [(f"{number:05}", b"") for number in range(PART + 10)])
        target = wanted({"prefix": {"bucket": "photos"}})
        reading = read(ports, target)
        cloud.put_objects("photos", [("00000-new", b"")])
        with pytest.raises(SourceChanged):
            freeze(ports, target, reading)
        with pytest.raises(FrozenContentLost, match="it is gone"):
            FILES.read(ports.oss, WORK, RUN, 0)


def elsewhere(cloud: LocalCloud, bucket: oss2.Bucket, name: str) -> None:
    """A bucket in another region."""
    other(bucket, name)

    def move(instance: Any) -> None:
        instance.cloud.oss.buckets[name].region = "cn-shanghai"

    cloud.run(move)


class TestBuckets:
    """The buckets that the files of a table are in."""

    def test_each_is_looked_at_once_and_every_line_of_a_bad_one_is_named(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket
    ) -> None:
        """The others go on where wrong lines are skipped."""
        elsewhere(cloud, bucket, "far")
        names = ["photos", "nobody-has-this", "far", WORK] * 3
        bucket.put_object("list.jsonl", lines(f"oss://{name}/{number}" for number, name in enumerate(names)))
        reading = read(ports, wanted(TABLE, onInvalid="Skip"))
        assert (3, 9, 9) == (reading.items, reading.skipped, reading.problem_count)
        assert "line 2: uri 'oss://nobody-has-this/1': bucket nobody-has-this does not exist" in reading.problems[0]
        assert "bucket far is in another region, the account in cn-hangzhou" in reading.problems[1]
        assert "bucket records is the work bucket" in reading.problems[2]
        assert 3 == cloud.counts()["oss"]["GetBucketInfo"]

    def test_there_is_a_bound_to_how_many_are_looked_at(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket
    ) -> None:
        """A table of a million names must not become a million calls."""
        bucket.put_object("list.jsonl", lines(f"oss://bucket-{number % 150}/{number}" for number in range(300)))
        reading = read(ports, wanted(TABLE))
        assert (300, 100) == (reading.problem_count, cloud.counts()["oss"]["GetBucketInfo"])

    def test_one_that_may_not_be_looked_at_is_named(self, cloud: LocalCloud, ports_of: Callable[..., Ports]) -> None:
        """A right can be granted while the import waits: it is no wrong line."""
        stranger = ports_of(cloud.add_account("9999999999999999", "LTAIstranger", "stranger-secret"))
        with pytest.raises(Denied, match="bucket photos"):
            read(stranger, wanted({"items": [{"uri": "oss://photos/a"}]}))


class TestDrives:
    """Files of Drive and Photo Service, and the objects that they are kept in."""

    def test_they_are_frozen_with_what_belongs_to_them(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """However they are written; without their own fields they are the bytes that they always were."""
        items = [{"uri": DRIVE, "fileHash": "EA49", "ossUri": "oss://photos/a.jpg"}, {"uri": f"{DRIVE}-2"}]
        expected = [Item(DRIVE, file_hash="EA49", oss_uri="oss://photos/a.jpg"), Item(f"{DRIVE}-2")]
        bucket.put_object("list.jsonl", b"".join(json.dumps(item).encode() + b"\n" for item in items))
        bucket.put_object("list.csv", f"where,hash,uri\noss://photos/a.jpg,EA49,{DRIVE}\n,,{DRIVE}-2\n".encode())
        columns = {"fileHash": "hash", "ossUri": "where"}
        in_csv = {"bucket": "photos", "key": "list.csv", "format": "CSV", "columns": columns}
        readings = [read(ports, wanted(source)) for source in ({"items": items}, TABLE, {"table": in_csv})]
        assert 1 == len({reading.digest for reading in readings})
        freeze(ports, wanted(TABLE), readings[0])
        assert expected == frozen(ports, 2)
        part = ports.oss.get_object(WORK, part_key(RUN, 0)) or b""
        assert f'{{"uri":"{DRIVE}-2"}}'.encode() == part.splitlines()[1]

    def test_without_an_object_no_bucket_is_looked_at(self, cloud: LocalCloud, ports: Ports) -> None:
        """A drive is in none."""
        assert 1 == read(ports, wanted({"items": [{"uri": DRIVE}]})).items
        assert "GetBucketInfo" not in cloud.counts()["oss"]

    def test_the_bucket_of_such_an_object_keeps_to_the_same_rules(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket
    ) -> None:
        """It is there, in the account's region, and not the work bucket; a mark of a folder is no content."""
        elsewhere(cloud, bucket, "far")
        objects = ["photos/a", "nobody-has-this/a", "far/a", f"{WORK}/a", "photos/a/"]
        lined = ({"uri": f"{DRIVE}-{number}", "ossUri": f"oss://{name}"} for number, name in enumerate(objects))
        bucket.put_object("list.jsonl", "".join(json.dumps(one) + "\n" for one in lined).encode())
        reading = read(ports, wanted(TABLE, onInvalid="Skip"))
        assert (1, 4, 4) == (reading.items, reading.skipped, reading.problem_count)
        starts = (
            "line 2: ossUri 'oss://nobody-has-this/a': bucket nobody-has-this does not exist",
            "line 3: ossUri 'oss://far/a': bucket far is in another region, the account in cn-hangzhou",
            "line 4: ossUri 'oss://records/a': bucket records is the work bucket",
            "line 5: ossUri 'oss://photos/a/': it ends with /",
        )
        cut = (problem[: len(start)] for problem, start in zip(reading.problems, starts, strict=True))
        assert starts == tuple(cut)

    def test_two_files_may_be_kept_in_one_object(self, ports: Ports) -> None:
        """A drive keeps equal content once; the file is its address, which comes once in a run."""
        kept = {"ossUri": "oss://photos/a"}
        items = [{"uri": DRIVE} | kept, {"uri": f"{DRIVE}-2"} | kept, {"uri": "oss://photos/a"}]
        reading = read(ports, wanted({"items": items}))
        assert (3, 0) == (reading.items, reading.problem_count)
        twice = read(ports, wanted({"items": [*items, {"uri": DRIVE, "ossUri": "oss://photos/b"}]}))
        assert (
            f"spec.source.items[3]: uri '{DRIVE}': the same file is in spec.source.items[0]: name each file once",
        ) == twice.problems


class TestFreezing:
    """The run's own copy."""

    def test_it_may_be_repeated(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """By a process that knows nothing of the first."""
        bucket.put_object("list.jsonl", lines(f"oss://photos/{number}" for number in range(PART + 1)))
        reading = read(ports, wanted(TABLE))
        before = None
        for _ in range(2):
            freeze(ports, wanted(TABLE), reading)
            now = [ports.oss.get_object(WORK, part_key(RUN, number), largest=1 << 20) for number in (0, 1)]
            assert before in (None, now)
            before = now
        assert [PART, 1] == [len(FILES.read(ports.oss, WORK, RUN, number)) for number in (0, 1)]
        assert array("Q", (fingerprint(f"oss://photos/{number}") for number in range(PART + 1))) == FILES.fingerprints(
            ports.oss, WORK, RUN, PART + 1
        )

    def test_a_part_that_somebody_changed_is_not_taken_for_ours(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Nor overwritten: a run may have been sent from it."""
        bucket.put_object("list.jsonl", lines(["oss://photos/1"]))
        ports.oss.put_new(WORK, part_key(RUN, 0), b'{"uri":"oss://photos/2"}\n')
        with pytest.raises(FrozenContentLost, match="somebody changed it"):
            freeze(ports, wanted(TABLE), read(ports, wanted(TABLE)))
        with pytest.raises(FrozenContentLost, match="another number of files"):
            FILES.fingerprints(ports.oss, WORK, RUN, 2)
        ports.oss.put_object(WORK, part_key(RUN, 0), b"{")
        with pytest.raises(FrozenContentLost, match="somebody changed it"):
            FILES.read(ports.oss, WORK, RUN, 0)

    def test_a_work_bucket_that_keeps_versions_is_refused(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Nothing in it is written once."""
        other(bucket, WORK).put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
        target = wanted({"items": [{"uri": "oss://photos/1"}]})
        with pytest.raises(Invalid, match="keeps versions"):
            freeze(ports, target, read(ports, target))


class TestProblemReport:
    """Every wrong line, for people."""

    def test_nothing_wrong_writes_nothing(self, ports: Ports) -> None:
        """Nor an empty object."""
        key = problems_key(RUN, None)
        read(ports, wanted({"items": [{"uri": "oss://photos/1"}]}), report=ProblemReport(ports.oss, WORK, key))
        assert ports.oss.get_object(WORK, key) is None

    def test_many_problems_fill_several_objects_up_to_a_bound(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Each says where it goes on, the last what is left out; the count is of all."""
        count, key = MOST + 500, problems_key(RUN, "again")
        bucket.put_object("list.jsonl", b'{"uri":"http://somewhere/else.jpg"}\n' * count)
        reading = read(ports, wanted(TABLE), report=ProblemReport(ports.oss, WORK, key))
        assert count == reading.problem_count
        listed, name, most = 0, key, 0
        while name:
            data = ports.oss.get_object(WORK, name, largest=2 * LARGEST) or b""
            *found, last = [json.loads(line) for line in data.splitlines()]
            listed, most = listed + len(found), max(most, len(data))
            assert {"where", "field", "value", "rule"} == set(found[0])
            name = last["rule"].removeprefix(f"goes on in oss://{WORK}/") if "goes on" in last["rule"] else ""
        assert (MOST, f"the first {MOST} problems are listed, of {count}") == (listed, last["rule"])
        assert LARGEST <= most < LARGEST + 1000
