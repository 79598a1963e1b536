"""The operator is killed at each kind of write of an import into a dataset that `test_import_crash` does not stop at.

Those are the rest of the writes to the cloud, before and after they took effect, and each one to the cluster: the cloud
or a gateway before the API server holds the write, and the process ends meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.api_gateway import Fault, Gateway, Hold, behind
from tests.integration.held_writes import HELD, HeldWrite, latest, service_of
from tests.integration.import_crash_room import (
    ABSENT,
    EACH,
    ONE,
    SENDING,
    SENT,
    TELLING,
    Sent,
    Stock,
    Story,
    Told,
    assert_one_run,
    be_silent,
    replace_by_force,
    tell,
    told,
    unended_uploads,
    writes_since,
    written,
)
from tests.integration.import_room import DEAD, IMPORT, QUEUE, ImportRoom, lines
from tests.integration.import_truth import runs_on_record
from tests.integration.replicas import has_ended, revive
from tests.integration.world import World

pytestmark = pytest.mark.e2e

WHEN = pytest.mark.parametrize("when", ["before", "after"])
STORIES = 60
FILES, LONG = 7_800, "long-" + "x" * 475  # files whose report has a part of 4 MiB and a little more
# What `test_import_crash` stops at, in a run of many calls of which several are under way.
ELSEWHERE = {"items 0", "resolution", "record", "journal 0", "journal 1", "the message"}


@pytest.fixture(scope="module")
def room(world: World) -> ImportRoom:
    """Everything an import needs, and an operator that makes one call after the other."""
    world.restart(**ONE)
    made = ImportRoom(world)
    made.open()
    return made


@pytest.fixture(scope="module")
def stock(room: ImportRoom) -> Stock:
    """What the stories relabel and remove."""
    made = Stock(room)
    made.fill(2 * EACH * STORIES)
    return made


@pytest.fixture
def story(room: ImportRoom, stock: Stock, request: pytest.FixtureRequest) -> Story:
    """One that is not begun yet; the cloud will not index anything of it before it is told to."""
    be_silent(room)
    name = "".join(one if one.isalnum() else "-" for one in request.node.name.removeprefix("test_")).strip("-").lower()
    return Story(room, name[:60], stock.take(), stock.take())


@pytest.fixture(autouse=True)
def alive(room: ImportRoom) -> Iterator[None]:
    """A test that failed between a kill and a start leaves an operator to the next."""
    yield
    room.world.cloud.fault()
    if room.world.operator is None or has_ended(room.world):
        revive(room.world)


def hold(room: ImportRoom, operation: str, when: str, passing: int = 0) -> None:
    """Have the cloud hold the next call of an operation, or one that comes after some that pass."""
    rule: dict[str, Any] = {"service": service_of(operation), "operation": operation}
    before = [rule | {"latency": 0.0, "times": passing}] if passing else []
    room.world.cloud.fault(*before, rule | {"when": when, "latency": HELD[when], "times": 1})


def kill_when_held(room: ImportRoom) -> None:
    """Wait until the cloud holds a write, end the operator there, and begin another."""
    room.world.until("a write to be held", lambda: room.struck()[-1] == 1, 40)
    revive(room.world)


def test_the_writes_of_a_run(room: ImportRoom, story: Story) -> None:
    """Those that the process is killed at, here or in `test_import_crash`, are all there are, each once."""
    since = latest(room)
    story.send()
    made = writes_since(room, since)
    assert [operation for operation, _ in SENDING] == [operation for operation, _ in made]
    assert [what for operation, what in SENDING if operation == "PutObject"] == [what for _, what in made if what]
    since = latest(room)
    tell(room)
    story.finish()
    room.world.until("the message to be deleted", lambda: not room.messages(QUEUE))
    made = writes_since(room, since)  # a message is deleted while the next pass begins
    assert [one for one in TELLING if one[0] == "PutObject"] == [one for one in made if one[1]]
    assert Counter(operation for operation, _ in TELLING) == Counter(operation for operation, _ in made)


POINTS: list[HeldWrite] = [
    kind(number, when)
    for kind in (Sent, Told)
    for number, (operation, what) in enumerate(kind.writes)
    if what not in ELSEWHERE and operation != "BatchIndexFileMeta"
    for when in ("before", "after")
]


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_killed_at(room: ImportRoom, story: Story, point: HeldWrite) -> None:
    """Nothing is lost, and no more is done twice than was under way."""
    since = latest(room)
    if isinstance(point, Told):
        story.send()
        point.hold(room)
        tell(room)
    else:
        point.hold(room)
        story.apply()
    point.await_held(room)
    revive(room.world)
    story.finish()
    assert written(point.await_answered(room, since)) == (point.what if point.service == "oss" else "")


class TestLostAnswers:
    """A call that took effect and was not answered, and the end of the process that knew of it."""

    @pytest.mark.parametrize("operation", ["BatchIndexFileMeta", "BatchUpdateFileMeta", "BatchDeleteFileMeta"])
    def test_killed_after(self, room: ImportRoom, story: Story, operation: str) -> None:
        """The next process finds out what it did, by its message or from the dataset, and does not make it again."""
        calls = room.world.calls(operation)
        look: dict[str, Any] = {"service": "imm", "operation": "BatchGetFileMeta", "times": 1}
        asked, asks = look | {"latency": 0.0}, look | {"latency": HELD["before"]}  # before it sends, and what it did
        lost = {"service": "imm", "operation": operation, "when": "after", "drop": True, "times": 1}
        room.world.cloud.fault(lost, asked, asks)
        story.apply()
        room.world.until("the answer to be lost", lambda: room.struck()[0] == 1, 40)
        revive(room.world)
        status = story.finish()
        assert (0, calls + 1) == (status["totals"]["resent"], room.world.calls(operation))


class TestQueue:
    """What is done with messages that are somebody else's, or on their way."""

    @pytest.fixture
    def sets_aside(self, room: ImportRoom) -> Iterator[None]:
        """The account moves what is not its own out of the way."""
        room.account(foreignMessages="DeadLetter")
        yield
        room.account()

    @pytest.mark.usefixtures("sets_aside")
    @WHEN
    def test_killed_at_setting_a_message_aside(self, room: ImportRoom, story: Story, when: str) -> None:
        """It is there in the end, twice at most, and never lost."""
        story.send()
        hold(room, "SendMessage", when)
        room.send(QUEUE, f"nobody's, {when}")
        kill_when_held(room)
        room.world.until("it to be out of the queue", lambda: f"nobody's, {when}" not in room.messages(QUEUE), 40)
        room.world.until("it to be set aside", lambda: f"nobody's, {when}" in room.messages(DEAD))
        story.finish()
        assert 2 >= room.messages(DEAD).count(f"nobody's, {when}")

    def test_killed_with_a_message_in_its_hands(self, room: ImportRoom, story: Story) -> None:
        """It comes again, to the next process."""
        story.send()
        hold(room, "BatchReceiveMessage", "after")
        room.world.until("the poll before to end", lambda: room.struck()[-1] == 1, 20)
        tell(room)
        room.world.until("the message to be taken", lambda: bool(taken(room)), 20)
        revive(room.world)
        story.finish()


