"""Objects as YAML text that every reader takes for the same values.

YAML 1.1 and 1.2 readers disagree about words such as `on`, `1e3` or `12:30`. Only text that starts with a letter, has
nothing but harmless characters and is no such word stands bare; all other text is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

BARE = re.compile(r"[A-Za-z](?:[A-Za-z0-9_./-]|:(?=[A-Za-z0-9/]))*")
# YAML 1.1's booleans and nulls, and the floats some readers accept without their dot.
WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"})

# Line breaks of YAML 1.1 that a block would give back as a newline.
OTHER_BREAKS = frozenset("\r\x85\u2028\u2029")


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper with our quoting, no aliases, and lists indented as kubectl prints them."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if BARE.fullmatch(value) and value.lower() not in WORDS else '"'
    if "\n" in value and not OTHER_BREAKS.intersection(value):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def documents(objects: Iterable[Mapping[str, Any]]) -> str:
    """One YAML document per object, each opened by `---`; keys keep their order, the text ends in a newline."""
    return yaml.dump_all(
        list(objects),
        Dumper=_Dumper,
        explicit_start=True,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=4096,
        line_break="\n",
    )
