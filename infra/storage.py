"""The stack's buckets: those it makes, and those it only refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.components.lifecycle import Rules, media_rules, work_rules
from infra.components.private_bucket import LogTarget, PrivateBucket, PrivateBucketArgs
from infra.names import HOLDS, RECORDS
from infra.settings import RUNS, StackSettings


@dataclass(frozen=True, slots=True)
class Buckets:
    """Names to wait for: each is known when its bucket is private."""

    work: pulumi.Output[str]
    media: list[pulumi.Input[str]]


def declare_buckets(settings: StackSettings, tags: Mapping[str, str], opts: pulumi.ResourceOptions) -> Buckets:
    """Declare the work bucket and the media buckets; an existing bucket is taken by its name, and nobody changes it."""
    storage, log = settings.storage, settings.storage.access_log
    logs_here = log is not None and log.bucket == settings.work_bucket
    fleeting = [RUNS, log.prefix] if log is not None and logs_here else [RUNS]
    rules = work_rules(storage.multipart_days, settings.work.expire_days, fleeting)
    work = _bucket(settings, settings.work_bucket, rules, {**tags, HOLDS: RECORDS}, opts, versioned=False)
    target = None if log is None else LogTarget(work.bucket if logs_here else log.bucket, log.prefix)
    rules = media_rules(storage.noncurrent_days, storage.multipart_days)
    made = [_bucket(settings, name, rules, tags, opts, target) for name in settings.media_buckets]
    return Buckets(work.bucket, [*(bucket.bucket for bucket in made), *settings.existing_buckets])


def _bucket(
    settings: StackSettings,
    name: str,
    rules: Rules,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
    access_log: LogTarget | None = None,
    *,
    versioned: bool = True,
) -> PrivateBucket:
    args = PrivateBucketArgs(
        bucket=name,
        storage_class=settings.storage.storage_class,
        redundancy=settings.storage.redundancy,
        lifecycle_rules=rules,
        kms_key_id=settings.storage.kms_key_id,
        access_log=access_log,
        tags=tags,
        versioned=versioned,
    )
    return PrivateBucket(name, args, opts)
