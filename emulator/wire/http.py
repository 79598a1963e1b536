"""One HTTP request and one HTTP answer as plain values, so that everything behind the socket is a function.

The raw path and the raw query are kept beside the decoded ones: MNS signs the raw text, the other schemes sign what is
decoded, and a key that holds `%2F` must not be mistaken for a folder.
"""

from __future__ import annotations

import re
from functools import cache
from string import ascii_letters, digits
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_UNRESERVED = frozenset(f"{ascii_letters}{digits}-_.~")
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
    pairs = [part.partition("=") for part in text.split("&") if part]
    if "%" in text or (plus_is_space and "+" in text):
        return tuple(
            [(decode(k, plus_is_space=plus_is_space), decode(v, plus_is_space=plus_is_space)) for k, _, v in pairs]
        )
    return tuple([(k, v) for k, _, v in pairs])


def encode(text: str, *, safe: str = "") -> str:
    """Percent-encoded text, as every signature wants it: all but letters, digits, `-_.~` and what is `safe`."""
    if text.isascii():
        return text.translate(_escapes(safe))
    return quote(text, safe=f"~{safe}", errors="surrogateescape")


@cache
def _escapes(safe: str) -> list[str]:
    """What stands for each ASCII character: looked up, a text takes a quarter of the time that `quote` does."""
    return [char if char in _UNRESERVED or char in safe else f"%{ord(char):02X}" for char in map(chr, range(128))]


class HttpRequest:
    """A request as it came.

    Not a dataclass: one is made per request, and a frozen one takes ten times as long.

    Attributes:
        method: The HTTP verb.
        target: The raw path with the raw query.
        headers: Names in lower case.
        body: The raw body.
        scheme: `http` or `https`.
        source: The address it came from, or "".
        host: The Host header, with its port.
        raw_path: The path as sent, still encoded.
        raw_query: The query as sent, still encoded.
        query: The decoded query; of a repeated name the last value counts.
        too_large: There is a body, and it is not here: it has more bytes than are taken.
    """

    __slots__ = (
        "_form",
        "body",
        "headers",
        "host",
        "method",
        "query",
        "raw_path",
        "raw_query",
        "scheme",
        "source",
        "target",
        "too_large",
    )

    def __init__(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        scheme: str = "http",
        source: str = "",
        *,
        too_large: bool = False,
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.scheme = scheme
        self.source = source
        self.too_large = too_large
        self.host = headers.get("host", "")
        self.raw_path, _, self.raw_query = target.partition("?")
        self.query: Mapping[str, str] = dict(parse_pairs(self.raw_query)) if self.raw_query else {}
        self._form: Mapping[str, str] | None = None

    @property
    def form(self) -> Mapping[str, str]:
        """The decoded form body, empty if the body is not a form."""
        if self._form is None:
            self._form = self._read_form()
        return self._form

    def _read_form(self) -> Mapping[str, str]:
        if not self.body or self.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            return {}
        return dict(parse_pairs(self.body.decode("utf-8", "surrogateescape")))


class HttpAnswer(NamedTuple):
    """What goes back."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def clean(text: str) -> str:
    """The text without what cannot be sent back in a header or as UTF-8: lone surrogates and control characters."""
    return "".join(c if c.isprintable() and not "\ud800" <= c <= "\udfff" else "?" for c in text)


def is_utf8(texts: Iterable[str]) -> bool:
    """Whether every text came from valid UTF-8."""
    return _SURROGATE.search("".join(texts)) is None
