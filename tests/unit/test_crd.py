"""CustomResourceDefinitions: structural by the API server's rules, fresh on disk, refused where they cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest
from click.testing import CliRunner
from pydantic import Field

from controller.api.crd import ALL, definition
from controller.api.fields import Model, cel
from controller.api.kind import Kind
from controller.api.spec import ResyncedSpec
from controller.api.status import Status
from controller.cli import main

CRDS = Path(__file__).parents[2] / "crds"
kinds = pytest.mark.parametrize("kind", ALL, ids=[kind.kind() for kind in ALL])
# Keywords of OpenAPI 3.0 that a structural schema may use, besides x-kubernetes-….
ALLOWED = {
    "type", "description", "default", "enum", "format", "items", "maxItems", "maxLength", "maximum", "minItems",
    "minLength", "minimum", "pattern", "properties", "required", "additionalProperties", "maxProperties",
}  # fmt: skip


def schema(kind: type[Kind]) -> dict[str, Any]:
    """The kind's whole schema."""
    [version] = definition(kind)["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema node with its path."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")
    if "additionalProperties" in node:
        yield from nodes(node["additionalProperties"], f"{path}{{}}")


@kinds
def test_every_node_is_structural(kind: type[Kind]) -> None:
    """A type everywhere, known keywords only: no $ref, no anyOf, no null, no closed objects."""
    for path, node in nodes(schema(kind)):
        assert "type" in node, path
        unknown = {key for key in node if key not in ALLOWED and not key.startswith("x-kubernetes-")}
        assert set() == unknown, path
        assert not ("properties" in node and "additionalProperties" in node), path
        assert node["type"] in {"object", "array", "string", "integer", "boolean", "number"}, path


@kinds
def test_defaults_fill_in_the_spec_and_only_the_fresh_marker_of_the_status(kind: type[Kind]) -> None:
    """A never-seen object reads as in progress; nothing else is invented at the top of a status."""
    status = schema(kind)["properties"]["status"]
    assert {"observedGeneration": -1} == status["default"]
    assert [] == [name for name, field in status["properties"].items() if "default" in field]
    assert "required" not in status
    spec = {path for path, node in nodes(schema(kind)["properties"]["spec"]) if "default" in node}
    assert {".resyncInterval"} <= spec


@kinds
def test_conditions_are_a_map_by_type(kind: type[Kind]) -> None:
    """What server-side apply and kubectl expect."""
    conditions = schema(kind)["properties"]["status"]["properties"]["conditions"]
    assert ("map", ["type"]) == (conditions["x-kubernetes-list-type"], conditions["x-kubernetes-list-map-keys"])
    assert {"type", "status", "reason", "lastTransitionTime"} <= set(conditions["items"]["required"])


@kinds
def test_every_rule_has_a_message_and_what_cannot_change_names_the_way_out(kind: type[Kind]) -> None:
    """Refusals are read by people."""
    rules = [rule for _, node in nodes(schema(kind)) for rule in node.get("x-kubernetes-validations", [])]
    assert rules
    for rule in rules:
        assert {"rule", "message"} == set(rule)
        # kubectl names the field of a spelling rule; a rule about several fields, or about time, names it itself.
        of_one_field = rule["rule"].count("self.matches(") == 1 or rule["rule"].startswith("self.all(name, ")
        assert "spec." in rule["message"] or of_one_field


IMMUTABLE = {
    "CloudAccount": {".region", ".accountId"},
    "Dataset": {".accountRef", ".project", ".name"},
    "DatasetBinding": {".accountRef", ".dataset", ".bucket"},
    "BatchImport": {".accountRef"},  # it owns nothing: another target or source is another run
}


@kinds
def test_what_identifies_a_cloud_resource_is_immutable(kind: type[Kind]) -> None:
    """And nothing else is."""
    found = {
        path
        for path, node in nodes(schema(kind)["properties"]["spec"])
        if any(rule["rule"] == "self == oldSelf" for rule in node.get("x-kubernetes-validations", []))
    }
    assert IMMUTABLE[kind.kind()] == found


def test_rules_of_a_field_and_of_its_model_are_both_kept() -> None:
    """spec.dataset takes one form, and never changes."""
    [binding] = [kind for kind in ALL if kind.kind() == "DatasetBinding"]
    rules = schema(binding)["properties"]["spec"]["properties"]["dataset"]["x-kubernetes-validations"]
    assert 2 == len(rules)


@kinds
def test_the_names_are_complete(kind: type[Kind]) -> None:
    """Status subresource, columns that exist, one category for `kubectl get imm`."""
    made = definition(kind)
    assert f"{kind.plural}.imm-operator.dev" == made["metadata"]["name"]
    assert ["imm"] == made["spec"]["names"]["categories"]
    [version] = made["spec"]["versions"]
    assert {"status": {}} == version["subresources"]
    known = {path for path, _ in nodes(schema(kind))}
    for column in version["additionalPrinterColumns"]:
        plain = column["jsonPath"].split("[")[0]
        assert plain in known or plain.startswith(".metadata."), column


def test_the_written_definitions_are_fresh() -> None:
    """`make crds` was run after the last change of a model, and no file is left over."""
    result = CliRunner().invoke(main, ["crds", "--out", str(CRDS), "--check"])
    assert 0 == result.exit_code, result.output
    assert {f"{kind.plural}.yaml" for kind in ALL} == {path.name for path in CRDS.glob("*.yaml")}


def test_check_names_what_is_stale(tmp_path: Path) -> None:
    """And writes nothing."""
    result = CliRunner().invoke(main, ["crds", "--out", str(tmp_path), "--check"])
    assert 1 == result.exit_code
    assert "datasets.yaml" in result.output
    assert "make crds" in result.output
    assert [] == list(tmp_path.iterdir())


class _Tree(Model):
    """Contains itself."""

    children: list[_Tree] = Field(default_factory=list)


class _Either(Model):
    """A union of two types."""

    value: int | str


class _Ruled(Model):
    """Rules of its own."""

    value: int | None = None

    model_config: ClassVar[Any] = Model.model_config | {"json_schema_extra": cel("true", "model")}


def kind_with(field: type) -> type[Kind]:
    """A kind whose spec has one field of that type."""

    class _Spec(ResyncedSpec):
        field_: field = Field(alias="field")  # type: ignore[valid-type]  # the type is the test's parameter

    class Thing(Kind):
        """A thing."""

        plural: ClassVar[str] = "things"
        short_names: ClassVar[tuple[str, ...]] = ()
        columns: ClassVar[tuple[dict[str, Any], ...]] = ()
        spec: _Spec
        status: Status = Field(default_factory=Status)

        @classmethod
        def read(cls, body: dict[str, Any]) -> Self:
            return cls.model_validate(body)

    return Thing


def test_a_model_that_contains_itself_is_refused_with_its_path() -> None:
    """It has no structural schema."""
    with pytest.raises(ValueError, match=r"_Tree > children > _Tree: a model that contains itself"):
        definition(kind_with(_Tree))


def test_a_union_of_two_types_is_refused_with_its_path() -> None:
    """Only a union with null has a structural form here."""
    with pytest.raises(ValueError, match=r"_Either\.value: only a union with null"):
        definition(kind_with(_Either))


def test_an_optional_field_loses_its_null_and_its_empty_default() -> None:
    """The API server prunes instead."""
    field = schema(kind_with(_Ruled))["properties"]["spec"]["properties"]["field"]
    assert {"type": "integer"} == field["properties"]["value"]
    assert [{"rule": "true", "message": "model"}] == field["x-kubernetes-validations"]