class TestSteering:
    """What a person changes is on record before anything follows from it."""

    @WHEN
    def test_killed_at_noting_a_pause_and_its_end(self, room: ImportRoom, story: Story, when: str) -> None:
        """Each time the next process notes it, once."""
        story.send()
        for noted, suspend in enumerate((True, False), start=1):
            hold(room, "PutObject", when)
            story.apply(suspend=suspend)
            kill_when_held(room)
            room.await_phase(story.name, "Waiting")
            assert suspend == bool(room.world.condition(IMPORT, story.name, "Suspended"))
            assert SENT + noted == room.journalled(story.name)
        story.finish()

    @WHEN
    def test_killed_at_noting_a_retry(self, room: ImportRoom, story: Story, when: str) -> None:
        """What failed is sent again, once."""
        story.apply()
        story.finish()
        room.upload(story.new[-ABSENT:])
        billed = room.billed()
        hold(room, "PutObject", when)
        story.apply(retry={"failedItems": "once more"})
        kill_when_held(room)
        story.finish("Complete")
        assert billed + 1 == room.billed()

    def test_killed_at_noting_the_deadline(self, room: ImportRoom, story: Story) -> None:
        """What was not sent is cancelled; here that is everything, as nobody tells which files are known."""
        deaf: dict[str, Any] = {"service": "imm", "operation": "BatchGetFileMeta"}
        deaf |= {"error": {"status": 503, "code": "Unavailable"}}
        put: dict[str, Any] = {"service": "oss", "operation": "PutObject"}
        passing = put | {"latency": 0.0, "times": SENDING.index(("PutObject", "journal 0"))}
        room.world.cloud.fault(deaf, passing, put | {"when": "after", "latency": HELD["after"], "times": 1})
        billed = room.billed()
        story.apply(deadline="10s")
        kill_when_held(room)
        room.await_phase(story.name, "Failed", 40)
        status = room.status(story.name)
        assert status["totals"]["items"] == status["totals"]["cancelled"] == told(room, story.name)
        assert (billed, {status["run"]}) == (room.billed(), runs_on_record(room) - story.runs)


