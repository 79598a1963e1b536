"""One HTTP request and one HTTP answer as plain values, so that everything behind the socket is a function.

The raw path and the raw query are kept beside the decoded ones: MNS signs the raw text, the other schemes sign what is
decoded, and a key that holds `%2F` must not be mistaken for a folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SURROGATE = re.compile("[\ud800-\udfff]")
FORM = "application/x-www-form-urlencoded"


def decode(text: str, *, plus_is_space: bool) -> str:
    """Percent-decoded text; bytes that are not UTF-8 become lone surrogates, which the caller may refuse."""
    if plus_is_space:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def parse_pairs(text: str, *, plus_is_space: bool = True) -> tuple[tuple[str, str], ...]:
    """Names and values of a query or form, decoded, in order, empty values kept."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return tuple((decode(k, plus_is_space=plus_is_space), decode(v, plus_is_space=plus_is_space)) for k, _, v in pairs)


@dataclass(frozen=True)
class HttpRequest:
    """A request as it came. `target` is the raw path with the raw query; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    scheme: str = "http"

    @property
    def host(self) -> str:
        """The Host header, with its port."""
        return self.headers.get("host", "")

    @property
    def raw_path(self) -> str:
        """The path as sent, still encoded."""
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        """The query as sent, still encoded."""
        return self.target.partition("?")[2]

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The decoded query; of a repeated name the last value counts."""
        return dict(parse_pairs(self.raw_query))

    @cached_property
    def form(self) -> Mapping[str, str]:
        """The decoded form body, empty if the body is not a form."""
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            return {}
        return dict(parse_pairs(self.body.decode("utf-8", "surrogateescape")))


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What goes back. `length` overrides the Content-Length of a HEAD answer, whose body stays empty."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def clean(text: str) -> str:
    """The text without what cannot be sent back in a header or as UTF-8: lone surrogates and control characters."""
    return "".join(c if c.isprintable() and not "\ud800" <= c <= "\udfff" else "?" for c in text)


def is_utf8(texts: Iterable[str]) -> bool:
    """Whether every text came from valid UTF-8."""
    return _SURROGATE.search("".join(texts)) is None
