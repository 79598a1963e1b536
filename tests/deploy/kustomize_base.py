"""Write deploy/kustomize/base from the chart: `python -m tests.deploy.kustomize_base`.

Everything but the definitions, as the chart makes it of its defaults; what only concerns Helm is left out.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.deploy.chart_room import CHART, NAME, NAMESPACE, ROOT, helm

BASE = ROOT / "deploy" / "kustomize" / "base"
OWN = ("kustomization.yaml", "namespace.yaml")  # written by hand
HEADER = "# Rendered from deploy/helm/imm-operator by `python -m tests.deploy.kustomize_base`. Do not edit.\n"
HELMS = re.compile(r"(?m)^(# Source: .*| *helm\.sh/chart: .*| *app\.kubernetes\.io/managed-by: .*)\n")


def rendered() -> dict[str, str]:
    """The text of each file, by its name: that of the template."""
    made = helm("template", NAME, CHART, "--namespace", NAMESPACE, "--set", "crds.install=false")
    names = sorted(set(re.findall(r"(?m)^# Source: imm-operator/templates/(.+)$", made)))
    return {name: HEADER + _documents(made, name) for name in names}


def _documents(made: str, name: str) -> str:
    parts = [part.strip("\n") + "\n" for part in re.split(r"(?m)^---\n", made)]
    own = sorted(part for part in parts if f"# Source: imm-operator/templates/{name}\n" in part)
    first, *rest = sorted((HELMS.sub("", part) for part in own), key=lambda part: not part.startswith("#"))
    return "---\n".join([first, *rest])


def main() -> None:
    """Write what has changed, and remove what no template makes any more."""
    texts = rendered()
    for old in BASE.glob("*.yaml"):
        if old.name not in {*texts, *OWN}:
            old.unlink()
    for name, text in texts.items():
        _write(BASE / name, text)


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    main()
