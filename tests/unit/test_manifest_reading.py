"""`controller.core.manifest`: a manifest in pieces becomes the same lines, however fast they are read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.importsource import Operation
from controller.core.imports.items import Severity
from controller.core.imports.lines import LONGEST
from controller.core.manifest import rules
from controller.core.manifest.lines import Line, decode, encode, key_of, name_of
from controller.core.manifest.pairs_parser import check_line
from controller.core.manifest.quick import take
from controller.core.manifest.reading import Checked, ManifestReader
from tests.guide_manifest import GUIDE
from tests.unit.manifest_lines import lines

ADD, DELETE = Operation.ADD, Operation.DELETE
EXAMPLE = GUIDE.encode()
KS = "k1:v1,k2:v2,k3:v3"
OF_THE_EXAMPLE = [
    Line(ADD, "1000", "girl_cloth1.jpg", 0, 0, "value1", KS, region="20,40,60,80"),
    Line(ADD, "1000", "girl_cloth2.jpg", 0, 0, "value2", KS, region="20,40,60,80"),
    Line(ADD, "1001", "girl_cloth3.jpg", 1, custom_content=KS),
    Line(ADD, "1002", "girl_cloth4.jpg", 0, custom_content=KS, crop=False),
    Line(ADD, "1003", "girl_cloth7.jpg", custom_content="https://www.aliyun.com/imagesearch/girl_cloth7.jpg"),
    Line(ADD, "1003", "girl_cloth6.jpg", custom_content=KS),
    Line(ADD, "1006", "girlCloth/girl_cloth10.jpg", custom_content=KS),
    Line(DELETE, "1004", "fengyi.jpg"),
    Line(DELETE, "1005"),
]
GOOD = b'{"OperationType":"ADD","ProductId":"1","PicName":"a.jpg","CustomContent":"c"}'

# What is written of a line, and then changed somewhere: spaces, escapes, repeated and other fields, bytes.
BITS = rb"""" \ { } , [ }{ .. // $ / 0 e1 1.0 -0 null NaN \u0022 \n \ud800 \u005c "Crop":true, "Crop":null,
    "StrAttr":"a", ,"IntAttr":1 "Cr\u006fp":false, "a":" ,"StrAttr":"\u0022" "PicName":"b.jpg", "ProductId":"2","""
_bits = st.sampled_from([*BITS.split(), b" ", b"\t", b"\r", b"\x00", b"\x7f", b"\xff", b"\xef\xbb\xbf", b"\xc3\xa9"])
_changes = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), _bits), max_size=4)


