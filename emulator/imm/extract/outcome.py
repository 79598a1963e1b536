"""What extraction answers: fields of the vendor's `File` structure, and what is wrong with the content, if anything.

The texts of `Reason` are not published by the vendor; ours are assumed and kept in this one place.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Extracted:
    """`fields` are names of `File`; `problem` is empty or reads `[InvalidImage] what is wrong`."""

    fields: dict[str, object] = field(default_factory=dict)
    problem: str = ""


def broken(kind: str, what: object) -> Extracted:
    """No fields, and the reason. `kind` is Image, Document, Audio or Video; `what` may be the library's exception."""
    said = " ".join(str(what).split()) or type(what).__name__
    return Extracted(problem=f"[Invalid{kind}] {said[:256]}")
