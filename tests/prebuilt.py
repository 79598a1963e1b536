"""`python -m tests.prebuilt`: everything of other projects that tests compile or fetch, before the first of them waits.

One after the other: each of them takes both cores, and a test that found nothing built would take its limit for it.
"""

from __future__ import annotations

import time

import click
import pytest

from tests.contract.other_languages.programs_of_others import go_programs, health_program, java_programs, node_programs
from tests.deploy.chart_room import prometheus_definitions
from tests.deploy.upstream_programs import argocd, flux, helm_program, kube_state_metrics, promtool

PROGRAMS = {
    "the Go SDKs' programs": go_programs,
    "the Node SDKs' programs": node_programs,
    "the Java SDK's program": java_programs,
    "the readers of health": health_program,
    "helm": helm_program,
    "Flux' packages": flux,
    "Argo CD's packages": argocd,
    "kube-state-metrics' package": kube_state_metrics,
    "promtool": promtool,
    "Prometheus Operator's definitions": prometheus_definitions,
}


def main() -> None:
    """Say what takes long, and what cannot be had here: its tests skip."""
    for name, make in PROGRAMS.items():
        began = time.monotonic()
        try:
            make()
        except pytest.skip.Exception as reason:
            click.echo(f"{name}: not here: {reason}", err=True)
        if time.monotonic() - began > 1:
            click.echo(f"{name}: built in {time.monotonic() - began:.0f} s, and kept", err=True)


if __name__ == "__main__":
    main()
