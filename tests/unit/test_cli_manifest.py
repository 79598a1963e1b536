"""`imm-operator manifest`, of what lies on this machine."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from click.testing import CliRunner, Result

from controller.cli import main
from controller.cli.access import plain
from controller.core.manifest.lines import Line, decode
from tests.guide_manifest import GUIDE
from tests.unit.odd_pictures import app1, exif, made, with_segments
from tests.unit.test_manifest_bad_lines import BAD

WIDE = "--allow-whole-product-delete"
EXAMPLE = f"{GUIDE}\n"
JPEG = made("JPEG")


def line(product: str, name: str, **more: Any) -> str:
    """An ADD of a manifest."""
    fields = {"OperationType": "ADD", "ProductId": product, "PicName": name, "CustomContent": "c"} | more
    return json.dumps(fields) + "\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, ["manifest", *arguments])


def put(*names: str, data: bytes | str = JPEG) -> None:
    """Write files."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data.encode() if isinstance(data, str) else data)


def there() -> set[str]:
    """What lies in the folder."""
    return {path.name for path in Path().iterdir()}


def example() -> None:
    """The vendor's, with its pictures."""
    put(*(f"girl_cloth{n}.jpg" for n in (1, 2, 3, 4, 6, 7)), "girlCloth/girl_cloth10.jpg")
    put("increment.meta", data=EXAMPLE)


# What the kernel tells a parent of its child begins with the parent's own peak, so the child looks itself.
MEASURED = """
import atexit, pathlib, runpy
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: pathlib.Path("peak").write_text(status.read_text().split("VmHWM:")[1].split()[0]))
runpy.run_module("controller.cli", run_name="__main__")
"""


def process(*arguments: str, code: tuple[str, str] = ("-m", "controller.cli"), **options: Any) -> Popen[bytes]:
    """The command as a process of its own."""
    command = [sys.executable, *code, "manifest", *arguments]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": os.environ["PATH"]}
    return Popen(command, env=environment, **options)


