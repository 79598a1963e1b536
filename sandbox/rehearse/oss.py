"""OSS resources: the bucket and its ACL."""

from __future__ import annotations

from typing import Any

from oss2.models import BucketCreateConfig
from pulumi import RunError

from sandbox.rehearse.kinds import Inputs, Kind
from sandbox.rehearse.place import Place, absent_is_success, exists


def _create_bucket(place: Place, inputs: Inputs) -> dict[str, Any]:
    bucket = inputs["bucket"]
    if _bucket_exists(place, bucket, inputs):  # PutBucket of one's own bucket succeeds, and then it would be deleted
        raise RunError(f"bucket {bucket} exists already and does not belong to this stack: choose another name")
    config = BucketCreateConfig(inputs["storageClass"]) if "storageClass" in inputs else None
    place.bucket(bucket).create_bucket("private", config)
    return {"location": f"oss-{place.region}"}


def _delete_bucket(place: Place, id_: str, _inputs: Inputs) -> None:
    absent_is_success((), lambda: place.bucket(id_).delete_bucket())


def _bucket_exists(place: Place, id_: str, _inputs: Inputs) -> bool:
    return exists((), lambda: place.bucket(id_).get_bucket_info())


def _put_acl(place: Place, inputs: Inputs) -> dict[str, Any]:
    place.bucket(inputs["bucket"]).put_bucket_acl(inputs["acl"])
    return {}


def _change_acl(place: Place, _old: Inputs, new: Inputs) -> None:
    _put_acl(place, new)


def _acl_stands(place: Place, id_: str, inputs: Inputs) -> bool:
    """A bucket somebody made again, or opened, has another ACL than ours: that counts as gone."""
    return _bucket_exists(place, id_, inputs) and place.bucket(id_).get_bucket_acl().acl == inputs["acl"]


def _keep_acl(_place: Place, _id: str, _inputs: Inputs) -> None:
    """A bucket always has an ACL: like the provider, leave it, it goes with its bucket."""


BUCKET = Kind(
    inputs=frozenset({"bucket", "storageClass"}),
    replacing=frozenset({"bucket", "storageClass"}),
    identify=lambda inputs: str(inputs["bucket"]),
    create=_create_bucket,
    delete=_delete_bucket,
    exists=_bucket_exists,
)
BUCKET_ACL = Kind(
    inputs=frozenset({"bucket", "acl"}),
    replacing=frozenset({"bucket"}),
    identify=lambda inputs: str(inputs["bucket"]),
    create=_put_acl,
    update=_change_acl,
    delete=_keep_acl,
    exists=_acl_stands,
)
