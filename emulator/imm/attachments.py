"""Buckets attached to a project, so that OSS can process their objects through it. Indexing does not need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.batch_state import BucketAttachment
from emulator.imm.buckets import require_bucket
from emulator.imm.lookup import imm_of, project_of
from emulator.imm.paging import page
from emulator.imm.times import rfc3339_nano

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

SERVED = Operations("imm")
MAX_DESCRIPTION = 128


@SERVED.serves("AttachOSSBucket", "ProjectName", "OSSBucket", "Description")
def attach_oss_bucket(cloud: Cloud, call: Call) -> Reply:
    """Attach a bucket to one project. api-imm-2020-09-30-attachossbucket."""
    project = project_of(cloud, call)
    bucket = require_bucket(cloud, call, params.text(call, "OSSBucket"))
    description = call.params.get("Description", "")
    if len(description) > MAX_DESCRIPTION:
        raise refusals.malformed("Description")
    attachments = imm_of(cloud, call).attachments
    if bucket in attachments:
        raise refusals.already_exists("OSSBucketAttachment")
    now = cloud.clock.now()
    attachments[bucket] = BucketAttachment(bucket, project.name, now, now, description)
    return Reply({})


@SERVED.serves("DetachOSSBucket", "OSSBucket")
def detach_oss_bucket(cloud: Cloud, call: Call) -> Reply:
    """End an attachment. api-imm-2020-09-30-detachossbucket."""
    del imm_of(cloud, call).attachments[_attachment(cloud, call).bucket]
    return Reply({})


@SERVED.serves("GetOSSBucketAttachment", "OSSBucket")
def get_oss_bucket_attachment(cloud: Cloud, call: Call) -> Reply:
    """Read an attachment. api-imm-2020-09-30-getossbucketattachment."""
    return Reply(_shown(_attachment(cloud, call)))


@SERVED.serves("ListAttachedOSSBuckets", "ProjectName", "MaxResults", "NextToken")
def list_attached_oss_buckets(cloud: Cloud, call: Call) -> Reply:
    """List a project's attachments by bucket. api-imm-2020-09-30-listattachedossbuckets."""
    project = project_of(cloud, call)
    held = imm_of(cloud, call).attachments
    names, token = page(call, sorted(name for name, one in held.items() if one.project == project.name))
    shown = [{**_shown(held[name]), "OSSBucket": name, "OwnerId": call.account} for name in names]
    return Reply({"AttachedOSSBuckets": shown, "NextToken": token})


def _attachment(cloud: Cloud, call: Call) -> BucketAttachment:
    found = imm_of(cloud, call).attachments.get(params.text(call, "OSSBucket"))
    if found is None:
        raise refusals.not_found(cloud.switches, "OSSBucketAttachment")
    return found


def _shown(attachment: BucketAttachment) -> dict[str, object]:
    return {
        "ProjectName": attachment.project,
        "Description": attachment.description,
        "CreateTime": rfc3339_nano(attachment.created),
        "UpdateTime": rfc3339_nano(attachment.updated),
    }
