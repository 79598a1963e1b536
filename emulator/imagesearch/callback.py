"""What a task's callback address is told when it ends, and the background worker that tells it.

The document is the guide's sample, member for member. Nothing that happens on the way touches the task: every try and
its outcome stand in the journal (operation `Callback`) and in the state.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

from emulator.ids import new_request_id
from emulator.imagesearch import downloads
from emulator.imagesearch.batch_state import Callback
from emulator.journal import Entry
from emulator.persistence.failures import NotSavedError

if TYPE_CHECKING:
    from emulator.imagesearch.batch_state import Task
    from emulator.imagesearch.state import ImageSearchState, Instance
    from emulator.instance import Instance as Running
    from emulator.keeper import Keeper
    from emulator.state import Cloud

log = logging.getLogger(__name__)

_LOOK = 0.05  # real seconds between two looks for callbacks that are due
_CHINA = timezone(timedelta(hours=8))
_HTTP_OK = range(200, 300)


class Due(NamedTuple):
    """A callback to send now."""

    account: str
    region: str
    task: int
    address: str
    body: str
    tries: int  # so far


def announce(cloud: Cloud, region: str, search: ImageSearchState, instance: Instance, task: Task) -> None:
    """Put the callback of a task that is at its end on the way, if it has an address."""
    status = _status(cloud, task)
    if not task.callback_address or not status:
        return
    zone = _CHINA if cloud.switches.increment_callback_time == "china" else UTC
    document = {
        "finishTime": datetime.fromtimestamp(task.modified, tz=zone).strftime("%Y-%m-%d %H:%M:%S"),
        "instanceId": instance.id,
        "instanceName": instance.name,
        "message": task.msg,
        "processResultUrl": (
            downloads.address(cloud, task.base_url, region, task.report_key) if task.report_key else ""
        ),
        "status": status,
        "taskId": task.id,
    }
    body = json.dumps(document, ensure_ascii=False)
    search.callbacks[task.id] = Callback(task.id, instance.name, task.callback_address, body)
    search.outgoing[task.id] = cloud.clock.now()


async def keep_sending(running: Running, keeper: Keeper) -> None:
    """Send callbacks as they come due, until cancelled."""
    under_way: dict[tuple[str, str, int], asyncio.Task[None]] = {}
    async with aiohttp.ClientSession() as session:
        try:
            while True:
                for due in _due(running.cloud, keeper):
                    key = (due.account, due.region, due.task)
                    if key not in under_way:
                        under_way[key] = asyncio.create_task(_send(running, keeper, session, due))
                        under_way[key].add_done_callback(lambda _, key=key: under_way.pop(key))  # type: ignore[misc]  # a lambda's default has no type
                await asyncio.sleep(_LOOK)
        finally:
            for sending in list(under_way.values()):
                sending.cancel()
                with suppress(asyncio.CancelledError):
                    await sending


def _status(cloud: Cloud, task: Task) -> str:
    """The guide's word; "" for a task that nobody is told of."""
    if task.status == "CANCELLED":
        told = cloud.switches.increment_cancel_callback
        return "" if told == "none" else told
    return "NORMAL" if task.status == "SUCCESS" else "FAIL"


def _due(cloud: Cloud, keeper: Keeper) -> list[Due]:
    found = []
    with keeper.only_reading():
        for account_id, account in cloud.accounts.items():
            for region, search in account.imagesearch.items():
                for task, when in search.outgoing.items():
                    if when <= cloud.clock.now():
                        held = search.callbacks[task]
                        found.append(Due(account_id, region, task, held.address, held.body, len(held.outcomes)))
    return found


async def _send(running: Running, keeper: Keeper, session: aiohttp.ClientSession, due: Due) -> None:
    """One try, and what came of it."""
    cloud, started, status = running.cloud, time.monotonic(), 0
    try:
        status = await _post(cloud, session, due)
        outcome = f"HTTP {status}"
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
        outcome = f"{type(error).__name__}: {error}".removesuffix(": ")
    delivered = status in _HTTP_OK
    if not delivered:
        log.info("the callback of task %s to %s failed: %s", due.task, due.address, outcome)
    _note(cloud, due, outcome, delivered=delivered)
    running.journal.write(
        Entry(
            number=running.journal.written + 1,
            time=cloud.clock.now(),
            service="imagesearch",
            operation="Callback",
            account=due.account,
            principal="",
            region=due.region,
            status=status,
            code="" if delivered else outcome,
            request_id=new_request_id("imagesearch"),
            duration=time.monotonic() - started,
            params={"CallbackAddress": due.address, "TaskId": str(due.task), "Try": str(due.tries + 1)},
            resource=(),
        )
    )
    try:
        await keeper.saved()
    except NotSavedError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all


async def _post(cloud: Cloud, session: aiohttp.ClientSession, due: Due) -> int:
    checked = cloud.switches.increment_callback_certificate == "checked"
    timeout = aiohttp.ClientTimeout(total=cloud.image_batches.callback_timeout_seconds)
    async with session.post(
        due.address,
        data=due.body.encode("utf-8", "replace"),
        headers={"content-type": "application/json; charset=utf-8"},
        allow_redirects=False,
        ssl=checked,
        timeout=timeout,
    ) as answer:
        return answer.status


def _note(cloud: Cloud, due: Due, outcome: str, *, delivered: bool) -> None:
    """Write the outcome down; the whole cloud may have been forgotten meanwhile."""
    account = cloud.accounts.get(due.account)
    search = None if account is None else account.imagesearch.get(due.region)
    if search is None or due.task not in search.outgoing:
        return
    held = search.callbacks[due.task]
    held.outcomes.append(outcome)
    held.delivered = delivered
    if delivered or len(held.outcomes) > cloud.switches.increment_callback_retries:
        del search.outgoing[due.task]
    else:
        search.outgoing[due.task] = cloud.clock.now() + cloud.image_batches.callback_again_seconds
