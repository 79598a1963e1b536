"""What the tests of the docs' commands share: a part of a page, in a room of its own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.docs_commands import run
from tests.docs_commands_pages import Part, typed
from tests.docs_commands_room import opened

THEIRS = ("jq",)  # programs that pages ask the reader to have, and that are not made here


def type_out(part: Part, folder: Path) -> None:
    """Type what a part of a page says; raises AssertionError where it fails, or prints something else."""
    needed = {name for name in THEIRS for block in typed(part) if re.search(rf"\b{name} ", block.text)}
    if missing := sorted(name for name in needed if shutil.which(name) is None):
        pytest.skip(f"the reader has to have {', '.join(missing)}, and this machine has not")
    with opened(folder, part.scenes) as room:
        run(typed(part), part.fill, room.folder, room.environment, folder / "typed")
