"""An emulator as a process of its own, for tests that end it, kill it and start it again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import oss2

from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET
from tests.emulator.conftest import ReadingSession

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Running:
    """A running process and its address."""

    process: subprocess.Popen[str]
    url: str

    def admin(self, method: str, page: str, document: object = None) -> Any:
        """One of the emulator's own pages."""
        body = None if document is None else json.dumps(document).encode()
        with urlopen(Request(f"{self.url}/_emulator/{page}", body, method=method), timeout=30) as answer:  # noqa: S310 - our own
            return json.load(answer)

    @contextmanager
    def bucket(self, name: str) -> Iterator[oss2.Bucket]:
        """A client of a bucket."""
        session = ReadingSession()
        auth = oss2.AuthV4(DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET)
        try:
            yield oss2.Bucket(auth, self.url, name, session=session, region="cn-hangzhou")
        finally:
            session.session.close()


@contextmanager
def emulator(*options: str) -> Iterator[Running]:
    """`python -m emulator run --port 0` with more options; killed at the end if it still runs."""
    command = [sys.executable, "-m", "emulator", "run", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.fullmatch(r"emulator ready on (http://127\.0\.0\.1:\d+)\n", line)
            assert match is not None, line or process.communicate()[1]
            yield Running(process, match.group(1))
        finally:
            if process.poll() is None:
                process.kill()
