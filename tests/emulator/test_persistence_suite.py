"""The services' own tests on a directory: after each of them it gives back exactly the state that was in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.e2e
def test_every_test_of_the_services_holds_on_disk_and_its_state_comes_back() -> None:
    """See `cloud` in conftest.py, which compares documents."""
    command = [sys.executable, "-m", "pytest", "--quiet", "--numprocesses=auto", "--dist=loadfile", str(HERE)]
    environment = {**os.environ, "EMULATOR_TESTS_ON_DISK": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=HERE.parents[1])
    assert 0 == result.returncode, result.stdout[-4000:]
