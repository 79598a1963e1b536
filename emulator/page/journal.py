"""The request journal and the emulator's own settings as the page shows them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from emulator.page.documents import whole
from emulator.unverified import switches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.instance import Instance
    from emulator.journal import Entry

MOST = 500
_FIRST_ERROR = 400
_FIRST_REDIRECT = 300
_RECENT = 200  # requests among which the overview counts failures


def list_requests(instance: Instance, query: Mapping[str, str]) -> object:
    """The newest requests first: those of one `service`, those that failed, those whose text holds `text`."""
    limit = whole(query, "limit", 100, MOST)
    service, text = query.get("service", ""), query.get("text", "").lower()
    only_failed = query.get("failed") == "true"
    journal = instance.journal
    matching = (
        entry
        for entry in reversed(journal.entries)
        if (not service or entry.service == service)
        and (not only_failed or failed(entry))
        and (not text or text in _text(entry))
    )
    found = list(islice(matching, limit + 1))
    shown = [{**entry._asdict(), "failed": failed(entry)} for entry in found[:limit]]
    return {
        "requests": shown,
        "more": len(found) > limit,
        "written": journal.written,
        "kept": len(journal.entries),
        "services": sorted({service for service, _ in journal.counts}),
    }


def failed(entry: Entry) -> bool:
    """Whether a request went wrong: an error status, no answer at all, or a fault rule's doing. 304 is no failure."""
    spoilt = bool(entry.code) and entry.status < _FIRST_REDIRECT
    return spoilt or entry.status == 0 or entry.status >= _FIRST_ERROR


def _text(entry: Entry) -> str:
    """What a search looks through, in lower case."""
    parts = (entry.operation, "/".join(entry.resource), entry.code, entry.request_id, *entry.params.values())
    return "\n".join(parts).lower()


def overview(instance: Instance, _: Mapping[str, str]) -> object:
    """Clock, account and counts: what frames everything else."""
    cloud, config = instance.cloud, instance.config
    return {
        "accounts": sorted(cloud.accounts),
        "region": config.region,
        "now": cloud.clock.now(),
        "virtual": cloud.clock.virtual,
        "strict": not config.loose,
        "requests": instance.journal.written,
        "failed": sum(failed(entry) for entry in islice(reversed(instance.journal.entries), _RECENT)),
        "recent": min(_RECENT, len(instance.journal.entries)),
        "faults": len(instance.faults.rules),
    }


def settings(instance: Instance, _: Mapping[str, str]) -> object:
    """The fault rules in force, and every switch with the question it answers."""
    present = instance.cloud.switches
    shown = [
        {
            "name": switch.name,
            "value": getattr(present, switch.name),
            "default": switch.default,
            "question": switch.fact.question,
            "affects": switch.fact.affects,
        }
        for switch in switches().values()
    ]
    return {"faults": instance.faults.describe(), "switches": shown}
