"""The dump of the state, and reset: what is held, without contents and without secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import requests
from alibabacloud_ram20150501 import models

from emulator.imm.state import Project
from tests.emulator.pictures import picture

if TYPE_CHECKING:
    import oss2

    from emulator.instance import Instance
    from emulator.testing import LocalCloud


def dumped(cloud: LocalCloud) -> tuple[str, Any]:
    """The dump as text and as a document."""
    answer = requests.get(f"{cloud.url}/_emulator/state", timeout=10)
    assert 200 == answer.status_code
    return answer.text, answer.json()


def test_what_is_held_is_shown_without_contents_and_secrets(cloud: LocalCloud, bucket: oss2.Bucket, ram: Any) -> None:
    """Buckets, objects, projects and users by name; no secret of a key, no byte of an object."""
    bucket.put_object("a.jpg", picture())
    bucket.put_object("note.txt", b"this text stays where it is")
    ram.create_user(models.CreateUserRequest(user_name="somebody"))
    secret = ram.create_access_key(
        models.CreateAccessKeyRequest(user_name="somebody")
    ).body.access_key.access_key_secret

    def make(instance: Instance) -> None:
        instance.cloud.imm(cloud.account_id, cloud.region).projects["media"] = Project("media", 0, 0)

    cloud.run(make)
    text, document = dumped(cloud)
    for name in ("pictures", "a.jpg", "note.txt", "media", "somebody"):
        assert f'"{name}"' in text, name
    for hidden in (secret, cloud.access_key_secret, "this text stays"):
        assert hidden not in text
    assert document == json.loads(text)


def test_a_reset_leaves_nothing_of_it_and_the_key_good(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """Over HTTP, as `python -m emulator reset` does it; the journal begins anew."""
    bucket.put_object("a.txt", b"x")
    assert {"status": "ok"} == requests.post(f"{cloud.url}/_emulator/reset", timeout=10).json()
    assert "a.txt" not in dumped(cloud)[0]
    assert [] == cloud.requests("oss")
    assert 200 == bucket.create_bucket().status
