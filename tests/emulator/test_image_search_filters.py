"""Filter conditions: the page's samples, every operator, how they join, and what cannot be read."""

from __future__ import annotations

import pytest

from emulator.imagesearch.filters import FilterError, read_filter
from emulator.imagesearch.state import Picture

PICTURE = Picture("p", "n", 0, b"", 1, 1, 1, "", (100, 200, None, -4), ("value1", "", None, "a (b) AND c"))


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ("int_attr>=100", True),
        ('str_attr!="value1"', False),
        ('int_attr=1000 AND str_attr="value1"', False),
        ('intAttr = 100 AND intAttr2 = 200 AND strAttr = "value1" AND strAttr2 = ""', True),
        ("int_attr > 100", False),
        ("int_attr > 99", True),
        ("int_attr < 101", True),
        ("int_attr < 100", False),
        ("int_attr <= 100", True),
        ("int_attr <= 99", False),
        ("int_attr4=-4", True),
        ("int_attr in (1, 100)", True),
        ("int_attr IN (1,2)", False),
        ("int_attr not in (1,2)", True),
        ("int_attr NOT IN (100)", False),
        ("str_attr in ('value1', 'x')", True),
        ('str_attr not in ("value1")', False),
        ('str_attr4 = "a (b) AND c"', True),
        ("int_attr3 = 0", False),
        ("int_attr3 < 0", False),
        ("int_attr3 not in (0)", True),
        ('str_attr3 != "x"', True),
        ('str_attr3 = ""', False),
        ("int_attr=1 OR int_attr=100", True),
        ("int_attr=100 or int_attr=1 and int_attr=2", True),
        ("int_attr=1 and int_attr=2 or int_attr=100", True),
        ("int_attr=2 and int_attr=100 or int_attr=3", False),
    ],
)
def test_a_condition_is_met_or_not(text: str, meets: bool) -> None:  # noqa: FBT001 - a column
    """AND binds before OR; a picture without the attribute meets only what is negative."""
    assert meets == read_filter(text)(PICTURE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("int_attr", "ends where an operator was expected"),
        ("int_attr =", "ends where a value was expected"),
        ("int_attr = 1 AND", "ends where an attribute was expected"),
        ("int_attr = 1 int_attr = 2", "'int_attr' where AND, OR or its end was expected"),
        ("int_attr5 = 1", "names 'int_attr5'"),
        ("custom_content = 1", "names 'custom_content'"),
        ("int_attr != 1", "'!=', which int_attr does not take"),
        ('str_attr > "a"', "'>', which str_attr does not take"),
        ('int_attr = "1"', "where a whole number was expected"),
        ("str_attr = value1", "where a text in quotes was expected"),
        ('str_attr = "value1', "cannot be read from"),
        ("int_attr not 1", "not without in"),
        ("int_attr in 1", "where '(' was expected"),
        ("int_attr in (1", "ends where ')' was expected"),
        ("int_attr in ()", "where a whole number was expected"),
        ("(int_attr = 1)", "names '('"),
        ("int_attr == 1", "where a whole number was expected"),
        ("int_attr = 1; drop", "cannot be read from '; drop'"),
        ("int_attr=" + "1" * 4096, "4,105 characters; at most 4,096"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, said: str) -> None:
    """With the place and what was expected there."""
    with pytest.raises(FilterError) as caught:
        read_filter(text)
    assert said in str(caught.value)


def test_lists_are_refused_where_they_are_not_documented() -> None:
    """DeleteImage's page names neither `in` nor `not in`."""
    for text in ("int_attr in (1)", "int_attr not in (1)"):
        with pytest.raises(FilterError, match="does not take here"):
            read_filter(text, lists=False)
