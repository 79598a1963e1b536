"""Every value of the chart and what it changes: one without a row fails, and so does one that changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from controller.runtime.settings import Settings
from tests.deploy.chart_files import OTHERWISE, leaves, settings_schema, value_comments
from tests.deploy.chart_room import CHART, FIRST_BUILD, Manifest, environment, template
from tests.deploy.chart_rows import ROWS, SETTINGS

pytestmark = FIRST_BUILD

PLAIN = {"crds.install": False}
WHAT_HELM_ADDS = ["helm.sh/chart", "app.kubernetes.io/managed-by"]


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Values by dotted path, as values.yaml has them."""
    result: dict[str, Any] = {}
    for path, value in flat.items():
        *outer, last = path.split(".")
        here = result
        for step in outer:
            here = here.setdefault(step, {})
        here[last] = value
    return result


def test_every_value_has_a_row() -> None:
    """Read from values.yaml; and there is no row for what is not there."""
    assert {path for path, _ in leaves(yaml.safe_load((CHART / "values.yaml").read_text()))} == set(ROWS)


def test_every_value_is_explained() -> None:
    """By a comment of its own."""
    said = value_comments((CHART / "values.yaml").read_text())
    assert [] == [path for path in ROWS if len(said[path].split()) < 2]


@pytest.mark.parametrize("path", ROWS)
def test_a_value_does_what_it_says(path: str) -> None:
    """And the same is not there without it."""
    row = ROWS[path]
    assert row.expected == row.look(template(nested(PLAIN | row.given | row.also | {path: row.value})))
    assert row.expected != row.look(template(nested(PLAIN | row.given)))


def examples() -> list[tuple[str, Any, dict[str, Any]]]:
    """For each setting a value that is not its default, and what has to go with it."""
    found = []
    for name, schema in settings_schema().items():
        value, given = SETTINGS[name] if name in SETTINGS else (_another(schema, name), {})
        found.append((name, value, given))
    return found


def _another(schema: dict[str, Any], name: str) -> Any:
    match schema["type"]:
        case "boolean":
            return True
        case "integer":
            return int(schema.get("minimum", 1)) + 1
        case "number":
            return float(schema.get("minimum", 0)) + 0.25
    pytest.fail(f"the setting {name} is new: say in SETTINGS to what it is set here")


@pytest.mark.parametrize(
    ("name", "value", "given"), examples(), ids=lambda part: part if isinstance(part, str) else None
)
def test_a_setting_reaches_the_operator(
    name: str, value: Any, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the operator itself reads it from the container's variables, and it is not what it would be anyway."""
    made = template(nested(PLAIN | given | {f"settings.{name}": value}))
    without = template(nested(PLAIN))
    assert value == getattr(settings(made, monkeypatch), snake(name))
    assert value != getattr(settings(without, monkeypatch), snake(name))


def test_the_settings_are_those_of_the_operator() -> None:
    """Every field, but for those that are values of the chart's own or the image's, and no other."""
    known = set(settings_schema())
    assert {snake(name) for name in known} | set(OTHERWISE) == set(Settings.model_fields)
    assert known.isdisjoint(OTHERWISE)


@pytest.mark.parametrize(("shard", "namespaces"), [("", []), ("b", ["team-a", "team-b"])])
def test_the_container_has_no_variable_that_the_operator_refuses(
    shard: str, namespaces: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands for a value of the chart's own is read by the operator as that."""
    read = settings(template(nested(PLAIN | {"shard": shard, "watchNamespaces": namespaces})), monkeypatch)
    assert (shard, tuple(namespaces)) == (read.shard, read.watched)
    assert f"imm-operator{f'-{shard}' if shard else ''}" == read.lease_name


def settings(manifests: list[Manifest], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the operator reads from the container's variables."""
    with monkeypatch.context() as patch:
        for name, value in environment(manifests).items():
            patch.setenv(name, value)
        return Settings()


def snake(name: str) -> str:
    """A name of values.yaml as the code has it: callbackUrl as callback_url."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_helm_marks_what_it_makes() -> None:
    """The labels that the kustomize base leaves out are there."""
    assert all(label in body["metadata"]["labels"] for body in template(nested(PLAIN)) for label in WHAT_HELM_ADDS)
