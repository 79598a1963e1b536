"""A queue against a plain model: any order of sends, receives, deletes, visibility changes and passing time.

The model says what the documentation promises and no more: which messages may be received now, never in which order
within a priority; a handle is good until its message may be received again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from mns.account import Account
from mns.mns_exception import MNSExceptionBase
from mns.queue import Message, Queue, QueueMeta

from emulator.testing import running

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from hypothesis.stateful import MultipleResults

    from emulator.testing import LocalCloud

RETENTION = 600  # seconds
VISIBILITY = 30


@dataclass
class Sent:
    """What the model knows of one message."""

    body: str
    priority: int
    sent: float
    visible: float
    received: int = 0
    handles: list[str] = field(default_factory=list)  # the last one is the one that may be good


def nothing_there(code: str, expected: object) -> None:
    """A refusal is right only if the model has nothing there either."""
    assert ("MessageNotExist", False) == (code, bool(expected))


class QueueMachine(RuleBasedStateMachine):
    """One queue through the SDK and one dictionary, side by side."""

    handles: Bundle[str] = Bundle("handles")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, Sent] = {}
        self.now = 0.0
        self.context: AbstractContextManager[LocalCloud] = running()

    @initialize()
    def start(self) -> None:
        """A fresh cloud for every example."""
        self.cloud = self.context.__enter__()
        self.account = Account(self.cloud.url, self.cloud.access_key_id, self.cloud.access_key_secret)
        self.queue: Queue = self.account.get_queue("model")
        self.queue.create(QueueMeta(vis_timeout=VISIBILITY, msg_ttl=RETENTION))

    def teardown(self) -> None:
        """Close what the example opened."""
        self.account.mns_client.close_connection()
        self.context.__exit__(None, None, None)

    def ready(self) -> dict[str, Sent]:
        """Messages that may be received now."""
        return {key: held for key, held in self.model.items() if held.visible <= self.now}

    def holder(self, handle: str) -> Sent | None:
        """The message that the handle holds, if it is still good."""
        held = [sent for sent in self.model.values() if sent.handles and sent.handles[-1] == handle]
        return held[0] if held and held[0].visible > self.now else None

    @rule(body=st.text("aé<&☃", min_size=1, max_size=8), delay=st.sampled_from([0, 0, 7]), priority=st.integers(1, 16))
    def send(self, body: str, delay: int, priority: int) -> None:
        """A message can be received after its delay."""
        message = Message(body)
        message.set_delayseconds(delay)
        message.set_priority(priority)
        sent = self.queue.send_message(message)
        assert sent.message_id not in self.model
        self.model[sent.message_id] = Sent(body, priority, self.now, self.now + delay)

    @rule(target=handles, count=st.integers(1, 3))
    def receive(self, count: int) -> MultipleResults[str]:
        """The most urgent ones come, as many as there are, each once, with one more on its count."""
        ready = self.ready()
        try:
            received = self.queue.batch_receive_message(count)
        except MNSExceptionBase as refused:
            nothing_there(refused.type, ready)
            return multiple()
        urgent = sorted(held.priority for held in ready.values())[:count]
        assert urgent == [message.priority for message in received]
        assert len(received) == len({message.message_id for message in received})
        for message in received:
            held = ready[message.message_id]
            held.received += 1
            held.visible = self.now + VISIBILITY
            held.handles.append(message.receipt_handle)
            assert (held.body.encode(), held.received) == (message.message_body, message.dequeue_count)
        return multiple(*(message.receipt_handle for message in received))

    @rule()
    def peek(self) -> None:
        """Looking changes nothing."""
        ready = self.ready()
        try:
            seen = self.queue.peek_message()
        except MNSExceptionBase as refused:
            nothing_there(refused.type, ready)
        else:
            assert min(held.priority for held in ready.values()) == ready[seen.message_id].priority

    @rule(handle=consumes(handles))
    def delete(self, handle: str) -> None:
        """A good handle deletes; one whose time is over, or that was replaced, does not."""
        held = self.holder(handle)
        try:
            self.queue.delete_message(handle)
        except MNSExceptionBase as refused:
            nothing_there(refused.type, held)
        else:
            self.model = {key: kept for key, kept in self.model.items() if kept is not held}
            assert held is not None

    @rule(target=handles, handle=consumes(handles), seconds=st.sampled_from([0, 1, 45]))
    def change_visibility(self, handle: str, seconds: int) -> MultipleResults[str]:
        """A good handle is exchanged for another, with another time."""
        held = self.holder(handle)
        try:
            changed = self.queue.change_message_visibility(handle, seconds)
        except MNSExceptionBase as refused:
            nothing_there(refused.type, held)
            return multiple(handle)
        assert held is not None
        assert handle != changed.receipt_handle
        held.handles.append(changed.receipt_handle)
        held.visible = self.now + seconds
        return multiple(handle, changed.receipt_handle)

    @rule(seconds=st.sampled_from([1, 7, 29, 30, 200]))
    def pass_time(self, seconds: int) -> None:
        """Messages show again, and those kept long enough are gone."""
        self.cloud.advance(seconds)
        self.now += seconds
        self.model = {key: held for key, held in self.model.items() if self.now < held.sent + RETENTION}

    @invariant()
    def counts_agree(self) -> None:
        """Active, held and delayed messages are counted apart."""
        with catch_warnings():
            simplefilter("ignore", DeprecationWarning)  # the SDK's word for the counts
            meta = self.queue.get_attributes()
            shown = (meta.active_messages, meta.inactive_messages, meta.delay_messages)
        hidden = [held for held in self.model.values() if held.visible > self.now]
        delayed = sum(held.received == 0 for held in hidden)
        assert (len(self.ready()), len(hidden) - delayed, delayed) == shown


QueueMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestQueueModel = QueueMachine.TestCase
