"""CustomResourceDefinitions from the pydantic models, as structural schemas the API server accepts.

Pydantic writes JSON Schema 2020-12; Kubernetes wants a strict subset of OpenAPI 3.0: references inlined, no null, no
`title`, no `additionalProperties: false` beside properties (the API server prunes unknown fields, and `kubectl`
refuses them), no `propertyNames`. A text's pattern becomes a CEL rule, because only that carries words for people.
"""

from __future__ import annotations

from typing import Any

from controller.api.batchimport import BatchImport
from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import GROUP, RULES, SPELLING, VERSION, cel
from controller.api.kind import Kind

ALL: tuple[type[Kind], ...] = (CloudAccount, Dataset, DatasetBinding, BatchImport)
DROPPED = {"title", "examples", "discriminator", "additionalProperties"}
# A never-seen object must read as "in progress" for kstatus, so a status stands there from the first moment.
INITIAL_STATUS = {"observedGeneration": -1}


def definition(kind: type[Kind]) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind."""
    singular = kind.kind().lower()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind(),
                "listKind": f"{kind.kind()}List",
                "plural": kind.plural,
                "singular": singular,
                "shortNames": list(kind.short_names),
                "categories": ["imm"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _root(kind)},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": list(kind.columns),
                }
            ],
        },
    }


def _root(kind: type[Kind]) -> dict[str, Any]:
    document = kind.model_json_schema(by_alias=True, mode="validation")
    definitions = document.get("$defs", {})
    spec, status = (_structural(document["properties"][part], definitions, ()) for part in ("spec", "status"))
    return {
        "description": (kind.__doc__ or "").strip(),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": _as_given(spec),
            "status": _optional(status) | {"default": INITIAL_STATUS},
        },
    }


def _as_given(node: dict[str, Any], *, in_list: bool = False) -> dict[str, Any]:
    """Without defaults inside of lists.

    A list is compared as a whole: one that the API server filled in would be another than the one in Git for as long as
    both exist, as Argo CD found where it compares by structured merge.
    """
    made = _without(node, "default") if in_list else dict(node)
    if "properties" in made:
        made["properties"] = {name: _as_given(child, in_list=in_list) for name, child in made["properties"].items()}
    if "items" in made:
        made["items"] = _as_given(made["items"], in_list=True)
    return made


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    """The status is written by us alone: nothing in it is required at its top, and no default fills it in."""
    properties = {name: _without(field, "default") for name, field in schema["properties"].items()}
    return _without(schema, "required", "default") | {"properties": properties}


def _structural(schema: dict[str, Any], definitions: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """One schema node, converted; `path` guards against a model that contains itself."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name in path:
            raise ValueError(f"{' > '.join((*path, name))}: a model that contains itself has no structural schema")
        return _structural(_merged(definitions[name], _without(schema, "$ref")), definitions, (*path, name))
    if "anyOf" in schema:
        return _structural(_merged(_not_null(schema["anyOf"], path), _without(schema, "anyOf")), definitions, path)
    node = {key: value for key, value in schema.items() if key not in DROPPED and (key, value) != ("default", None)}
    if "properties" in node:
        node["properties"] = {
            name: _structural(child, definitions, (*path, name)) for name, child in schema["properties"].items()
        }
    elif isinstance(schema.get("additionalProperties"), dict):
        node["additionalProperties"] = _structural(schema["additionalProperties"], definitions, path)
    if "propertyNames" in node:
        node = _named(node)
    if "items" in node:
        node["items"] = _structural(node["items"], definitions, path)
    if "const" in node:
        node["enum"] = [node.pop("const")]
    return _spelled(node) if SPELLING in node else node


def _spelled(node: dict[str, Any]) -> dict[str, Any]:
    """A spelling rule in words: the API server would answer a misspelled name with the bare pattern."""
    enough = f"self.size() >= {node['minLength']} && " if "minLength" in node else ""
    rule = cel(f"{enough}self.matches(r'{node['pattern']}')", node[SPELLING])
    rules = [*rule[RULES], *node.get(RULES, [])]
    return _without(node, SPELLING, "pattern", "minLength", RULES) | {RULES: rules}


def _named(node: dict[str, Any]) -> dict[str, Any]:
    """The bounds of a map's keys, for which a structural schema has no keyword."""
    least, most = (node["propertyNames"][bound] for bound in ("minLength", "maxLength"))
    rule = cel(
        f"self.all(name, name.size() >= {least} && name.size() <= {most})", f"a name has {least} to {most} characters"
    )
    return _merged(_without(node, "propertyNames"), rule)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """A field's own keywords over those of its model; both sides' CEL rules are kept."""
    rules = [*below.get(RULES, []), *above.get(RULES, [])]
    return below | above | ({RULES: rules} if rules else {})


def _not_null(options: list[dict[str, Any]], path: tuple[str, ...]) -> dict[str, Any]:
    rest = [option for option in options if option != {"type": "null"}]
    if len(rest) != 1:
        raise ValueError(f"{'.'.join(path)}: only a union with null has a structural schema here")
    return rest[0]


def _without(schema: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in keys}
