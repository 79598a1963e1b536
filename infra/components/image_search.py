"""Image Search's right to read OSS: no API grants it and none tells whether it is there, so a person is told.

The vendor's guide "Perform batch operations" has it granted in the console, once per account.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

STEPS = (
    "In the Image Search console open an instance, its tab Batch Operation, click Create Batch Task, then Confirm the "
    "authorization, and on the page Cloud Resource Access Authorization click Confirm Authorization Policy. To check: "
    "Create Batch Task no longer asks for it. Then set imageSearch.authorized to true"
)


def authorization(instances: Sequence[str], buckets: Sequence[str], *, authorized: bool) -> str | None:
    """What to do about the authorisation, as one sentence for people; None without instances."""
    if not instances:
        return None
    named = f"Image Search ({', '.join(instances)}) reads {', '.join(buckets)}"
    if authorized:
        return f"{named}: authorized, as the stack's configuration says; nobody can check it but in the console"
    return f"{named} only after a person has authorized it, which no API does. {STEPS}"


def explain(message: str | None, *, authorized: bool) -> None:
    """Warn in every run until the configuration says that it is done."""
    if message is not None and not authorized:
        pulumi.log.warn(message)
