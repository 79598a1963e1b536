"""What one look at a project's settled bindings costs: one listing for all, against one GetBinding for each."""

from __future__ import annotations

import time
from typing import Any

import oss2
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client

from controller.cloud.credentials import Credentials
from controller.cloud.imm import Imm
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.limiter import Limiter
from controller.cloud.openapi import client_config
from controller.cloud.ports import ProjectSpec
from controller.core.facts import QuotaFacts
from emulator.testing import LocalCloud, running

DATASETS = 30
PER_DATASET = 10  # bindings, the documented maximum
PROJECT = "media"
ROUNDS = 5


def observe() -> dict[str, Any]:
    """Calls and seconds of both ways, the median of five rounds, and their ratios."""
    with running() as cloud:
        cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 1e9))
        keys = Credentials(cloud.access_key_id, cloud.access_key_secret)
        limiter = Limiter("benchmark", rate=1e6, burst=1e6)
        imm = Imm(ImmCalls(keys, region=cloud.region, endpoint=cloud.url, limiter_of=lambda _project: limiter))
        places = _fill(cloud, imm)
        client = Client(client_config(keys, region=cloud.region, endpoint=cloud.url))
        listed, each = [], []
        for _ in range(ROUNDS):
            listed.append(_measure(cloud, lambda: imm.list_bindings(PROJECT)))
            each.append(_measure(cloud, lambda: _get_each(client, places)))
    (calls, seconds), (calls_each, seconds_each) = sorted(listed)[ROUNDS // 2], sorted(each)[ROUNDS // 2]
    return {
        "bindings": len(places),
        "calls": calls,
        "calls_one_by_one": calls_each,
        "fewer_calls": round(calls_each / calls, 1),
        "faster": round(seconds_each / seconds, 1),
    }


def _fill(cloud: LocalCloud, imm: Imm) -> list[tuple[str, str]]:
    imm.create_project(ProjectSpec(name=PROJECT, service_role="AliyunIMMDefaultRole"))
    auth, session = oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret), oss2.Session()
    buckets = [f"bench-{number}" for number in range(PER_DATASET)]
    for bucket in buckets:
        oss2.Bucket(auth, cloud.url, bucket, region=cloud.region, session=session).create_bucket()
    places = []
    for number in range(DATASETS):
        imm.create_dataset(PROJECT, f"set-{number}", template_id=None, description=None, quotas=QuotaFacts())
        for bucket in buckets:
            imm.create_binding(PROJECT, f"set-{number}", bucket)
            places.append((f"set-{number}", bucket))
    cloud.advance(60)
    return places


def _get_each(client: Any, places: list[tuple[str, str]]) -> None:
    for dataset, bucket in places:
        client.get_binding(models.GetBindingRequest(project_name=PROJECT, dataset_name=dataset, uri=f"oss://{bucket}"))


def _measure(cloud: LocalCloud, look: Any) -> tuple[int, float]:
    before, began = sum(cloud.counts()["imm"].values()), time.perf_counter()
    look()
    seconds = time.perf_counter() - began
    return sum(cloud.counts()["imm"].values()) - before, seconds
