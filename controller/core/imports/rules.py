"""The rules of a file, wherever it was written: those of the kind's own model, with what breaks them put in words.

There is one definition, `ImportedFile`, for the API server, the docs and the lines of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from controller.api.bounds import cut
from controller.api.fields import SPELLING
from controller.api.importsource import DRIVES, MAX_LABELS, OF_A_DRIVE, FileUri, ImportedFile, ObjectUri
from controller.core.imports.items import Item, Problem

SHOWN_VALUE = 128  # bytes of a wrong value that are shown
SHOWN_FIELD = 160  # bytes of a field's name, which may be a wrong label
Path = tuple[int | str, ...]
_file = TypeAdapter(ImportedFile)
_spellings = {
    schema["pattern"]: schema[SPELLING]
    for schema in (TypeAdapter(FileUri).json_schema(), TypeAdapter(ObjectUri).json_schema())
}
# In words by the finding's type; what is missing here pydantic says well enough.
_WORDS: Mapping[str, str] = {
    "string_type": "a text is needed; in JSON that is in quotes",
    "dict_type": "an object of texts is needed",
    "string_unicode": "half of a surrogate pair is no character",
    "missing": "it is missing",
    "too_long": f"more than {MAX_LABELS} labels",
}


def spelled(path: Path) -> str:
    """The name of a field as people write it: `customLabels.colour`."""
    return ".".join([to_camel(str(path[0])), *(str(part) for part in path[1:] if part != "[key]")])


def judge(
    where: str, fields: Mapping[str, Any], name_of: Callable[[Path], str] = spelled
) -> Item | tuple[Problem, ...]:
    """A file from the fields of `ImportedFile`, or every rule that they break.

    Args:
        where: The place, for people.
        fields: By their Python names.
        name_of: What the source calls a field.
    """
    of_a_drive = _of_a_drive(where, fields, name_of)
    try:
        file = _file.validate_python(fields)
    except ValidationError as error:
        found = (_problem(where, finding, name_of) for finding in error.errors(include_url=False))
        return (*found, *of_a_drive)
    return of_a_drive or item_of(file)


def item_of(file: ImportedFile) -> Item:
    """The item that a file of a spec is."""
    return Item(file.uri, file.operation, file.custom_id or None, file.custom_labels, file.file_hash, file.oss_uri)


def shown(value: Any) -> str:
    """A wrong value, as much of it as fits."""
    if isinstance(value, str):
        return cut(value[: SHOWN_VALUE + 1], SHOWN_VALUE)
    if isinstance(value, dict | list):
        return f"{len(value)} entries"
    return cut(str(value)[: SHOWN_VALUE + 1], SHOWN_VALUE)


def _of_a_drive(where: str, fields: Mapping[str, Any], name_of: Callable[[Path], str]) -> tuple[Problem, ...]:
    """What only a file of a drive has and this one, which is none, has too: the CEL rules of `ImportedFile`."""
    uri = fields.get("uri")
    if not isinstance(uri, str) or uri.startswith(DRIVES):
        return ()
    return tuple(
        Problem(where, cut(name_of((name,)), SHOWN_FIELD), shown(fields[name]), f"it {OF_A_DRIVE}")
        for name in ("file_hash", "oss_uri")
        if fields.get(name) is not None
    )


def _problem(where: str, finding: ErrorDetails, name_of: Callable[[Path], str]) -> Problem:
    kind, path = finding["type"], finding["loc"]
    words = _WORDS.get(kind) or finding["msg"].removeprefix("Input ").removeprefix("String ")
    if kind == "string_pattern_mismatch":
        words = _spellings.get(finding["ctx"]["pattern"], words)
    value = "" if kind == "missing" else shown(finding["input"])
    return Problem(where, cut(name_of(path), SHOWN_FIELD), value, words)
