"""`controller.core.manifest`: what is wrong with a line, in the very words that people read."""

from __future__ import annotations

import json
from types import EllipsisType

import pytest

from controller.core.manifest.pairs_parser import check_line
from controller.core.manifest.quick import take
from controller.core.manifest.reading import ManifestReader

FIELDS = {"OperationType": "ADD", "ProductId": "1000", "PicName": "a.jpg", "CustomContent": "k1:v1"}


def line(**fields: object | EllipsisType) -> str:
    """A good ADD with other fields; ... leaves one out."""
    return json.dumps({k: v for k, v in (FIELDS | fields).items() if v is not ...}, ensure_ascii=False)


GOOD = line()
HEAD = GOOD.removesuffix("}")
BAD: list[tuple[str, list[str]]] = [
    (GOOD + " " + GOOD, ["several values on one line fail the whole operation: put each object on its own line"]),
    (GOOD + GOOD, ["several values on one line fail the whole operation: put each object on its own line"]),
    (GOOD + ", " + GOOD, ["several values on one line fail the whole operation: put each object on its own line"]),
    ("[" + GOOD + "]", ["an array is no operation: write its objects one on each line, without brackets"]),
    ("[" + GOOD + "," + GOOD + "]", ["an array is no operation: write its objects one on each line, without brackets"]),
    (GOOD + ",", ["line ',': it is no JSON object: correct it (from character 92 on)"]),
    (GOOD + " // first", ["line '// first': it is no JSON object: correct it (from character 93 on)"]),
    ('"ADD"', ["line '\"ADD\"': one JSON object is needed on each line"]),
    ("17", ["line '17': one JSON object is needed on each line"]),
    ("null", ["line 'null': one JSON object is needed on each line"]),
    ("true", ["line 'true': one JSON object is needed on each line"]),
    ("NaN", ["line 'NaN': one JSON object is needed on each line"]),
    ("[]", ["an array is no operation: write its objects one on each line, without brackets"]),
    (HEAD, ["it is no JSON object: correct it (from character 91 on)"]),
    (HEAD + ",}", ["line '}': it is no JSON object: correct it (from character 92 on)"]),
    (
        HEAD.replace(', "Pro', ' "Pro'),
        ['line \'"ProductId": "1000", "PicName": \': it is no JSON object: correct it (from character 25 on)'],
    ),
    (
        "{'OperationType': 'ADD'}",
        ["line \"'OperationType': 'ADD'}\": it is no JSON object: correct it (from character 2 on)"],
    ),
    (
        "OperationType,ProductId",
        ["line 'OperationType,ProductId': it is no JSON object: correct it (from character 1 on)"],
    ),
    (
        "{}",
        ["OperationType: it is missing, and every line needs it", "ProductId: it is missing, and every line needs it"],
    ),
    ("", ["there is no object on this line: remove it"]),
    ("   ", ["there is no object on this line: remove it"]),
    ("\ufeff" + GOOD, ["it begins with a byte order mark, which is no JSON: save the file without one"]),
    (HEAD + ', "Crop": True}', ["line 'True}': it is no JSON object: correct it (from character 101 on)"]),
    (HEAD + ', "IntAttr": 01}', ["line '1}': it is no JSON object: correct it (from character 105 on)"]),
    (HEAD + ', "IntAttr": +1}', ["line '+1}': it is no JSON object: correct it (from character 104 on)"]),
    (line(OperationType="add"), ["OperationType 'add': an operation is ADD or DELETE, in capital letters"]),
    (line(OperationType="UPDATE"), ["OperationType 'UPDATE': an operation is ADD or DELETE, in capital letters"]),
    (line(OperationType=" ADD"), ["OperationType ' ADD': an operation is ADD or DELETE, in capital letters"]),
    (line(OperationType=1), ["OperationType '1': a text is needed, in quotes"]),
    (line(OperationType=None), ["OperationType 'null': null is no value: write one, or leave the field out"]),
    (line(OperationType=""), ["OperationType: an operation is ADD or DELETE, in capital letters"]),
    (line(OperationType=...), ["OperationType: it is missing, and every line needs it"]),
    (line(ProductId=...), ["ProductId: it is missing, and every line needs it"]),
    (line(ProductId=1000), ["ProductId '1000': a text is needed, in quotes"]),
    (line(ProductId=""), ["ProductId: it is empty: write what it should be"]),
    (line(ProductId="p" * 257), ["ProductId '" + "p" * 125 + "…': at most 256 characters (it has 257)"]),
    (
        line(ProductId="10\n00"),
        ["ProductId '10\\n00': it has a control character, such as a line break or tab: remove it"],
    ),
    (line(ProductId=None), ["ProductId 'null': null is no value: write one, or leave the field out"]),
    (
        line(ProductId=["1000"]),
        ["ProductId '1 entries': no field takes an object or array: write a text, number or true/false"],
    ),
    (line(ProductId=10.5), ["ProductId '10.5': a text is needed, in quotes"]),
    (line(PicName=...), ["PicName: it is missing, and an ADD needs it"]),
    (line(CustomContent=...), ["CustomContent: it is missing, and an ADD needs it"]),
    (
        line(PicName=..., CustomContent=...),
        ["PicName: it is missing, and an ADD needs it", "CustomContent: it is missing, and an ADD needs it"],
    ),
    (line(CustomContent=""), ["CustomContent: it is empty: write what it should be"]),
    (line(CustomContent="x" * 4097), ["CustomContent '" + "x" * 125 + "…': at most 4096 characters (it has 4097)"]),
    (
        line(CustomContent={"k1": "v1"}),
        ["CustomContent '1 entries': no field takes an object or array: write a text, number or true/false"],
    ),
    (
        line(PicName="girl_cloth10"),
        ["PicName 'girl_cloth10': a picture's name ends with its extension, e.g. girl_cloth10.jpg"],
    ),
    (
        line(PicName="girlCloth/"),
        ["PicName 'girlCloth/': a picture's name ends with its extension, e.g. girl_cloth10.jpg"],
    ),
    (line(PicName=".jpg"), ["PicName '.jpg': a picture's name ends with its extension, e.g. girl_cloth10.jpg"]),
    (line(PicName="a.jpg "), ["PicName 'a.jpg ': a picture's name ends with its extension, e.g. girl_cloth10.jpg"]),
    (
        line(PicName="/girlCloth/a.jpg"),
        ["PicName '/girlCloth/a.jpg': a picture's name is relative: remove the / at its begin"],
    ),
    (
        line(PicName="girlCloth\\a.jpg"),
        ["PicName 'girlCloth\\\\a.jpg': folders are parted by /: write it instead of \\"],
    ),
    (
        line(PicName="../a.jpg"),
        ["PicName '../a.jpg': a name in OSS has no . or .. as a folder: write the folder that is meant"],
    ),
    (
        line(PicName="./a.jpg"),
        ["PicName './a.jpg': a name in OSS has no . or .. as a folder: write the folder that is meant"],
    ),
    (
        line(PicName="a/../b.jpg"),
        ["PicName 'a/../b.jpg': a name in OSS has no . or .. as a folder: write the folder that is meant"],
    ),
    (line(PicName="girlCloth//a.jpg"), ["PicName 'girlCloth//a.jpg': // names a folder without a name: write one /"]),
    (
        line(PicName="oss://photos/a.jpg"),
        ["PicName 'oss://photos/a.jpg': it is an address: write the picture's name relative to the manifest's folder"],
    ),
    (
        line(PicName="https://aliyun.com"),
        ["PicName 'https://aliyun.com': it is an address: write the picture's name relative to the manifest's folder"],
    ),
    (line(PicName=""), ["PicName: it is empty: write what it should be"]),
    (line(PicName="é" * 253 + ".jpg"), ["PicName '" + "é" * 62 + "…': at most 256 characters (it has 257)"]),
    (
        line(PicName="a\tb.jpg"),
        ["PicName 'a\\tb.jpg': it has a control character, such as a line break or tab: remove it"],
    ),
    (
        line(PicName=["a.jpg", "b.jpg"]),
        ["PicName '2 entries': no field takes an object or array: write a text, number or true/false"],
    ),
    (
        line(PicName="/../a\\b"),
        [
            "PicName '/../a\\\\b': folders are parted by /: write it instead of \\",
            "PicName '/../a\\\\b': a picture's name is relative: remove the / at its begin",
            "PicName '/../a\\\\b': a name in OSS has no . or .. as a folder: write the folder that is meant",
            "PicName '/../a\\\\b': a picture's name ends with its extension, e.g. girl_cloth10.jpg",
        ],
    ),
    (line(OperationType="DELETE", PicName="", CustomContent=...), ["PicName: it is empty: write what it should be"]),
    (
        line(OperationType="DELETE", PicName=None, CustomContent=...),
        ["PicName 'null': null is no value: write one, or leave the field out"],
    ),
    (
        line(OperationType="DELETE", PicName="a", CustomContent=...),
        ["PicName 'a': a picture's name ends with its extension, e.g. girl_cloth10.jpg"],
    ),
    (line(CategoryId="0"), ["CategoryId '0': a whole number is needed, without quotes, point or exponent"]),
    (line(CategoryId=0.0), ["CategoryId '0.0': a whole number is needed, without quotes, point or exponent"]),
    (HEAD + ', "CategoryId": 1e2}', ["CategoryId '1e2': a whole number is needed, without quotes, point or exponent"]),
    (line(CategoryId=True), ["CategoryId 'true': a whole number is needed, without quotes, point or exponent"]),
    (line(CategoryId=None), ["CategoryId 'null': null is no value: write one, or leave the field out"]),
    (
        line(IntAttr=2**63),
        ["IntAttr '9223372036854775808': a number from -9223372036854775808 to 9223372036854775807 is needed"],
    ),
    (
        line(IntAttr=-(2**63) - 1),
        ["IntAttr '-9223372036854775809': a number from -9223372036854775808 to 9223372036854775807 is needed"],
    ),
    (
        HEAD + ', "IntAttr": ' + "9" * 5000 + "}",
        ["IntAttr '" + "9" * 125 + "…': a number from -9223372036854775808 to 9223372036854775807 is needed"],
    ),
    (HEAD + ', "IntAttr": NaN}', ["IntAttr 'NaN': this is no number in JSON: leave the field out"]),
    (HEAD + ', "IntAttr": -Infinity}', ["IntAttr '-Infinity': this is no number in JSON: leave the field out"]),
    (HEAD + ', "Crop": NaN}', ["Crop 'NaN': this is no number in JSON: leave the field out"]),
    (line(IntAttr=[1]), ["IntAttr '1 entries': no field takes an object or array: write a text, number or true/false"]),
    (line(StrAttr="a$b"), ["StrAttr 'a$b': none of \\ ¥ ￥ $ & % is allowed: remove it"]),
    (line(StrAttr="a\\b"), ["StrAttr 'a\\\\b': none of \\ ¥ ￥ $ & % is allowed: remove it"]),
    (line(StrAttr="¥100"), ["StrAttr '¥100': none of \\ ¥ ￥ $ & % is allowed: remove it"]),
    (line(StrAttr="￥100"), ["StrAttr '￥100': none of \\ ¥ ￥ $ & % is allowed: remove it"]),
    (line(StrAttr="a&b"), ["StrAttr 'a&b': none of \\ ¥ ￥ $ & % is allowed: remove it"]),
    (line(StrAttr="50%"), ["StrAttr '50%': none of \\ ¥ ￥ $ & % is allowed: remove it"]),
    (line(StrAttr="s" * 129), ["StrAttr '" + "s" * 125 + "…': at most 128 characters (it has 129)"]),
    (line(StrAttr=5), ["StrAttr '5': a text is needed, in quotes"]),
    (line(StrAttr="\x7f"), ["StrAttr '\\x7f': it has a control character, such as a line break or tab: remove it"]),
    (
        line(StrAttr="$" * 129),
        [
            "StrAttr '" + "$" * 125 + "…': at most 128 characters (it has 129)",
            "StrAttr '" + "$" * 125 + "…': none of \\ ¥ ￥ $ & % is allowed: remove it",
        ],
    ),
    (line(Crop="false"), ["Crop 'false': true or false is needed, without quotes"]),
    (line(Crop=0), ["Crop '0': true or false is needed, without quotes"]),
    (line(Crop=1.5), ["Crop '1.5': true or false is needed, without quotes"]),
    (
        line(Region="20,40,60"),
        ["Region '20,40,60': a region is x1,x2,y1,y2 in whole pixels, without spaces, e.g. 20,40,60,80"],
    ),
    (
        line(Region="20, 40, 60, 80"),
        ["Region '20, 40, 60, 80': a region is x1,x2,y1,y2 in whole pixels, without spaces, e.g. 20,40,60,80"],
    ),
    (
        line(Region="20,40,60,80,"),
        ["Region '20,40,60,80,': a region is x1,x2,y1,y2 in whole pixels, without spaces, e.g. 20,40,60,80"],
    ),
    (
        line(Region="-1,40,60,80"),
        ["Region '-1,40,60,80': a region is x1,x2,y1,y2 in whole pixels, without spaces, e.g. 20,40,60,80"],
    ),
    (
        line(Region="1.5,40,60,80"),
        ["Region '1.5,40,60,80': a region is x1,x2,y1,y2 in whole pixels, without spaces, e.g. 20,40,60,80"],
    ),
    (
        line(Region="40,20,60,80"),
        ["Region '40,20,60,80': x1,y1 is the upper left and x2,y2 the lower right corner, written x1,x2,y1,y2"],
    ),
    (
        line(Region="20,60,40,40"),
        ["Region '20,60,40,40': x1,y1 is the upper left and x2,y2 the lower right corner, written x1,x2,y1,y2"],
    ),
    (
        line(Region="2\u0660,4,6,8"),
        ["Region '2\u0660,4,6,8': a region is x1,x2,y1,y2 in whole pixels, without spaces, e.g. 20,40,60,80"],
    ),
    (
        line(Region=[20, 40, 60, 80]),
        ["Region '4 entries': no field takes an object or array: write a text, number or true/false"],
    ),
    (line(Region=""), ["Region: a region is x1,x2,y1,y2 in whole pixels, without spaces, e.g. 20,40,60,80"]),
    (
        line(Region="1234567890,40,60,80"),
        ["Region '1234567890,40,60,80': a region is x1,x2,y1,y2 in whole pixels, without spaces, e.g. 20,40,60,80"],
    ),
    (line(IntAttr2=1), ["IntAttr2 '1': only AddImage has this field, a manifest does not: remove it"]),
    (line(StrAttr4="x"), ["StrAttr4 'x': only AddImage has this field, a manifest does not: remove it"]),
    (line(PicContent="x"), ["PicContent 'x': only AddImage has this field, a manifest does not: remove it"]),
    (line(Color="red"), ["Color 'red': a manifest has no such field: remove it"]),
    (line(**{"": 1}), ["'' '1': a manifest has no such field: remove it"]),
    (
        line(productId="1"),
        ["productId '1': a field is written exactly as in the guide, with its capital letters (it is ProductId)"],
    ),
    (
        line(ProductId=..., productId="1"),
        ["productId '1': a field is written exactly as in the guide, with its capital letters (it is ProductId)"],
    ),
    (
        line(ProductId=..., product_id="1"),
        ["product_id '1': a field is written exactly as in the guide, with its capital letters (it is ProductId)"],
    ),
    (line(**{"P" * 100: 1}), ["" + "P" * 64 + " '1': a manifest has no such field: remove it"]),
    (HEAD + ', "ProductId": "1000"}', ["ProductId '1000': the field is there more than once: keep one"]),
    (HEAD + ', "Crop": true, "Crop": false}', ["Crop 'false': the field is there more than once: keep one"]),
    (HEAD + ', "Pic\\u004eame": "b.jpg"}', ["PicName 'b.jpg': the field is there more than once: keep one"]),
    (HEAD + ', "StrAttr": "\\ud800"}', ["StrAttr '?': half of a surrogate pair is no character: remove it"]),
    (HEAD + ', "StrAttr": "\\udc00\\ud83d"}', ["StrAttr '??': half of a surrogate pair is no character: remove it"]),
    (
        HEAD + ', "StrAttr": "a\tb"}',
        [
            "a control character stands in it as it is: remove it, or write it as \\n, \\t or \\u…",
            "StrAttr 'a\\tb': it has a control character, such as a line break or tab: remove it",
        ],
    ),
    (
        HEAD.replace("k1:v1", "k1\x01:v1") + "}",
        ["a control character stands in it as it is: remove it, or write it as \\n, \\t or \\u…"],
    ),
    (
        HEAD + ', "Crop": ' + "[" * 30000 + "]" * 30000 + "}",
        ["it is nested too deeply: no field takes an object or array"],
    ),
    (
        '{"OperationType": "MOVE", "ProductId": 5, "PicName": "/a", "IntAttr": 1.0, "Crop": null, "Colour": 1}',
        [
            "OperationType 'MOVE': an operation is ADD or DELETE, in capital letters",
            "ProductId '5': a text is needed, in quotes",
            "PicName '/a': a picture's name is relative: remove the / at its begin",
            "PicName '/a': a picture's name ends with its extension, e.g. girl_cloth10.jpg",
            "IntAttr '1.0': a whole number is needed, without quotes, point or exponent",
            "Crop 'null': null is no value: write one, or leave the field out",
            "Colour '1': a manifest has no such field: remove it",
        ],
    ),
]
BAD += [
    # A repeated field has two quotes more, and these texts two fewer than they are written with again.
    (
        HEAD + ', "StrAttr": "\\u0022\\u0022", "Crop": true, "Crop": true}',
        ["Crop 'true': the field is there more than once: keep one"],
    ),
]
# The guide's rules, each broken in its own example.
OF_THE_GUIDE = [
    (
        '{"OperationType": "ADD","ProductId": "1000","PicName": "girl_cloth10","CustomContent": "k1:v1"}',
        "PicName 'girl_cloth10': a picture's name ends with its extension, e.g. girl_cloth10.jpg",
    ),
    (
        '{"OperationType": "ADD","ProductId": "1000","PicName": "/girlCloth/girl_cloth8.jpg","CustomContent": "k1:v1"}',
        "PicName '/girlCloth/girl_cloth8.jpg': a picture's name is relative: remove the / at its begin",
    ),
    (
        '{"OperationType": "DELETE","ProductId": "1004"}{"OperationType": "DELETE","ProductId": "1005"}',
        "several values on one line fail the whole operation: put each object on its own line",
    ),
]


