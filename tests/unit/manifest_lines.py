"""Lines of a manifest that keep its rules, drawn by Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from controller.api.importsource import Operation
from controller.core.manifest import rules
from controller.core.manifest.lines import Line

ADD, DELETE = Operation.ADD, Operation.DELETE
_ids = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=256)
_attributes = _ids.filter(lambda text: set(rules.FORBIDDEN).isdisjoint(text) and len(text) <= 128) | st.just("")
_folder = st.from_regex(r"[^/\\\x00-\x1f\x7f.]{1,9}", fullmatch=True).filter(str.isprintable)
_folders = st.lists(_folder, max_size=3)
_names = st.builds(
    lambda folders, file: "/".join([*folders, file]),
    _folders,
    st.from_regex(r"[a-zé. ]{1,9}\.[A-Za-z0-9]{1,4}", fullmatch=True),
)
_contents = st.text(st.characters(codec="utf-8"), min_size=1, max_size=50)
_integers = st.none() | st.integers(-(2**63), 2**63 - 1)
_numbers = st.tuples(st.integers(0, 4000), st.integers(1, 90))
_regions = st.none() | st.builds(lambda x, y: f"{x[0]},{sum(x)},{y[0]},{sum(y)}", _numbers, _numbers)
_rest: dict[str, st.SearchStrategy[Any]] = {
    "category_id": _integers,
    "int_attr": _integers,
    "str_attr": st.none() | _attributes,
    "crop": st.none() | st.booleans(),
    "region": _regions,
}
lines = st.builds(Line, st.just(ADD), _ids, _names, custom_content=_contents, **_rest) | st.builds(
    Line, st.just(DELETE), _ids, st.none() | _names, custom_content=st.none() | _contents, **_rest
)
