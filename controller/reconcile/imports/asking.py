"""Asks the dataset for files: BatchGetFileMeta in as few calls as their number and the request's length allow."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import datetime
from urllib.parse import urlencode

from controller.cloud.errors import Throttled, TooLong
from controller.cloud.files import FIELDS
from controller.core.facts import FileFacts
from controller.core.imports.chunks import MAX_FILES, Allowance, encoded_size
from controller.core.imports.records import Means
from controller.reconcile.imports.calls import TRIES, Target

FIELDS_SIZE = len("&" + urlencode({"WithFields": str(FIELDS)}))


def get_all(uris: Sequence[str], target: Target, allowance: Allowance, executor: Executor) -> dict[str, FileFacts]:
    """What the dataset holds of these files, by URI.

    Raises:
        controller.cloud.errors.CloudError: a call failed; nothing is said of any.
    """
    calls = [executor.submit(_get, batch, target) for batch in _batches(uris, allowance)]
    return {found.uri: found for call in calls for found in call.result()}


def _batches(uris: Sequence[str], allowance: Allowance) -> list[list[str]]:
    room = allowance.room(Means.DELETE, 0) - FIELDS_SIZE
    batches: list[list[str]] = []
    left = 0.0
    for uri in dict.fromkeys(uris):
        size = encoded_size(uri, Means.DELETE)
        if not batches or len(batches[-1]) == MAX_FILES or size > left:
            batches.append([])
            left = room
        batches[-1].append(uri)
        left -= size
    return batches


def _get(uris: list[str], target: Target) -> list[FileFacts]:
    for left in range(TRIES - 1, -1, -1):
        try:
            return target.files.get(target.project, target.dataset, uris)
        except Throttled:
            if not left:
                raise
        except TooLong:
            if len(uris) == 1:
                return []  # nor could it ever be indexed
            middle = len(uris) // 2
            return _get(uris[:middle], target) + _get(uris[middle:], target)
    raise AssertionError("the last try returned or raised")


def updated_at(facts: FileFacts) -> datetime | None:
    """When the metadata was last written, as the cloud says; None where it does not."""
    try:
        found = datetime.fromisoformat(facts.updated_at)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
