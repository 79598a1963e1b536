"""Programs of other projects that these tests run, built from their own modules."""

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
    """A program of a few lines over the package that reads the configuration."""
    return go_built(UPSTREAM / "kube-state-metrics") / "kube-state-metrics"
