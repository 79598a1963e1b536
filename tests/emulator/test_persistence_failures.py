"""A data directory in a bad way: torn, damaged, foreign, in use, read-only, full. Each says what to do."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zlib import crc32

import oss2
import pytest
from click.testing import CliRunner

from emulator.cli import main
from emulator.instance import Config
from emulator.kept import start_kept
from emulator.persistence import store as store_module
from emulator.persistence.failures import CannotOpenError
from emulator.persistence.store import Store
from emulator.testing import running
from tests.emulator.conftest import ReadingSession
from tests.emulator.disk_room import documents
from tests.emulator.processes import emulator

if TYPE_CHECKING:
    pass

CONFIG = Config(virtual_clock=True)
FIXTURE = Path(__file__).parent / "fixtures" / "data-format-1"


@dataclass(slots=True)
class Item:
    """An entry."""

    text: str
    content: bytes = b""


@dataclass(slots=True)
class Root:
    """A root to keep."""

    items: dict[str, Item] = field(default_factory=dict)


def write(directory: Path, texts: list[str]) -> list[int]:
    """Keep one item after the other; the size of the file after each."""
    sizes: list[int] = []

    async def work() -> None:
        store = Store(directory, Root)
        root = store.load() or Root()
        store.follow(lambda: root, loaded=bool(root.items))
        for text in texts:
            root.items[text] = Item(text, text.encode() * 5000)
            await store.saved()
            sizes.append((directory / "changes.jsonl").stat().st_size)
        await store.close()

    asyncio.run(work())
    return sizes


def read(directory: Path) -> list[str]:
    """The items of a directory."""
    store = Store(directory, Root)
    try:
        root = store.load() or Root()
        assert all(item.content == text.encode() * 5000 for text, item in root.items.items())
        return list(root.items)
    finally:
        store.release()


def test_a_file_torn_anywhere_gives_back_every_whole_change(tmp_path: Path) -> None:
    """A crash leaves a beginning of what was being written: every beginning is read, and written on."""
    texts = ["one", "two", "three"]
    sizes = write(tmp_path / "whole", texts)
    for length in range(sizes[0], sizes[-1] + 1):
        shutil.rmtree(tmp_path / "torn", ignore_errors=True)
        shutil.copytree(tmp_path / "whole", tmp_path / "torn")
        os.truncate(tmp_path / "torn" / "changes.jsonl", length)
        held = texts[: sum(length >= size for size in sizes)]
        assert held == read(tmp_path / "torn")
    write(tmp_path / "torn", ["four"])
    assert [*texts, "four"] == read(tmp_path / "torn")


def test_damage_in_the_middle_is_refused(tmp_path: Path) -> None:
    """A changed byte with whole lines after it is not skipped."""
    sizes = write(tmp_path, ["one", "two", "three"])
    path = tmp_path / "changes.jsonl"
    data = bytearray(path.read_bytes())
    data[sizes[0] + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(CannotOpenError, match=f"is damaged after byte {sizes[0]}"):
        read(tmp_path)


def test_a_damaged_or_missing_content_is_refused(tmp_path: Path) -> None:
    """Contents are checked against their digests."""
    write(tmp_path, ["one"])
    [blob] = (tmp_path / "blobs").iterdir()
    blob.write_bytes(b"other")
    with pytest.raises(CannotOpenError, match="does not have its digest"):
        read(tmp_path)
    blob.unlink()
    with pytest.raises(CannotOpenError, match="cannot be read"):
        read(tmp_path)


def test_compacting_loses_nothing_and_drops_what_is_superseded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it runs and at a start; contents that nothing refers to go too."""
    monkeypatch.setattr(store_module, "COMPACT_FROM", 3000)
    monkeypatch.setattr(store_module, "COMPACT_AT_START", 1)
    sizes = write(tmp_path, [f"{number % 7}" for number in range(100)])
    assert max(sizes) < 8000
    (tmp_path / "blobs" / "left-over.new").write_bytes(b"")
    (tmp_path / "blobs" / ("0" * 64)).write_bytes(b"nothing refers to it")
    assert [str(number) for number in range(7)] == read(tmp_path)
    assert 7 == len(list((tmp_path / "blobs").iterdir()))
    assert 9 == len((tmp_path / "changes.jsonl").read_bytes().splitlines())


