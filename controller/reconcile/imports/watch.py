"""The Image Search side of an import, looked at: only what the next decision needs, as each call has its price.

Who waits for others asks the cloud for nothing; who is next sees to the instance and the manifest; whose task runs
shares one list with all the others of the instance.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from controller.api.batchimport import BatchImport, ImageSearchImport
from controller.cloud.errors import InstanceBusy
from controller.cloud.limiter import Lane
from controller.cloud.ports import ImageSearchPort, OssPort
from controller.core.facts import InstanceFacts
from controller.core.imports import taskwords
from controller.core.imports.observed import ManifestState, ObservedRun, ObservedTask
from controller.core.imports.tasks import MOST_WAIT, certainly_runs, is_known, wait
from controller.core.plan import acts
from controller.core.reasons import Reason
from controller.reconcile.context import Context
from controller.reconcile.imports.boards import Board
from controller.reconcile.imports.manifest import look_at_manifest, needs_upload
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.turns import Seat
from controller.reconcile.sessions import Session

NEARLY = 0.9  # a pass that comes a moment early must not skip a whole interval
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks, and at which instance."""

    target: BatchImport
    session: Session
    pictures: ImageSearchImport
    oss: OssPort
    context: Context

    @property
    def instance(self) -> str:
        """Its name."""
        return self.pictures.instance_name

    @property
    def seat(self) -> Seat:
        """Where it queues."""
        return self.session.caller.account_id, self.session.place.region, self.instance

    @property
    def search(self) -> ImageSearchPort:
        """The instance's port."""
        return search_of(self.session, self.context)

    def detail(self) -> InstanceFacts | None:
        """What the instance is; None where there is none of that name.

        Raises:
            controller.cloud.errors.CloudError: nobody could tell.
        """
        return self.context.boards.detail(self.seat, self.search, self.context.now)

    def look(self, run: Run | None, seen: ObservedRun | None) -> ObservedTask:
        """What decisions rest on.

        Raises:
            controller.cloud.errors.CloudError: a call failed.
        """
        found = ObservedTask(
            instance=self.instance,
            callback=self.context.callback_url is not None,
            may_replace=self.target.spec.allow_manifest_replace,
        )
        turns = self.context.turns
        if run is None or seen is None:
            return replace(found, refusal=self._refusal())
        if seen.task is not None:
            return self._running(found, run, seen.task)
        if seen.chunk is not None:
            turns.stand(self.seat, self.target, self.context.objects, running=True)
            return replace(found, looked=run.pursuit.looked, look_at=run.pursuit.look_at)
        if not seen.unsent or not acts(self.target.spec.mode, suspend=self.target.spec.suspend):
            turns.leave(self.target)
            return replace(found, upload=needs_upload(run))
        turn = turns.stand(self.seat, self.target, self.context.objects, running=False)
        found = replace(found, ahead=turn.ahead, first=turn.first, upload=needs_upload(run))
        return found if turn.ahead else self._next(found, run)

    def _running(self, found: ObservedTask, run: Run, task: int) -> ObservedTask:
        """Only what certainly runs keeps others waiting: of all else the service itself says whether it takes more."""
        if run.pursuit.unclear_since is None:
            self.context.turns.stand(self.seat, self.target, self.context.objects, running=True)
        known = run.pursuit.facts if run.pursuit.facts is not None and run.pursuit.facts.id == task else None
        age = wait(known.created_at, self.context.now()) if known is not None else 0.0
        facts = self._board(age * NEARLY, task).tasks.get(task)
        if facts is not None and not is_known(facts.status) and (known is None or known.status != facts.status):
            log.warning("task %d of instance %s: nobody knows what %r means", task, self.instance, facts.status)
        run.pursuit.facts = facts or known
        if facts is not None and is_known(facts.status):
            run.pursuit.unclear_since = None
        elif run.pursuit.unclear_since is None:
            run.pursuit.unclear_since = self.context.now()
        if certainly_runs(facts):
            self.context.turns.stand(self.seat, self.target, self.context.objects, running=True)
        else:
            self.context.turns.leave(self.target)
        return replace(found, facts=facts, unclear_since=run.pursuit.unclear_since)

    def _next(self, found: ObservedTask, run: Run) -> ObservedTask:
        """It is its turn: whether it can be handed in."""
        refusal = self._refusal()
        if refusal is not None:
            return replace(found, refusal=refusal)
        busy = run.pursuit.busy_at(self.context.now()) or self._busy()
        if busy:
            return replace(found, busy=busy)
        if run.pursuit.upload is not None:
            return replace(found, manifest=run.pursuit.upload.found)
        manifest, holder = look_at_manifest(run, self.target, self.oss, self.context)
        if manifest is ManifestState.HELD:
            self.context.turns.leave(self.target)  # nobody has to wait for it meanwhile
        return replace(found, manifest=manifest, holder=holder)

    def _busy(self) -> str:
        """A task that runs there and is none of ours, as far as the list shows it.

        Only what certainly runs: with a status that nobody knows, the service itself says whether it takes another.
        """
        board = self._board(MOST_WAIT, None)
        for task in board.tasks.values():
            if certainly_runs(task):
                return f"task {task.id} of oss://{task.bucket}/{task.path} runs there"
        return ""

    def _board(self, age: float, task: int | None) -> Board:
        return self.context.boards.look(
            self.seat,
            self.search,
            self.context.now,
            who=self.session.identity,
            task=task,
            age=timedelta(seconds=age),
        )

    def _refusal(self) -> tuple[Reason, str] | None:
        try:
            facts = self.detail()
        except InstanceBusy as error:
            return Reason.INSTANCE_UNAVAILABLE, f"{error.message}; bring it back to work in the Image Search console"
        if facts is None:
            return taskwords.instance_absent(self.pictures, self.seat[1])
        if facts.region and facts.region != self.seat[1]:
            return taskwords.wrong_region(self.pictures, self.seat[1], facts.region)
        return None


def search_of(session: Session, context: Context) -> ImageSearchPort:
    """Image Search, as the account is signed in."""
    return context.clouds.image_search(session.place, session.credentials, Lane.RESYNC)
