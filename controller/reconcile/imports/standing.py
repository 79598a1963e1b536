"""Whether an import's pictures can go into its instance from where they lie; this is no matter of single lines."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from controller.api.batchimport import ImageSearchImport
from controller.cloud.errors import BucketNotFound, Denied, InstanceNotFound, Invalid, WrongRegion
from controller.cloud.ports import OssReads
from controller.core.facts import InstanceFacts
from controller.reconcile.imports.pictures import PictureSource

BUCKET, DETAIL = "oss:GetBucketInfo", "imagesearch:Detail"


@dataclass(frozen=True, slots=True)
class ImageLooks:
    """What checking pictures takes besides OSS.

    Attributes:
        detail: What the import's instance is; None where there is none of that name.
        exists: Whether the instance holds that picture (second) of that product (first).
        executor: Threads in which pictures are looked at.
        directory: For temporary files; None is the system's own.
        source: Where the pictures lie; None is the import's own bucket and path.
        at_pictures: Whether they are looked at; only who wants the lines checked and nothing else leaves that out.
    """

    detail: Callable[[], InstanceFacts | None]
    exists: Callable[[str, str], bool]
    executor: Executor
    directory: Path | None = None
    source: PictureSource | None = None
    at_pictures: bool = True


def require_place(into: ImageSearchImport, looks: ImageLooks, oss: OssReads, work_bucket: str) -> InstanceFacts:
    """The instance, which is there, with the pictures' bucket in its region.

    Raises:
        InstanceNotFound: there is no such instance.
        BucketNotFound: there is no such bucket.
        WrongRegion: the two are in different regions.
        Invalid: it is the work bucket.
        controller.cloud.errors.CloudError: a call failed.
    """
    if into.bucket == work_bucket:
        raise Invalid(
            BUCKET, f"bucket {into.bucket} is the work bucket, and no pictures are imported from among records"
        )
    instance = looks.detail()
    if instance is None:
        raise InstanceNotFound(DETAIL, f"there is no instance {into.instance_name}: give its name, not its id")
    try:
        facts = oss.get_bucket(into.bucket)
    except Denied as error:
        error.message += f" (bucket {into.bucket})"
        raise
    except WrongRegion as error:
        error.message += (
            f" (bucket {into.bucket}). Instance {into.instance_name} is in {instance.region} and reads pictures of its "
            "own region only: copy them into a bucket there, if no instance of the bucket's region is meant"
        )
        raise
    if facts is None:
        raise BucketNotFound(BUCKET, f"there is no bucket {into.bucket}")
    if instance.region and facts.region != instance.region:
        message = f"bucket {into.bucket} is in {facts.region}, instance {into.instance_name} in {instance.region}"
        raise WrongRegion(BUCKET, f"{message}; Image Search reads pictures of its own region only")
    return instance
