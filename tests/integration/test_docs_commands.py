"""The commands of the docs do what their page says, on a real API server and the local cloud: those that take seconds.

The others, which need an operator with something to do, are in `tests/e2e/test_docs_commands_guides.py` and
`tests/e2e/test_docs_commands_pages.py`; the README's first steps are here all the same.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs_commands_pages import PARTS, Part
from tests.docs_commands_run import type_out

QUICK = [part for part in PARTS if not part.slow]


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("cluster_programs")
@pytest.mark.parametrize("part", QUICK, ids=[part.id for part in QUICK])
def test_the_commands_of_a_page_do_what_it_says(part: Part, tmp_path: Path) -> None:
    """From the first to the last, in one shell."""
    type_out(part, tmp_path)
