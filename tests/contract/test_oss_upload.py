"""Uploads in parts, heads and copies of `controller.cloud.oss.Oss` against the emulator, through oss2."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fastcrc
import oss2
import pytest

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.errors import (
    BucketNotFound,
    CloudError,
    Conflict,
    Corrupted,
    Denied,
    Overloaded,
    Throttled,
    TimedOut,
)
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import HeadFacts, OssPort, UploadedPart
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports

KEY = "spring/日本 +%2F/increment.meta"
PARTS = (b"a" * 100 * 1024, b"b" * 150 * 1024, b"the end")
WHOLE = b"".join(PARTS)
RUN = {"imm-operator-run": "0123456789abcdef/1"}
replacing = pytest.mark.parametrize("replaced", [False, True], ids=["new", "replacing"])


def crc(data: bytes) -> int:
    """A second opinion on the checksum."""
    return int(fastcrc.crc64.xz(data))


def send(oss: OssPort, upload: str) -> list[UploadedPart]:
    """Every part, the last one first: their numbers make the order."""
    sent = [oss.upload_part("photos", KEY, upload, number + 1, PARTS[number]) for number in (2, 0, 1)]
    return sorted(sent, key=lambda part: part.number)


def uploads(bucket: oss2.Bucket) -> list[str]:
    """What is begun and neither complete nor given up."""
    return [item.upload_id for item in bucket.list_multipart_uploads().upload_list]


@pytest.mark.usefixtures("bucket")
class TestUploads:
    """A manifest, part by part."""

    @replacing
    def test_an_object_is_made_of_parts_with_its_metadata(
        self, ports: Ports, bucket: oss2.Bucket, *, replaced: bool
    ) -> None:
        """Nothing is there until the end; then all of it, with ETag and checksum as a look at it tells them."""
        if replaced:
            bucket.put_object(KEY, b"before")
        upload = ports.oss.begin_upload("photos", KEY, RUN, replace=replaced)
        parts = send(ports.oss, upload)
        assert [(number + 1, crc(data), len(data)) for number, data in enumerate(PARTS)] == [
            (part.number, part.crc, part.size) for part in parts
        ]
        assert bucket.object_exists(KEY) == replaced
        made = ports.oss.complete_upload("photos", KEY, upload, parts[::-1], replace=replaced)
        assert crc(WHOLE) == made.crc64
        assert WHOLE == bucket.get_object(KEY).read()
        head = ports.oss.head_object("photos", KEY)
        assert head is not None
        assert (made.etag, len(WHOLE), made.crc64, RUN) == (head.etag, head.size, head.crc64, head.metadata)
        assert [] == uploads(bucket)

    def test_a_foreign_object_is_never_overwritten(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Said at the beginning already, or in the end, if it came in between."""
        bucket.put_object(KEY, b"somebody's")
        with pytest.raises(Conflict) as caught:
            ports.oss.begin_upload("photos", KEY, RUN, replace=False)
        assert ("FileAlreadyExists", "oss:InitiateMultipartUpload") == (caught.value.code, caught.value.operation)
        bucket.delete_object(KEY)
        upload = ports.oss.begin_upload("photos", KEY, RUN, replace=False)
        parts = send(ports.oss, upload)
        bucket.put_object(KEY, b"somebody's")
        with pytest.raises(Conflict) as caught:
            ports.oss.complete_upload("photos", KEY, upload, parts, replace=False)
        assert ("FileAlreadyExists", True) == (caught.value.code, KEY in caught.value.message)
        assert b"somebody's" == bucket.get_object(KEY).read()

    @pytest.mark.parametrize("versioning", ["Enabled", "Suspended"])
    def test_nor_in_a_bucket_that_keeps_versions(self, ports: Ports, bucket: oss2.Bucket, versioning: str) -> None:
        """Where OSS does not know its own header: the look before tells."""
        upload = ports.oss.begin_upload("photos", KEY, RUN, replace=False)
        parts = send(ports.oss, upload)
        bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
        bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig(versioning))
        bucket.put_object(KEY, b"somebody's")
        with pytest.raises(Conflict):
            ports.oss.complete_upload("photos", KEY, upload, parts, replace=False)
        assert b"somebody's" == bucket.get_object(KEY).read()

    def test_of_two_that_upload_at_once_one_wins(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """And the other one learns that it did not."""
        ids = [ports.oss.begin_upload("photos", KEY, {"n": str(number)}, replace=False) for number in range(2)]
        parts = [send(ports.oss, upload) for upload in ids]
        ports.oss.complete_upload("photos", KEY, ids[1], parts[1], replace=False)
        with pytest.raises(Conflict):
            ports.oss.complete_upload("photos", KEY, ids[0], parts[0], replace=False)
        head = ports.oss.head_object("photos", KEY)
        assert head is not None
        assert {"n": "1"} == head.metadata
        assert ids[:1] == uploads(bucket)

    def test_a_whole_that_is_not_its_parts_is_an_error(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """By the checksum; the object is there, which the error does not hide."""
        upload = ports.oss.begin_upload("photos", KEY, RUN, replace=False)
        parts = send(ports.oss, upload)
        parts[1] = replace(parts[1], crc=parts[1].crc ^ 1)
        with pytest.raises(Corrupted) as caught:
            ports.oss.complete_upload("photos", KEY, upload, parts, replace=False)
        assert caught.value.may_have_taken_effect
        assert bucket.object_exists(KEY)

    def test_an_upload_is_given_up_and_may_be_so_twice(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Its parts are gone; nothing comes of it any more."""
        upload = ports.oss.begin_upload("photos", KEY, RUN, replace=False)
        parts = send(ports.oss, upload)
        for _ in range(2):
            ports.oss.abort_upload("photos", KEY, upload)
        assert [] == uploads(bucket)
        with pytest.raises(Conflict) as caught:
            ports.oss.complete_upload("photos", KEY, upload, parts, replace=False)
        assert "NoSuchUpload" == caught.value.code
        assert ports.oss.head_object("photos", KEY) is None

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("effect", [{"drop": True}, {"html": 502}, {"html": 503}, {"malformed": True}])
    def test_a_lost_answer_in_the_end_is_told_by_a_head(
        self, cloud: LocalCloud, ports: Ports, when: str, effect: dict[str, object]
    ) -> None:
        """Checksum and metadata are those that were sent, or there is nothing and it may be completed again."""
        upload = ports.oss.begin_upload("photos", KEY, RUN, replace=False)
        parts = send(ports.oss, upload)
        cloud.fault({"service": "oss", "operation": "CompleteMultipartUpload", "when": when, "times": 1, **effect})
        with pytest.raises(CloudError) as caught:
            ports.oss.complete_upload("photos", KEY, upload, parts, replace=False)
        kind = Overloaded if effect == {"html": 503} else TimedOut
        assert (kind, True) == (type(caught.value), caught.value.may_have_taken_effect)
        head = ports.oss.head_object("photos", KEY)
        assert (when == "after") == (head is not None)
        if head is None:
            ports.oss.complete_upload("photos", KEY, upload, parts, replace=False)
            head = ports.oss.head_object("photos", KEY)
        assert head is not None
        assert (crc(WHOLE), RUN) == (head.crc64, head.metadata)

    @pytest.mark.parametrize("operation", ["InitiateMultipartUpload", "UploadPart", "AbortMultipartUpload"])
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_any_other_lost_answer_costs_a_repetition(
        self, cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, operation: str, when: str
    ) -> None:
        """The same part again is the same part; an upload whose id nobody knows is the bucket's lifecycle rule's."""
        cloud.fault({"service": "oss", "operation": operation, "when": when, "times": 1, "drop": True})
        if operation == "InitiateMultipartUpload":
            with pytest.raises(TimedOut):
                ports.oss.begin_upload("photos", KEY, RUN, replace=False)
        upload = ports.oss.begin_upload("photos", KEY, RUN, replace=False)
        if operation == "UploadPart":
            with pytest.raises(TimedOut):
                ports.oss.upload_part("photos", KEY, upload, 1, PARTS[0])
        parts = send(ports.oss, upload)
        if operation == "AbortMultipartUpload":
            with pytest.raises(TimedOut):
                ports.oss.abort_upload("photos", KEY, upload)
            ports.oss.abort_upload("photos", KEY, upload)
            assert [] == uploads(bucket)
            return
        ports.oss.complete_upload("photos", KEY, upload, parts, replace=False)
        assert WHOLE == bucket.get_object(KEY).read()

    def test_one_connection_does(self, ports: Ports, caplog: pytest.LogCaptureFixture) -> None:
        """An answer whose body nobody reads would keep its connection from everybody else."""
        with caplog.at_level(logging.DEBUG, "urllib3.connectionpool"):
            for _ in range(5):
                upload = ports.oss.begin_upload("photos", KEY, RUN, replace=True)
                made = ports.oss.complete_upload("photos", KEY, upload, send(ports.oss, upload), replace=True)
                assert ports.oss.copy_object("photos", KEY, "photos", "kept", etag=made.etag)
                assert ports.oss.head_object("photos", KEY) is not None
        assert 1 == len([record for record in caplog.records if "Starting new HTTP connection" in record.message])


class TestHeads:
    """What an object is."""

    def test_a_head_tells_everything_but_the_content(
        self, ports: Ports, bucket: oss2.Bucket, cloud: LocalCloud
    ) -> None:
        """Metadata by name in lower case, of the user's own only."""
        bucket.put_object("a", b"123", headers={"x-oss-meta-Owner": "me", "Content-Type": "text/plain"})
        expected = HeadFacts(bucket.head_object("a").etag, 3, crc(b"123"), {"owner": "me"}, int(cloud.now()))
        assert expected == ports.oss.head_object("photos", "a")
        assert ports.oss.head_object("photos", "b") is None
        with pytest.raises(BucketNotFound):
            ports.oss.head_object("nobody-has-this", "a")

    def test_who_may_not_look_is_denied(
        self, cloud: LocalCloud, ports_of: Callable[..., Ports], bucket: oss2.Bucket
    ) -> None:
        """Absent it is not."""
        bucket.put_object("a", b"123")
        stranger = ports_of(cloud.add_account("9999999999999999", "LTAIstranger", "stranger-secret"))
        with pytest.raises(Denied) as caught:
            stranger.oss.head_object("photos", "a")
        assert "oss://photos/a" in caught.value.message

    @pytest.mark.parametrize("missing", ["NoSuchKey", "NoSuchBucket"])
    def test_a_head_that_does_not_say_what_is_absent_is_asked_again_by_a_get(self, missing: str) -> None:
        """Without its header a 404 means object or bucket; a refused one says 403 and no more."""
        status = 404

        class Bare(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(status, b"")

            def do_GET(self) -> None:
                self._answer(404, f"<Error><Code>{missing}</Code><Message>m</Message></Error>".encode())

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("x-oss-request-id", "R")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Bare)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = Place("1", "cn-hangzhou", oss=f"http://127.0.0.1:{server.server_address[1]}")
        oss = AlibabaClouds(Limiters(), Rates(), sts_endpoint=None).oss(place, Credentials("id", "s"), Lane.EDIT)
        try:
            if missing == "NoSuchKey":
                assert oss.head_object("photos", "a") is None
            else:
                with pytest.raises(BucketNotFound):
                    oss.head_object("photos", "a")
            for status, kind in ((403, Denied), (503, Overloaded), (429, Throttled), (500, TimedOut)):  # noqa: B007 - the server reads it
                with pytest.raises(CloudError) as caught:
                    oss.head_object("photos", "a")
                assert kind is type(caught.value)
        finally:
            server.shutdown()
            server.server_close()


class TestCopies:
    """Keeping what is about to be replaced."""

    def test_an_object_is_copied_inside_the_service(self, ports: Ports, bucket: oss2.Bucket, cloud: LocalCloud) -> None:
        """Its bytes and its metadata, to another bucket, over what may be there from a try before."""
        work = oss2.Bucket(bucket.auth, cloud.url, "work", session=bucket.session, region=cloud.region)
        work.create_bucket()
        etag = bucket.put_object(KEY, WHOLE, headers={"x-oss-meta-owner": "me"}).etag
        before = cloud.counts()["oss"].get("GetObject", 0)
        for _ in range(2):
            assert ports.oss.copy_object("photos", KEY, "work", "runs/1/kept", etag=etag)
        assert before == cloud.counts()["oss"].get("GetObject", 0)
        assert WHOLE == work.get_object("runs/1/kept").read()
        head = ports.oss.head_object("work", "runs/1/kept")
        assert head is not None
        assert {"owner": "me"} == head.metadata

    def test_only_the_version_that_was_looked_at(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Another one is a conflict, none is False, and no bucket is an error."""
        etag = bucket.put_object(KEY, b"before").etag
        bucket.put_object(KEY, b"after")
        with pytest.raises(Conflict) as caught:
            ports.oss.copy_object("photos", KEY, "photos", "kept", etag=etag)
        assert ("PreconditionFailed", True) == (caught.value.code, KEY in caught.value.message)
        assert not ports.oss.copy_object("photos", "nothing", "photos", "kept", etag=etag)
        assert not bucket.object_exists("kept")
        for source, target in (("nobody-has-this", "photos"), ("photos", "nobody-has-this")):
            with pytest.raises(BucketNotFound):
                ports.oss.copy_object(source, KEY, target, "kept", etag=etag)
