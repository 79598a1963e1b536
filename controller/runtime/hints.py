"""What a callback may bring about: the import of a run is looked at now, and its instance afresh. Nothing else.

Whoever knows a run's address has its nonce, which only the run record and the task list hold. A hint that is forged,
or comes twice, costs one look more at the most.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from controller.api.batchimport import BatchImport
from controller.reconcile.imports.boards import Boards
from controller.reconcile.imports.runs import Runs
from controller.reconcile.imports.turns import ANSWERED
from controller.reconcile.kinds import Key, key_of
from controller.reconcile.ports import Objects
from controller.reconcile.rivals import run_contest
from controller.runtime.wakes import Wakes


class Hints:
    """Called in the event loop of the process."""

    def __init__(self, runs: Runs, boards: Boards, objects: Objects, wakes: Wakes, leads: Callable[[], bool]) -> None:
        self._runs = runs
        self._boards = boards
        self._objects = objects
        self._wakes = wakes
        self._leads = leads

    def hint(self, run: str, nonce: str) -> bool | None:
        """Something is said to have happened to a run's task. Whether the run is awaited; None where nobody knows.

        Of a run that is not loaded nobody can compare the nonce without a call: its import is looked at, which loads
        it, and then nothing is older than the hint.
        """
        if not self._leads():
            return None
        loaded = self._runs.find(run)
        if loaded is not None:
            record = loaded.record
            with loaded.lock:
                awaited = loaded.state.task_chunk is not None
            if not awaited or not hmac.compare_digest(nonce.encode(), record.nonce.encode()):
                return False
            self._boards.hint((record.account_id, record.region, record.instance))
            self._wakes.wake(Key(BatchImport.kind(), *loaded.target))
            return True
        following = [
            key_of(one)
            for one in self._objects.contenders(run_contest(run))
            if isinstance(one, BatchImport) and one.spec.target.image_search and one.status.phase in ANSWERED
        ]
        for key in following:
            self._wakes.wake(key)
        return bool(following)
