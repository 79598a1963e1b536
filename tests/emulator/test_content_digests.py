"""Content-MD5, sent and answered: a wrong one is worse than none."""

from __future__ import annotations

import base64
import hmac
from email.utils import formatdate
from hashlib import md5
from typing import TYPE_CHECKING, Any

import oss2
import pytest
import requests
from mns.account import Account
from mns.queue import Message, QueueMeta

from emulator.unverified import switches

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.testing import LocalCloud

WRONG = base64.b64encode(md5(b"other", usedforsecurity=False).digest()).decode()
MESSAGE = b"<Message><MessageBody>hello</MessageBody></Message>"
PARTS = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>0</ETag></Part></CompleteMultipartUpload>"


def digest_of(data: bytes) -> str:
    """The header's value."""
    return base64.b64encode(md5(data, usedforsecurity=False).digest()).decode()


def answered(bucket: oss2.Bucket, key: str) -> tuple[str | None, bytes]:
    """The digest of a read's answer and the content; a HEAD answers the same digest."""
    read = bucket.get_object(key)
    digest = read.headers.get("content-md5")
    assert digest == bucket.head_object(key).headers.get("content-md5")
    return digest, read.read()


def test_an_appended_object_and_its_copies_answer_no_wrong_digest(bucket: oss2.Bucket) -> None:
    """Nor a link to it: the ETag of what grew is no MD5."""
    bucket.append_object("log", 0, b"one ")
    bucket.append_object("log", 4, b"two")
    bucket.copy_object("pictures", "log", "copy")
    bucket.copy_object("pictures", "copy", "copy of the copy")
    bucket.put_symlink("log", "link")
    for key in ("log", "copy", "copy of the copy", "link"):
        assert (None, b"one two") == answered(bucket, key)


def test_what_was_put_whole_answers_its_digest(bucket: oss2.Bucket) -> None:
    """Its copies and links too, and an object of one append; an object of parts answers none."""
    bucket.put_object("a", b"one two")
    bucket.copy_object("pictures", "a", "copy")
    bucket.put_symlink("a", "link")
    bucket.append_object("log", 0, b"one two")
    for key in ("a", "copy", "link", "log"):
        assert (digest_of(b"one two"), b"one two") == answered(bucket, key)
    upload = bucket.init_multipart_upload("parts").upload_id
    part = bucket.upload_part("parts", upload, 1, b"one two")
    bucket.complete_multipart_upload("parts", upload, [oss2.models.PartInfo(1, part.etag)])
    assert (None, b"one two") == answered(bucket, "parts")


def test_a_range_answers_no_digest(bucket: oss2.Bucket) -> None:
    """That of the whole would be wrong for the part."""
    bucket.put_object("a", b"one two")
    part = bucket.get_object("a", byte_range=(0, 2))
    assert (206, b"one", None) == (part.status, part.read(), part.headers.get("content-md5"))


BODIES: dict[str, Callable[[oss2.Bucket, dict[str, str]], Any]] = {
    "PutObjectTagging": lambda bucket, headers: bucket.put_object_tagging(
        "a", oss2.models.Tagging(oss2.models.TaggingRule()), headers
    ),
    "PutBucketTags": lambda bucket, headers: bucket.put_bucket_tagging(
        oss2.models.Tagging(oss2.models.TaggingRule()), headers
    ),
    "CompleteMultipartUpload": lambda bucket, headers: bucket.complete_multipart_upload(
        "a", "u", [oss2.models.PartInfo(1, "0")], headers
    ),
    "PutObject": lambda bucket, headers: bucket.put_object("a", b"", headers),
    "AppendObject": lambda bucket, headers: bucket.append_object("b", 0, b"x", headers),
    "UploadPart": lambda bucket, headers: bucket.upload_part("a", "u", 1, b"x", headers=headers),
}


@pytest.mark.parametrize("operation", BODIES)
def test_a_wrong_digest_is_refused_by_every_operation_of_oss(
    cloud: LocalCloud, bucket: oss2.Bucket, operation: str
) -> None:
    """Before anything else is looked at in the body."""
    bucket.put_object("a", b"text")
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        BODIES[operation](bucket, {"Content-MD5": WRONG})
    assert (400, "InvalidDigest") == (caught.value.status, caught.value.code)
    assert operation == cloud.requests("oss")[-1]["operation"]


def send(cloud: LocalCloud, digest: str, body: bytes = MESSAGE) -> requests.Response:
    """Send a message under a Content-MD5 of any text."""
    target, date = "/queues/q/messages", formatdate(usegmt=True)
    to_sign = f"POST\n{digest}\ntext/xml\n{date}\nx-mns-version:2015-06-06\n{target}".encode()
    signature = base64.b64encode(hmac.digest(cloud.access_key_secret.encode(), to_sign, "sha1")).decode()
    headers = {"Content-MD5": digest, "Content-Type": "text/xml", "Date": date, "x-mns-version": "2015-06-06"}
    headers["Authorization"] = f"MNS {cloud.access_key_id}:{signature}"
    return requests.post(cloud.url + target, data=body, headers=headers, timeout=10)


@pytest.fixture
def queue(cloud: LocalCloud) -> Any:
    """A queue of the official SDK."""
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    made = account.get_queue("q")
    made.create(QueueMeta())
    yield made
    account.mns_client.close_connection()


def test_mns_takes_both_forms_of_a_digest(cloud: LocalCloud, queue: Any) -> None:
    """That of RFC 1864, and base64 of the hexadecimal text, which the official SDK sends."""
    hexadecimal = base64.b64encode(md5(MESSAGE, usedforsecurity=False).hexdigest().encode()).decode()
    for digest in (digest_of(MESSAGE), hexadecimal, ""):
        assert 201 == send(cloud, digest).status_code
    assert queue.send_message(Message("hello")).message_id


@pytest.mark.parametrize("code", switches()["mns_wrong_digest"].values)
@pytest.mark.parametrize("digest", [WRONG, "nonsense"])
@pytest.mark.usefixtures("queue")
def test_mns_refuses_a_wrong_digest_with_each_code(cloud: LocalCloud, code: str, digest: str) -> None:
    """`mns_wrong_digest`: nothing is sent then."""
    cloud.switch("mns_wrong_digest", code)
    answer = send(cloud, digest)
    if code == "accepted":
        assert 201 == answer.status_code
    else:
        assert 400 == answer.status_code
        assert f"<Code>{code}</Code>" in answer.text
    sent = cloud.run(lambda instance: len(instance.cloud.mns(cloud.account_id, cloud.region).queues["q"].messages))
    assert (code == "accepted") == bool(sent)
