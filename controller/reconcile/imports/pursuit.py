"""What a process knows of a run's batch task beside the journal. A new process begins with nothing of it.

Only the run's own pass reads and changes it, and an object has one pass at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from controller.cloud.ports import CALL_TIMEOUT
from controller.core.facts import TaskFacts

if TYPE_CHECKING:
    from controller.reconcile.imports.upload import Upload

SPACED = timedelta(seconds=CALL_TIMEOUT + 1)  # from the end of one look-up to the begin of the next that counts
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=2)


@dataclass(slots=True)
class Pursuit:
    """Of one run.

    Attributes:
        upload: The manifest that is on its way.
        looked: Complete look-ups without the task whose answer was lost, spaced; the last one ended at `looked_at`.
        facts: The task as it was listed last, of whatever attempt.
        unclear_since: Since when no list told for certain how far the task is.
        confirmed: The chunk of which this process saw that its manifest was not changed when it was submitted.
        busy: The service's words on why it took no batch, as they are until `busy_until`.
    """

    upload: Upload | None = None
    looked: int = 0
    looked_at: datetime | None = None
    facts: TaskFacts | None = None
    unclear_since: datetime | None = None
    busy: str = ""
    busy_until: datetime | None = None
    refusals: int = 0
    confirmed: int | None = None

    @property
    def look_at(self) -> datetime | None:
        """From when on the next look-up counts; None for at once."""
        return self.looked_at + SPACED if self.looked_at is not None else None

    def missed(self, began: datetime, ended: datetime) -> None:
        """A complete look-up did not have the task."""
        if self.look_at is None or began >= self.look_at:
            self.looked, self.looked_at = self.looked + 1, ended

    def settled(self) -> None:
        """What was lost is found, or certainly never was."""
        self.looked, self.looked_at = 0, None

    def turned_away(self, words: str, now: datetime) -> None:
        """The instance takes no batch now; each refusal in a row makes the wait longer."""
        self.refusals += 1
        self.busy = words
        self.busy_until = now + min(FIRST_WAIT * 2 ** min(self.refusals - 1, 8), LONGEST_WAIT)

    def taken(self) -> None:
        """The instance took it."""
        self.refusals, self.busy, self.busy_until = 0, "", None

    def busy_at(self, now: datetime) -> str:
        """Why nothing is submitted for now; empty where nothing is known against it."""
        return self.busy if self.busy_until is not None and now < self.busy_until else ""
