"""`imm-operator docs`: write the pages that are made from code, or check that the written ones are fresh.

The tables of api.md are made from the very schema the API server enforces, those of manifest-rules.md from the rules
that check a manifest, those of error-codes.md from the adapters' own, so that they cannot promise anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from controller.api import crd
from controller.api.fields import API_VERSION, DETACH, END_GRACE_PERIOD, RECONCILE_REQUESTED_AT, RULES
from controller.api.kind import Kind
from controller.cli import manifest_rules
from controller.cli.manifest_rules import cell
from controller.cli.output_file import write_texts

INTRODUCTION = f"""# API reference

<!-- Generated from controller/api by `make crds`. Do not edit. -->

Every kind is namespaced, of `apiVersion: {API_VERSION}`, and refers only to objects of its own namespace.
Unknown fields are refused by kubectl. A field without a default may be left out unless it is required.

These annotations are read on every kind:

| annotation | effect |
| --- | --- |
| `{RECONCILE_REQUESTED_AT}` | a new value has the object looked at now, and is echoed in its status |
| `{END_GRACE_PERIOD}` | with the value `now`, ends the grace period of a delete; any other value does nothing |
| `{DETACH}` | with the value `true`, a delete lets go of the cloud resource as it is; any other value does nothing |
"""


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the pages into this folder.")
@click.option("--check", is_flag=True, help="Write nothing; fail when a page in --out is not what would be written.")
def docs(out: Path | None, *, check: bool) -> None:
    """Print the API reference, the rules of a manifest and the error codes, or keep them in a folder."""
    pages = {name: made() for name, made in PAGES.items()}
    if out is None:
        click.echo("\n".join(pages.values()), nl=False)
        return
    stale = {out / name: text for name, text in pages.items() if not _is_fresh(out / name, text)}
    if check and stale:
        named = ", ".join(str(target) for target in stale)
        raise click.ClickException(f"not fresh: {named}; run `make crds` and commit the result")
    write_texts(stale)


def _is_fresh(target: Path, text: str) -> bool:
    return target.is_file() and target.read_text(encoding="utf-8") == text


def reference() -> str:
    """The page of all kinds, in Markdown."""
    return "\n".join([INTRODUCTION, *(_chapter(kind) for kind in crd.ALL)])


def _chapter(kind: type[Kind]) -> str:
    definition = crd.definition(kind)["spec"]
    schema = definition["versions"][0]["schema"]["openAPIV3Schema"]
    names = ", ".join(f"`{name}`" for name in (kind.plural, *kind.short_names))
    parts = [f"## {kind.kind()}", "", schema["description"], "", f"For kubectl: {names}.", ""]
    for part in ("spec", "status"):
        parts += [f"### {kind.kind()} {part}", "", "| field | type | default | rules | description |"]
        parts += ["| --- | --- | --- | --- | --- |", *_rows(schema["properties"][part], part), ""]
    return "\n".join(parts)


def _rows(schema: dict[str, Any], path: str) -> Iterator[str]:
    """One row per field, its children after it."""
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        where = f"{path}.{name}"
        cells = (f"`{where}`", _type(field), _default(field), _rules(field, required=name in required), _words(field))
        yield "| " + " | ".join(cells) + " |"
        yield from _rows(field.get("items", field), f"{where}[]" if "items" in field else where)


def _type(field: dict[str, Any]) -> str:
    if field["type"] == "array":
        return f"list of {field['items']['type']}"
    if "additionalProperties" in field:
        return f"map of {field['additionalProperties']['type']}"
    return str(field.get("format") or field["type"])


def _default(field: dict[str, Any]) -> str:
    value = field.get("default")
    if value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _rules(field: dict[str, Any], *, required: bool) -> str:
    bounds = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minItems": "at least {} entries",
        "maxItems": "at most {} entries",
        "maxProperties": "at most {} entries",
    }
    said = ["required"] if required else []
    if "enum" in field:
        said.append("one of " + ", ".join(f"`{value}`" for value in field["enum"]))
    said += [words.format(field[key]) for key, words in bounds.items() if key in field]
    said += [rule["message"] for rule in field.get(RULES, ())]
    held = field.get("items") or field.get("additionalProperties")
    if held and "properties" not in held:  # what has properties has rows of its own
        said.append(f"each: {_rules(held, required=False)}")
    elif held:
        said += [f"each: {rule['message']}" for rule in held.get(RULES, ())]
    return cell("; ".join(said))


def _words(field: dict[str, Any]) -> str:
    return cell(field.get("description", ""))


def error_codes() -> str:
    """The page of the cloud's error codes."""
    from controller.cli import error_codes as of_codes  # noqa: PLC0415 - the SDKs take two seconds to import

    return of_codes.page()


PAGES: dict[str, Callable[[], str]] = {
    "api.md": reference,
    "manifest-rules.md": manifest_rules.page,
    "error-codes.md": error_codes,
}
