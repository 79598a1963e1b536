"""What holds while the operator's process is imported, and no longer."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import gc
import controller.runtime.early
assert not gc.isenabled()
import controller.__main__
assert gc.isenabled()
print(gc.get_stats()[2]["collections"])
"""


def test_nothing_is_searched_for_garbage_until_all_is_imported() -> None:
    """And from then on it is: a process that runs for months would else grow."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=60)
    assert (0, "0\n") == (done.returncode, done.stdout), done.stderr
