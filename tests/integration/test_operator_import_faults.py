"""An import under every fault of its issue, with the operator as a process: each verdict is what the cloud holds.

Calls carry few files here, so that a run has many, and few of them are under way at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from emulator.unverified import switches
from tests.integration.import_room import DATASET, DEAD, IMPORT, QUEUE, TOPIC, ImportRoom, lines, many, uri
from tests.integration.import_truth import assert_true, fates, repeated_chunks, runs_on_record
from tests.integration.world import PROJECT, World

SMALL = {"IMM_OPERATOR_IMM_REQUEST_BYTES": "1024", "IMM_OPERATOR_IMPORT_WORKERS": "2"}
SOON = {"resultTimeout": "10s"}  # the shortest there is
FORMATS = ("SIMPLIFIED", "JSON", "XML")
INDEX = {"service": "imm", "operation": "BatchIndexFileMeta"}
THROTTLED = {"status": 400, "code": "Throttling.User", "message": "Request was denied due to user flow control."}
OVERLOADED = {"oss": "ServiceUnavailable", "mns": "QpsLimitExceeded"}
DENIED = {"status": 403, "code": "NoPermission", "message": "You are not authorized (imm:BatchIndexFileMeta)."}


@pytest.fixture(scope="module")
def room(world: World) -> ImportRoom:
    """Everything an import needs, and an operator that makes small calls."""
    world.restart(**SMALL)
    made = ImportRoom(world)
    made.open()
    return made


@pytest.fixture(autouse=True)
def defaults(room: ImportRoom) -> Iterator[None]:
    """A test's readings, rates and faults end with it."""
    yield
    room.world.cloud.fault()
    for name, switch in switches().items():
        room.world.cloud.switch(name, switch.default)
    subscribe(room, "SIMPLIFIED")
    room.settings(index_delay_seconds=0.2, queries_per_second=100.0)


def subscribe(room: ImportRoom, how: str) -> None:
    """Have the topic's messages put into the queue in this format."""
    cloud = room.world.cloud

    def change(held: Any) -> None:
        topic = held.cloud.mns(cloud.account_id, cloud.region).topics[TOPIC]
        topic.subscriptions[QUEUE].notify_content_format = how

    cloud.run(change)


def pair(room: ImportRoom, name: str, **spec: Any) -> list[str]:
    """Apply an import of a file that is there and one that is not; their keys."""
    there, absent = f"{name}/there.txt", f"{name}/absent.txt"
    room.put(there)
    room.apply(name, room.items(there, absent), **(SOON | spec))
    return [there, absent]


