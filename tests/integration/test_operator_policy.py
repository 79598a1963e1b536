"""The stack's policy for the operator is sufficient and minimal: over one whole run it grants what was used.

What imports need are tables of their own, which a binding's life does not use up: test_operator_policy_imports.py.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client

from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config
from infra import rights
from tests.integration.world import PROJECT, World

PHOTO = Path(__file__).resolve().parents[2] / "examples" / "media" / "photos" / "dune.jpg"
WORK = "whole-run-work"


def test_what_a_whole_run_uses_is_what_the_policy_grants(world: World) -> None:
    """Create, settle, update, unbind and delete, with a work bucket; the journal has every request."""
    world.bucket("whole-run-media").put_object_from_file("dune.jpg", str(PHOTO))
    world.bucket(WORK)
    world.user.scope = rights.Scope(world.cloud.region, world.cloud.account_id, projects=(PROJECT,))
    world.account("whole", workBucket=WORK)
    _live(world)
    _leave(world)
    scope = rights.Scope(
        world.cloud.region, world.cloud.account_id, projects=(PROJECT,), buckets=("whole-run-media",), work=(WORK,)
    )
    granted = set(rights.grants(rights.BINDINGS, scope))
    asked = used(world)
    assert not {right for right in asked if not any(covers(grant, right) for grant in granted)}
    assert not {grant for grant in granted if not any(covers(grant, right) for right in asked)}


def _live(world: World) -> None:
    account = {"accountRef": {"name": "whole"}, "deletionPolicy": "Delete", "deletionGracePeriod": "0s"}
    world.dataset("whole-run", **account, description="first")
    world.await_ready("dataset", "whole-run")
    world.binding("whole-run", "whole-run-media", "whole-run", **account, maxObjects=10)
    world.await_ready("datasetbinding", "whole-run")
    world.dataset("whole-run", **account, description="second")
    world.until("the update", lambda: _description(world) == "second")


def _leave(world: World) -> None:
    world.delete("datasetbinding", "whole-run")
    world.await_gone("datasetbinding", "whole-run")
    world.until("the unbinding", lambda: not world.imm.list_bindings(PROJECT))
    _forget_the_photo(world)
    world.delete("dataset", "whole-run")
    world.await_gone("dataset", "whole-run")


def _forget_the_photo(world: World) -> None:
    """As the account's owner: unbinding never purges, and a dataset goes only when it is empty."""
    root = Credentials(world.cloud.access_key_id, world.cloud.access_key_secret)
    client: Any = Client(client_config(root, region=world.cloud.region, endpoint=world.cloud.url))
    place = {"project_name": PROJECT, "dataset_name": "whole-run", "uri": "oss://whole-run-media/dune.jpg"}
    client.delete_file_meta(models.DeleteFileMetaRequest(**place))


def _description(world: World) -> str:
    found = world.imm.get_dataset(PROJECT, "whole-run")
    return found.description or "" if found else ""


def used(world: World) -> set[tuple[str, str]]:
    """What the operator's user needed and had, as action and resource."""
    entries = world.cloud.run(lambda instance: list(instance.journal.select(None, None, 0)))
    return {
        (right.action, right.resource)
        for entry in entries
        for right in entry.rights
        if entry.principal.endswith("user/imm-operator")
    }


def covers(grant: tuple[str, str], right: tuple[str, str]) -> bool:
    """Whether one is a case of the other."""
    return grant[0] == right[0] and fnmatchcase(right[1], grant[1])
