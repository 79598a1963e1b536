"""Buckets as IMM may use them: of the caller's own account, in the project's region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.imm import refusals
from emulator.oss.store import find_bucket

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud


def require_bucket(cloud: Cloud, call: Call, name: str) -> str:
    """The bucket's name.

    Raises:
        Refusal: InvalidArgument if it does not exist, belongs to another account or lies in another region.
    """
    bucket = find_bucket(cloud, name)
    if bucket is None or bucket.account != call.account:
        raise refusals.invalid_argument(f"The bucket {name} does not exist or is not yours.")
    if bucket.region.removeprefix("oss-") != call.region:
        raise refusals.invalid_argument(f"The bucket {name} is in {bucket.region}, not in {call.region}.")
    return bucket.name
