"""The process ends at every write to the cloud, before and after it took effect, and another one goes on."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from mns.queue import QueueMeta

from controller.cloud.errors import CloudError
from controller.core.imports.records import Planned, Verdicts
from controller.reconcile.imports.allowances import Allowances
from emulator.testing import LocalCloud, running
from tests.mns_sdk import account_of
from tests.unit.import_world import DATASET, PHOTOS, PROJECT, ImportWorld
from tests.unit.operator_doubles import Crash

WINDOW = 2
MOST_WRITES = 80


class Story:
    """An import of files that exist, two known ones among them, one that does not, and one whose metadata is to go."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.world = ImportWorld(cloud, workers=WINDOW)
        uris = self.world.upload(9)
        self.missing, self.gone, self.there = f"oss://{PHOTOS}/missing.txt", uris[0], uris[1:]
        self.small()
        first = self.world.batch([self.gone, *self.there[-2:]], name="before")
        self.world.finish(first)
        items = [{"uri": uri, "customLabels": {"a": "b"}} for uri in [*self.there, self.missing]]
        target = {"dataset": {"project": PROJECT, "name": DATASET, "onExisting": "UpdateLabels"}}
        self.key = self.world.batch([*items, {"uri": self.gone, "operation": "DELETE"}], target=target)

    def small(self) -> None:
        """Two or three files a call."""
        object.__setattr__(self.world.context, "allowances", Allowances(700))

    def play(self) -> None:
        """From where it is to the end, or to the process's."""
        world = self.world
        with suppress(Crash):
            for _ in range(3):
                world.settle(self.key)
                world.cloud.advance(60)
                world.deliver_all()
            world.settle(self.key)

    def check(self) -> None:
        """Every verdict is the truth, and every item has one."""
        status = self.world.status(self.key)
        totals = status.totals
        assert totals is not None
        assert set(self.there) == set(self.world.indexed())
        assert (10, 9, 1, 0, 0) == (
            totals.items, totals.succeeded, totals.failed, totals.unknown, totals.cancelled,
        ), status  # fmt: skip
        assert [self.missing] == [one.item for one in status.failures]
        assert "Failed" == status.phase
        assert status.run is not None
        again = [number for one in self.world.journal(status.run) if isinstance(one, Planned) for number in one.again]
        assert len(again) <= WINDOW
        assert bool(again) == bool(totals.resent)


def writes_of_the_story() -> list[str]:
    """Which writes it takes when nothing happens."""
    with running() as cloud:
        story = Story(cloud)
        story.world.guard.writes.clear()
        story.play()
        story.check()
        story.world.close()
        return list(story.world.guard.writes)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whatever_write_the_process_ends_at_the_next_one_tells_the_truth(*, after: bool) -> None:
    """At most the chunks of the window are sent twice, and no file stays unsent."""
    writes = writes_of_the_story()
    assert {"index", "update", "delete", "put_new", "put_object"} == {*writes}
    count = len(writes)
    assert 10 <= count <= MOST_WRITES
    with running() as cloud:
        for at in range(1, count + 1):
            cloud.reset()
            story = Story(cloud)
            guard = story.world.guard
            guard.writes.clear()
            guard.at, guard.after = at, after
            story.play()
            assert guard.dead or at > len(guard.writes)
            story.world.restart()
            story.small()
            story.play()
            story.check()
            story.world.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_every_write_of_the_status_may_be_the_last_thing_a_process_does(*, after: bool) -> None:
    """What the status says may be older than the records by any number of writes, or not be there at all."""
    with running() as cloud:
        for at in range(1, 20):
            cloud.reset()
            story = Story(cloud)
            cluster, count = story.world.cluster, 0

            def die(what: str, at: int = at) -> None:
                nonlocal count
                count += what == "status"
                if what == "status" and count == at:
                    raise Crash

            setattr(cluster, "after_write" if after else "before_write", die)
            for _ in range(20):  # passes that die are taken up by the next process
                story.play()
                if count != at:
                    break
                count += 1
                story.world.restart()
                story.small()
            setattr(cluster, "after_write" if after else "before_write", lambda _what: None)
            story.play()
            story.check()
            story.world.close()
            if count < at:
                return
    raise AssertionError("the story writes its status more often than it should")


