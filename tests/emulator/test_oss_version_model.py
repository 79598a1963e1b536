"""A versioned bucket against a list per key: any sequence of writes, deletions and restorations, in any status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import oss2
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from oss2.models import BucketVersioningConfig

from emulator.testing import running
from tests.emulator.conftest import ReadingSession

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from emulator.testing import LocalCloud

NAMES = st.sampled_from(["a", "a/b", "é"])


@dataclass(frozen=True)
class Version:
    """One version, or a delete marker (`content` None)."""

    version_id: str
    content: bytes | None


class VersionMachine(RuleBasedStateMachine):
    """One bucket through the SDK and its versions, newest first, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, list[Version]] = {}
        self.status: str | None = None
        self.session = ReadingSession()
        self.context: AbstractContextManager[LocalCloud] = running()

    @initialize()
    def start(self) -> None:
        """A fresh cloud for every example."""
        cloud = self.context.__enter__()
        auth = oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret)
        self.bucket = oss2.Bucket(auth, cloud.url, "model", session=self.session, region=cloud.region)
        self.bucket.create_bucket()
        self.told: dict[str, str] = {}

        def hear(_: object, change: object) -> None:
            key, kind, etag = (getattr(change, name) for name in ("key", "kind", "etag"))
            if kind == "put":
                self.told[key] = etag
            else:
                del self.told[key]

        cloud.run(lambda instance: instance.cloud.object_listeners.append(hear))

    def teardown(self) -> None:
        """Close what the example opened."""
        self.session.session.close()
        self.context.__exit__(None, None, None)

    def push(self, key: str, version_id: str, content: bytes | None) -> None:
        """A new version on top; it replaces the one of its id."""
        kept = [version for version in self.model.get(key, []) if version.version_id != version_id]
        self.model[key] = [Version(version_id, content), *kept]

    def current(self, key: str) -> bytes | None:
        """What a plain read sees."""
        versions = self.model.get(key, [])
        return versions[0].content if versions else None

    @rule(status=st.sampled_from(["Enabled", "Enabled", "Suspended"]))
    def set_status(self, status: str) -> None:
        """Versioning goes on and off; versions stay."""
        self.bucket.put_bucket_versioning(BucketVersioningConfig(status))
        self.status = status

    @rule(key=NAMES, content=st.binary(max_size=3))
    def put(self, key: str, content: bytes) -> None:
        """A put makes a version, or replaces null."""
        version_id = self.bucket.put_object(key, content).versionid
        assert (self.status == "Enabled") == (version_id not in {None, "null"})
        self.push(key, version_id or "null", content)

    @rule(key=NAMES, source=NAMES, data=st.data())
    def copy(self, key: str, source: str, data: st.DataObject) -> None:
        """A copy takes any version with content."""
        choices = [version for version in self.model.get(source, []) if version.content is not None]
        if choices:
            chosen = data.draw(st.sampled_from(choices))
            params = {"versionId": chosen.version_id}
            copied = self.bucket.copy_object("model", source, key, params=params)
            self.push(key, copied.versionid or "null", chosen.content)

    @rule(key=NAMES)
    def delete(self, key: str) -> None:
        """A plain deletion hides, or, without versioning, removes."""
        deleted = self.bucket.delete_object(key)
        if self.status is None:
            self.model.pop(key, None)
        else:
            assert deleted.delete_marker
            self.push(key, deleted.versionid, None)

    @rule(key=NAMES, data=st.data())
    def delete_version(self, key: str, data: st.DataObject) -> None:
        """A version goes for good, and what was behind it shows."""
        versions = self.model.get(key, [])
        if versions:
            chosen = data.draw(st.sampled_from(versions))
            self.bucket.delete_object(key, params={"versionId": chosen.version_id})
            self.model[key] = [version for version in versions if version is not chosen]

    @rule(key=NAMES)
    def read_all(self, key: str) -> None:
        """Every version reads as what was written under its id."""
        for version in self.model.get(key, []):
            if version.content is not None:
                got = self.bucket.get_object(key, params={"versionId": version.version_id})
                assert version.content == got.read()

    @rule(size=st.integers(1, 4))
    def list_all(self, size: int) -> None:
        """Pages of any size join to every version, in order, with the newest marked."""
        listed: list[tuple[str, str, bool]] = []
        key_marker = version_marker = ""
        while True:
            page = self.bucket.list_object_versions(
                max_keys=size, key_marker=key_marker, versionid_marker=version_marker
            )
            found = [*page.versions, *page.delete_marker]
            assert len(found) <= size
            listed += [(item.key, item.versionid, item.is_latest) for item in found]
            if not page.is_truncated:
                break
            key_marker, version_marker = page.next_key_marker, page.next_versionid_marker
        expected = [
            (key, version.version_id, index == 0)
            for key, versions in self.model.items()
            for index, version in enumerate(versions)
        ]
        assert sorted(expected) == sorted(listed)

    @invariant()
    def plain_readers_see_the_newest(self) -> None:
        """The plain listing, and what listeners were told, are the newest versions that are no markers."""
        shown = {item.key: item.etag for item in oss2.ObjectIteratorV2(self.bucket)}
        assert {key for key in self.model if self.current(key) is not None} == set(shown)
        assert shown == self.told


VersionMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestVersionModel = VersionMachine.TestCase
