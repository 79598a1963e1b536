"""The demo itself, as a person runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "sandbox", "demo"]

pytestmark = pytest.mark.e2e


def processes_of(directory: Path) -> list[str]:
    """Every process whose command line or environment names the demo's folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(directory) in words + environment and int(entry.name) != os.getpid():
            found.append(words)
    return found


def test_once_does_the_main_job_and_ends_with_true_numbers(tmp_path: Path) -> None:
    """Two bindings Ready, the corpus indexed, queries answered, the broken files named, nothing left running."""
    directory = tmp_path / "demo"
    done = subprocess.run(
        [*COMMAND, "--once", "--directory", str(directory)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    corpus = json.loads((ROOT / "examples" / "media" / "manifest.json").read_text())
    assert summary.pop("seconds") > 0
    assert summary == {
        "demo": "ok",
        "bindings_ready": 2,
        "files_indexed": len(corpus) + 1,  # one more was uploaded and one deleted, and there is an increment.meta
        "imported": 4 + 5,  # into the dataset, and into Image Search
        "import_failed": 1,  # it was never uploaded; the picture that was not there was left out
        "query_hits": 14,
        "failed_files": sum(1 for file in corpus if file.get("broken")),
        "search_top1": "china.jpg",
    }
    assert "spec.source.pictures[5]" in done.stdout  # the bad line is named
    assert processes_of(directory) == []


def test_it_stays_up_and_stops_cleanly_on_ctrl_c(tmp_path: Path) -> None:
    """Without --once it prints addresses and commands, and Ctrl-C ends every process."""
    directory = tmp_path / "demo"
    with subprocess.Popen(
        [*COMMAND, "--directory", str(directory)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        said: list[str] = []
        assert demo.stdout is not None
        for line in demo.stdout:
            said.append(line)
            if line.startswith('{"demo": "ok"'):
                break
        assert any("kubectl get imm -A" in line for line in said), "".join(said)
        assert any(f"export KUBECONFIG={directory}" in line for line in said)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    deadline = time.monotonic() + 20
    while processes_of(directory) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(directory) == []


def test_unknown_context_is_a_clear_error(tmp_path: Path) -> None:
    """A mistyped context ends at once, with the contexts there are."""
    words = ["--once", "--context", "no-such-context", "--directory", str(tmp_path / "demo")]
    done = subprocess.run([*COMMAND, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "There is no context 'no-such-context'" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