class TestCheck:
    """`manifest check FILE`."""

    def test_the_vendors_own_example_is_clean(self) -> None:
        """Once its DELETE of a whole product is allowed; the summary counts everything."""
        example()
        found = run("check", WIDE, "increment.meta")
        assert 0 == found.exit_code
        size = sum(min(path.stat().st_size, 8192) for path in Path().rglob("*.jpg"))
        assert (
            "increment.meta: 9 lines, 9 good (7 ADD, 2 DELETE, 1 of a whole product)\n"
            f"7 pictures looked at, 0 undecided, {size:,} bytes read\n"
            "0 problems, 0 warnings\n"
        ) == found.output

    def test_a_delete_of_a_whole_product_is_refused_without_the_flag(self) -> None:
        """It is named with its line."""
        example()
        found = run("check", "increment.meta")
        assert 1 == found.exit_code
        first, *_, last = found.output.splitlines()
        assert first.startswith("line 9: ProductId '1005': a DELETE without PicName deletes every picture of the prod")
        assert "1 problem, 0 warnings" == last

    def test_every_bad_line_is_named_in_the_same_words(self) -> None:
        """All of them in one file, each with its line; the table is that of the operator's own rules."""
        put("increment.meta", data="".join(f"{text}\n" for text, _ in BAD))
        found = run("check", "--no-images", "increment.meta")
        wanted = [f"line {n}: {plain(said)}" for n, (_, messages) in enumerate(BAD, 1) for said in messages]
        assert 1 == found.exit_code
        assert wanted == found.output.splitlines()[:-3]
        assert [f"{len(wanted)} problems, 0 warnings"] == found.output.splitlines()[-1:]

    def test_pictures_are_looked_at_where_they_lie(self) -> None:
        """By their content; a link to one is one, what is no regular file is none."""
        put("in/turned.jpg", data=with_segments(JPEG, app1(exif(6))))
        put("in/page.jpg", data="<html></html>")
        put("real.png", data=made("PNG"))
        Path("in/link.png").symlink_to("../real.png")
        Path("in/folder.jpg").mkdir()
        os.mkfifo("in/pipe.jpg")
        names = ("turned.jpg", "page.jpg", "link.png", "folder.jpg", "pipe.jpg")
        put("in/increment.meta", data="".join(line(str(n), name) for n, name in enumerate(names)))
        found = run("check", "in/increment.meta")
        said = found.output.splitlines()
        starts = [
            "line 1: PicName 'turned.jpg': a picture cannot contain rotation information",
            "line 2: PicName 'page.jpg': Image Search takes PNG, ",
            "line 4: PicName 'folder.jpg': there is no such picture",
            "line 5: PicName 'pipe.jpg': there is no such picture",
        ]
        assert starts == [one[: len(start)] for one, start in zip(said, starts, strict=False)]
        assert "5 lines, 1 good" in said[4]
        assert said[2].endswith("(in/folder.jpg)")
        assert 1 == found.exit_code

    def test_without_images_none_is_opened(self) -> None:
        """And the summary says so."""
        put("increment.meta", data=line("1", "nowhere.jpg"))
        found = run("check", "--no-images", "increment.meta")
        assert (0, True) == (found.exit_code, "pictures were not looked at" in found.output)

    def test_rules_of_one_service_type_need_it_said(self) -> None:
        """A category that no product has is a problem, a warning, or becomes another one."""
        put("a.jpg")
        put("increment.meta", data=line("1", "a.jpg", CategoryId=77))
        ends = {(): "0 problems, 1 warning", ("--service-type", "generic"): "0 problems, 1 warning"}
        for options, end in (ends | {("--service-type", "product"): "1 problem, 0 warnings"}).items():
            found = run("check", *options, "increment.meta")
            assert end == found.output.splitlines()[-1]
            assert end.startswith("1") == bool(found.exit_code)
            assert end.startswith("0") == found.output.startswith("warning: line 1: CategoryId '77'")

    def test_the_name_counts(self) -> None:
        """The lines are checked all the same."""
        put("a.jpg")
        put("Increment.meta", data=line("1", "a.jpg") + "{}\n")
        found = run("check", "Increment.meta")
        assert 1 == found.exit_code
        assert (
            "Increment.meta: name 'Increment.meta': a manifest is named increment.meta exactly: rename it"
        ) == found.output.splitlines()[0]
        assert "3 problems, 0 warnings" == found.output.splitlines()[-1]

    def test_json_is_one_document(self) -> None:
        """Findings with line, field, value and rule, warnings told apart, and the summary; also of nothing."""
        put(
            "increment.meta", data=line("1", "a.jpg", Region="1,2,3,4", Crop=True) + line("1", "\ud800.jpg", Region="x")
        )
        found = run("check", "--no-images", "--output", "json", "increment.meta")
        document = json.loads(found.output)
        assert [
            ("warning", "line 1", "Crop", "true", "with Region, Crop is ignored"),
            ("problem", "line 2", "PicName", "?.jpg", "half of a surrogate pair is no character: remove it"),
        ] == [tuple(one.values()) for one in document["findings"][:2]]
        assert {"lines": 2, "good": 1, "problems": 2, "warnings": 1, "picturesLookedAt": None}.items() <= document[
            "summary"
        ].items()
        put("increment.meta", data=line("1", "a.jpg"))
        clean = json.loads(run("check", "--no-images", "--output", "json", "increment.meta").output)
        assert ([], 0) == (clean["findings"], clean["summary"]["problems"])

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("nowhere.meta", "nowhere.meta is not there, or no regular file"),
            ("folder", "folder is a folder: give the increment.meta in it"),
            ("pipe", "pipe is not there, or no regular file"),
            ("", "is a folder"),
            ("x\x1b[31m", "x\\x1b[31m is not there"),
            ("oss://photos", "oss://photos names no object: write oss://BUCKET/PATH/increment.meta"),
            ("oss://photos/", "oss://photos/ names no object: write oss://BUCKET/PATH/increment.meta"),
            ("oss://photos/spring/", "names no object: write oss://BUCKET/PATH/increment.meta"),
            ("oss:///increment.meta", "names no object"),
        ],
    )
    def test_what_cannot_be_checked_is_said(self, name: str, words: str) -> None:
        """Exit status 2, and nothing on standard output."""
        Path("folder").mkdir()
        os.mkfifo("pipe")
        found = run("check", name)
        assert (2, "") == (found.exit_code, found.stdout)
        assert words in found.stderr

    def test_what_is_no_manifest_is_wrong_line_by_line(self) -> None:
        """A picture by mistake; and nothing at all has nothing wrong with it, as for the operator."""
        put("increment.meta", data=made("PNG") * 50)
        found = run("check", "increment.meta")
        assert (1, True) == (found.exit_code, "it is not UTF-8" in found.output)
        assert found.output.replace("\n", "").isprintable()
        put("increment.meta", data="")
        found = run("check", "increment.meta")
        assert (0, True) == (found.exit_code, "increment.meta: 0 lines, 0 good" in found.output)

    def test_a_picture_that_may_not_be_read_ends_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody can tell whether it is well."""
        put("a.jpg")
        put("increment.meta", data=line("1", "a.jpg"))
        opened = os.open

        def refuse(path: Path, *how: Any) -> int:
            if Path(path).name == "a.jpg":
                raise PermissionError(13, "Permission denied")  # which root never meets
            return opened(path, *how)

        monkeypatch.setattr(os, "open", refuse)
        found = run("check", "increment.meta")
        assert (2, True) == (found.exit_code, "a.jpg may not be read" in found.stderr)

    def test_a_manifest_that_changes_meanwhile_ends_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its second megabyte would be of another one."""
        put("increment.meta", data="".join(line(str(n), "a.jpg") for n in range(20_000)))
        read = os.pread

        def change(file: int, count: int, offset: int) -> bytes:
            got = read(file, count, offset)
            if offset == 0 and count > 8192:
                with Path("increment.meta").open("a") as more:
                    more.write("\n")
            return got

        monkeypatch.setattr(os, "pread", change)
        found = run("check", "--no-images", "increment.meta")
        assert (2, "Error: increment.meta was changed while it was read: start again\n") == (
            found.exit_code,
            found.stderr,
        )