@pytest.mark.parametrize(("text", "messages"), [*BAD, *((text, [message]) for text, message in OF_THE_GUIDE)])
def test_a_wrong_line_says_everything_that_is_wrong_with_it(text: str, messages: list[str]) -> None:
    """Its neighbours are taken all the same, and the fast path refuses it by itself."""
    raw = text.encode()
    found = check_line(raw, "line 1")
    assert messages == [str(one).removeprefix("line 1: ") for one in found.findings]
    assert (None, None) == (found.line, take([raw]))
    reader = ManifestReader()
    around = b"\n".join([GOOD.encode(), raw, GOOD.encode(), b""])
    before, wrong, after = (one for checked in reader.feed(around) for one in checked)
    assert before.line == after.line is not None
    assert messages == [str(one).removeprefix("line 2: ") for one in wrong.problems]


def test_there_are_many_of_them() -> None:
    """Sixty at least."""
    assert len({text for text, _ in BAD}) >= 60


@pytest.mark.parametrize("raw", [b"\xff\xfe{\x00", GOOD.encode("utf-16"), HEAD.encode() + b', "StrAttr": "\xe9"}'])
def test_what_is_not_utf_8_says_from_which_byte_on(raw: bytes) -> None:
    """Strictly: nothing is guessed, and what else is wrong is said as well."""
    found = check_line(raw, "line 3")
    assert found.line is None
    assert str(found.findings[0]).startswith("line 3: it is not UTF-8: save the file as UTF-8 (from byte ")


def test_what_is_shown_of_a_line_is_bounded() -> None:
    """Whatever stands in it."""
    huge = line(**{"k" * 3000: 1, "ProductId": "é" * 5000, "StrAttr": "\x01$" * 3000, "Region": "9" * 9000})
    found = check_line(huge.encode(), "line 1").findings
    assert {"kkk", "Pro", "Str", "Reg"} == {one.field[:3] for one in found}
    assert max(len(str(one).encode()) for one in found) < 400
