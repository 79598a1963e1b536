"""What /metrics serves, read by Prometheus' own parser and its linter of names."""

from __future__ import annotations

import asyncio
import subprocess

from controller.runtime.engine import Engine
from controller.runtime.settings import Settings
from tests.deploy.upstream_programs import promtool


async def test_promtool_finds_no_fault() -> None:
    """Neither with the text nor with a name, of ours or of others."""
    engine = Engine(Settings(lease_namespace="ns"))
    engine.metrics.reconciled("Dataset", "success", 0.1)
    text = engine.metrics.render()
    await engine.stop()
    done = await asyncio.to_thread(checked, text)
    assert (0, b"") == (done.returncode, done.stdout + done.stderr)


def checked(text: bytes) -> subprocess.CompletedProcess[bytes]:
    """What promtool says of it."""
    return subprocess.run([promtool(), "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)
