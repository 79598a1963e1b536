"""The rules of increment.meta as values: what is wrong, what to do, and where it says so. The docs print them.

The source is the vendor's guide to batch operations, by its section and row, unless another is named. It contradicts
itself: its table requires PicName and CustomContent, and its example has DELETE lines without them. So ADD is taken
strictly, and DELETE as in the example.
"""

from __future__ import annotations

import re

import msgspec

from controller.api.importsource import MANIFEST
from controller.core.imports.items import Finding, Severity
from controller.core.imports.lines import LONGEST
from controller.core.manifest.lines import (
    LEAST_INTEGER,
    MOST_ATTRIBUTE,
    MOST_CONTENT,
    MOST_ID,
    MOST_INTEGER,
    MOST_NAME,
    Line,
)

PROBLEM, WARNING = Severity.PROBLEM, Severity.WARNING
CATEGORIES = (*range(10), 20, 21, 22, 88888888)
OTHERS = 88888888  # what the service takes where it does not tell categories apart
PRODUCTS, GENERIC = 0, 1  # service types (Detail, Image Search 2020-12-14)
FORBIDDEN = "\\¥￥$&%"  # the guide writes the second; a Chinese keyboard types the third
LINE = "line"  # the field of a finding on a line as a whole
_REGION = re.compile(r"[0-9]{1,9}(?:,[0-9]{1,9}){3}")


class Rule(msgspec.Struct, frozen=True):
    """A rule by its id, which never changes."""

    id: str
    text: str
    source: str
    severity: Severity = PROBLEM

    def broken(self, where: str, field: str = LINE, value: str = "", detail: str = "") -> Finding:
        """The rule is broken there; `detail` says the particulars."""
        return Finding(where, field, value, f"{self.text} ({detail})" if detail else self.text, self.severity)


_FORMAT, _JSON = "File rules: Format", "RFC 8259"
_REQUIRED, _OPTIONAL, _NAMES = "Required parameters", "Optional parameters", "File rules: Subdirectories"

_all: list[Rule] = []


def _rule(name: str, text: str, source: str, severity: Severity = PROBLEM) -> Rule:
    _all.append(Rule(name, text, source, severity))
    return _all[-1]


FILE_NAME = _rule("file-name", f"a manifest is named {MANIFEST} exactly: rename it", "File rules: File name")

# A line as a whole.
SEVERAL = _rule(
    "several-values", "several values on one line fail the whole operation: put each object on its own line", _FORMAT
)
ARRAY = _rule("array", "an array is no operation: write its objects one on each line, without brackets", _FORMAT)
SCALAR = _rule("scalar", "one JSON object is needed on each line", _FORMAT)
NOT_JSON = _rule("not-json", "it is no JSON object: correct it", _FORMAT)
BLANK = _rule("blank-line", "there is no object on this line: remove it", _FORMAT)
TOO_LONG = _rule("line-length", f"it is longer than {LONGEST // 1024} KiB, as no line can be that is right", _REQUIRED)
BYTE_ORDER_MARK = _rule(
    "byte-order-mark", "it begins with a byte order mark, which is no JSON: save the file without one", f"{_JSON} §8.1"
)
NOT_UTF_8 = _rule("utf-8", "it is not UTF-8: save the file as UTF-8", f"{_JSON} §8.1")
CARRIAGE_RETURN = _rule(
    "carriage-return",
    "lines end with \\r\\n; \\r is taken for a space, and \\n alone is better",
    f"{_JSON} §2",
    WARNING,
)
RAW_CONTROL = _rule(
    "raw-control-character",
    "a control character stands in it as it is: remove it, or write it as \\n, \\t or \\u…",
    f"{_JSON} §7",
)
TOO_DEEP = _rule("depth", "it is nested too deeply: no field takes an object or array", _REQUIRED)

# Fields and the types of their values.
DUPLICATE_KEY = _rule("duplicate-key", "the field is there more than once: keep one", f"{_JSON} §4")
UNKNOWN = _rule("unknown-field", "a manifest has no such field: remove it", _OPTIONAL)
ADD_IMAGE_ONLY = _rule(
    "addimage-field",
    "only AddImage has this field, a manifest does not: remove it",
    "AddImage, Image Search 2020-12-14",
)
SPELLING = _rule("field-spelling", "a field is written exactly as in the guide, with its capital letters", _REQUIRED)
NULL = _rule("null", "null is no value: write one, or leave the field out", _OPTIONAL)
NESTED = _rule("nested", "no field takes an object or array: write a text, number or true/false", _REQUIRED)
NO_NUMBER = _rule("no-number", "this is no number in JSON: leave the field out", f"{_JSON} §6")
TEXT = _rule("text", "a text is needed, in quotes", _REQUIRED)
INTEGER = _rule("integer", "a whole number is needed, without quotes, point or exponent", _OPTIONAL)
INTEGER_RANGE = _rule("integer-range", f"a number from {LEAST_INTEGER} to {MOST_INTEGER} is needed", "ours: 64 bits")
BOOLEAN = _rule("boolean", "true or false is needed, without quotes", f"{_OPTIONAL}: Crop")
SURROGATE = _rule("surrogate", "half of a surrogate pair is no character: remove it", f"{_JSON} §8.2")
CONTROL = _rule("control-character", "it has a control character, such as a line break or tab: remove it", "ours")
EMPTY = _rule("empty", "it is empty: write what it should be", _REQUIRED)

