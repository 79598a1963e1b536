"""Every command of the docs is run by `tests/integration/test_docs_commands.py`, or listed with the reason why not."""

from __future__ import annotations

import pytest

from tests.docs_commands import Block, blocks, matches
from tests.docs_commands_pages import NOT_RUN, PARTS, Part, part_of, typed

BLOCKS = blocks()


def where(block: Block) -> tuple[str, str]:
    """What a block is listed by."""
    return block.page, block.first


def test_there_are_commands_in_the_places_that_people_read() -> None:
    """The collector sees the README, the guides, the environments, and the folders to deploy from."""
    seen = {block.page for block in BLOCKS}
    assert {"README.md", "docs/guides/install.md", "environments/README.md", "deploy/pulumi-operator/README.md"} <= seen


@pytest.mark.parametrize("block", BLOCKS, ids=[block.id for block in BLOCKS])
def test_every_block_is_run_or_listed_with_a_reason(block: Block) -> None:
    """What nobody runs rots."""
    listed = where(block) in NOT_RUN
    assert listed or part_of(block) is not None, f"{block.id}: name its page in tests/docs_commands_pages.py"


def test_what_is_listed_as_not_run_stands_in_the_docs() -> None:
    """And has a reason that is more than a word."""
    assert set() == set(NOT_RUN) - {where(block) for block in BLOCKS}
    assert [] == [first for first, reason in NOT_RUN.items() if len(reason) < 20]


@pytest.mark.parametrize("part", PARTS, ids=[part.id for part in PARTS])
def test_a_part_of_a_page_has_commands_and_what_is_filled_in_stands_there(part: Part) -> None:
    """Else a page has been rewritten and the table was forgotten."""
    own = [block for block in typed(part) if block.language != "yaml"]
    assert own, "nothing is typed there"
    text = "\n".join(block.text for block in typed(part))
    assert [] == [name for name in part.fill if name not in text]


def test_no_shell_hides_in_another_language() -> None:
    """`bash` and `shell` are written `sh`, so that the collector sees them."""
    assert {"sh", "console", "yaml"} >= {block.language for block in BLOCKS}


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("NAME AGE\nphotos 41s", "NAME     AGE\nphotos   2m3s\n", True),
        ("photos Running", "photos Stopped", False),
        ("photos", "photos and more", False),
        ("id … end", "id 17 end", True),
        ("a.b", "axb", False),
    ],
)
def test_what_is_shown_is_compared_word_for_word(shown: str, printed: str, same: bool) -> None:  # noqa: FBT001 - a case
    """But for ages, white space and ellipses."""
    assert same is matches(shown, printed)
