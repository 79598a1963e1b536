"""What a healthy pair says of itself wakes nobody, however many objects it has; one that only stands by does."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import yaml

from controller.runtime.engine import Engine
from controller.runtime.settings import Settings
from tests.deploy.test_alerts import RULES, run
from tests.deploy.upstream_programs import promtool

SERIES = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
MANY = 300
HOURS = 2


def dataset(number: int) -> dict[str, Any]:
    """One that nobody has to do anything about."""
    meta = {"name": f"photos-{number}", "namespace": "team", "uid": f"u-{number}", "resourceVersion": "1"}
    spec = {"accountRef": {"name": "main"}, "project": "media", "name": f"photos-{number}"}
    body = {"apiVersion": "imm-operator.dev/v1alpha1", "kind": "Dataset", "metadata": meta | {"generation": 1}}
    return body | {"spec": spec, "status": {"observedGeneration": 1}}


async def metrics_of(pod: str, *, objects: int, leads: int) -> dict[str, str]:
    """What a process serves that has heard of so many objects, for hours, as Prometheus names it."""
    engine = Engine(Settings(lease_namespace="ns"))
    for number in range(objects):
        engine.informer.observe(dataset(number), deleted=False)
    text = engine.metrics.render().decode()
    await engine.stop()
    found = {}
    for line in text.splitlines():
        if (parts := SERIES.fullmatch(line)) and not line.startswith("#"):
            name, labels, value = parts.groups()
            own = f'job="imm-operator", instance="{pod}:8080", namespace="imm-operator", {labels or ""}'
            shown = leads if name == "leader_election_master_status" else float(value)
            found[f"{name}{{{own.rstrip(', ')}}}"] = f"{shown:f}x{HOURS * 60}"
    assert not objects or any(
        f"{objects:f}x" in shown for name, shown in found.items() if "imm_operator_objects" in name
    )
    return found


async def fires(series: dict[str, str], room: Path) -> set[str]:
    """The alerts that stand then: those that promtool did not expect."""
    names = re.findall(r"alert: (\w+)", RULES.read_text())
    nothing = [{"eval_time": f"{HOURS * 60}m", "alertname": name, "exp_alerts": []} for name in names]
    given = [{"series": one, "values": values} for one, values in series.items()]
    test = {"interval": "1m", "input_series": given, "alert_rule_test": nothing}
    file = room / "tests.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    done = await asyncio.to_thread(run, promtool(), "test", "rules", file)
    said = done.stdout + done.stderr
    found = set(re.findall(r"alertname: (\w+),", said))
    assert bool(found) == bool(done.returncode), said
    return found


# No kube-state-metrics here, and that is said, as information.
NO_OBJECT_METRICS = {"ImmOperatorObjectMetricsAbsent"}


async def test_a_healthy_pair_wakes_nobody(tmp_path: Path) -> None:
    """A standby hears of every object, and its queue holds them for as long as it stands by."""
    pair = await metrics_of("one", objects=0, leads=1) | await metrics_of("two", objects=MANY, leads=0)
    assert NO_OBJECT_METRICS == await fires(pair, tmp_path)


async def test_standbys_alone_wake_somebody(tmp_path: Path) -> None:
    """Who leads is gone, and the others stand by."""
    left = await metrics_of("two", objects=MANY, leads=0)
    assert NO_OBJECT_METRICS | {"ImmOperatorNoLeader"} == await fires(left, tmp_path)
