"""Reading the queue: nothing is deleted before its verdict is durable, and nothing of somebody else's is lost."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from controller.api.cloudaccount import CloudAccount
from controller.api.events import ForeignMessages
from controller.cloud.credentials import Credentials
from controller.core.facts import Received
from controller.core.imports.records import Verdicts
from controller.core.imports.run import Fate
from controller.reconcile.kinds import Key
from controller.runtime.consumers import LINGER
from controller.runtime.duties import Duty, QueuePlace
from controller.runtime.handling import REMEMBERED, Handling
from emulator.testing import LocalCloud, cloud
from tests.unit.consumer_room import (
    FILES,
    IMPORT,
    RUN,
    VISIBILITY,
    Room,
    enveloped,
    in_base64,
    notice,
    publish,
    room_of,
)

__all__ = ["cloud"]

EMPTY = 0, 0


@pytest.fixture
async def room(cloud: LocalCloud) -> AsyncIterator[Room]:
    """An import that waits for ten files on an empty queue; every thread has ended before the emulator does."""
    with room_of(cloud) as made:
        made.make_queue()
        made.account()
        made.batch()
        made.run()
        yield made
        made.consumers.stop()
        await made.ended()


def verdicts(room: Room) -> list[Verdicts]:
    """Those on record."""
    return [record for record in room.journal() if isinstance(record, Verdicts)]


def succeeded(room: Room) -> int:
    """Files known to be done, by what a restart would read."""
    return room.recorded().count(Fate.SUCCEEDED)


def polled(room: Room) -> int:
    """How often the queue was asked for messages."""
    return room.cloud.counts().get("mns", {}).get("BatchReceiveMessage", 0)


SHAPES: dict[str, Callable[[str], str]] = {
    "flat": str,
    "enveloped": enveloped,
    "flat-base64": in_base64,
    "enveloped-base64": lambda text: in_base64(enveloped(text)),
}


@pytest.mark.parametrize("notify", ["SIMPLIFIED", "JSON"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_a_published_result_is_on_record_and_then_its_message_is_gone(
    room: Room, shape: Callable[[str], str], notify: str
) -> None:
    """Either shape, raw or in base64, as it is or in the subscription's wrapper; a file's own error decides."""
    topic = room.make_topic(notify)
    await room.consumers.tend()
    publish(topic, shape(notice(*range(FILES), f3="[InvalidArgument] File does not exist.")))
    await room.until(lambda: verdicts(room) != [] and room.settled())
    (told,) = verdicts(room)
    assert (((0, 3), (4, FILES)), ((3, "[InvalidArgument] File does not exist."),)) == (told.succeeded, told.failed)
    assert IMPORT == (await asyncio.wait_for(room.queue.get(), 60))[0]
    assert {("deleted", 1)} == {(fate, count) for (_, fate), count in room.traffic.messages().items()}


async def test_duplicates_and_late_words_change_nothing_and_are_deleted(room: Room) -> None:
    """The first word on a file counts; whatever else is said of it is taken out of the queue."""
    for text in (notice(0), notice(0), notice(0, f0="late"), notice(1)):
        room.send(text)
    await room.consumers.tend()
    await room.until(room.settled)
    recorded = room.recorded()
    assert (2, 0) == (recorded.count(Fate.SUCCEEDED), recorded.count(Fate.FAILED))
    assert {("deleted", 4)} == {(fate, count) for (_, fate), count in room.traffic.messages().items()}


FOREIGN = [
    "not json",
    json.dumps({"events": [{"eventName": "ObjectCreated:PutObject"}]}),
    notice(0).replace("imm-operator/1", "somebody/1"),
]


async def test_a_message_of_somebody_else_is_left_and_told_of_once(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    """It comes back after each visibility timeout, for ever, and stays what it is."""
    for text in FOREIGN:
        room.send(text)
    with caplog.at_level(logging.INFO):
        await room.consumers.tend()
        await room.until(lambda: sum(room.traffic.messages().values()) >= len(FOREIGN))
        room.cloud.advance(VISIBILITY)
        await room.until(lambda: sum(room.traffic.messages().values()) >= 2 * len(FOREIGN))
    assert len(FOREIGN) == sum(room.lying())
    assert len(FOREIGN) == sum("is left there" in record.getMessage() for record in caplog.records)
    assert {"left"} == {fate for _, fate in room.traffic.messages()}


async def test_a_message_of_somebody_else_is_set_aside_where_that_is_asked_for(room: Room) -> None:
    """It lies in the other queue, byte for byte, and is gone here; ours is not touched by that."""
    room.make_queue("aside")
    room.account(deadLetterQueue="aside", foreignMessages="DeadLetter")
    for text in (*FOREIGN, notice(0)):
        room.send(text)
    await room.consumers.tend()
    await room.until(room.settled)
    assert sorted(FOREIGN) == sorted(one.body for one in room.port("aside").receive(0))
    assert 1 == succeeded(room)
    assert {("set_aside", 3), ("deleted", 1)} == {(f, count) for (_, f), count in room.traffic.messages().items()}


async def test_a_message_that_cannot_be_set_aside_stays_where_it_is(room: Room) -> None:
    """Until it can be: the other queue is made, and the message comes again."""
    room.account(deadLetterQueue="aside", foreignMessages="DeadLetter")
    room.send(FOREIGN[0])
    await room.consumers.tend()
    await room.until(lambda: sum(room.traffic.messages().values()) >= 1)
    assert 1 == sum(room.lying())
    room.make_queue("aside")
    room.cloud.advance(VISIBILITY)
    await room.until(lambda: room.lying() == EMPTY)
    assert [FOREIGN[0]] == [one.body for one in room.port("aside").receive(0)]


async def test_a_message_is_deleted_only_when_its_verdict_is_durable(room: Room) -> None:
    """The work bucket takes nothing: the message stays, comes again, and counts once."""
    room.cloud.fault({"service": "oss", "operation": "PutObject", "error": {"status": 500, "code": "InternalError"}})
    room.send(notice(0))
    await room.consumers.tend()
    await room.until(lambda: sum(room.traffic.messages().values()) >= 1)
    assert 1 == sum(room.lying())
    assert 0 == succeeded(room)
    room.cloud.fault()
    run = room.context.runs.find(RUN)
    if run is None:  # nobody could tell what the journal holds: the object's pass loads the run anew
        room.run()

    def redelivered() -> bool:
        room.cloud.advance(VISIBILITY)
        return room.lying() == EMPTY and succeeded(room) == 1

    await room.until(redelivered)


DISTURBANCES: dict[str, dict[str, Any]] = {
    "dropped": {"drop": True},
    "a proxy's page": {"html": 502},
    "no service": {"error": {"status": 503, "code": "ServiceUnavailable"}},
    "throttled": {"error": {"status": 403, "code": "QpsLimitExceeded"}},
    "cut": {"malformed": True},
    "late": {"latency": 0.5},
}


@pytest.mark.parametrize("effect", DISTURBANCES.values(), ids=DISTURBANCES)
@pytest.mark.parametrize("operation", ["BatchReceiveMessage", "BatchDeleteMessage"])
async def test_a_disturbance_delays_a_result_and_nothing_else(
    room: Room, operation: str, effect: dict[str, Any]
) -> None:
    """Also one whose call took effect: what was hidden or deleted then is met again, or is done."""
    when = {"when": "after"} if "drop" in effect else {}
    room.cloud.fault({"service": "mns", "operation": operation, "times": 1, **when, **effect})
    room.send(notice(0, 1))
    await room.consumers.tend()

    def done() -> bool:
        if room.cloud.long_polls():  # it is through with the message, or waits for it to come again
            room.cloud.advance(VISIBILITY)
        return room.lying() == EMPTY and succeeded(room) == 2

    await room.until(done)
    assert all(reader.alive for reader in room.consumers.readers)


async def test_the_thread_ends_when_it_is_told_to(room: Room) -> None:
    """With the poll under way; what comes later stays in the queue."""
    await room.consumers.tend()
    await room.until(lambda: room.cloud.long_polls() == 1)
    room.consumers.stop()
    await room.ended()
    room.send(notice(0))
    await room.consumers.tend()
    assert [] == [reader for reader in room.consumers.readers if reader.alive]
    assert (1, 0) == room.lying()


async def test_a_process_that_lost_its_lead_deletes_nothing_more(room: Room) -> None:
    """The message that its last poll got comes again, for the one that leads now."""
    await room.consumers.tend()
    await room.until(lambda: room.cloud.long_polls() == 1)
    room.leads = False
    room.send(notice(0))
    await room.ended()
    assert 1 == sum(room.lying())
    assert [] == verdicts(room)
    assert "BatchDeleteMessage" not in room.cloud.counts()["mns"]


async def test_a_verdict_is_kept_where_the_lead_is_lost_before_its_message_is_deleted(room: Room) -> None:
    """The fence lets no delete through; the message is a duplicate for whoever leads next."""
    room.shut.add("mns:BatchDeleteMessage")
    room.send(notice(0))
    await room.consumers.tend()
    await room.until(lambda: succeeded(room) == 1)
    await room.until(lambda: not room.consumers.working)
    assert 1 == sum(room.lying())
    assert "BatchDeleteMessage" not in room.cloud.counts()["mns"]
    room.shut.clear()

    def deleted() -> bool:
        room.cloud.advance(VISIBILITY)
        return room.lying() == EMPTY

    await room.until(deleted)
    assert 1 == len(verdicts(room))


async def test_what_is_in_hand_at_an_end_is_finished(room: Room) -> None:
    """The engine waits for it: on record, deleted, and then the thread is gone."""
    answered = room.gates["oss:PutObject"] = threading.Event()
    room.send(notice(0))
    await room.consumers.tend()
    await room.until(lambda: bool(room.consumers.working))
    room.consumers.stop()
    assert room.consumers.working
    answered.set()
    await room.until(lambda: not room.consumers.working)
    assert (EMPTY, 1) == (room.lying(), succeeded(room))
    await room.ended()


async def test_a_thread_that_died_is_replaced(room: Room) -> None:
    """By the next tick."""
    await room.consumers.tend()
    (first,) = room.consumers.readers
    first.stop()
    await room.ended()
    await room.consumers.tend()
    (second,) = room.consumers.readers
    assert second is not first
    room.send(notice(0))
    await room.until(lambda: succeeded(room) == 1)


async def test_a_run_whose_import_is_gone_is_forgotten(room: Room) -> None:
    """No pass would do it: an import has no finalizer, so nothing is asked when it goes."""
    await room.consumers.tend()
    assert [RUN] == [run.id for run in room.context.runs.active()]
    room.store.remove(IMPORT)
    await room.consumers.tend()
    assert [] == room.context.runs.active()


async def test_when_an_object_was_written_is_remembered_as_long_as_it_is_there(room: Room) -> None:
    """Kinds without a finalizer go without a pass that would forget it."""
    target = room.store.find(IMPORT)
    assert target is not None
    room.cluster.bodies[IMPORT] = target.model_dump(by_alias=True, mode="json") | {
        "metadata": {
            "namespace": "team",
            "name": "photos",
            "uid": target.metadata.uid,
            "resourceVersion": target.metadata.resource_version,
        }
    }
    room.context.reporter.write_now(target, target.status)
    await room.consumers.tend()
    assert not room.context.reporter.progress_due(target)
    room.store.remove(IMPORT)
    await room.consumers.tend()
    assert room.context.reporter.progress_due(target)


async def test_what_is_remembered_of_messages_that_are_left_is_bounded(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    """The oldest is forgotten, and told of once more where it comes again."""
    handling = Handling(QueuePlace("1", "r", None, "q"), room.context, room.traffic, lambda _keys: None)
    port = room.port()
    with caplog.at_level(logging.INFO):
        for number in (*range(REMEMBERED + 1), REMEMBERED, 0):
            one = Received(str(number), "handle", "not json", 0.0, 1)
            handling.work([one], port, None, Duty((), ForeignMessages.LEAVE, None, ()))
    assert REMEMBERED + 2 == sum("is left there" in record.getMessage() for record in caplog.records)


async def test_two_accounts_of_one_queue_share_a_reader_and_its_session(room: Room) -> None:
    """And where the first's ends, the reading goes on as the second."""
    room.account("zoo")
    room.batch("zoo")
    await room.consumers.tend()
    (reader,) = room.consumers.readers
    assert (("team", "account"), ("zoo", "account")) == reader.duty.accounts
    await room.until(lambda: room.cloud.long_polls() == 1)
    room.sessions.drop("team", "account")
    room.send(notice(0))  # for the poll under way, the last of the first's
    await room.until(lambda: succeeded(room) == 1)
    room.send(notice(1))
    await room.until(lambda: succeeded(room) == 2)
    await room.consumers.tend()
    assert [reader] == room.consumers.readers


