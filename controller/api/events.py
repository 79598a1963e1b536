"""Where IMM's results reach the operator: a topic that IMM publishes on, and a queue that one operator reads.

One queue serves every import of the account. Each operator has a queue of its own, because MNS gives a message to one
reader only.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from controller.api.fields import RULES, MnsName, Model

NOWHERE_TO_PUT_THEM = (
    "spec.events.foreignMessages: DeadLetter needs a queue to move them to: set spec.events.deadLetterQueue, or leave "
    "foreignMessages out"
)
ONE_QUEUE = (
    "spec.events.deadLetterQueue is the queue that is read, so what is set aside would come back: name another queue, "
    "or leave deadLetterQueue out"
)


class ForeignMessages(StrEnum):
    """What becomes of a message that belongs to none of this operator's imports."""

    LEAVE = "Leave"
    DEAD_LETTER = "DeadLetter"


class Events(Model):
    """The topic, the queue that is subscribed to it, and what happens to messages that are nobody's here."""

    model_config = ConfigDict(
        json_schema_extra={
            RULES: [
                {
                    "rule": "self.foreignMessages != 'DeadLetter' || has(self.deadLetterQueue)",
                    "message": NOWHERE_TO_PUT_THEM,
                },
                {"rule": "!has(self.deadLetterQueue) || self.deadLetterQueue != self.queue", "message": ONE_QUEUE},
            ]
        }
    )

    topic: MnsName = Field(description="MNS topic of this account and region that IMM publishes results on.")
    queue: MnsName = Field(
        description="MNS queue subscribed to the topic. This operator reads it; give every other one its own."
    )
    dead_letter_queue: MnsName | None = Field(
        default=None, description="MNS queue for messages that are set aside, where a person can look at them."
    )
    foreign_messages: ForeignMessages = Field(
        default=ForeignMessages.LEAVE,
        description=(
            "A message that belongs to no import here: Leave lets it return to the queue, until it expires or the "
            "queue's own policy sets it aside; DeadLetter moves it to deadLetterQueue. Neither deletes it."
        ),
    )

    @model_validator(mode="after")
    def _sets_aside_elsewhere(self) -> Self:
        if self.foreign_messages is ForeignMessages.DEAD_LETTER and self.dead_letter_queue is None:
            raise ValueError(NOWHERE_TO_PUT_THEM)
        if self.dead_letter_queue == self.queue:
            raise ValueError(ONE_QUEUE)
        return self