class TestMessages:
    """Whatever shape they have, and whether they come at all."""

    @pytest.mark.parametrize("how", FORMATS)
    @pytest.mark.parametrize("base64", [False, True], ids=["raw", "base64"])
    @pytest.mark.parametrize("enveloped", [False, True], ids=["flat", "enveloped"])
    def test_a_verdict_is_read_in_every_shape(
        self, room: ImportRoom, how: str, *, base64: bool, enveloped: bool
    ) -> None:
        """Success: true with an Error of a file is that file's failure, and the dataset need not be asked."""
        subscribe(room, how)
        room.world.cloud.switch("notification_base64", base64)
        room.world.cloud.switch("notification_enveloped", enveloped)
        asked = room.world.calls("BatchGetFileMeta")
        name = f"shape-{how.lower()}-{int(base64)}{int(enveloped)}"
        keys = pair(room, name)
        room.await_phase(name, "Failed")
        status = assert_true(room, name, keys)
        assert (1, 1) == (status["totals"]["succeeded"], status["totals"]["failed"])
        assert "not exist" in status["failures"][0]["error"]
        assert asked == room.world.calls("BatchGetFileMeta")

    @pytest.mark.parametrize("where", ["given", "always", "file"])
    def test_user_data_is_found_wherever_it_stands(self, room: ImportRoom, where: str) -> None:
        """At the top, or in each file."""
        room.world.cloud.switch("notification_user_data", where)
        keys = pair(room, f"user-data-{where}")
        room.await_phase(f"user-data-{where}", "Failed")
        assert 1 == assert_true(room, f"user-data-{where}", keys)["totals"]["failed"]

    @pytest.mark.parametrize(
        ("switch", "value"), [("notification_request_id", "call"), ("envelope_id", "own"), ("object_status", "absent")]
    )
    def test_no_other_reading_matters(self, room: ImportRoom, switch: str, value: str) -> None:
        """A message is matched by what the operator put into it."""
        room.world.cloud.switch(switch, value)
        name = switch.replace("_", "-")
        keys = pair(room, name)
        room.await_phase(name, "Failed")
        assert 1 == assert_true(room, name, keys)["totals"]["failed"]

    def test_duplicates_and_swapped_messages_change_nothing(self, room: ImportRoom) -> None:
        """Each call's message twice more, and the first two in the wrong order."""
        keys = many("order", 40)
        room.upload(keys[:-3])
        room.world.cloud.fault({"swap": 5, "times": 1}, {"duplicate": 2})
        room.apply("order", room.table("tables/order.jsonl", lines(keys)))
        room.await_phase("order", "Failed")
        assert 3 == assert_true(room, "order", keys)["totals"]["failed"]
        room.world.until("every copy to be taken out of the queue", lambda: not room.messages(QUEUE))

    def test_a_message_that_is_lost_is_replaced_by_asking(self, room: ImportRoom) -> None:
        """What the dataset does not know either is unknown; the counts add up, and a retry finds the reason."""
        room.world.cloud.fault({"lose": True})
        keys = pair(room, "lost")
        room.await_phase("lost", "Failed", 40)
        totals = assert_true(room, "lost", keys)["totals"]
        assert (2, 1, 0, 1) == (totals["submitted"], totals["succeeded"], totals["failed"], totals["unknown"])
        room.world.cloud.fault()
        room.apply("lost", room.items(*keys), **SOON, retry={"failedItems": "once"})
        room.world.until("the retry", lambda: room.status("lost").get("lastRetry") == "once")
        room.await_phase("lost", "Failed")
        assert 1 == assert_true(room, "lost", keys)["totals"]["failed"]

    def test_a_message_that_is_late_still_decides(self, room: ImportRoom) -> None:
        """The dataset told of one file, the other was unknown until the message came: then it failed."""
        room.world.cloud.fault({"delay": 16})
        keys = pair(room, "late")
        room.world.until("an unknown file", lambda: room.status("late").get("totals", {}).get("unknown") == 1, 40)
        room.world.until("its verdict", lambda: room.status("late")["totals"]["failed"] == 1, 40)
        room.await_phase("late", "Failed")
        totals = assert_true(room, "late", keys)["totals"]
        assert (1, 1, 0) == (totals["succeeded"], totals["failed"], totals["unknown"])

    def test_files_that_are_indexed_late_are_done_in_the_end(self, room: ImportRoom) -> None:
        """Unknown was never silently done, nor is it the last word."""
        room.settings(index_delay_seconds=15.0)
        room.put("slow/a.txt", "slow/b.txt")
        room.apply("slow", room.items("slow/a.txt", "slow/b.txt"), **SOON)
        room.world.until("unknown files", lambda: room.status("slow").get("totals", {}).get("unknown") == 2, 40)
        assert "Failed" == room.await_phase("slow", "Failed")["phase"]
        room.await_phase("slow", "Complete", 40)
        assert 2 == assert_true(room, "slow", ["slow/a.txt", "slow/b.txt"])["totals"]["succeeded"]

    def test_without_user_data_the_dataset_is_asked(self, room: ImportRoom) -> None:
        """Nobody can tell which call such a message answers, so it is left."""
        room.world.cloud.switch("notification_user_data", "absent")
        keys = pair(room, "no-user-data")
        room.await_phase("no-user-data", "Failed", 40)
        totals = assert_true(room, "no-user-data", keys)["totals"]
        assert (1, 0, 1) == (totals["succeeded"], totals["failed"], totals["unknown"])
        assert room.messages(QUEUE)

    def test_foreign_messages_are_left_or_set_aside_and_never_lost(self, room: ImportRoom) -> None:
        """As the account says; what is no result of ours is not touched otherwise."""
        foreign = ['{"somebody": "else"}', "no JSON", '{"ProjectName":"p","DatasetName":"d","Success":true,"Files":[]}']
        for body in foreign:
            room.send(QUEUE, body)
        keys = pair(room, "foreign")
        room.await_phase("foreign", "Failed")
        assert_true(room, "foreign", keys)
        assert set(foreign) <= set(room.messages(QUEUE))
        room.account(foreignMessages="DeadLetter")
        room.world.cloud.fault({"delay": 6})  # what the account says is learned while an import waits
        keys = pair(room, "foreign-again")
        room.await_phase("foreign-again", "Failed")
        assert_true(room, "foreign-again", keys)
        room.world.until("them to be set aside", lambda: set(foreign) <= set(room.messages(DEAD)))
        room.world.until("the queue to be empty", lambda: not set(foreign) & set(room.messages(QUEUE)))
        room.account()