def taken(room: ImportRoom) -> list[str]:
    """The messages of the queue that somebody took and did not delete yet."""
    cloud = room.world.cloud

    def look(instance: Any) -> list[str]:
        held = instance.cloud.mns(cloud.account_id, cloud.region).queues[QUEUE]
        return [one.message_id for one in held.messages.values() if one.dequeue_count]

    return cloud.run(look)


@pytest.fixture(scope="class")
def absent(room: ImportRoom) -> Iterator[list[str]]:
    """Files that are not there, a hundred a call."""
    world = room.world
    world.restart(IMM_OPERATOR_IMM_FORM_BODY="true", IMM_OPERATOR_IMPORT_WORKERS="4")
    keys = [f"{LONG}/{number:05}.txt" for number in range(FILES)]
    room.table("tables/long.jsonl", lines(keys))
    yield keys
    world.restart(IMM_OPERATOR_IMM_FORM_BODY="false", **ONE)


class TestLongReport:
    """One of more than 4 MiB goes up in parts."""

    @contextmanager
    def killed(self, room: ImportRoom, name: str, keys: list[str]) -> Iterator[None]:
        """An import of these files, whose operator is killed by the block; the truth at its end."""
        tell(room)
        runs = runs_on_record(room)
        yield
        room.await_phase(name, "Failed", 90)
        assert_one_run(room, name, keys, (), runs, window=4)

    def begin(self, room: ImportRoom, name: str) -> None:
        """Apply it."""
        room.apply(name, {"table": {"bucket": "import-files", "key": "tables/long.jsonl"}})

    @WHEN
    @pytest.mark.parametrize("operation", ["InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
    def test_killed_at(self, room: ImportRoom, absent: list[str], operation: str, when: str) -> None:
        """The next process begins the report anew, and drops what the one before left, where it is on record."""
        name = f"{operation.lower()}-{when}"
        with self.killed(room, name, absent):
            hold(room, operation, when)
            self.begin(room, name)
            kill_when_held(room)
        assert (operation == "InitiateMultipartUpload") >= len(unended_uploads(room, name))

    @WHEN
    @pytest.mark.parametrize(
        ("operation", "lost"), [("InitiateMultipartUpload", 1), ("CompleteMultipartUpload", 0)], ids=["upload", "end"]
    )
    def test_killed_at_the_record_after(
        self, room: ImportRoom, absent: list[str], operation: str, lost: int, when: str
    ) -> None:
        """Which upload was begun, and the verdict."""
        name = f"{operation.lower()}-then-{when}"
        with self.killed(room, name, absent):
            rule = {"service": "oss", "operation": operation, "when": "after", "latency": 1.0}
            room.world.cloud.fault(rule)
            self.begin(room, name)
            room.world.until("it to be under way", lambda: room.struck()[-1] == 1, 40)
            hold(room, "PutObject", when)
            kill_when_held(room)
        assert lost >= len(unended_uploads(room, name))

    @WHEN
    def test_killed_again_at_dropping_the_parts(self, room: ImportRoom, absent: list[str], when: str) -> None:
        """The third process drops them, or finds that they are gone."""
        name = f"abort-{when}"
        with self.killed(room, name, absent):
            hold(room, "UploadPart", "after")
            self.begin(room, name)
            room.world.until("a part to be sent", lambda: room.struck()[-1] == 1, 40)
            hold(room, "AbortMultipartUpload", when)
            revive(room.world)
            kill_when_held(room)
        assert [] == unended_uploads(room, name)


# What a story writes to the cluster, in order. On a slow machine a pass may end before, with a status that says so.
CLUSTER = ("event Begun", "status Submitting", "event Ended", "status Failed", "event PartiallyFailed")
BETWEEN = {"status Resolving", "status Waiting"}


@pytest.fixture(scope="class")
def gateway(room: ImportRoom) -> Iterator[Gateway]:
    """Between the operator and the API server."""
    with Gateway(room.world.cluster).running() as made, behind(made, room.world):
        yield made


class TestCluster:
    """Each write to Kubernetes, through a gateway that holds it."""

    @pytest.fixture(autouse=True)
    def nothing_held(self, gateway: Gateway) -> Iterator[None]:
        """And nothing spoilt."""
        yield
        gateway.held = None
        gateway.spoil(Fault.NONE)

    def await_struck(self, room: ImportRoom, held: Hold) -> None:
        """Wait until the gateway holds a write."""
        room.world.until(f"{held.what} to be held", held.struck.is_set, 40)

    def test_the_writes_to_the_cluster(self, room: ImportRoom, gateway: Gateway, story: Story) -> None:
        """Those that the process is killed at below are all there are."""
        gateway.writes.clear()
        story.apply()
        story.finish()
        room.world.await_event(IMPORT, story.name, "PartiallyFailed")
        made = [one for one in gateway.writes if one[0] not in BETWEEN]
        assert [(what, True) for what in CLUSTER] == [(what, status < 300) for what, status in made]

    @WHEN
    @pytest.mark.parametrize("what", CLUSTER)
    def test_killed_at(self, room: ImportRoom, gateway: Gateway, story: Story, what: str, when: str) -> None:
        """Status and events show what the records say, and nothing is done twice for want of them."""
        billed = room.billed()
        gateway.held = held = Hold(what, when, HELD[when])
        story.apply()
        tell(room)
        self.await_struck(room, held)
        revive(room.world)
        story.finish()
        room.world.until("what was held to be over", held.over.is_set)
        assert 0 == story.finish()["totals"]["resent"]
        assert billed + 1 == room.billed()

    @pytest.mark.parametrize("change", ["edited", "replaced"])
    def test_killed_with_a_stale_cache(self, room: ImportRoom, gateway: Gateway, story: Story, change: str) -> None:
        """Its watch brings nothing more, so its last write is of an object that is no more, and is refused."""
        changes: dict[str, Callable[[], None]] = {
            "edited": lambda: story.apply(maxFailedItems=ABSENT),
            "replaced": lambda: replace_by_force(room.world, story.name),
        }
        story.send()
        gateway.spoil(Fault.DEAF)
        gateway.held = held = Hold("status Failed", "after", HELD["after"])
        changes[change]()
        billed = room.billed()
        tell(room)
        self.await_struck(room, held)
        assert ("status Failed", 409) == gateway.writes[-1]
        gateway.spoil(Fault.NONE)
        revive(room.world)
        if change == "edited":
            room.await_phase(story.name, "Complete", 40)
            assert ABSENT == room.status(story.name)["totals"]["failed"]
        else:
            story.finish()
        assert billed == room.billed()
