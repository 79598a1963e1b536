"""`controller.reconcile.imports.pairs`: lines about one picture are found, however far apart they stand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.importsource import Operation
from controller.core.manifest.lines import Line
from controller.reconcile.imports import pairs
from controller.reconcile.imports.pairs import Pairs

ADD, DELETE = Operation.ADD, Operation.DELETE
TWICE = "another line does this with the same picture: keep one of the two"
BOTH = "one line adds this picture, another deletes it, and none is said to be first: keep one"
WHOLE_TWICE = "another line deletes every picture of the product: keep one of the two"
WHOLE = (
    "one line deletes every picture of the product, another is of one picture of it, and none is said to be first: "
    "keep one, or make two imports"
)
A, B = Line(ADD, "1", "a.jpg", custom_content="x"), Line(ADD, "1", "b.jpg", custom_content="x")
NOT_A, NONE_OF_1 = Line(DELETE, "1", "a.jpg"), Line(DELETE, "1")


@pytest.fixture
def index() -> Iterator[Pairs]:
    """An empty one."""
    made = Pairs()
    yield made
    made.close()


def said(found: Mapping[int, tuple[object, ...]]) -> list[str]:
    """For people."""
    return [str(one) for number in sorted(found) for one in found[number]]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (A, A, f"line 9: PicName 'a.jpg': {TWICE} (the other is line 3)"),
        (NOT_A, NOT_A, f"line 9: PicName 'a.jpg': {TWICE} (the other is line 3)"),
        (A, NOT_A, f"line 9: PicName 'a.jpg': {BOTH} (the other is line 3)"),
        (NOT_A, A, f"line 9: PicName 'a.jpg': {BOTH} (the other is line 3)"),
        (NONE_OF_1, A, f"line 9: PicName 'a.jpg': {WHOLE} (the other is line 3)"),
        (A, NONE_OF_1, f"line 9: ProductId '1': {WHOLE} (the other is line 3)"),
        (NOT_A, NONE_OF_1, f"line 9: ProductId '1': {WHOLE} (the other is line 3)"),
        (NONE_OF_1, NONE_OF_1, f"line 9: ProductId '1': {WHOLE_TWICE} (the other is line 3)"),
        (A, B, None),
        (A, Line(ADD, "2", "a.jpg", custom_content="x"), None),
        (A, Line(DELETE, "2"), None),
        (Line(DELETE, "11"), Line(DELETE, "1", "1.jpg"), None),
    ],
)
def test_two_lines_of_one_picture_are_both_named(
    index: Pairs, first: Line, second: Line, words: str | None, *, apart: bool
) -> None:
    """In one batch or in two; the one that came first stays."""
    batches = [[(3, first)], [(9, second)]] if apart else [[(3, first), (9, second)]]
    found = [index.add_batch(batch) for batch in batches]
    assert ([] if words is None else [words]) == said(found[-1])
    assert {} == (found[0] if apart else {})


def test_every_picture_of_a_product_that_came_in_the_same_batch(index: Pairs) -> None:
    """Also after another product was deleted as a whole in it."""
    found = index.add_batch([(1, NONE_OF_1), (2, Line(ADD, "2", "a.jpg")), (3, Line(DELETE, "2"))])
    assert [f"line 3: ProductId '2': {WHOLE} (the other is line 2)"] == said(found)


def test_a_refused_line_leaves_no_trace(index: Pairs) -> None:
    """What is said of later lines does not depend on it, so a restart with those that were taken says the same."""
    lines = [(1, A), (2, NOT_A), (3, NONE_OF_1), (4, NOT_A), (5, B), (6, B)]
    found = index.add_batch(lines)
    assert [2, 3, 4, 6] == sorted(found)
    again = Pairs()
    assert {} == again.add_batch([(number, line) for number, line in lines if number not in found])
    assert index.add_batch([(7, NOT_A), (8, B)]) == again.add_batch([(7, NOT_A), (8, B)])
    again.close()


def test_places_are_named_as_the_source_has_them() -> None:
    """Pictures of a spec have no lines."""
    index = Pairs(where="pictures[{}]".format)
    assert ["pictures[1]: PicName 'a.jpg': " + TWICE + " (the other is pictures[0])"] == said(
        index.add_batch([(0, A), (1, A)])
    )
    index.close()


class _Plain:
    """The same in a dictionary: what a reader would write."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[str | None, int]] = {}

    def takes(self, number: int, line: Line) -> bool:
        product = self.taken.setdefault(line.product_id, {})
        if line.pic_name in product or None in product or (line.pic_name is None and product):
            return False
        product[line.pic_name] = number
        return True


_lines = st.builds(
    Line, st.just(ADD), st.sampled_from("12345"), st.sampled_from(["a.jpg", "b.jpg", "c.jpg"])
) | st.builds(Line, st.just(DELETE), st.sampled_from("12345678"), st.sampled_from([None, "a.jpg", "b.jpg", "d.jpg"]))


@given(st.lists(st.lists(_lines, max_size=8), max_size=12))
def test_it_agrees_with_a_dictionary(batches: list[list[Line]]) -> None:
    """With a memory of three entries and pages of two, so that nearly everything is looked for in the file."""
    recent, page, pairs.RECENT, pairs.PAGE = pairs.RECENT, pairs.PAGE, 3, 2
    index, plain, number = Pairs(), _Plain(), 0
    try:
        for batch in batches:
            numbered = list(enumerate(batch, number + 1))
            number += len(batch)
            expected = {at for at, line in numbered if not plain.takes(at, line)}
            found = index.add_batch(numbered)
            assert expected == found.keys()
            for (one,) in found.values():
                other = int(one.rule.rpartition("line ")[2].rstrip(")"))
                assert other < int(one.where.removeprefix("line "))
                assert (
                    other
                    in plain.taken[one.value if one.field == "ProductId" else _product(batches, one.where)].values()
                )
    finally:
        index.close()
        pairs.RECENT, pairs.PAGE = recent, page


def _product(batches: list[list[Line]], where: str) -> str:
    return [line for batch in batches for line in batch][int(where.removeprefix("line ")) - 1].product_id


def test_many_runs_are_looked_through(index: Pairs) -> None:
    """Two hundred thousand lines in three of them: each line is found again, and no other is."""
    for at in range(0, 200_000, 5000):
        assert {} == index.add_batch([(n, Line(ADD, f"{n // 3}", f"{n}.jpg")) for n in range(at, at + 5000)])
    again = [(200_000 + n, Line(ADD, f"{n // 3}", f"{n}.jpg")) for n in range(0, 200_000, 997)]
    found = index.add_batch(again)
    assert [f"(the other is line {n - 200_000})" for n, _ in again] == [
        found[n][0].rule[-len(f"(the other is line {n - 200_000})") :] for n, _ in again
    ]
    wide = index.add_batch([(400_000 + n, Line(DELETE, f"{n // 3}")) for n in range(0, 200_000, 997)])
    assert len(again) == len(wide)
    assert {} == index.add_batch([(600_000 + n, Line(DELETE, f"other {n}")) for n in range(1000)])


def test_its_memory_does_not_grow_with_the_lines() -> None:
    """But for half a byte of each, beside the filter and the latest entries."""

    def grown(count: int) -> int:
        tracemalloc.start()
        try:
            index = Pairs()
            for at in range(0, count, 5000):
                index.add_batch([(n, Line(ADD, "1", f"{n}.jpg")) for n in range(at, at + 5000)])
            index.close()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = grown(70_000), grown(210_000)
    assert many < 32 << 20
    assert many - few < 2 << 20
