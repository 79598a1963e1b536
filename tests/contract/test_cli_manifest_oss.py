"""`imm-operator manifest` of what lies in OSS: the real adapters against the emulator, and the operator beside them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import oss2
import pytest
import yaml
from click.testing import CliRunner, Result

from controller.api.batchimport import BatchImport
from controller.cli import main
from controller.core.facts import InstanceFacts
from controller.core.imports.documents import ResolutionRecord
from controller.core.imports.identity import problems_key
from controller.core.manifest.lines import decode
from controller.reconcile.imports.resolutions import Resolutions
from controller.reconcile.imports.resolve import Question
from controller.reconcile.imports.standing import ImageLooks
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports
from tests.unit.odd_pictures import app1, exif, made, with_segments
from tests.unit.test_cli_manifest import EXAMPLE, WIDE, line
from tests.unit.test_manifest_bad_lines import BAD

ROOT = Path(__file__).parents[2]
KEY, ADDRESS = "spring/increment.meta", "oss://photos/spring/increment.meta"
WORK, READING = "records", "fedcba9876543210fedcba9876543210"
JPEG = made("JPEG")
PICTURES = {
    **dict.fromkeys([f"girl_cloth{n}.jpg" for n in (1, 2, 3, 4, 6, 7)], JPEG),
    "girlCloth/girl_cloth10.jpg": JPEG,
    "small.jpg": made("JPEG", (99, 99)),
    "turned.jpg": with_segments(JPEG, app1(exif(6))),
    "page.jpg": b"<html></html>",
    "wrong.png": JPEG,
}
MIXED = (
    EXAMPLE
    + "".join(
        line(str(n), name) for n, name in enumerate(["small.jpg", "turned.jpg", "page.jpg", "wrong.png", "no.jpg"])
    )
    + line("7", "girl_cloth1.jpg", Region="0,5000,0,5", CategoryId=77)
    + line("1000", "girl_cloth1.jpg")
    + '{"OperationType": "DELETE","ProductId": "1003","PicName": "girl_cloth6.jpg"}\r\n'
    + "".join(f"{text}\n" for text, _ in BAD)
)


@pytest.fixture(autouse=True)
def environment(cloud: LocalCloud, bucket: oss2.Bucket, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What `python -m emulator env` prints, with the pictures in OSS."""
    printed = subprocess.run(
        [sys.executable, "-m", "emulator", "env", "--url", cloud.url, "--region", cloud.region],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    said = dict(line.removeprefix("export ").split("=", 1) for line in printed.splitlines())
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    cloud.put_objects(bucket.bucket_name, [(f"spring/{name}", data) for name, data in PICTURES.items()])
    return said


def run(*arguments: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, ["manifest", *arguments])


@pytest.fixture
def dry_run(ports: Ports, bucket: oss2.Bucket, cloud: LocalCloud) -> Callable[..., tuple[ResolutionRecord, list[Any]]]:
    """What a BatchImport in mode DryRun comes to, and all of its problems."""
    oss2.Bucket(bucket.auth, cloud.url, WORK, session=bucket.session, region=cloud.region).create_bucket()

    def resolve(service_type: int | None) -> tuple[ResolutionRecord, list[Any]]:
        target = BatchImport.read(
            {"metadata": {"name": "spring", "namespace": "shop"}, "spec": SPEC | {"mode": "DryRun"}}
        )
        shop = InstanceFacts("shop", cloud.region, service_type, 10, 0, 5)
        with ThreadPoolExecutor(4) as executor:
            looks = ImageLooks(lambda: shop, lambda *_: False, executor)
            question = Question(target, READING, ports.oss, cloud.region, WORK, looks)
            resolutions = Resolutions()
            resolutions.step(question, lambda: False, datetime.now(UTC))
            record = resolutions.record(question)
        data = ports.oss.get_object(WORK, problems_key(READING, None), largest=1 << 26) or b""
        return record, [json.loads(one) for one in data.splitlines()]

    return resolve


SPEC: dict[str, Any] = {
    "accountRef": {"name": "main"},
    "target": {"imageSearch": {"instanceName": "shop", "bucket": "photos", "path": "spring/"}},
    "source": {"manifest": {"key": KEY}},
}


def said(found: Result, root: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The summary and the problems of --output json, pictures' places aside."""
    document = json.loads(found.stdout)
    for one in document["findings"]:
        one["rule"] = one["rule"].replace(f"({root}", "(")
    return document["summary"], document["findings"]


def unplaced(problems: list[dict[str, str]], root: str) -> list[dict[str, str]]:
    """The operator's, likewise."""
    return [one | {"rule": one["rule"].replace(f"({root}", "(")} for one in problems]


class TestTheSameVerdict:
    """One check, whoever asks for it."""

    @pytest.mark.parametrize(("service", "number"), [("product", 0), ("generic", 1), (None, None)])
    def test_local_and_oss_say_what_a_dry_run_says(
        self,
        bucket: oss2.Bucket,
        tmp_path: Path,
        dry_run: Callable[..., tuple[ResolutionRecord, list[Any]]],
        service: str | None,
        number: int | None,
    ) -> None:
        """Every problem and every count, of all bad lines and of odd pictures."""
        bucket.put_object(KEY, MIXED.encode())
        for name, data in (PICTURES | {"increment.meta": MIXED.encode()}).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(data)
        record, problems = dry_run(number)
        options = ("--output", "json", WIDE, *(("--service-type", service) if service else ()))
        in_oss = run("check", *options, ADDRESS)
        local = run("check", *options, str(tmp_path / "increment.meta"))
        assert (1, 1) == (in_oss.exit_code, local.exit_code)
        totals, findings = said(in_oss, "oss://photos/spring/")
        local_totals, local_findings = said(local, f"{tmp_path}/")
        assert findings == local_findings
        assert totals | {"source": ""} == local_totals | {"source": ""}
        wrong = [one for one in findings if one.pop("severity") == "problem"]
        assert wrong == unplaced(problems, "oss://photos/spring/")
        assert (record.problems, record.warning_count, record.unchecked) == (
            totals["problems"],
            totals["warnings"],
            totals["picturesUndecided"],
        )
        assert (record.items, record.adds, record.deletes, record.wide) == tuple(
            totals[name] for name in ("good", "adds", "deletes", "wholeProductDeletes")
        )
        assert record.problems > len(BAD)

    def test_the_instance_itself_may_be_asked(self, cloud: LocalCloud, bucket: oss2.Bucket) -> None:
        """For its type; and pictures of another region are none for it."""
        bucket.put_object(KEY, line("1", "girl_cloth1.jpg", CategoryId=77).encode())
        cloud.image_search_instance("shop", service_type=0)
        asked = run("check", "--instance", "shop", ADDRESS)
        assert (1, "1 problem, 0 warnings") == (asked.exit_code, asked.stdout.splitlines()[-1])
        cloud.advance(1)
        unknown = run("check", "--instance", "nobody", ADDRESS)
        assert (2, True) == (unknown.exit_code, "there is no instance nobody: give its name" in unknown.stderr)

    def test_few_bytes_of_each_picture_are_read(self, cloud: LocalCloud, bucket: oss2.Bucket) -> None:
        """And without images none."""
        bucket.put_object(KEY, EXAMPLE.encode())
        before = len(cloud.requests("oss", "GetObject"))
        assert 0 == run("check", "--no-images", WIDE, ADDRESS).exit_code
        assert 1 == len(cloud.requests("oss", "GetObject")) - before
        found = run("check", WIDE, ADDRESS)
        assert 9 == len(cloud.requests("oss", "GetObject")) - before
        assert "7 pictures looked at, 0 undecided, " in found.stdout


class TestBuild:
    """`manifest build -f import.yaml`."""

    @pytest.fixture
    def built(self, tmp_path: Path) -> Callable[..., Result]:
        """The command for a source."""

        def build(source: dict[str, Any], *options: str, **more: Any) -> Result:
            body = {"kind": "BatchImport", "metadata": {"name": "spring"}, "spec": SPEC | {"source": source} | more}
            other = {"kind": "ConfigMap", "metadata": {"name": "x"}}
            (tmp_path / "import.yaml").write_text(yaml.safe_dump_all([other, body]))
            return run("build", "-f", str(tmp_path / "import.yaml"), *options)

        return build

    def test_each_kind_of_source_makes_a_manifest(
        self, cloud: LocalCloud, bucket: oss2.Bucket, built: Callable[..., Result]
    ) -> None:
        """A table, a manifest, lines in the spec, and a prefix; each is then clean."""
        cloud.image_search_instance("shop")
        names = ["girl_cloth1.jpg", "girl_cloth2.jpg"]
        table = "".join(json.dumps({"sku": name, "file": name, "CustomContent": "c"}) + "\n" for name in names)
        bucket.put_object("lists/list.jsonl", table.encode())
        bucket.put_object(KEY, "".join(line(name, name) for name in names).encode())
        columns = {"productId": "sku", "picName": "file"}
        pictures = [{"productId": name, "picName": name, "customContent": "c"} for name in names]
        sources: list[dict[str, Any]] = [
            {"table": {"bucket": "photos", "key": "lists/list.jsonl", "pictureColumns": columns}},
            {"manifest": {"key": KEY}},
            {"pictures": pictures},
        ]
        for source in sources:
            cloud.advance(1)
            found = built(source)
            assert (0, names) == (found.exit_code, [one.product_id for one in decode(found.stdout_bytes)])
        cloud.advance(1)
        prefix = {"bucket": "photos", "prefix": "spring/", "include": ["girlCloth/*.jpg"]}
        (one,) = decode(built({"prefix": prefix | {"pictures": {"productIdFrom": "Folder"}}}).stdout_bytes)
        assert ("girlCloth", "girlCloth/girl_cloth10.jpg") == (one.product_id, one.pic_name)

    def test_what_the_import_says_of_wrong_lines_counts(
        self, cloud: LocalCloud, bucket: oss2.Bucket, built: Callable[..., Result]
    ) -> None:
        """Unless the option says otherwise; --service-type saves asking the instance."""
        bucket.put_object(KEY, (line("1", "girl_cloth1.jpg") + "{}\n").encode())
        source = SPEC["source"]
        kind = ("--service-type", "product")
        assert 1 == built(source, *kind).exit_code
        skipped = built(source, *kind, onInvalid="Skip")
        assert (0, 1) == (skipped.exit_code, len(decode(skipped.stdout_bytes)))
        assert 1 == built(source, *kind, "--on-invalid", "reject", onInvalid="Skip").exit_code
        assert [] == cloud.requests("imagesearch")

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ({"table": {"bucket": "photos", "key": "no.jsonl"}}, "oss://photos/no.jsonl is not there"),
            ({"manifest": {"key": "other/increment.meta"}}, "target.imageSearch.path followed by increment.meta"),
            ({"prefix": {"bucket": "photos", "prefix": "autumn/"}}, "lies in target.imageSearch's bucket and path"),
            ({}, "spec.source takes exactly one of pictures, manifest, table and prefix"),
            ({"tables": {}}, "spec.source.tables: Extra inputs are not permitted"),
        ],
    )
    def test_what_is_no_source_is_said(self, built: Callable[..., Result], source: dict[str, Any], words: str) -> None:
        """Exit status 2."""
        found = built(source)
        assert (2, "", True) == (found.exit_code, found.stdout, words in found.stderr)


