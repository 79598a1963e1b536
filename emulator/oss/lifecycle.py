"""Lifecycle rules carried out by the clock: once a day, at midnight UTC, every enabled rule meets every key.

The real service starts its daily run then (www.alibabacloud.com/help/en/oss/user-guide/overview-54) and may take hours;
here a run is done at once. Midnights that a jump of the clock passed are run one after the other, because what one
run hides, a later one may remove.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from emulator.oss.lifecycle_rules import DAY, rules_of
from emulator.oss.store import delete_object, delete_version
from emulator.oss.versions import update_version, versions_of

if TYPE_CHECKING:
    from emulator.oss.lifecycle_rules import Rule
    from emulator.oss.state import Bucket, StoredObject
    from emulator.state import Cloud

KEYS_PER_TURN = 2000  # on a real clock, between two looks at the sockets


def advance(cloud: Cloud) -> bool:
    """Carry out what is due by the clock's now; whether anything was done.

    On a real clock one call looks at no more than `KEYS_PER_TURN` keys; on a virtual one everything due is done.
    """
    budget = KEYS_PER_TURN
    done = False
    for bucket in cloud.oss.buckets.values():
        while budget > 0 and "lifecycle" in bucket.documents and _next_run(bucket) <= cloud.clock.now():
            looked_at = _turn(cloud, bucket, budget)
            budget -= 0 if cloud.clock.virtual else looked_at
            done = True
    return done


def _next_run(bucket: Bucket) -> float:
    return (bucket.lifecycle_ran // DAY + 1) * DAY


def _turn(cloud: Cloud, bucket: Bucket, budget: int) -> int:
    """Go on with the run that is due, over up to `budget` keys; how many were looked at, at least one."""
    rules = rules_of(bucket.documents["lifecycle"])
    now = _next_run(bucket)
    keys = sorted({*bucket.keys, *bucket.older}) if bucket.older else bucket.keys
    begin = bisect_right(keys, bucket.lifecycle_after) if bucket.lifecycle_after else 0
    page = list(islice(keys, begin, begin + budget))
    for key in page:
        _meet(cloud, bucket, key, rules, now)
    if begin + len(page) < len(keys):
        bucket.lifecycle_after = page[-1]
    else:
        _abort_uploads(bucket, rules, now)
        bucket.lifecycle_ran, bucket.lifecycle_after = now, ""
    return max(len(page), 1)


def _meet(cloud: Cloud, bucket: Bucket, key: str, rules: list[Rule], now: float) -> None:
    """Apply the rules to one key: its current version, then those behind it, then a delete marker left alone."""
    current = bucket.objects.get(key)
    if current is not None:
        mine = [rule for rule in rules if _covers(rule, current)]
        if any(rule.expire is not None and rule.expire.is_due(current.last_modified, now) for rule in mine):
            delete_object(cloud, bucket.name, key, now=now)
        else:
            due = [name for rule in mine for when, name in rule.transitions if when.is_due(current.last_modified, now)]
            _change_class(bucket, current, due)
    for newer, item in _noncurrent(bucket, key):
        _meet_noncurrent(cloud, bucket, item, (now - newer.last_modified) / DAY, rules)
    rest = versions_of(bucket, key)
    if len(rest) == 1 and rest[0].delete_marker and any(_lone(rule, rest[0], now) for rule in rules):
        delete_version(cloud, bucket.name, key, rest[0].version_id)


def _noncurrent(bucket: Bucket, key: str) -> list[tuple[StoredObject, StoredObject]]:
    """Each version behind the newest, with the one that replaced it, whose time is when it became noncurrent."""
    return list(pairwise(versions_of(bucket, key)))


def _meet_noncurrent(cloud: Cloud, bucket: Bucket, item: StoredObject, days: float, rules: list[Rule]) -> None:
    mine = [rule for rule in rules if _covers(rule, item)]
    if any(rule.expire_noncurrent is not None and days >= rule.expire_noncurrent for rule in mine):
        delete_version(cloud, bucket.name, item.key, item.version_id)
    elif not item.delete_marker:
        due = [name for rule in mine for after, name in rule.noncurrent_transitions if days >= after]
        _change_class(bucket, item, due)


def _covers(rule: Rule, item: StoredObject) -> bool:
    return rule.scope.covers(item.key, item.tags.items(), item.size)


def _lone(rule: Rule, marker: StoredObject, now: float) -> bool:
    """A marker with nothing behind it goes by its own rule, or with an expiration that would be due for it."""
    if not marker.key.startswith(rule.scope.prefix):
        return False
    return rule.expire_lone_markers or (rule.expire is not None and rule.expire.is_due(marker.last_modified, now))


def _change_class(bucket: Bucket, item: StoredObject, due: list[str]) -> None:
    """Move to the coldest class that is due; nothing gets warmer."""
    coldness = {name: rank for rank, name in enumerate(("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"))}
    coldest = max(due, key=lambda name: coldness[name], default=item.storage_class)
    if coldness[coldest] > coldness[item.storage_class]:
        update_version(bucket, replace(item, storage_class=coldest))


def _abort_uploads(bucket: Bucket, rules: list[Rule], now: float) -> None:
    for rule in rules:
        if rule.abort is None:
            continue
        mine = [held for held in bucket.uploads.values() if held.template.key.startswith(rule.scope.prefix)]
        for upload in mine:
            if rule.abort.is_due(upload.initiated, now):
                del bucket.uploads[upload.upload_id]
