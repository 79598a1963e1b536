"""Values to JSON documents and back, by their type hints alone, so that no service writes code to be kept.

Documents hold every field, and reading fills in a field's default where an older release did not write it: adding a
field with a default keeps old directories readable. Bytes above a few kilobytes become blobs, named by their digest.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from hashlib import sha256
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from emulator.persistence.hints import is_frozen, is_table, kept_fields, sparse_fields

Convert = Callable[[Any], Any]
INLINE = 4096  # bytes; what is not longer stays in the document, which saves a file and its fsync

_PLAIN = (str, int, float, bool, None, NoneType, object, Any)
_SEQUENCES = (list, tuple, set, frozenset, deque)


class UnreadableDocumentError(Exception):
    """A document does not fit the type it is read as; the message says where."""


class Codec:
    """Encoders and decoders, made once per type.

    Args:
        put_blob: Takes content that a document refers to, and its digest.
        get_blob: Gives it back by digest.
    """

    def __init__(self, put_blob: Callable[[str, bytes], None], get_blob: Callable[[str], bytes]) -> None:
        self._put_blob = put_blob
        self._get_blob = get_blob
        self._encoders: dict[tuple[Any, bool], Convert | None] = {}
        self._decoders: dict[Any, Convert] = {}

    def encode(self, hint: Any, value: Any) -> Any:
        """The value as JSON takes it, but for the tables of a mutable dataclass, which are documents of their own."""
        encode = self._encoder(hint, apart=True)
        return value if encode is None else encode(value)

    def decode(self, hint: Any, document: Any, tables: Mapping[str, Any] | None = None) -> Any:
        """The value of a document.

        Args:
            hint: Its type.
            document: What `encode` made, now or in an earlier release.
            tables: The dataclass's tables by name (`ram.users`), already decoded.

        Raises:
            UnreadableDocumentError: The document has a field that this release does not know, or lacks one it needs.
        """
        if isinstance(hint, type) and is_dataclass(hint):
            return self._decode_dataclass(hint, document, tables or {})
        return self._decoder(hint)(document)

    def _encoder(self, hint: Any, *, apart: bool) -> Convert | None:
        """The conversion of a type; None if there is nothing to convert. `apart`: leave tables out."""
        if (hint, apart) not in self._encoders:
            self._encoders[hint, apart] = self._make_encoder(hint, apart=apart)
        return self._encoders[hint, apart]

    def _make_encoder(self, hint: Any, *, apart: bool) -> Convert | None:  # noqa: PLR0911 - one line per kind of type
        origin, args = get_origin(hint) or hint, get_args(hint)
        if origin in _PLAIN or origin is Literal:
            return None
        if origin is bytes:
            return self._encode_bytes
        if origin in {Union, UnionType}:
            return self._optional([self._encoder(arg, apart=apart) for arg in args], args)
        if origin in {dict, Mapping}:
            return _encode_mapping(self._encoder(args[0], apart=False), self._encoder(args[1], apart=False), args[0])
        if isinstance(origin, type) and issubclass(origin, BaseModel):
            return lambda value: value.model_dump(mode="json", exclude_none=True)
        if isinstance(origin, type) and is_dataclass(origin):
            return self._dataclass_encoder(origin, apart=apart)
        if (members := _members(hint)) is not None:
            inner = [self._encoder(member, apart=False) for member in members]
            return lambda value: [v if f is None else f(v) for f, v in zip(inner, value, strict=True)]
        if origin in {*_SEQUENCES, Sequence}:
            item = self._encoder(args[0], apart=False)
            return list if item is None else lambda value: [item(entry) for entry in value]
        raise TypeError(f"values of the type {hint} cannot be kept: mark the field TRANSIENT or teach {__name__}")

    def _dataclass_encoder(self, kind: type, *, apart: bool) -> Convert:
        apart = apart and not is_frozen(kind)
        shown = {name: hint for name, hint in kept_fields(kind).items() if not (apart and is_table(hint))}
        plain = [name for name, hint in shown.items() if self._encoder(hint, apart=apart) is None]
        others = [(name, found) for name, hint in shown.items() if (found := self._encoder(hint, apart=apart))]
        defaults = {name: convert(shown[name]()) for name, convert in others if name in sparse_fields(kind)}

        def encode(value: Any) -> dict[str, Any]:
            document = {name: getattr(value, name) for name in plain}
            for name, convert in others:
                document[name] = convert(getattr(value, name))
            for name, usual in defaults.items():
                document[name] = {key: said for key, said in document[name].items() if said != usual[key]}
            return document

        return encode

    def _encode_bytes(self, value: bytes) -> dict[str, str]:
        if len(value) <= INLINE:
            return {"base64": base64.b64encode(value).decode()}
        digest = sha256(value).hexdigest()
        self._put_blob(digest, value)
        return {"blob": digest}

    def _decode_bytes(self, document: dict[str, str]) -> bytes:
        return self._get_blob(document["blob"]) if "blob" in document else base64.b64decode(document["base64"])

    @staticmethod
    def _optional(converts: Sequence[Convert | None], args: tuple[Any, ...]) -> Convert | None:
        """The conversion of `X | None`, or none of a union of plain types."""
        needed = [convert for convert in converts if convert is not None]
        if not needed:
            return None
        if len(args) != 2 or NoneType not in args:  # noqa: PLR2004 - X and None
            raise TypeError(f"a union of {args} cannot be kept: a document does not say which of them it is")
        return lambda value: None if value is None else needed[0](value)

    def _decoder(self, hint: Any) -> Convert:
        if hint not in self._decoders:
            self._decoders[hint] = self._make_decoder(hint)
        return self._decoders[hint]

    def _make_decoder(self, hint: Any) -> Convert:  # noqa: PLR0911 - one line per kind of type
        origin, args = get_origin(hint) or hint, get_args(hint)
        if origin in _PLAIN or origin is Literal:
            return _same
        if origin is bytes:
            return self._decode_bytes
        if origin in {Union, UnionType}:
            decoders = [self._decoder(arg) for arg in args]
            return self._optional([None if decode is _same else decode for decode in decoders], args) or _same
        if origin in {dict, Mapping}:
            key, item = self._decoder(args[0]), self._decoder(args[1])
            if args[0] is str:
                return lambda document: {name: item(value) for name, value in document.items()}
            return lambda document: {key(name): item(value) for name, value in document}
        if isinstance(origin, type) and issubclass(origin, BaseModel):
            model = origin
            return model.model_validate
        if isinstance(origin, type) and is_dataclass(origin):
            return lambda document: self._decode_dataclass(origin, document, {})
        if (members := _members(hint)) is not None:
            inner = [self._decoder(member) for member in members]
            whole = tuple if origin is tuple else origin._make
            return lambda document: whole(f(v) for f, v in zip(inner, document, strict=True))
        make = list if origin is Sequence else origin
        entry = self._decoder(args[0])
        return lambda document: make(entry(value) for value in document)

    def _decode_dataclass(self, kind: type, document: Any, tables: Mapping[str, Any]) -> Any:
        hints = kept_fields(kind)
        unknown = sorted(set(document) - set(hints))
        if unknown:
            raise UnreadableDocumentError(f"{kind.__name__} has a field {unknown[0]!r} that this release does not know")
        values: dict[str, Any] = {}
        for name, hint in hints.items():
            if name in tables:
                values[name] = tables[name]
            elif name in document:
                inner = {
                    at.removeprefix(f"{name}."): found for at, found in tables.items() if at.startswith(f"{name}.")
                }
                values[name] = self.decode(hint, document[name], inner)
        try:
            return kind(**values)
        except TypeError as error:
            raise UnreadableDocumentError(f"{kind.__name__} lacks a field: {error}") from error


def _encode_mapping(key: Convert | None, item: Convert | None, key_hint: Any) -> Convert:
    """JSON's own names for text keys, a list of pairs for any other."""
    if key_hint is not str:
        return lambda value: [[k if key is None else key(k), v if item is None else item(v)] for k, v in value.items()]
    return dict if item is None else lambda value: {name: item(entry) for name, entry in value.items()}


def _members(hint: Any) -> Sequence[Any] | None:
    """The types of a tuple of fixed length, named or not."""
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return list(get_type_hints(hint).values())
    fixed = get_origin(hint) is tuple and Ellipsis not in get_args(hint)
    return get_args(hint) if fixed else None


def _same(value: Any) -> Any:
    return value