def test_a_report_without_its_verdict_speaks_of_nothing_that_succeeded_later() -> None:
    """The process ends between the two, what failed succeeds in a retry, and the status is lost after that."""
    with running() as cloud:
        world = ImportWorld(cloud)
        uri = f"oss://{PHOTOS}/00000.txt"
        key = world.batch([uri])
        world.settle(key)
        cloud.advance(60)
        world.deliver_all()
        guard = world.guard
        guard.writes.clear()
        guard.at = 2
        with suppress(Crash):
            world.settle(key)
        assert ["put_object", "put_object"] == guard.writes, "the report, and the verdict, which never took effect"
        world.restart()
        world.upload(1)
        world.batch([uri], retry={"failedItems": "once more"})
        world.finish(key)
        assert ("Complete", []) == (world.status(key).phase, world.status(key).failures)
        world.restart()
        world.cluster.bodies[key]["status"] = {"observedGeneration": -1}
        world.settle(key)
        assert ("Complete", []) == (world.status(key).phase, world.status(key).failures)
        world.close()


def test_a_tenth_of_all_calls_fails_and_every_verdict_is_the_truth() -> None:
    """Lost before and after they took effect, refused, throttled; messages twice, late, out of order and lost."""
    unavailable = {"status": 503, "code": "ServiceUnavailable"}
    throttled = {"status": 400, "code": "Throttling.User", "retryAfterMs": 1}
    with running() as cloud:
        world = ImportWorld(cloud)
        object.__setattr__(world.context, "allowances", Allowances(700))
        uris = world.upload(150)
        missing = [f"oss://{PHOTOS}/missing-{number}.txt" for number in range(5)]
        key = world.batch([*uris, *missing])
        cloud.fault(
            {"service": "imm", "when": "after", "probability": 0.1, "drop": True},
            {"service": "imm", "probability": 0.1, "drop": True},
            {"service": "imm", "probability": 0.1, "error": unavailable},
            {"service": "imm", "probability": 0.1, "error": throttled},
            {"service": "oss", "operation": "PutObject", "when": "after", "probability": 0.1, "drop": True},
            {"service": "oss", "operation": "PutObject", "probability": 0.1, "error": unavailable},
            {"service": "mns", "operation": "Deliver", "probability": 0.1, "duplicate": 1},
            {"service": "mns", "operation": "Deliver", "probability": 0.1, "delay": 300.0},
            {"service": "mns", "operation": "Deliver", "probability": 0.1, "swap": 60.0},
            {"service": "mns", "operation": "Deliver", "probability": 0.1, "lose": True},
        )
        for _ in range(120):
            world.run(key)
            world.cloud.advance(20)
            with suppress(CloudError):
                world.deliver()
            if world.status(key).phase in {"Complete", "Failed"}:
                break
        cloud.fault()
        world.cloud.advance(900)
        world.deliver_all()
        world.settle(key)
        world.cloud.advance(900)
        world.settle(key)
        totals = world.status(key).totals
        assert totals is not None
        assert set(uris) == set(world.indexed())
        assert (155, 150, 0, 0) == (totals.items, totals.succeeded, totals.cancelled, totals.items - totals.submitted)
        assert 5 == totals.failed + totals.unknown
        world.close()


def test_passes_and_consumers_at_the_same_time_lose_nothing() -> None:
    """Two threads take messages while the pass sends: one journal, every verdict once."""
    with running() as cloud:
        world = ImportWorld(cloud)
        object.__setattr__(world.context, "allowances", Allowances(700))
        # The clock runs a thousand times as fast as a thread that is held up: what one has in hand stays its own.
        with account_of(cloud) as account:
            account.get_queue("results").set_attributes(QueueMeta(vis_timeout=43200))
        uris = world.upload(90)
        key = world.batch([*uris, f"oss://{PHOTOS}/missing.txt"], resultTimeout="24h")
        done = threading.Event()

        def consume() -> int:
            taken = 0
            while not done.wait(0.005):
                cloud.advance(5)
                taken += len(world.deliver(most=3))
            return taken

        with ThreadPoolExecutor(2) as consumers:
            readers = [consumers.submit(consume) for _ in range(2)]
            deadline = time.monotonic() + 60
            try:
                while world.status(key).phase not in {"Complete", "Failed"} and time.monotonic() < deadline:
                    world.run(key)
            finally:
                done.set()
            assert sum(reader.result() for reader in readers)
        totals = world.status(key).totals
        assert totals is not None
        assert (91, 90, 1, 0, 0) == (
            totals.items, totals.succeeded, totals.failed, totals.unknown, totals.resent,
        )  # fmt: skip
        run = world.status(key).run or ""
        told = [index for one in world.journal(run) if isinstance(one, Verdicts) for index in _indices(one)]
        assert sorted(told) == list(range(91))
        world.close()


def _indices(told: Verdicts) -> list[int]:
    """Every file that a record tells of."""
    return [i for first, end in told.succeeded for i in range(first, end)] + [index for index, _ in told.failed]
