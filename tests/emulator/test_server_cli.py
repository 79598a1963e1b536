"""`python -m emulator` as a process: the ready line, the exports, waiting, faults, and a clean end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import oss2
import pytest
from click.testing import CliRunner

from emulator.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running emulator on a port of its own, and its address."""
    command = [sys.executable, "-m", "emulator", "run", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        match = re.fullmatch(r"emulator ready on (http://127\.0\.0\.1:\d+)\n", line)
        assert match is not None, line
        yield running, match.group(1)
        if running.poll() is None:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_ends_cleanly(
    process: tuple[subprocess.Popen[str], str], number: signal.Signals
) -> None:
    """One line when ready; the exported key opens it; a signal ends it with status 0 and no traceback."""
    running, url = process
    exported = CliRunner().invoke(main, ["env", "--url", url]).output
    env = dict(re.findall(r"export (\w+)=(.*)", exported))
    session = oss2.Session()
    auth = oss2.AuthV4(env["ALIBABA_CLOUD_ACCESS_KEY_ID"], env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
    bucket = oss2.Bucket(auth, env["OSS_ENDPOINT"], "made", session=session, region=env["ALIBABA_CLOUD_REGION"])
    assert 200 == bucket.create_bucket().status
    session.session.close()
    os.kill(running.pid, number)
    _, errors = running.communicate(timeout=60)
    assert (0, False) == (running.returncode, "Traceback" in errors)


def test_the_commands_talk_to_a_running_emulator(process: tuple[subprocess.Popen[str], str], tmp_path: Path) -> None:
    """wait, faults and reset."""
    _, url = process
    runner = CliRunner()
    assert 0 == runner.invoke(main, ["wait", "--url", url, "--deadline", "60"]).exit_code
    rules = tmp_path / "rules.json"
    rules.write_text('[{"service": "oss", "drop": true, "times": 3}]')
    shown = json.loads(runner.invoke(main, ["faults", "--url", url, "--set", str(rules)]).output)
    assert [3] == [rule["left"] for rule in shown["rules"]]
    assert 0 == runner.invoke(main, ["reset", "--url", url]).exit_code
    assert {"rules": []} == json.loads(runner.invoke(main, ["faults", "--url", url]).output)


def test_waiting_for_nothing_ends_at_the_deadline() -> None:
    """With a status and a sentence, not a traceback."""
    result = CliRunner().invoke(main, ["wait", "--url", "http://127.0.0.1:1", "--deadline", "0.2"])
    assert 1 == result.exit_code
    assert "nothing healthy at http://127.0.0.1:1" in result.output


def test_an_address_others_can_reach_is_refused() -> None:
    """The key pair is public, so the emulator stays on the loopback unless told otherwise."""
    result = CliRunner().invoke(main, ["run", "--host", "0.0.0.0"])  # noqa: S104 - refused
    assert 2 == result.exit_code
    assert "--allow-remote" in result.output