async def test_a_queue_is_read_for_a_while_after_the_last_import_is_over(room: Room) -> None:
    """What comes late or twice is still taken out of it; then the reader goes."""
    await room.consumers.tend()
    room.context.runs.drop(RUN)
    room.batch(phase="Complete")
    room.monotonic = LINGER - 1
    await room.consumers.tend()
    room.send(FOREIGN[0])  # for the poll under way
    await room.until(lambda: sum(room.traffic.messages().values()) == 1)
    room.send(FOREIGN[1])  # and for one more
    await room.until(lambda: sum(room.traffic.messages().values()) == 2)
    room.monotonic = LINGER + 1
    await room.consumers.tend()
    await room.ended()
    await room.consumers.tend()
    assert [] == room.consumers.readers


async def test_nothing_is_read_where_no_import_waits(room: Room) -> None:
    """No thread, and no call."""
    room.context.runs.drop(RUN)
    for phase in ("Resolving", "Rejected", "Complete", "Failed"):
        room.batch(phase=phase)
        await room.consumers.tend()
        assert [] == room.consumers.readers


async def test_a_queue_that_is_not_there_is_told_to_the_imports_and_read_once_it_is(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    """One event and one line, however often it is tried."""
    room.account(queue="absent")
    await room.consumers.tend()
    await room.until(lambda: polled(room) >= 2)
    ((reason, message),) = room.cluster.events
    assert "absent" in message
    assert "QueueNotExist" in message
    assert reason
    assert 1 == sum("is not read" in record.getMessage() for record in caplog.records)
    room.make_queue("absent")
    room.send(notice(0), "absent")
    await room.until(lambda: succeeded(room) == 1)


async def test_a_refused_key_is_told_to_its_account(room: Room) -> None:
    """Its session ends, and its own pass is asked for; with a new key the reading goes on."""
    refused = room.session()
    bad = Credentials(room.cloud.access_key_id, "not the secret")
    room.sessions.put("team", "account", type(refused)(refused.place, bad, refused.caller, refused.signed_in_at))
    await room.consumers.tend()
    await room.until(lambda: room.sessions.get("team", "account") is None)
    assert Key(CloudAccount.kind(), "team", "account") == (await asyncio.wait_for(room.queue.get(), 60))[0]
    room.send(notice(0))
    room.sessions.put("team", "account", room.session())
    await room.until(lambda: succeeded(room) == 1)


async def test_a_denied_call_is_told_to_its_account_and_the_next_one_reads(room: Room) -> None:
    """RAM's words stand in `Permitted` of the one; the other's rights serve both."""
    room.account("zoo")
    room.batch("zoo")
    denied = {"status": 403, "code": "AccessDenied"}
    room.cloud.fault({"service": "mns", "operation": "BatchReceiveMessage", "times": 1, "error": denied})
    room.send(notice(0))
    await room.consumers.tend()
    await room.until(lambda: succeeded(room) == 1)
    ((who, denial),) = room.sessions.denials.keep(("team", "account"), lambda _who: True).items()
    assert ((CloudAccount, "account"), "mns:BatchReceiveMessage") == (who, denial.operation)
    assert {} == room.sessions.denials.keep(("zoo", "account"), lambda _who: True)
    room.sessions.put("team", "account", room.session())  # signs in again, as it does from time to time

    def granted() -> bool:
        room.cloud.advance(11)  # a poll goes on as the other one
        return room.sessions.denials.keep(("team", "account"), lambda _who: True) == {}

    await room.until(granted)


async def test_an_address_of_ones_own_is_read_for_oneself_alone(room: Room) -> None:
    """Who names another address for the same queue cannot keep others' results from them, not even for a moment."""
    room.account("early")
    room.batch("early")
    room.sessions.put("early", "account", room.session(mns="http://127.0.0.1:9"))
    room.send(notice(0))
    await room.consumers.tend()
    (reader,) = room.consumers.readers
    assert ("early", "account") == reader.duty.accounts[0]
    await room.until(lambda: succeeded(room) == 1)


async def test_many_results_in_a_second_are_two_looks_at_the_import(room: Room) -> None:
    """One at once and one a second later; the last result is never without a look."""
    for index in range(FILES):
        room.send(notice(index))
    began = time.monotonic()
    await room.consumers.tend()
    looks = 0
    run = room.context.runs.find(RUN)
    assert run is not None
    seen = -1
    while seen < FILES:
        key, _ = await asyncio.wait_for(room.queue.get(), 60)
        assert IMPORT == key
        looks += 1
        seen = run.state.count(Fate.SUCCEEDED)
        room.queue.done(key)
    assert looks <= 2 + (time.monotonic() - began)


async def test_backlog_and_lag_are_seen(room: Room) -> None:
    """What lies in the queue, and how old a message was when it was worked on."""
    room.send(FOREIGN[0])
    room.send(notice(0))
    room.cloud.advance(90)
    await room.consumers.tend()
    label = f"{room.cloud.account_id}/{room.cloud.region}/results"
    await room.until(lambda: label in room.traffic.backlogs())
    assert (0, 1) == (room.traffic.backlogs()[label].waiting, room.traffic.backlogs()[label].in_work)
    assert 90 == round(room.traffic.lags()[label])
    assert 1 == room.cloud.counts()["mns"]["GetQueueAttributes"]
