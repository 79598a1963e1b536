"""Commands of the guides that need an operator at work; `tests/integration/test_docs_commands.py` has the rest.

Other pages have a file of their own, so that two processes share the minutes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs_commands_pages import GUIDES, PARTS, Part
from tests.docs_commands_run import type_out

SLOW = [part for part in PARTS if part.slow and part.page.startswith(GUIDES)]


@pytest.mark.e2e
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("cluster_programs")
@pytest.mark.parametrize("part", SLOW, ids=[part.id for part in SLOW])
def test_the_commands_of_a_page_do_what_it_says(part: Part, tmp_path: Path) -> None:
    """From the first to the last, in one shell."""
    type_out(part, tmp_path)
