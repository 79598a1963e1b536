"""OSS against a dictionary: any sequence of writes, copies and deletes reads and lists like the dictionary would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import oss2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from emulator.oss.listing import list_page
from emulator.testing import running
from tests.emulator.conftest import ReadingSession

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from emulator.testing import LocalCloud

# Few names that collide in every interesting way: shared prefixes, delimiters at both ends, awkward characters.
NAMES = st.sampled_from(["a", "a/", "a/b", "a/b/c", "a0", "ab", "b//", "b//c", "é/ü", "z+ %", "z\x7f", "\U0001f600/x"])
CONTENT = st.binary(max_size=64)


class OssMachine(RuleBasedStateMachine):
    """One bucket through the SDK and one dictionary, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, bytes] = {}
        self.appendable: set[str] = set()
        self.announced = 0
        self.changes = 0
        self.session = ReadingSession()
        self.context: AbstractContextManager[LocalCloud] = running()

    @initialize()
    def start(self) -> None:
        """A fresh cloud for every example."""
        cloud = self.context.__enter__()
        auth = oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret)
        self.bucket = oss2.Bucket(auth, cloud.url, "model", session=self.session, region=cloud.region)
        self.bucket.create_bucket()

        def count(*_: object) -> None:
            self.announced += 1

        cloud.run(lambda instance: instance.cloud.object_listeners.append(count))

    def teardown(self) -> None:
        """Close what the example opened."""
        self.session.session.close()
        self.context.__exit__(None, None, None)

    @rule(key=NAMES, data=CONTENT)
    def put(self, key: str, data: bytes) -> None:
        """PutObject replaces."""
        self.bucket.put_object(key, data)
        self.model[key] = data
        self.appendable.discard(key)
        self.changes += 1

    @rule(key=NAMES, data=CONTENT)
    def put_once(self, key: str, data: bytes) -> None:
        """A forbidden overwrite changes nothing."""
        try:
            self.bucket.put_object(key, data, headers={"x-oss-forbid-overwrite": "true"})
        except oss2.exceptions.ServerError as refused:
            self.refused(refused.code, key)
        else:
            assert key not in self.model
            self.model[key] = data
            self.changes += 1

    def refused(self, code: str, key: str) -> None:
        """The refusal of an overwrite is right only if there was something to overwrite."""
        assert ("FileAlreadyExists", True) == (code, key in self.model)

    @rule(key=NAMES, data=CONTENT)
    def append(self, key: str, data: bytes) -> None:
        """AppendObject grows what it made itself."""
        if key in self.model and key not in self.appendable:
            return
        self.bucket.append_object(key, len(self.model.get(key, b"")), data)
        self.model[key] = self.model.get(key, b"") + data
        self.appendable.add(key)
        self.changes += 1

    @rule(source=NAMES, copied=NAMES)
    def copy(self, source: str, copied: str) -> None:
        """CopyObject takes the content."""
        try:
            self.bucket.copy_object("model", source, copied)
        except oss2.exceptions.NoSuchKey:
            assert source not in self.model
        else:
            self.model[copied] = self.model[source]
            self.appendable.discard(copied)
            self.changes += 1

    @rule(key=NAMES)
    def delete(self, key: str) -> None:
        """DeleteObject never complains."""
        self.bucket.delete_object(key)
        self.changes += self.model.pop(key, None) is not None
        self.appendable.discard(key)

    @rule(keys=st.lists(NAMES, min_size=1, max_size=4, unique=True))
    def delete_many(self, keys: list[str]) -> None:
        """DeleteMultipleObjects is many deletes."""
        self.bucket.batch_delete_objects(keys)
        for key in keys:
            self.changes += self.model.pop(key, None) is not None
            self.appendable.discard(key)

    @rule(key=NAMES)
    def read(self, key: str) -> None:
        """GetObject gives what was put, or NoSuchKey."""
        try:
            content = self.bucket.get_object(key).read()
        except oss2.exceptions.NoSuchKey:
            assert key not in self.model
        else:
            assert self.model[key] == content

    @rule(prefix=st.sampled_from(["", "a", "a/", "é", "none"]), delimiter=st.sampled_from(["", "/", "//"]))
    def list_all(self, prefix: str, delimiter: str) -> None:
        """Listings in pages of two equal the dictionary's keys, grouped."""
        options: dict[str, Any] = {"prefix": prefix, "delimiter": delimiter, "max_keys": 2}
        expected = grouped(sorted(self.model), prefix, delimiter)
        assert expected == [item.key for item in oss2.ObjectIteratorV2(self.bucket, **options)]
        assert expected == [item.key for item in oss2.ObjectIterator(self.bucket, **options)]

    @invariant()
    def every_change_was_announced(self) -> None:
        """No change is silent and none is told twice."""
        assert self.changes == self.announced


def grouped(keys: list[str], prefix: str, delimiter: str) -> list[str]:
    """What a listing shows, said the slow and obvious way."""
    shown: list[str] = []
    for key in keys:
        if not key.startswith(prefix):
            continue
        head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        entry = prefix + head + found if found else key
        if entry not in shown:
            shown.append(entry)
    return shown


OssMachine.TestCase.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOssModel = OssMachine.TestCase


@given(
    keys=st.sets(st.text(st.sampled_from("ab/\U0010ffff"), max_size=5), max_size=30),
    prefix=st.text(st.sampled_from("ab/"), max_size=2),
    delimiter=st.sampled_from(["", "/", "a", "//"]),
    limit=st.integers(1, 5),
)
@settings(max_examples=300, deadline=None)
def test_pages_join_to_the_whole_for_any_keys(keys: set[str], prefix: str, delimiter: str, limit: int) -> None:
    """Paging neither loses nor doubles an entry, even with the last character there is."""
    ordered = sorted(keys)
    seen: list[str] = []
    after, more = "", True
    while more:
        page = list_page(ordered, prefix=prefix, delimiter=delimiter, after=after, limit=limit)
        entries = sorted([*page.keys, *page.prefixes])
        assert len(entries) <= limit
        seen += entries
        after, more = page.last, page.more
    assert grouped([key for key in ordered if key], prefix, delimiter) == [entry for entry in seen if entry]