def changed(raw: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Bytes with some of them replaced, none of them by a line break."""
    for part, dropped, bit in changes:
        seams = [0, *(found.end() for found in re.finditer(rb'[{},:"]', raw))]
        at = seams[int(part * (len(seams) - 1))]
        raw = raw[:at] + bit + raw[at + dropped :]
    return raw.replace(b"\n", b"")


written = st.builds(
    lambda line, ascii_only, changes: changed(
        json.dumps(json.loads(encode([line])), ensure_ascii=ascii_only).encode(), changes
    ),
    lines,
    st.booleans(),
    _changes,
)


def read(data: bytes, cuts: list[int] | None = None, **begin: Any) -> list[Checked]:
    """Everything in a manifest that comes cut at those places."""
    reader = ManifestReader(**begin)
    ends = sorted({0, len(data), *(cut for cut in cuts or [] if cut < len(data))})
    pieces = [data[first:last] for first, last in pairwise(ends)]
    return [one for piece in pieces for checked in reader.feed(piece) for one in checked] + [
        one for checked in reader.close() for one in checked
    ]


def slowly(data: bytes) -> Iterator[tuple[Line | None, list[str]]]:
    """The lines as the slow parser alone sees them."""
    raws = data.split(b"\n")
    for number, raw in enumerate(raws if raws[-1] else raws[:-1], 1):
        found = check_line(raw, f"line {number}")
        yield found.line, [str(one) for one in found.findings]


def test_the_guide_s_own_example_is_good_in_every_line() -> None:
    """Literally, with the DELETEs that its table does not allow; the last is of every picture."""
    found = read(EXAMPLE)
    assert OF_THE_EXAMPLE == [one.line for one in found]
    assert [()] * 9 == [one.problems for one in found]
    assert list(range(1, 10)) == [one.number for one in found]
    assert len(EXAMPLE) == found[-1].end
    assert OF_THE_EXAMPLE == [check_line(raw, "").line for raw in EXAMPLE.split(b"\n")]
    reader = ManifestReader()
    assert 8 == sum(len(checked) for checked in reader.feed(EXAMPLE))
    assert (9, 0) == (reader.number, reader.wide)
    assert 1 == sum(len(checked) for checked in reader.close())
    assert (10, 1, len(EXAMPLE)) == (reader.number, reader.wide, reader.offset)
    assert [False] * 8 + [True] == [line.wide for line in OF_THE_EXAMPLE]


def test_a_manifest_is_written_in_the_guide_s_own_order() -> None:
    """Without spaces, with a line break after each line."""
    assert EXAMPLE.replace(b'": ', b'":') + b"\n" == encode(OF_THE_EXAMPLE)


def test_a_line_has_a_name_for_people_and_a_key_for_machines() -> None:
    """The key is told from every other, whatever the names hold."""
    assert ["1000 girl_cloth1.jpg", "1005, every picture"] == [name_of(OF_THE_EXAMPLE[n]) for n in (0, 8)]
    some = [Line(DELETE, *ids) for ids in (("1", "2/a"), ("1/2", "a"), ("1", None), ("1/", "2/a"), ("11:1", "2/a"))]
    assert len(some) == len({key_of(line) for line in some})


@given(st.lists(lines, max_size=5))
def test_what_is_written_is_read_again(some: list[Line]) -> None:
    """By the reader as well as by `decode`, and the same bytes are written once more."""
    data = encode(some)
    found = read(data)
    assert some == [one.line for one in found] == decode(data)
    assert all(finding.severity is Severity.WARNING for one in found for finding in one.problems)
    assert data == encode([one.line for one in found if one.line is not None])


@given(written)
def test_the_fast_path_takes_nothing_that_the_slow_one_refuses(raw: bytes) -> None:
    """And makes the very same line of what it takes."""
    quick = take([raw])
    slow = check_line(raw, "line 1").line
    assert quick is None or quick == [slow]


@given(lines)
def test_the_fast_path_takes_every_plain_line(line: Line) -> None:
    """What it leaves to the slow one costs time."""
    assert [line, line] == take(encode([line, line]).splitlines())


@given(st.lists(written, max_size=6), st.booleans())
def test_a_lot_of_lines_reads_as_each_of_them_alone(raws: list[bytes], last: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever stands beside a line."""
    data = b"\n".join(raws) + b"\n" * (last and bool(raws))
    found = [(one.line, [str(finding) for finding in one.problems]) for one in read(data, crlf_said=True)]
    assert list(slowly(data)) == found


WRONG = GOOD.replace(b"ADD", b"MOVE") + b"\r"
MIXED = b"\n".join([EXAMPLE, b"", GOOD + b"\r", WRONG, b"x" * 70_000, b"\xef\xbb\xbf" + GOOD, b" ", GOOD])


@given(st.lists(st.integers(0, len(MIXED)), max_size=9))
def test_it_does_not_matter_how_the_bytes_are_cut(cuts: list[int]) -> None:
    """In the middle of a character, of a line break, or of a line that is too long."""
    assert read(MIXED) == read(MIXED, cuts)


def test_a_reader_goes_on_from_the_end_of_any_line() -> None:
    """As after a restart: from the number, the offset and the one warning that was given."""
    whole = read(MIXED)
    assert 16 == len(whole)
    for index, one in enumerate(whole):
        said = any("\\r\\n" in finding.rule for before in whole[: index + 1] for finding in before.problems)
        rest = read(MIXED[one.end :], first_number=one.number + 1, offset=one.end, crlf_said=said)
        assert whole[index + 1 :] == rest


def test_one_byte_at_a_time_is_the_same() -> None:
    """The smallest pieces there are."""
    assert read(EXAMPLE + b"\n\n") == read(EXAMPLE + b"\n\n", list(range(len(EXAMPLE) + 2)))


def test_a_carriage_return_is_accepted_and_said_once() -> None:
    """As a warning at the first line that has one."""
    found = read((GOOD + b"\n") + (GOOD + b"\r\n") * 2000)
    assert 2001 == sum(one.line is not None for one in found)
    (one,) = [finding for one in found for finding in one.problems]
    assert ("line 2", Severity.WARNING) == (one.where, one.severity)
    assert "lines end with \\r\\n; \\r is taken for a space, and \\n alone is better" == one.rule


@pytest.mark.parametrize("piece", [1000, 1 << 20])
def test_a_carriage_return_after_a_line_that_is_too_long_is_not_said(piece: int) -> None:
    """Nothing of such a line is, however it comes."""
    data = b"x" * 70_000 + b"\r\n" + GOOD + b"\r\n"
    found = read(data, list(range(0, len(data), piece)))
    assert [["line 1"], ["line 2"]] == [[finding.where for finding in one.problems] for one in found]


def test_an_object_over_two_lines_is_none() -> None:
    """Not even where another one stands before it, so that there are as many objects as lines."""
    first, last = GOOD.split(b",", 1)
    found = read(GOOD + first + b",\n" + last + b"\n" + GOOD)
    assert [None, None, True] == [one.line and True for one in found]


def test_a_byte_order_mark_is_no_json() -> None:
    """What else is wrong with its line is said as well, and the others are read."""
    found = read(b"\xef\xbb\xbf" + GOOD.replace(b"ADD", b"Add") + b"\n" + GOOD)
    assert ["byte order mark" in found[0].problems[0].rule, True] == [True, found[1].line is not None]
    assert "OperationType" == found[0].problems[1].field


def test_an_empty_line_is_named_and_the_end_of_the_last_is_not() -> None:
    """A line break at the end ends a line, and begins none."""
    assert [] == read(b"")
    assert 1 == len(read(GOOD + b"\n")) == len(read(GOOD))
    found = read(GOOD + b"\n\n \t\n" + GOOD + b"\n\n")
    assert [2, 3, 5] == [one.number for one in found if one.line is None]
    assert {"there is no object on this line: remove it"} == {f.rule for one in found for f in one.problems}


@pytest.mark.parametrize("piece", [1000, 65_536, 1 << 20])
def test_a_line_that_is_too_long_is_never_held(piece: int) -> None:
    """One of exactly the length is read; of a longer one only its length is kept."""
    fits = GOOD.ljust(LONGEST)
    data = GOOD + b"\n" + fits + b"\n" + fits + b" \n" + b"x" * 3_000_000 + b"\n" + GOOD
    found = read(data, list(range(0, len(data), piece)))
    assert [1, 2, 5] == [one.number for one in found if one.line is not None]
    assert {"it is longer than 64 KiB, as no line can be that is right"} == {
        f.rule for one in found for f in one.problems
    }
    assert len(data) == found[-1].end
    reader = ManifestReader()
    assert [] == [one for _ in range(100) for one in reader.feed(b"x" * 10_000)]
    assert reader._rest == b""  # noqa: SLF001 - what it holds is the point


def test_the_longest_line_that_is_right_fits() -> None:
    """Every field at its length, every character by its number."""
    astral = "\U0001f600"
    fields = {
        "ProductId": astral * 256,
        "PicName": astral * 252 + ".jpg",
        "StrAttr": astral * 128,
        "CustomContent": astral * 4096,
    }
    raw = json.dumps({"OperationType": "ADD", **fields, "Region": "20,40,60,80"}).encode()
    (one,) = read(raw)
    assert one.line is not None
    assert [one.line] == take([raw]) == [check_line(raw, "").line]


def test_region_and_crop_together_are_a_warning() -> None:
    """On both paths; the line is taken."""
    raw = GOOD.replace(b"}", b',"Crop":true,"Region":"0,1,0,1"}')
    (one,) = read(raw)
    assert one.line is not None
    assert ["line 1: Crop 'true': with Region, Crop is ignored"] == [str(finding) for finding in one.problems]
    assert check_line(raw, "line 1").findings == one.problems


@pytest.mark.parametrize(
    ("region", "size", "outside"),
    [("20,40,60,80", (40, 80), False), ("20,40,60,80", (39, 80), True), ("20,40,60,80", (40, 79), True)],
)
def test_a_region_lies_within_its_picture(region: str, size: tuple[int, int], *, outside: bool) -> None:
    """Which is known once its first bytes are."""
    found = rules.region_problem(Line(ADD, "1", "a.jpg", region=region), *size, where="line 4")
    words = f"line 4: Region '{region}': the region is not within its picture (it has {size[0]} x {size[1]} pixels)"
    assert ([words] if outside else []) == [str(one) for one in (found,) if one is not None]
    assert rules.region_problem(Line(ADD, "1", "a.jpg"), 1, 1) is None


@pytest.mark.parametrize(
    ("category", "service_type", "said"),
    [
        (None, 0, None),
        (9, 0, None),
        (22, 0, None),
        (88888888, 0, None),
        (10, 0, rules.CATEGORY),
        (19, 0, rules.CATEGORY),
        (-1, 0, rules.CATEGORY),
        (88888887, 0, rules.CATEGORY),
        (0, 1, rules.CATEGORY_IGNORED),
        (88888888, 1, None),
        (0, 5, rules.CATEGORY_UNVERIFIED),
        (0, None, None),
        (23, None, rules.CATEGORY_UNVERIFIED),
    ],
)
def test_a_category_is_judged_by_the_type_of_the_instance(
    category: int | None, service_type: int | None, said: rules.Rule | None
) -> None:
    """Product image search has the categories of the vendor's reference, generic image search none."""
    found = rules.category_problem(Line(ADD, "1", "a.jpg", category), service_type, where="line 1")
    assert said == (None if found is None else next(rule for rule in rules.RULES if rule.text == found.rule))
    assert found is None or (found.severity is Severity.PROBLEM) == (service_type == 0)


@pytest.mark.parametrize("key", ["increment.meta", "spring/increment.meta"])
def test_a_manifest_has_one_name(key: str) -> None:
    """To the letter."""
    assert rules.file_name_problem(key) is None
    for other in (key.upper(), f"{key}.txt", key.replace(".meta", "s.meta"), f"{key}/"):
        assert "a manifest is named increment.meta exactly: rename it" in str(rules.file_name_problem(other))


def test_every_rule_has_an_id_of_its_own_and_says_where_it_is_from() -> None:
    """The docs print them all."""
    assert len({rule.id for rule in rules.RULES}) == len(rules.RULES) > 40
    assert all(rule.id and rule.text and rule.source for rule in rules.RULES)