# Each operation that an import makes. `GetQueueAttributes` and `ListObjects` hold nothing up.
OPERATIONS = (
    ("imm", "BatchIndexFileMeta"),
    ("imm", "BatchGetFileMeta"),
    ("imm", "BatchDeleteFileMeta"),
    ("imm", "BatchUpdateFileMeta"),
    ("oss", "PutObject"),
    ("oss", "GetObject"),
    ("mns", "BatchReceiveMessage"),
    ("mns", "BatchDeleteMessage"),
)
FAULTS: dict[str, dict[str, Any]] = {
    "503 before": {"when": "before", "error": {"status": 503, "code": "ServiceUnavailable"}},
    "500 after": {"when": "after", "error": {"status": 500, "code": "InternalError"}},
    "drop before": {"when": "before", "drop": True},
    "drop after": {"when": "after", "drop": True},
    "html after": {"when": "after", "html": 502},
    "malformed after": {"when": "after", "malformed": True},
    "throttled with a time": {"when": "before", "error": THROTTLED | {"retryAfterMs": 700}},
}


def _own(service: object, fault: str) -> dict[str, Any]:
    """What OSS and MNS say where the others say Throttling."""
    return (
        {"error": {"status": 503, "code": OVERLOADED[str(service)]}}
        if "throttled" in fault and service != "imm"
        else {}
    )


