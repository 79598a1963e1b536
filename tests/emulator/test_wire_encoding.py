"""Percent-encoding as the signature schemes want it: what the emulator looks up is what `urllib` puts together."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.wire.http import decode, encode

ASCII = "".join(map(chr, range(128)))


@pytest.mark.parametrize("safe", ["", "/"])
@given(sent=st.one_of(st.binary(), st.text(), st.text(ASCII)))
@example(sent=ASCII)
def test_every_text_is_encoded_as_signatures_want_it(safe: str, sent: bytes | str) -> None:
    """All but letters, digits, `-_.~` and what is safe is escaped, byte by byte; decoding undoes it."""
    text = sent if isinstance(sent, str) else sent.decode("utf-8", "surrogateescape")
    assert quote(text, safe=f"~{safe}", errors="surrogateescape") == encode(text, safe=safe)
    assert text == decode(encode(text, safe=safe), plus_is_space=False)
