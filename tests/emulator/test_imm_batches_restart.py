"""A batch under way when the process is killed: the next process goes on with it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_tea_openapi.models import Config

from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET
from tests.emulator.processes import emulator

FILES = 60  # more than a second's worth


def client(url: str) -> Any:
    """IMM's official client."""
    return Client(
        Config(
            access_key_id=DEFAULT_ACCESS_KEY_ID,
            access_key_secret=DEFAULT_ACCESS_KEY_SECRET,
            endpoint=url.removeprefix("http://"),
            protocol="http",
        )
    )


def batch_when(imm: Any, batch_id: str, least: int, state: str) -> models.DataIngestion:
    """The batch, once it has submitted that much or come to that state."""
    deadline = time.monotonic() + 30
    while True:
        batch = imm.get_batch(models.GetBatchRequest(project_name="p", id=batch_id)).body.batch
        if batch.statistic.submit_success >= least and state in {"", batch.state}:
            return batch
        assert time.monotonic() < deadline, batch.to_map()
        time.sleep(0.05)


def test_a_batch_goes_on_after_a_kill(tmp_path: Path) -> None:
    """Every file once, nothing forgotten, the tags still there."""
    with emulator("--data", str(tmp_path)) as first:
        imm = client(first.url)
        imm.create_project(models.CreateProjectRequest(project_name="p"))
        imm.create_dataset(models.CreateDatasetRequest(project_name="p", dataset_name="d"))
        with first.bucket("pictures") as bucket:
            bucket.create_bucket()
            for number in range(FILES):
                bucket.put_object(f"{number:02}.txt", b"text")
        made = imm.create_batch(
            models.CreateBatchRequest(
                project_name="p",
                service_role="AliyunIMMBatchTriggerRole",
                input=models.Input(oss=models.InputOSS(bucket="pictures")),
                actions=[models.CreateBatchRequestActions(name="emulator/index", parameters=["dataset=d"])],
                tags={"team": "a"},
            )
        ).body.id
        batch_when(imm, made, 5, "Running")
        first.process.kill()
    with emulator("--data", str(tmp_path)) as second:
        imm = client(second.url)
        batch = batch_when(imm, made, FILES, "Succeeded")
        assert (FILES, {"team": "a"}) == (batch.statistic.submit_success, batch.tags)
        dataset = models.GetDatasetRequest(project_name="p", dataset_name="d", with_statistics=True)
        assert FILES == imm.get_dataset(dataset).body.dataset.file_count
        tasks = imm.list_tasks(models.ListTasksRequest(project_name="p")).body.tasks
        assert FILES == len({task.task_id for task in tasks})