class TestCalls:
    """Calls that fail, and calls whose answer is lost."""

    @pytest.mark.timeout(600)
    @pytest.mark.parametrize("fault", FAULTS)
    def test_every_operation_may_fail(self, room: ImportRoom, fault: str) -> None:
        """An import that makes each of them, and each is struck."""
        name = fault.replace(" ", "-")
        new, known, gone = (many(f"{name}/{what}", 12) for what in ("new", "known", "gone"))
        room.upload([*new[:-2], *known, *gone])
        room.apply(f"{name}-first", room.table("tables/before.jsonl", lines([*known, *gone])))
        room.await_phase(f"{name}-first", "Complete")
        target = {"dataset": {"project": PROJECT, "name": DATASET, "onExisting": "UpdateLabels"}}
        table = [
            *lines(new), *lines(known, customLabels={"fault": fault}), *lines(gone, operation="DELETE"),
        ]  # fmt: skip
        source = room.table(f"tables/{name}.jsonl", table)
        once = [{"service": service, "operation": operation, "times": 1} for service, operation in OPERATIONS]
        room.world.cloud.fault(*(one | FAULTS[fault] | _own(one["service"], fault) for one in once))
        room.apply(name, source, **SOON, target=target)
        room.await_phase(name, "Failed", 120)
        room.world.until("each to be struck", lambda: 0 not in room.struck(), 40, lambda: str(room.struck()))
        room.world.cloud.fault()
        totals = assert_true(room, name, [*new, *known], gone)["totals"]
        assert 2 == totals["failed"] + totals["unknown"]
        held = room.indexed()
        assert {fault} == {held[uri(key)].get("CustomLabels", {}).get("fault") for key in known}
        run = room.status(name)["run"]
        assert len(repeated_chunks(room, run)) <= 3  # a struck call each of the three that write
        if "throttled" in fault or fault == "503 before":
            assert 0 == totals["resent"]

    @pytest.mark.parametrize("seconds", [0, 700])
    def test_a_slow_project_slows_the_run_down_and_fails_nothing(self, room: ImportRoom, seconds: int) -> None:
        """Throttled by the project's own rate, with and without a time to come back."""
        room.world.cloud.switch("throttling_retry_after_ms", seconds)
        room.settings(queries_per_second=2.0)
        keys = many(f"throttled-{seconds}", 60)
        room.upload(keys)
        name = f"throttled-{seconds}"
        room.apply(name, room.table(f"tables/{name}.jsonl", lines(keys)))
        room.world.until(
            "an end without a standstill",
            lambda: not room.world.condition(IMPORT, name, "Stalled") and room.status(name).get("phase") == "Complete",
            90,
            lambda: str(room.status(name)),
        )
        totals = assert_true(room, name, keys)["totals"]
        assert (60, 0) == (totals["succeeded"], totals["resent"])

    @pytest.mark.parametrize("message", [True, False], ids=["with its message", "without its message"])
    def test_a_call_that_took_effect_though_it_timed_out_is_not_made_again(
        self, room: ImportRoom, *, message: bool
    ) -> None:
        """The answer takes longer than a call may: the message tells of it, or else the dataset is asked."""
        name = f"timed-out-{int(message)}"
        room.put(f"{name}/a.txt", f"{name}/b.txt")
        rules: list[dict[str, Any]] = [INDEX | {"when": "after", "latency": 20.0, "times": 1}]
        rules += [] if message else [{"lose": True}]
        room.world.cloud.fault(*rules)
        billed = room.billed()
        room.apply(name, room.items(f"{name}/a.txt", f"{name}/b.txt"), **SOON)
        room.await_phase(name, "Complete", 60)
        assert 0 == assert_true(room, name, [f"{name}/a.txt", f"{name}/b.txt"])["totals"]["resent"]
        room.world.until("the answer that nobody waits for", lambda: room.billed() > billed, 40)
        assert billed + 1 == room.billed()

    @pytest.mark.parametrize("refusal", ["414-html", "414-json", "400-json"])
    def test_a_gateway_that_takes_less_is_found_out(self, room: ImportRoom, refusal: str) -> None:
        """The length is halved until it passes, and that is remembered."""
        room.world.restart(IMM_OPERATOR_IMM_REQUEST_BYTES="7168")
        try:
            room.world.await_ready("CloudAccount", "main")
            room.world.cloud.switch("request_target_refusal", refusal)
            room.world.cloud.switch("request_target_max", 2000)
            keys = many(f"long-{refusal}", 60)
            room.upload(keys)
            room.apply(f"long-{refusal}", room.table(f"tables/{refusal}.jsonl", lines(keys)))
            room.await_phase(f"long-{refusal}", "Complete")
            totals = assert_true(room, f"long-{refusal}", keys)["totals"]
            assert (60, 0) == (totals["succeeded"], totals["resent"])
        finally:
            room.world.restart(**SMALL)

    def test_parameters_may_travel_in_the_body(self, room: ImportRoom) -> None:
        """Behind a setting: a hundred files a call, whatever the gateway takes of an address."""
        room.world.restart(IMM_OPERATOR_IMM_FORM_BODY="true")
        try:
            room.world.cloud.switch("request_target_max", 1024)
            keys = many("body", 200)
            room.upload(keys)
            billed = room.billed()
            room.apply("body", room.table("tables/body.jsonl", lines(keys)))
            room.await_phase("body", "Complete")
            assert 200 == assert_true(room, "body", keys)["totals"]["succeeded"]
            assert billed + 2 == room.billed()
        finally:
            room.world.restart(IMM_OPERATOR_IMM_FORM_BODY="false")