# What a line needs, and how long it may be.
MISSING = _rule("missing", "it is missing, and every line needs it", _REQUIRED)
MISSING_OF_ADD = _rule(
    "missing-of-add", "it is missing, and an ADD needs it", f"{_REQUIRED}; Example increment.meta file"
)
OPERATION = _rule("operation", "an operation is ADD or DELETE, in capital letters", f"{_REQUIRED}: OperationType")
LENGTHS = {
    "ProductId": _rule("product-id-length", f"at most {MOST_ID} characters", f"{_REQUIRED}: ProductId"),
    "PicName": _rule("pic-name-length", f"at most {MOST_NAME} characters", f"{_REQUIRED}: PicName"),
    "CustomContent": _rule(
        "custom-content-length", f"at most {MOST_CONTENT} characters", f"{_REQUIRED}: CustomContent"
    ),
    "StrAttr": _rule("str-attr-length", f"at most {MOST_ATTRIBUTE} characters", f"{_OPTIONAL}: StrAttr"),
}
STR_ATTR = _rule("str-attr-characters", f"none of {' '.join(FORBIDDEN)} is allowed: remove it", f"{_OPTIONAL}: StrAttr")

# The picture's name.
EXTENSION = _rule(
    "pic-name-extension", "a picture's name ends with its extension, e.g. girl_cloth10.jpg", "File rules: Image names"
)
LEADING_SLASH = _rule("pic-name-slash", "a picture's name is relative: remove the / at its begin", _NAMES)
BACKSLASH = _rule("pic-name-backslash", "folders are parted by /: write it instead of \\", _NAMES)
DOTS = _rule("pic-name-dots", "a name in OSS has no . or .. as a folder: write the folder that is meant", _NAMES)
EMPTY_FOLDER = _rule("pic-name-empty-folder", "// names a folder without a name: write one /", _NAMES)
ADDRESS = _rule(
    "pic-name-address", "it is an address: write the picture's name relative to the manifest's folder", _NAMES
)

# Region, and what only the picture or the instance can say.
REGION = _rule(
    "region", "a region is x1,x2,y1,y2 in whole pixels, without spaces, e.g. 20,40,60,80", f"{_OPTIONAL}: Region"
)
REGION_ORDER = _rule(
    "region-order",
    "x1,y1 is the upper left and x2,y2 the lower right corner, written x1,x2,y1,y2",
    f"{_OPTIONAL}: Region",
)
REGION_OUTSIDE = _rule("region-outside", "the region is not within its picture", f"{_OPTIONAL}: Region")
CROP_IGNORED = _rule("crop-ignored", "with Region, Crop is ignored", f"{_OPTIONAL}: Region", WARNING)
CATEGORY = _rule(
    "category",
    "it is none of the categories of product image search: 0 to 9, 20 to 22 and 88888888, or leave it out",
    f"{_OPTIONAL}: CategoryId; Category reference",
)
CATEGORY_IGNORED = _rule(
    "category-ignored",
    f"generic image search has no categories: it becomes {OTHERS}",
    f"{_OPTIONAL}: CategoryId",
    WARNING,
)
CATEGORY_UNVERIFIED = _rule(
    "category-unverified",
    f"what becomes of it is not verified for this type of instance, it may be {OTHERS}",
    f"{_OPTIONAL}: CategoryId",
    WARNING,
)

# Several lines.
DUPLICATE_PAIR = _rule("duplicate-pair", "another line does this with the same picture: keep one of the two", "ours")
ADD_AND_DELETE = _rule(
    "add-and-delete", "one line adds this picture, another deletes it, and none is said to be first: keep one", "ours"
)
WHOLE_TWICE = _rule("whole-twice", "another line deletes every picture of the product: keep one of the two", "ours")
WHOLE_AND_PART = _rule(
    "whole-and-part",
    "one line deletes every picture of the product, another is of one picture of it, and none is said to be first: "
    "keep one, or make two imports",
    "ours",
)
WIDE = _rule(
    "wide-delete",
    "a DELETE without PicName deletes every picture of the product: set allowWholeProductDelete if that is meant",
    "Example increment.meta file; DeleteImage, Image Search 2020-12-14",
)

RULES = tuple(_all)


def file_name_problem(key: str) -> Finding | None:
    """What is wrong with the name of a manifest, given with its folders or without."""
    name = key.rpartition("/")[2]
    return None if name == MANIFEST else FILE_NAME.broken(key, "name", name)


def read_region(text: str) -> tuple[int, int, int, int] | Rule:
    """x1, x2, y1 and y2, or the rule that it breaks."""
    if not _REGION.fullmatch(text):
        return REGION
    x1, x2, y1, y2 = map(int, text.split(","))
    return (x1, x2, y1, y2) if x1 < x2 and y1 < y2 else REGION_ORDER


def region_problem(line: Line, width: int, height: int, *, where: str = "") -> Finding | None:
    """What is wrong with a line's region in a picture of so many pixels."""
    region = None if line.region is None else read_region(line.region)
    if not isinstance(region, tuple) or (region[1] <= width and region[3] <= height):
        return None
    return REGION_OUTSIDE.broken(where, "Region", line.region or "", f"it has {width} x {height} pixels")


def category_problem(line: Line, service_type: int | None, *, where: str = "") -> Finding | None:
    """What is to be said of a line's category in an instance of that type (`Detail`); None is a type not known."""
    category = line.category_id
    if category is None or category == OTHERS:
        return None
    rule = CATEGORY_UNVERIFIED
    if service_type == GENERIC:
        rule = CATEGORY_IGNORED
    elif service_type == PRODUCTS:
        rule = CATEGORY
    if category in CATEGORIES and service_type in (PRODUCTS, None):
        return None
    return rule.broken(where, "CategoryId", str(category))
