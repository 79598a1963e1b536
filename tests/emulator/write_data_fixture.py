"""Write the fixture of the present data format: `python tests/emulator/write_data_fixture.py`.

Run once per format, by the release that introduces it; from then on the directory is kept as it is, because it stands
for the directories that people have.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import yaml

from emulator.instance import DEFAULT_ACCOUNT, Config, Instance
from emulator.launch import sow
from emulator.mns.messages import enqueue
from emulator.persistence.records import FORMAT
from emulator.seed import Step, read_seed
from emulator.seeding import carry_out
from emulator.testing import running

SEED = {
    "buckets": [{"name": "pictures", "folder": "pictures"}],
    "queues": [{"name": "q", "attributes": {"VisibilityTimeout": 30}}],
    "topics": [{"name": "t"}],
    "subscriptions": [{"name": "s", "topic": "t", "queue": "q"}],
    "projects": [{"name": "project"}],
    "datasets": [{"project": "project", "name": "dataset"}],
    "bindings": [{"project": "project", "dataset": "dataset", "bucket": "pictures"}],
}


def main() -> None:
    """Make it in `fixtures/data-format-N`."""
    directory = Path(__file__).parent / "fixtures" / f"data-format-{FORMAT}"
    shutil.rmtree(directory, ignore_errors=True)
    with tempfile.TemporaryDirectory() as sown, running(Config(virtual_clock=True), data=directory) as cloud:
        (Path(sown) / "pictures").mkdir()
        (Path(sown) / "pictures" / "a.txt").write_bytes(b"text")
        (Path(sown) / "pictures" / "long.txt").write_bytes(b"text" * 2000)
        path = Path(sown) / "seed.yaml"
        path.write_text(yaml.safe_dump(SEED))
        cloud.run(lambda instance: sow(instance, read_seed(path)))
        cloud.advance(60)
        cloud.run(_more)
        cloud.fault({"service": "oss", "operation": "PutObject", "times": 2, "drop": True})
    (directory / "lock").unlink()


def _more(instance: Instance) -> None:
    """What a seed does not say: a message, and a user with a key."""
    region = instance.cloud.region
    enqueue(instance.cloud.mns(DEFAULT_ACCOUNT, region).queues["q"], "hello", instance.cloud.clock.now())
    for operation in ("CreateUser", "CreateAccessKey"):
        carry_out(instance, Step(service="ram", operation=operation, params={"UserName": "ann"}))


if __name__ == "__main__":
    main()