class TestProcess:
    """The command as people and scripts start it."""

    def test_a_pipe_gets_the_findings_and_no_progress(self) -> None:
        """And the exit status tells."""
        example()
        done = subprocess.run(
            [sys.executable, "-m", "controller.cli", "manifest", "check", "increment.meta"],
            env={"PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            check=False,
        )
        assert (1, b"") == (done.returncode, done.stderr)
        assert done.stdout.startswith(b"line 9: ProductId '1005': ")

    def test_a_terminal_gets_a_bar(self) -> None:
        """By bytes, on standard error, taken away in the end; standard output is as always."""
        example()
        mine, theirs = pty.openpty()
        with process("check", WIDE, "increment.meta", stdout=subprocess.PIPE, stderr=theirs) as started:
            os.close(theirs)
            shown = b""
            while chunk := _read(mine):  # as it comes: a terminal that nobody reads holds four thousand bytes
                shown += chunk
            output, _ = started.communicate(timeout=60)
        os.close(mine)
        assert (0, True) == (started.returncode, output.endswith(b"0 problems, 0 warnings\n"))
        assert b"100%" in shown
        assert b"7 pictures" in shown
        assert shown.rstrip(b"\r\n").endswith((b"\r\x1b[K", b"\x1b[?25h"))

    def test_memory_does_not_grow_with_the_manifest(self) -> None:
        """A hundred thousand lines take hardly more than a thousand, right or wrong."""
        peaks = []
        for count in (1_000, 100_000):
            rows = (line(f"{n}", f"{n:09}.jpg") if n % 2 else line(f"{n}", "x") for n in range(count))
            put("increment.meta", data="".join(rows))
            options: dict[str, Any] = {"code": ("-c", MEASURED), "stdout": subprocess.DEVNULL}
            with process("check", "--no-images", "increment.meta", **options) as started:
                started.wait()
            assert 1 == started.returncode
            peaks.append(int(Path("peak").read_text()))  # KiB
        assert peaks[1] - peaks[0] < 32 * 1024

    @pytest.mark.parametrize(("end", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_whoever_is_stopped_leaves_nothing_behind(self, end: signal.Signals, status: int) -> None:
        """No half manifest, no temporary file."""
        put("list.jsonl", data="".join(line(str(n), "a.jpg") for n in range(400_000)))
        options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with process("build", "list.jsonl", "--no-images", "--out", "increment.meta", **options) as started:
            deadline = time.monotonic() + 60
            while not any(path.stat().st_size for path in Path().glob(".increment.meta.*")):
                assert started.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            started.send_signal(end)
            output, errors = started.communicate(timeout=60)
        assert (status, b"", b"") == (started.returncode, output, errors)
        assert ["list.jsonl"] == [*there()]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # nobody writes there any more
        return b""


CSV = 'sku,file,note,what,colour\n1000,a.jpg,hello,,red\n1001,b.jpg,"a,b",add,\n1002,b.jpg,,DELETE,\n'
COLUMNS = ("productId=sku", "picName=file", "customContent=note", "operation=what", "strAttr=colour")
OPTIONS = [word for column in COLUMNS for word in ("--column", column)]
BUILT = [
    ("ADD", "1000", "a.jpg", "hello", "red"),
    ("ADD", "1001", "b.jpg", "a,b", None),
    ("DELETE", "1002", "b.jpg", None, None),
]


def told(lines: Iterable[Line]) -> list[tuple[Any, ...]]:
    """The fields that the tests set."""
    return [(one.operation.value, one.product_id, one.pic_name, one.custom_content, one.str_attr) for one in lines]


class TestBuild:
    """`manifest build`."""

    def test_a_table_becomes_a_manifest(self) -> None:
        """CSV and JSON Lines make the same bytes, to a file and to standard output; what is made is clean."""
        put("a.jpg", "b.jpg")
        put("list.csv", data=CSV)
        found = run("build", "list.csv", *OPTIONS, "--out", "increment.meta")
        assert (0, "") == (found.exit_code, found.stdout)
        made_of_csv = Path("increment.meta").read_bytes()
        assert BUILT == told(decode(made_of_csv))
        names = ("sku", "file", "note", "what", "colour")
        rows = [dict(zip(names, (one[1], one[2], one[3], one[0], one[4]), strict=True)) for one in BUILT]
        put("list.txt", data="".join(json.dumps(row) + "\n" for row in rows))
        assert made_of_csv == run("build", "list.txt", "--format", "jsonl", *OPTIONS).stdout_bytes
        assert 0 == run("check", "increment.meta").exit_code
        assert 0o666 & ~_umask() == Path("increment.meta").stat().st_mode & 0o777

    def test_pictures_of_a_table_may_lie_elsewhere(self) -> None:
        """Beside it by default."""
        put("pictures/a.jpg", "pictures/b.jpg")
        put("list.csv", data=CSV)
        assert 1 == run("build", "list.csv", *OPTIONS).exit_code
        assert 0 == run("build", "list.csv", *OPTIONS, "--pictures", "pictures").exit_code

    def test_a_wrong_line_leaves_no_manifest_or_is_left_out(self) -> None:
        """Whatever is wrong is said on standard error either way."""
        put("a.jpg")
        put("list.csv", data=CSV)
        rejected = run("build", "list.csv", *OPTIONS, "--out", "increment.meta")
        assert (1, "", ["a.jpg", "list.csv"]) == (rejected.exit_code, rejected.stdout, sorted(there()))
        assert "line 3: PicName 'b.jpg': there is no such picture" in rejected.stderr
        assert rejected.stderr.endswith("no manifest is written, as something is wrong\n")
        skipped = run("build", "list.csv", *OPTIONS, "--out", "increment.meta", "--on-invalid", "skip")
        assert 0 == skipped.exit_code
        assert "line 3: PicName 'b.jpg': there is no such picture" in skipped.stderr
        assert [BUILT[0], BUILT[2]] == told(decode(Path("increment.meta").read_bytes()))

    def test_nothing_good_is_no_manifest(self) -> None:
        """With every line left out, or with none there."""
        put("list.jsonl", data="{}\n")
        assert 1 == run("build", "list.jsonl", "--on-invalid", "skip", "--out", "increment.meta").exit_code
        put("list.jsonl", data="")
        found = run("build", "list.jsonl", "--out", "increment.meta")
        assert (1, True) == (found.exit_code, found.stderr.endswith("nothing is wrong, and no line is there\n"))
        assert ["list.jsonl"] == [*there()]

    def test_a_delete_of_a_whole_product_needs_the_flag(self) -> None:
        """Also where wrong lines are left out: that would be another manifest than was meant."""
        put("list.jsonl", data='{"OperationType": "DELETE", "ProductId": "1"}\n')
        refused = run("build", "list.jsonl", "--on-invalid", "skip", "--out", "increment.meta")
        assert (1, False) == (refused.exit_code, Path("increment.meta").exists())
        assert 0 == run("build", "list.jsonl", WIDE, "--out", "increment.meta").exit_code

    def test_a_folder_becomes_a_manifest(self) -> None:
        """With globs and a rule for the product; what is being written is none of its pictures."""
        put("shoe_1.jpg", "shoe_2.jpg", "hats/hat_1.jpg", "drafts/x.jpg")
        options = ("--exclude", "drafts/**", "--product-id-from", "before-separator", "--bucket", "photos")
        for force in ((), ("--force",)):
            found = run("build", ".", *options, "--path", "/spring", "--out", "increment2.meta", *force)
            assert 0 == found.exit_code
        assert [
            ("ADD", "hat", "hats/hat_1.jpg", "oss://photos/spring/hats/hat_1.jpg", None),
            ("ADD", "shoe", "shoe_1.jpg", "oss://photos/spring/shoe_1.jpg", None),
            ("ADD", "shoe", "shoe_2.jpg", "oss://photos/spring/shoe_2.jpg", None),
        ] == told(decode(Path("increment2.meta").read_bytes()))
        assert "in OSS its name must be increment.meta exactly" in found.stderr
        plainly = run("build", "hats", "--product-id-from", "folder", "--custom-content", "x", "--str-attr", "y")
        assert 1 == plainly.exit_code  # a folder of its own has no name within itself
        one = run("build", "hats", "--custom-content", "x", "--str-attr", "y")
        assert [("ADD", "hat_1", "hat_1.jpg", "x", "y")] == told(decode(one.stdout_bytes))

    def test_many_files_are_taken_in_the_order_of_their_keys(self) -> None:
        """More than a page of them, as OSS lists them: a folder stands where its / does."""
        names = sorted([*(f"in/{n:04}.jpg" for n in range(2001)), "in/0500/a.jpg", "in/0500-.jpg"])
        for name in names:
            put(name, data=b"")
        found = run("build", "in", "--custom-content", "x", "--no-images", "--product-id-from", "before-separator")
        assert names == [f"in/{one.pic_name}" for one in decode(found.stdout_bytes)]

    def test_a_file_that_is_there_is_never_overwritten_unasked(self) -> None:
        """Not even one that comes while it is made."""
        put("a.jpg", "b.jpg")
        put("list.csv", data=CSV)
        put("increment.meta", data="mine")
        found = run("build", "list.csv", *OPTIONS, "--out", "increment.meta")
        assert (2, b"mine") == (found.exit_code, Path("increment.meta").read_bytes())
        assert "increment.meta is there already: name another file, or add --force to replace it" in found.stderr
        assert 0 == run("build", "list.csv", *OPTIONS, "--out", "increment.meta", "--force").exit_code
        assert 3 == len(decode(Path("increment.meta").read_bytes()))
        assert {"a.jpg", "b.jpg", "list.csv", "increment.meta"} == there()

    def test_one_that_comes_meanwhile_stays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It was not there when the command began."""
        put("a.jpg", "b.jpg")
        put("list.csv", data=CSV)
        sync = os.fsync

        def come(file: int) -> None:
            put("increment.meta", data="theirs")
            sync(file)

        monkeypatch.setattr(os, "fsync", come)
        found = run("build", "list.csv", *OPTIONS, "--out", "increment.meta")
        assert (2, b"theirs") == (found.exit_code, Path("increment.meta").read_bytes())
        assert {"a.jpg", "b.jpg", "list.csv", "increment.meta"} == there()

    @pytest.mark.parametrize(("table", "data"), [("list.csv", CSV), ("list.jsonl", '{"file": "a.jpg"}\n')])
    def test_a_column_that_is_not_there_is_said_by_the_option(self, table: str, data: str) -> None:
        """Whoever has no BatchImport is not sent to a field of one."""
        put(table, data=data)
        found = run("build", table, "--column", "productId=article")
        assert 1 == found.exit_code
        assert "article: there is no such column, only: " in found.stderr
        assert "; --column FIELD=COLUMN says which" in found.stderr
        assert "spec.source" not in found.stderr

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((), "give either a table or folder, or a BatchImport by -f"),
            (("list.csv", "-f", "import.yaml"), "give either a table or folder, or a BatchImport by -f"),
            (("nowhere.csv",), "nowhere.csv is not there"),
            (("list",), "how list is written, its name does not say: add --format csv or jsonl"),
            (("list.csv", "--column", "sku"), "--column sku: write FIELD=COLUMN, with one of categoryId, crop"),
            (("list.csv", "--column", "product_id=sku"), "--column product_id=sku: write FIELD=COLUMN"),
            (("list.csv", "--column", "productId=" + "x" * 200), "productId: String should have at most 128"),
            ((".",), "every line needs CustomContent: add --custom-content, or --bucket for oss:// addresses"),
            ((".", "--bucket", "A"), "bucket: "),
            ((".", "--custom-content", "x" * 5000), "at most 4096"),
            (("list.csv", "--out", "folder"), "folder is a folder: name a file in it"),
            (("list.csv", "--out", "nowhere/increment.meta"), "cannot be written: No such file or directory"),
            (("-f", "nowhere.yaml"), "nowhere.yaml cannot be read: No such file or directory"),
            (("-f", "list.csv"), "list.csv has 0 BatchImports, and one is needed"),
            (("-f", "import.yaml"), "spec.target needs imageSearch, and nothing else"),
        ],
    )
    def test_misuse_is_said(self, arguments: tuple[str, ...], words: str) -> None:
        """Exit status 2, and nothing is written."""
        Path("folder").mkdir()
        put("list", "list.csv", data=CSV)
        spec = {
            "accountRef": {"name": "a"},
            "target": {"dataset": {"project": "p", "name": "d"}},
            "source": {"prefix": {"bucket": "photos"}},
        }
        put("import.yaml", data=json.dumps({"kind": "BatchImport", "metadata": {"name": "x"}, "spec": spec}))
        found = run("build", *arguments)
        assert (2, "") == (found.exit_code, found.stdout)
        assert words in " ".join(found.stderr.split())
        assert {"folder", "list", "list.csv", "import.yaml"} == there()


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
