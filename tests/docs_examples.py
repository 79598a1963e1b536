"""The YAML of the docs as whole objects, as a reader would have them: what a page leaves out is as on that page before.

A block with a `kind` stands for itself. One of fields of a BatchImport's spec replaces these in the page's first
BatchImport, or in a plain one where the page has none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from controller.api.batchimport import BatchImport, BatchImportSpec
from controller.api.fields import API_VERSION

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
FIELDS = {field.alias or name for name, field in BatchImportSpec.model_fields.items()}
PLAIN: dict[str, Any] = {
    "apiVersion": API_VERSION,
    "kind": BatchImport.kind(),
    "metadata": {"name": "example", "namespace": "media"},
    "spec": {
        "accountRef": {"name": "main"},
        "target": {"dataset": {"ref": "photos"}},
        "source": {"items": [{"uri": "oss://my-photos/a.jpg"}]},
    },
}
# Parts of somebody else's object.
PARTS = {("docs/health.md", "resource.customizations"), ("docs/metrics.md", "customResourceState")}


@dataclass(frozen=True)
class Example:
    """An object, and where it stands."""

    page: str
    line: int
    body: dict[str, Any]

    @property
    def id(self) -> str:
        """For people."""
        return f"{self.page}:{self.line}"


def examples() -> list[Example]:
    """Every YAML block of README.md and docs/, but for `PARTS`."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [one for page in pages for one in _of_page(page)]


def _of_page(page: Path) -> list[Example]:
    text, name = page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix()
    found: list[Example] = []
    for block in BLOCK.finditer(text):
        fields = yaml.safe_load(block[1])
        line = text.count("\n", 0, block.start()) + 2
        if fields.get("kind") == "Kustomization" and "metadata" not in fields:
            continue  # a file of kubectl's, and no object; the tests of the docs' commands build it
        if "kind" in fields:
            found.append(Example(name, line, fields))
        elif fields.keys() <= FIELDS:
            imports = [one.body for one in found if one.body["kind"] == BatchImport.kind()]
            base = imports[0] if imports else PLAIN
            found.append(Example(name, line, base | {"spec": base["spec"] | fields}))
        elif not any((name, key) in PARTS for key in [*fields, *fields.get("data", {})]):
            raise ValueError(f"{name}:{line} is neither an object nor a part of a BatchImport's spec: {[*fields]}")
    return found
