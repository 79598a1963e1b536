"""Files into a dataset: the operator's imports beside the vendor's own sample, one `IndexFileMeta` for each file.

The operator is the real process at a real API server; only the cloud is local. A fraction of a rate is what was called
over what the limiter (or the cloud) would have let through between the first and the last call, its burst included.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from darabonba.runtime import RuntimeOptions

from benchmarks.import_world import DATASET, TOPIC, ImportWorld, Watched, import_world, line_of
from benchmarks.processes import resident
from benchmarks.scale_world import PROJECT
from controller.cloud.credentials import Credentials
from controller.cloud.limiter import Lane, Limiter
from controller.cloud.openapi import client_config

FEW, MANY = 1_000, 100_000
REQUEST_BYTES = 7 * 1024  # the operator's default
MOST_FILES = 100  # of a call (IMM 2020-09-30)
BURST = 1 / 9  # of a rate: what the operator's limiter lets through at once
RATES = (20.0, 40.0, 90.0)
SUBMITTING = 15  # seconds that the calls of a rate's import take at that rate
ALLOWED, ASKED = 20.0, 40.0  # of the throttling cloud, and the operator's own
ONE_BY_ONE = 10  # seconds of the vendor's sample
SENDERS = 8  # so many of its calls at a time: its own loop has one, and waits for each answer


def import_scale() -> dict[str, Any]:
    """Calls, rates, memory and goodput."""
    with import_world() as world:
        world.make_files(MANY)
        figures: dict[str, Any] = {"load_average": round(os.getloadavg()[0], 1)}
        figures |= _calls(world)
        figures["rates"] = {f"{rate:.0f}": _at_rate(world, rate) for rate in RATES}
        figures["throttled"] = _throttled(world)
        figures["memory"] = {str(count): _memory(world, count) for count in (FEW, MANY)}
        return figures


def _calls(world: ImportWorld) -> dict[str, Any]:
    with world.operator() as operator:
        limited = world.follow("calls-limited", FEW, operator)
    with world.operator(IMM_OPERATOR_IMM_FORM_BODY="true") as operator:
        lifted = world.follow("calls-lifted", FEW, operator)
    return {
        "calls_per_thousand": len(limited.calls),
        "calls_per_thousand_minimum": -(-FEW // files_per_call()),
        "calls_per_thousand_lifted": len(lifted.calls),
        "calls_per_thousand_lifted_minimum": FEW // MOST_FILES,
    }


def files_per_call() -> int:
    """How many files fit into a call: the address counted out as the official SDK writes it."""
    user_data = f"imm-operator/1/{'0' * 32}/{'0' * 32}/0"
    fixed = {
        "ProjectName": PROJECT,
        "DatasetName": DATASET,
        "Notification": _compact({"MNS": {"TopicName": TOPIC}}),
        "UserData": user_data,
    }

    def fits(count: int) -> bool:
        files = [_stated(number) for number in range(count)]
        return len("/?" + urlencode({**fixed, "Files": _compact(files)})) <= REQUEST_BYTES

    return max(count for count in range(1, MOST_FILES + 1) if fits(count))


def _at_rate(world: ImportWorld, rate: float) -> dict[str, float]:
    count = int(rate * SUBMITTING) * files_per_call()
    with world.operator(IMM_OPERATOR_IMM_RATE=str(rate)) as operator:
        seen = _whole(world.follow(f"rate-{rate:.0f}", count, operator), count)
    ours, theirs = count / seen.lasted, _one_by_one(world, rate)
    return {
        "files": count,
        "of_the_rate": _fraction(len(seen.accepted), rate, BURST, seen.lasted),
        "files_per_second": round(ours, 1),
        "files_per_second_one_by_one": round(theirs, 1),
        "faster": round(ours / theirs, 1),
        "seconds_to_verdict": round(seen.seconds, 1),
    }


def _one_by_one(world: ImportWorld, rate: float) -> float:
    """Files a second of the vendor's sample, at the same rate: it has no limiter, so it is lent one."""
    cloud = world.world.cloud
    keys = Credentials(cloud.access_key_id, cloud.access_key_secret)
    client: Any = Client(client_config(keys, region=cloud.region, endpoint=cloud.url))
    limiter = Limiter("sample", rate=rate, burst=1)
    notification = models.Notification(mns=models.MNS(topic_name=TOPIC))

    def index(number: int) -> None:
        request = models.IndexFileMetaRequest(
            project_name=PROJECT,
            dataset_name=DATASET,
            file=models.InputFile().from_map(_stated(number)),
            notification=notification,
            user_data="sample",
        )
        with limiter.slot(Lane.EDIT):
            client.index_file_meta_with_options(request, RuntimeOptions())

    count = int(rate * ONE_BY_ONE)
    with ThreadPoolExecutor(SENDERS) as pool:
        began = time.perf_counter()
        list(pool.map(index, range(count)))
        return count / (time.perf_counter() - began)


def _throttled(world: ImportWorld) -> dict[str, float]:
    count = int(ALLOWED * SUBMITTING) * files_per_call()
    _allow(world, ALLOWED)
    with world.operator(IMM_OPERATOR_IMM_RATE=str(ASKED)) as operator:
        seen = _whole(world.follow("throttled", count, operator), count)
    _allow(world, 100.0)
    return {
        "allowed": ALLOWED,
        "asked": ASKED,
        "of_what_is_allowed": _fraction(len(seen.accepted), ALLOWED, 1.0, seen.lasted),
        "refused_calls": len(seen.calls) - len(seen.accepted),
        "looks_that_found_it_stalled": seen.stalled,
        "failed_files": seen.status["totals"].get("failed", 0),
    }


def _memory(world: ImportWorld, count: int) -> dict[str, float]:
    """Of a fresh process each: idle, and the peak over it."""
    with world.operator() as operator:
        idle = resident(operator.service)
        seen = _whole(world.follow(f"memory-{count}", count, operator), count)
    return {
        "idle_mib": round(idle / 2**20, 1),
        "peak_over_idle_mib": round((seen.peak - idle) / 2**20, 1),
        "seconds_to_verdict": round(seen.seconds, 1),
    }


def _whole(seen: Watched, count: int) -> Watched:
    """The same, if every file succeeded: figures of anything else would say nothing.

    Raises:
        RuntimeError: some did not.
    """
    if seen.status.get("totals", {}).get("succeeded", 0) != count:
        raise RuntimeError(f"of {count} files not all succeeded: {json.dumps(seen.status)}")
    return seen


def _fraction(calls: int, rate: float, burst: float, seconds: float) -> float:
    return round(calls / (rate * (burst + seconds)), 3)


def _allow(world: ImportWorld, rate: float) -> None:
    world.world.cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", rate))


def _stated(number: int) -> dict[str, Any]:
    line = line_of(number)
    return {"URI": line["uri"], "CustomId": line["customId"], "CustomLabels": line["customLabels"]}


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