class TestMisuse:
    """What stands in the way is named; exit status 2 and nothing on standard output."""

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            (
                {"ALIBABA_CLOUD_ACCESS_KEY_ID": "", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "", "ALIBABA_CLOUD_REGION": ""},
                "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, --region or ALIBABA_CLOUD_REGION or",
            ),
            ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "other"}, "SignatureDoesNotMatch"),
            ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "nobody"}, "InvalidAccessKeyId"),
            ({"ALIBABA_CLOUD_SECURITY_TOKEN": "old"}, "oss:"),
            ({"ALIBABA_CLOUD_REGION": "Hangzhou"}, "'Hangzhou' is no region: a region looks like cn-hangzhou"),
            ({"OSS_ENDPOINT": "http://"}, "OSS_ENDPOINT or its option: 'http:' is no address"),
        ],
    )
    def test_of_the_environment(
        self,
        cloud: LocalCloud,
        bucket: oss2.Bucket,
        monkeypatch: pytest.MonkeyPatch,
        changed: dict[str, str],
        words: str,
    ) -> None:
        """No secret is ever shown."""
        bucket.put_object(KEY, EXAMPLE.encode())
        for name, value in changed.items():
            monkeypatch.setenv(name, value)
        found = run("check", ADDRESS)
        assert (2, "") == (found.exit_code, found.stdout)
        assert words in found.stderr
        assert cloud.access_key_secret not in found.stderr

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("oss://photos/autumn/increment.meta", "oss://photos/autumn/increment.meta is not there"),
            ("oss://nobodys/increment.meta", "The specified bucket does not exist"),
            ("oss://UPPER/increment.meta", "bucket"),
        ],
    )
    def test_of_the_address(self, address: str, words: str) -> None:
        """There is no such object or bucket, or there can be none."""
        found = run("check", address)
        assert (2, "", True) == (found.exit_code, found.stdout, words in found.stderr)

    def test_a_wrong_region(self, bucket: oss2.Bucket) -> None:
        """The cloud says where the bucket is not."""
        bucket.put_object(KEY, EXAMPLE.encode())
        found = run("check", "--region", "cn-shanghai", ADDRESS)
        assert (2, "") == (found.exit_code, found.stdout)
        assert "must be addressed using the specified endpoint" in found.stderr
        assert found.stderr.endswith("Is --region the right one?\n")

    def test_nobody_listens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is tried a few times, and then said."""
        monkeypatch.setattr("controller.cli.access.LONGEST_PAUSE", 0.01)
        found = run("check", "--oss-endpoint", "http://127.0.0.1:1", ADDRESS)
        assert (2, "", True) == (found.exit_code, found.stdout, "Connection refused" in found.stderr)


class TestProcess:
    """As a script starts it."""

    def test_exit_status_and_pipes(self, bucket: oss2.Bucket, environment: dict[str, str], tmp_path: Path) -> None:
        """1 with a finding, 0 without, a closed pipe is no traceback, and the environment is all it needs."""
        bucket.put_object(KEY, EXAMPLE.encode())
        base = [sys.executable, "-m", "controller.cli", "manifest", "check"]
        how: dict[str, Any] = {"cwd": tmp_path, "env": environment | {"PYTHONPATH": str(ROOT)}, "capture_output": True}
        refused = subprocess.run([*base, ADDRESS], check=False, **how)
        assert (1, b"") == (refused.returncode, refused.stderr)
        assert refused.stdout.startswith(b"line 9: ProductId '1005': ")
        clean = subprocess.run([*base, WIDE, ADDRESS], check=False, **how)
        assert (0, b"") == (clean.returncode, clean.stderr)
        (tmp_path / "increment.meta").write_text("{}\n" * 100_000)
        cut = subprocess.run(
            ["bash", "-c", f"{' '.join(base)} --no-images increment.meta | head -1"], check=True, **how
        )
        assert (b"line 1: OperationType: it is missing, and every line needs it\n", b"") == (cut.stdout, cut.stderr)