class TestTrouble:
    """What a person has to mend, and what goes on by itself once that is done."""

    def test_a_right_that_is_missing_is_named_and_its_grant_goes_on(self, room: ImportRoom) -> None:
        """Stalled with the cause; nothing was lost."""
        room.world.cloud.fault(INDEX | {"error": DENIED})
        keys = pair(room, "denied", maxFailedItems=1)
        room.world.await_reason(IMPORT, "denied", "AccessDenied")
        stalled = room.world.condition(IMPORT, "denied", "Stalled")
        assert "imm:BatchIndexFileMeta" in stalled["message"]
        room.world.cloud.fault()
        room.world.request(IMPORT, "denied", "granted")
        room.await_phase("denied", "Complete")
        assert 0 == assert_true(room, "denied", keys)["totals"]["resent"]

    def test_a_queue_that_is_missing_is_named_and_no_file_is_lost(self, room: ImportRoom) -> None:
        """Nothing can be read there, so the dataset is asked; the reason is an event of the import."""
        room.account(queue="no-such-queue")
        room.world.restart()  # or the queue of the tests before is read on for a while
        keys = pair(room, "no-queue")
        assert any("no-such-queue" in said for said in room.world.await_event(IMPORT, "no-queue", "SpecInvalid"))
        room.await_phase("no-queue", "Failed", 40)
        assert 1 == assert_true(room, "no-queue", keys)["totals"]["unknown"]
        room.account()
        pair(room, "queue-again")  # nobody reads a queue that no import waits for
        room.world.until("the message to decide", lambda: room.status("no-queue")["totals"]["failed"] == 1, 60)
        room.await_phase("no-queue", "Failed")
        assert_true(room, "no-queue", keys)

    def test_a_topic_that_is_missing_is_named_where_the_cloud_says_so(self, room: ImportRoom) -> None:
        """Refused: nothing is billed, and the import goes on with the right topic."""
        room.world.cloud.switch("topic_missing", "InvalidArgument")
        room.account(topic="no-such-topic")
        keys = pair(room, "no-topic")
        room.world.until("Stalled", lambda: bool(room.world.condition(IMPORT, "no-topic", "Stalled")))
        assert "no-such-topic" in room.world.condition(IMPORT, "no-topic", "Stalled")["message"]
        assert not [key for key in keys if uri(key) in room.indexed()]
        room.account()
        room.await_phase("no-topic", "Failed")
        assert 1 == assert_true(room, "no-topic", keys)["totals"]["failed"]

    def test_a_topic_that_is_missing_in_silence_costs_no_verdict(self, room: ImportRoom) -> None:
        """The messages are lost, so the dataset is asked."""
        room.account(topic="no-such-topic")
        keys = pair(room, "silent-topic")
        room.await_phase("silent-topic", "Failed", 40)
        room.account()
        assert 1 == assert_true(room, "silent-topic", keys)["totals"]["unknown"]

    def test_two_accounts_share_a_queue(self, room: ImportRoom) -> None:
        """One reader serves both, and each import gets its own verdicts."""
        url, world = room.world.cloud.url, room.world
        events = {"topic": TOPIC, "queue": QUEUE}
        world.account(
            "other", workBucket="import-records", endpoints={"imm": url, "oss": url, "mns": url}, events=events
        )
        world.await_ready("CloudAccount", "other")
        room.put("share/a.txt", "share/b.txt")
        room.apply("share-a", room.items("share/a.txt"))
        target = {"dataset": {"project": PROJECT, "name": DATASET}}
        room.apply("share-b", room.items("share/b.txt"), accountRef={"name": "other"}, target=target)
        for name, key in (("share-a", "share/a.txt"), ("share-b", "share/b.txt")):
            room.await_phase(name, "Complete")
            assert_true(room, name, [key])
        assert world.cloud.long_polls() <= 1
        world.delete("CloudAccount", "other")