def test_superseded_contents_do_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are removed while it runs, when more has been written than there is; the changes themselves are few."""
    monkeypatch.setattr(store_module, "SWEEP_FROM", 100_000)
    held: list[int] = []

    async def work() -> None:
        store = Store(tmp_path, Root)
        root = Root({"kept": Item("kept", b"kept" * 50_000)})
        store.follow(lambda: root, loaded=False)
        for number in range(200):
            root.items["changed"] = Item("changed", b"%03d" % number * 10_000)
            await store.saved()
            held.append(sum(path.stat().st_size for path in (tmp_path / "blobs").iterdir()))
        await store.close()

    asyncio.run(work())
    assert max(held) <= 200_000 + 30_000 + 200_000 + 100_000  # what is there, as much again, and one sweep's worth
    assert held[-1] < 200 * 30_000
    store = Store(tmp_path, Root)
    try:
        again = store.load() or Root()
        assert (b"199" * 10_000, b"kept" * 50_000) == (again.items["changed"].content, again.items["kept"].content)
    finally:
        store.release()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"kind": "imm-operator emulator state", "format": 2}, "has format 2, and this release reads format 1"),
        ({"kind": "something else"}, "is not a file of this emulator"),
    ],
)
def test_another_format_is_named(tmp_path: Path, header: dict[str, object], message: str) -> None:
    """By the command, in a sentence."""
    text = json.dumps(header).encode()
    (tmp_path / "changes.jsonl").write_bytes(b"%08x %b\n" % (crc32(text), text))
    assert message in refused(tmp_path)


def test_one_process_per_directory(tmp_path: Path) -> None:
    """The second is told which process has it; when the first has been killed, the next one may."""
    with emulator("--data", str(tmp_path)) as first:
        assert f"is in use by another emulator (process {first.process.pid})" in refused(tmp_path)
    with emulator("--data", str(tmp_path)) as second:
        assert "ok" == second.admin("GET", "health")["status"]


def test_a_directory_that_cannot_be_made_or_written_is_named(tmp_path: Path) -> None:
    """A file in its place; a place where nobody can write."""
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be used: File exists" in refused(tmp_path / "file")
    assert "/proc/nothing cannot be used" in refused(Path("/proc/nothing"))


NOBODY = 65534
AS_NOBODY = f"""
import os, sys
from emulator.cli import main
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
os.listdir(sys.argv[1])  # it can be read
main(["run", "--port", "0", "--data", sys.argv[1]])
"""


def test_a_read_only_directory_is_named() -> None:
    """With the system's word for it. Root may write everywhere, so a child of root becomes nobody first."""
    with TemporaryDirectory() as place:  # not pytest's, whose parents are closed to nobody
        directory = Path(place)
        if os.geteuid() == 0:
            os.chown(directory, NOBODY, NOBODY)
        directory.chmod(0o500)
        command = [sys.executable, "-c", AS_NOBODY, place]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (1, "") == (done.returncode, done.stdout)
        assert f"Error: the data directory {place} cannot be used: Permission denied" in done.stderr


def refused(directory: Path) -> str:
    """What `run` says about a directory it cannot use."""
    result = CliRunner().invoke(main, ["run", "--port", "0", "--data", str(directory)])
    assert 1 == result.exit_code
    return result.output


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
sys.argv = ["emulator", "run", "--port", "0", "--data", sys.argv[1]]
import runpy
runpy.run_module("emulator", run_name="__main__")
"""


def test_a_full_disk_refuses_changes_and_they_are_saved_when_there_is_room(tmp_path: Path) -> None:
    """The answer is an error that says so, never a success; with room again, everything in memory is saved."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        session = ReadingSession()
        auth = oss2.AuthV4(CONFIG.access_key_id, CONFIG.access_key_secret)
        bucket = oss2.Bucket(auth, url, "full", session=session, region="cn-hangzhou")
        bucket.create_bucket()
        bucket.put_object("small", b"1")
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.put_object("large", b"x" * 100_000)
        assert (500, "InternalError") == (caught.value.status, caught.value.code)
        assert "could not save this change" in caught.value.message
        assert "File too large" in caught.value.message
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        bucket.put_object("small", b"2")
        process.kill()
        session.session.close()
    instance, store = start_kept(Config(), tmp_path)
    store.release()
    held = {key: item.data for key, item in instance.cloud.oss.buckets["full"].objects.items()}
    assert {"small": b"2", "large": b"x" * 100_000} == held


def test_a_virtual_future_is_not_started_with_a_real_clock(tmp_path: Path) -> None:
    """Nothing in it would move."""
    with running(CONFIG, data=tmp_path) as cloud:
        cloud.advance(10_000)
    assert "start it with --clock virtual" in refused(tmp_path)


def test_the_state_of_format_1_is_read(tmp_path: Path) -> None:
    """A directory written by the first release, kept as a fixture: later releases must read it."""
    shutil.copytree(FIXTURE, tmp_path / "data")
    instance, store = start_kept(CONFIG, tmp_path / "data")
    store.release()
    cloud = instance.cloud
    account = cloud.accounts[CONFIG.account_id]
    imm, mns = account.imm["cn-hangzhou"], account.mns["cn-hangzhou"]
    [binding] = imm.projects["project"].datasets["dataset"].bindings.values()
    assert b"text" * 2000 == cloud.oss.buckets["pictures"].objects["long.txt"].data
    assert ["oss://pictures/a.txt", "oss://pictures/long.txt"] == sorted(
        imm.projects["project"].datasets["dataset"].files
    )
    assert ("Running", "IncrementalScanning") == (binding.state, binding.phase)
    assert ["hello"] == [message.body for message in mns.queues["q"].messages.values()]
    assert ["s"] == list(mns.topics["t"].subscriptions)
    assert ["ann"] == list(account.ram.users)
    assert [2] == instance.faults.left
    assert documents(instance)
