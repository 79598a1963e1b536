"""From the local stack to a result in the operator's hands: what the program made is what the CloudAccount names."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import oss2
import pytest
import yaml
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from mns.account import Account
from mns.mns_exception import MNSExceptionBase
from mns.queue import Message

from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config
from emulator.testing import LocalCloud
from sandbox.demo.operator_key import create_key
from sandbox.programs import run

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "imm-local-photos"
pytestmark = pytest.mark.timeout(400)  # a rehearsal is a process that loads all of Pulumi


@pytest.fixture
def applied(cloud: LocalCloud, tmp_path: Path) -> dict[str, Any]:
    """What the demo applies, by kind, the first of each: the stack `local` rehearsed, its hand-over rendered."""
    environment = {
        "PATH": os.environ["PATH"],
        "ALIBABA_CLOUD_ACCESS_KEY_ID": cloud.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cloud.access_key_secret,
        "ALIBABA_CLOUD_ACCOUNT_ID": cloud.account_id,
        "EMULATOR_URL": cloud.url,
    }
    state = ["--stack", "local", "--state", str(tmp_path / "state.json")]
    rehearse = [sys.executable, "-m", "sandbox", "rehearse"]
    run([*rehearse, "up", *state], env=environment, cwd=ROOT, seconds=300)
    document = run([*rehearse, "output", *state], env=environment, cwd=ROOT)
    rendered = run([sys.executable, "-m", "controller.cli", "render", "-"], text=document)
    return {item["kind"]: item for item in reversed(list(yaml.safe_load_all(rendered)))}


@contextmanager
def opened(endpoint: str | None, key: Credentials, name: str | None) -> Iterator[Any]:
    """A queue, through the vendor's SDK."""
    account = Account(endpoint, key.access_key_id, key.access_key_secret)
    queue = account.get_queue(name)
    queue.set_encoding(False)
    yield queue
    account.mns_client.close_connection()


def test_the_operator_receives_and_sets_aside_in_the_queues_that_the_account_names(
    cloud: LocalCloud, applied: dict[str, Any]
) -> None:
    """By the account's addresses and with the stack's own policy: IMM publishes, the queue has it once."""
    account, dataset = CloudAccount.read(applied["CloudAccount"]).spec, Dataset.read(applied["Dataset"]).spec
    where, events = account.endpoints, account.events
    assert (cloud.url, cloud.url) == (where.imm, where.mns)
    assert events is not None
    root = Credentials(cloud.access_key_id, cloud.access_key_secret)
    key = create_key(root, region=account.region, url=cloud.url)
    owner = oss2.AuthV4(root.access_key_id, root.access_key_secret)
    oss2.Bucket(owner, cloud.url, BUCKET, region=account.region).put_object("a.txt", b"hello")
    imm = Client(client_config(key, region=account.region, endpoint=where.imm))
    imm.create_dataset(models.CreateDatasetRequest(project_name=dataset.project, dataset_name=dataset.name))
    imm.batch_index_file_meta(
        models.BatchIndexFileMetaRequest(
            project_name=dataset.project,
            dataset_name=dataset.name,
            files=[models.InputFile(uri=f"oss://{BUCKET}/a.txt")],
            notification=models.Notification(mns=models.MNS(topic_name=events.topic)),
            user_data="mine",
        )
    )
    cloud.advance(60)
    with opened(where.mns, key, events.queue) as queue:
        (message,) = queue.batch_receive_message(16)
        queue.batch_delete_message([message.receipt_handle])
        with pytest.raises(MNSExceptionBase, match="MessageNotExist"):
            queue.batch_receive_message(16, 0)
    told = json.loads(message.message_body)
    assert ("mine", [f"oss://{BUCKET}/a.txt"]) == (told["UserData"], [file["URI"] for file in told["Files"]])
    with opened(where.mns, key, events.dead_letter_queue) as queue:
        queue.send_message(Message("foreign"))
    with opened(where.mns, root, events.dead_letter_queue) as queue:
        assert ["foreign"] == [letter.message_body for letter in queue.batch_receive_message(16)]