@pytest.fixture
def slow(room: ImportRoom, request: pytest.FixtureRequest) -> list[str]:
    """The keys of 160 files, of which some ten are sent a second."""
    name = request.node.name
    keys = many(name, 160)
    room.upload(keys)
    room.world.cloud.fault(INDEX | {"when": "before", "latency": 2.0})
    return keys


class TestInTheMiddle:
    """What is changed while a run is under way."""

    def begin(self, room: ImportRoom, name: str, keys: list[str], **spec: Any) -> dict[str, Any]:
        """Apply, and wait until some of it is sent."""
        source = room.table(f"tables/{name}.jsonl", lines(keys))
        billed = room.billed()
        room.apply(name, source, **spec)
        room.world.until("some calls", lambda: room.billed() >= billed + 3)
        return source

    def test_deadline(self, room: ImportRoom, slow: list[str]) -> None:
        """What was not sent by then is cancelled and counted, and it was not billed."""
        self.begin(room, "deadline", slow, deadline="10s")
        room.await_phase("deadline", "Failed", 40)
        totals = assert_true(room, "deadline", slow)["totals"]
        assert totals["cancelled"] > 0
        assert totals["succeeded"] > 0
        assert 160 == totals["cancelled"] + totals["succeeded"]

    def test_suspend(self, room: ImportRoom, slow: list[str]) -> None:
        """Nothing more is sent, and later everything that is left, once."""
        source = self.begin(room, "suspend", slow)
        room.apply("suspend", source, suspend=True)
        world = room.world
        world.until("Suspended", lambda: world.condition(IMPORT, "suspend", "Suspended").get("status") == "True")
        billed = room.billed()
        world.request(IMPORT, "suspend", "anything new?")
        assert billed == room.billed()
        assert "Complete" != room.status("suspend")["phase"]
        world.cloud.fault()
        room.apply("suspend", source, suspend=False)
        room.await_phase("suspend", "Complete")
        assert 0 == assert_true(room, "suspend", slow)["totals"]["resent"]

    def test_change(self, room: ImportRoom, slow: list[str]) -> None:
        """A new run begins, the old one is history and sends nothing more."""
        self.begin(room, "change", slow)
        run = room.status("change")["run"]
        room.apply("change", room.items(*slow[-2:]))
        room.await_phase("change", "Complete")
        assert 2 == assert_true(room, "change", slow[-2:])["totals"]["succeeded"]
        assert run == room.status("change")["history"][0]["run"]
        told = fates(room, run)
        assert "unsent" in told.values()
        assert [one for one, fate in told.items() if fate == "unsent" and one in room.indexed()] == [
            uri(key) for key in slow[-2:]
        ]

    def test_delete(self, room: ImportRoom, slow: list[str]) -> None:
        """Nothing more is sent; made again, the object finds the run and goes on where it stopped."""
        # What is told while no object is there is not kept; the dataset is asked for it.
        source = self.begin(room, "delete", slow, **SOON)
        room.world.delete(IMPORT, "delete")
        room.world.await_gone(IMPORT, "delete")
        room.world.until("the calls under way to end", lambda: self._is_quiet(room))
        runs, held = runs_on_record(room), len([key for key in slow if uri(key) in room.indexed()])
        assert held < 160
        room.world.cloud.fault()
        room.apply("delete", source, **SOON)
        room.await_phase("delete", "Complete", 60)
        assert 160 == assert_true(room, "delete", slow)["totals"]["succeeded"]
        assert runs == runs_on_record(room)

    def _is_quiet(self, room: ImportRoom) -> bool:
        rules = room.world.cloud.run(lambda instance: instance.faults.describe())
        begun, ended = rules[0]["struck"], room.world.cloud.requests("imm", "BatchIndexFileMeta")
        return len([one for one in ended if float(str(one["duration"])) >= 2.0]) >= int(str(begun))
