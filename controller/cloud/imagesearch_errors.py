"""What Image Search's refusals mean, beyond what every service's gateway says.

Its table of errors (www.alibabacloud.com/help/en/image-search/developer-reference/error-codes) has no code for a second
batch, nor for a missing authorization to read OSS, so words decide where the code does not.
"""

from __future__ import annotations

import re
from typing import TypeVar

from controller.cloud.errors import (
    BadCredentials,
    ClockSkewed,
    CloudError,
    Conflict,
    Denied,
    InstanceBusy,
    InstanceNotFound,
    Invalid,
    NotAuthorized,
    Quota,
)

INCREASE = "imagesearch:IncreaseInstance"
# The vendor's guide "Perform batch operations", step 2.
STEPS = (
    "log on to the Image Search console, select the service type and click the instance's name, open the tab Batch "
    "Operation, click Create Batch Task, in the dialog box click Confirm the authorization, and on the page Cloud "
    "Resource Access Authorization click Confirm Authorization Policy"
)
_AUTHORIZE = re.compile(r"authoriz(e|ation)\b", re.IGNORECASE)  # not "you are not authorized", which is said of all
_READING_OSS = re.compile(r"authoriz(e|ation)\b|\boss\b|bucket|service[- ]?(linked[- ]?)?role|assume", re.IGNORECASE)
_STILL_RUNNING = re.compile(
    r"running|processing|in progress|unfinished|not (yet |been )?(finish|complet)|(previous|another) (batch|task)"
    r"|\bbusy\b",
    re.IGNORECASE,
)
BY_CODE: dict[str, type[CloudError]] = {"InvalidInstance": InstanceNotFound, "InstanceStatusError": InstanceBusy}
Kind = TypeVar("Kind", bound=CloudError)


def refined(error: CloudError, instance: str) -> CloudError:
    """The error as one of Image Search, or itself."""
    if error.operation == INCREASE and (found := _of_increase(error, instance)) is not None:
        return found
    kind = next((kind for start, kind in BY_CODE.items() if error.code.startswith(start)), None)
    if kind is InstanceNotFound:
        words = f"there is no Image Search instance {instance} in this account and region: {error.message}"
        return _as(kind, error, words)
    return _as(kind, error, f"instance {instance}: {error.message}") if kind else error


def _of_increase(error: CloudError, instance: str) -> CloudError | None:
    if isinstance(error, BadCredentials | ClockSkewed):
        return None
    if isinstance(error, Denied):
        return _not_granted(error)
    if not isinstance(error, Invalid | Quota | Conflict):
        return None
    if _AUTHORIZE.search(error.message):
        return _as(NotAuthorized, error, f"{error.message} Image Search may not read OSS yet: {STEPS}")
    # One batch of an instance runs at a time; with which code the next is refused, no page says.
    if _STILL_RUNNING.search(f"{error.code} {error.message}"):
        return _as(InstanceBusy, error, f"instance {instance}: {error.message}")
    return None


def _not_granted(error: Denied) -> Denied:
    """A right of the key, which RAM names, or Image Search's own right to read OSS."""
    if "RAM action" in error.message or "imagesearch:" in error.message:
        return error
    if _READING_OSS.search(error.message):
        return _as(NotAuthorized, error, f"{error.message} Image Search may not read OSS yet: {STEPS}")
    words = (
        f"{error.message} Either the key lacks imagesearch:IncreaseInstance, or Image Search may not read OSS yet; for "
        f"that {STEPS}"
    )
    return _as(Denied, error, words)


def _as(kind: type[Kind], error: CloudError, words: str) -> Kind:
    return kind(error.operation, words, code=error.code, request_id=error.request_id)
