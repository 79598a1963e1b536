"""Programs of other projects that these tests run, built from their own modules.

`argocd`, `flux` and `kube-state-metrics` are a few lines over the project's own packages.
"""

from __future__ import annotations

from pathlib import Path

from tests.built import go_built

ROOT = Path(__file__).resolve().parents[2]
UPSTREAM = Path(__file__).with_name("upstream")
PROMTOOL = "github.com/prometheus/prometheus/cmd/promtool"


def promtool() -> Path:
    """Prometheus' own; without its service discovery, which is most of it and looks at no rule."""
    return go_built(UPSTREAM / "promtool", "-tags=remove_all_sd", PROMTOOL) / "promtool"


def kube_state_metrics() -> Path:
    """What reads the configuration of metrics of objects."""
    return go_built(UPSTREAM / "kube-state-metrics") / "kube-state-metrics"


def helm_program() -> Path:
    """Helm itself."""
    return go_built(UPSTREAM / "helm", "helm.sh/helm/v4/cmd/helm") / "helm"


def flux() -> Path:
    """What applies, waits and decodes as Flux' controllers do."""
    return go_built(UPSTREAM / "flux") / "flux"


def argocd() -> Path:
    """What runs scripts, compares and syncs as Argo CD does."""
    return go_built(UPSTREAM / "argocd") / "argocd"
