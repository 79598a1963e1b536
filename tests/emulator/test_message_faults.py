"""Faults of messages on their way to a queue, through the official SDKs: twice, late, never, and out of order."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client as ImmClient
from alibabacloud_mns_open20220119 import models as control_models
from alibabacloud_mns_open20220119.client import Client as Control
from mns.queue import Message
from pydantic import ValidationError

import emulator
from emulator.instance import Config
from emulator.testing import running
from tests.emulator.conftest import rpc_config
from tests.emulator.message_line import Line, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import oss2

    from emulator.testing import LocalCloud

PLACE = {"project_name": "media", "dataset_name": "photos"}


@pytest.fixture
def line(cloud: LocalCloud) -> Iterator[Line]:
    """A fresh line of the test's cloud."""
    with line_of(cloud) as made:
        yield made


def struck(cloud: LocalCloud) -> list[object]:
    """How often each rule in force has struck."""
    return cloud.run(lambda instance: [rule["struck"] for rule in instance.faults.describe()])


def test_duplicates_are_messages_of_their_own(cloud: LocalCloud, line: Line) -> None:
    """The same body under three ids, once; the next message is alone."""
    cloud.fault({"duplicate": 2, "times": 1})
    line.publish("a", "b")
    taken = line.take()
    assert ["a", "a", "a", "b"] == [message.message_body for message in taken]
    assert 4 == len({message.message_id for message in taken})
    assert [1] == struck(cloud)


def test_a_late_message_arrives_when_its_time_has_come(cloud: LocalCloud, line: Line) -> None:
    """On the virtual clock, behind what came before it, and dated by its arrival; it counts as delayed meanwhile."""
    cloud.fault({"service": "mns", "operation": "Deliver", "delay": 60, "times": 1})
    line.publish("late", "prompt")
    control = Control(rpc_config(cloud))
    held = control.get_queue_attributes(control_models.GetQueueAttributesRequest(queue_name="q")).body.data
    assert (1, 1) == (held.active_messages, held.delay_messages)
    assert ["prompt"] == line.bodies()
    cloud.advance(59.5)
    assert [] == line.bodies()
    line.publish("meanwhile")
    cloud.advance(0.5)
    taken = line.take()
    assert ["meanwhile", "late"] == [message.message_body for message in taken]
    assert round(cloud.now() * 1000) == taken[1].enqueue_time


def test_a_lost_message_never_arrives_though_it_was_published(cloud: LocalCloud, line: Line) -> None:
    """The publisher hears nothing of it."""
    cloud.fault({"lose": True, "times": 2})
    line.publish("a", "b", "c")
    cloud.advance(3 * 24 * 3600)
    assert ["c"] == line.bodies()
    assert [2] == struck(cloud)


def test_a_swapped_message_arrives_behind_the_next_one(cloud: LocalCloud, line: Line) -> None:
    """A rule for ever swaps every pair; a lone last message arrives by itself in time."""
    cloud.fault({"swap": 300})
    line.publish("1", "2", "3", "4", "5")
    assert ["2", "1", "4", "3"] == line.bodies()
    cloud.advance(299)
    assert [] == line.bodies()
    cloud.advance(1)
    assert ["5"] == line.bodies()
    assert [3] == struck(cloud)


def test_lost_and_late_messages_overtake_nothing(cloud: LocalCloud, line: Line) -> None:
    """Only one that arrives lets the held one in; copies of it are before it."""
    cloud.fault({"swap": 300, "times": 1}, {"lose": True, "times": 1}, {"delay": 60, "times": 1}, {"duplicate": 1})
    line.publish("held", "lost", "late")
    assert [] == line.bodies()
    line.publish("next")
    assert ["next", "next", "held"] == line.bodies()
    cloud.advance(60)
    assert ["late"] == line.bodies()


def test_messages_and_requests_meet_their_own_rules_only(cloud: LocalCloud, line: Line) -> None:
    """A rule without names for messages leaves publishing alone, one for requests leaves deliveries alone."""
    line.queue.send_message(Message("sent by a client"))
    cloud.fault({"operation": "SendMessage", "drop": True}, {"lose": True})
    line.publish("lost")
    line.queue.batch_peek_message(16)
    assert [0, 1] == struck(cloud)
    cloud.fault({"operation": "SendMessage", "latency": 0}, {"lose": True})
    line.queue.send_message(Message("another"))
    assert ["sent by a client", "another"] == line.bodies()
    assert [1, 0] == struck(cloud)


def test_chance_strikes_the_same_messages_in_every_run(cloud: LocalCloud, line: Line) -> None:
    """One in ten, by how many messages the rule was asked about."""
    numbers = [str(number) for number in range(200)]

    def run() -> list[str]:
        cloud.fault({"lose": True, "probability": 0.1})
        line.publish(*numbers)
        return line.bodies()

    first = run()
    assert 170 <= len(first) <= 190
    assert first == run()
    assert [200 - len(first)] == struck(cloud)


@pytest.mark.parametrize(
    "rule",
    [
        {"duplicate": 0},
        {"duplicate": 101},
        {"delay": 0},
        {"delay": 604_801},
        {"delay": float("nan")},
        {"swap": -1},
        {"lose": False},
        {"lose": True, "delay": 1},
        {"lose": True, "drop": True},
        {"lose": True, "service": "oss"},
        {"lose": True, "service": "mns-open"},
        {"lose": True, "operation": "PublishMessage"},
        {"lose": True, "when": "after"},
        {"drop": True, "operation": "Deliver"},
        {"drop": True, "service": "mns", "operation": "Deliver"},
    ],
)
def test_a_rule_that_fits_no_message_is_refused(cloud: LocalCloud, rule: dict[str, object]) -> None:
    """With the rules in force left as they are."""
    cloud.fault({"lose": True})
    with pytest.raises(ValidationError):
        cloud.fault(rule)
    assert [0] == struck(cloud)


def test_every_queue_of_a_topic_meets_the_rules_by_itself(cloud: LocalCloud, line: Line) -> None:
    """Two subscriptions are two deliveries; what one queue holds back, the other's messages do not let in."""
    with line_of(cloud, name="r") as other:
        cloud.fault({"swap": 300, "times": 1})
        line.publish("a")
        assert (["a"], []) == (other.bodies(), line.bodies())
        line.publish("b")
        assert (["b"], ["b", "a"]) == (other.bodies(), line.bodies())


def test_events_of_buckets_meet_the_rules_too(cloud: LocalCloud, line: Line, bucket: oss2.Bucket) -> None:
    """An event rule that sends to a queue delivers as a topic does."""
    Control(rpc_config(cloud)).create_event_rule(
        control_models.CreateEventRuleRequest(
            product_name="oss",
            rule_name="rule",
            event_types=["ObjectCreated:*"],
            match_rules=[[control_models.EventMatchRule(prefix="pictures/")]],
            endpoint=control_models.CreateEventRuleRequestEndpoint(endpoint_type="queue", endpoint_value="q"),
        )
    )
    cloud.fault({"duplicate": 1})
    bucket.put_object("a.txt", b"x")
    events = [json.loads(b64decode(body))["events"] for body in line.bodies()]
    assert ["a.txt", "a.txt"] == [event["oss"]["object"]["key"] for [event] in events]


def test_index_results_meet_the_rules(cloud: LocalCloud, line: Line, bucket: oss2.Bucket) -> None:
    """BatchIndexFileMeta → topic → queue: first twice, second late, third lost, fourth behind the fifth."""
    imm = ImmClient(rpc_config(cloud))
    imm.create_project(models.CreateProjectRequest(project_name="media"))
    imm.create_dataset(models.CreateDatasetRequest(**PLACE))
    cloud.fault(
        {"duplicate": 1, "times": 1}, {"delay": 90, "times": 1}, {"lose": True, "times": 1}, {"swap": 600, "times": 1}
    )
    for number in range(1, 6):
        bucket.put_object(f"{number}.txt", b"x")
        imm.batch_index_file_meta(
            models.BatchIndexFileMetaRequest(
                **PLACE,
                files=[models.InputFile(uri=f"oss://pictures/{number}.txt")],
                notification=models.Notification(mns=models.MNS(topic_name="results")),
                user_data=f"call {number}",
            )
        )
    cloud.advance(10)
    assert ["call 1", "call 1", "call 5", "call 4"] == [json.loads(body)["UserData"] for body in line.bodies()]
    cloud.advance(90)
    assert ["call 2"] == [json.loads(body)["UserData"] for body in line.bodies()]
    uris = [f"oss://pictures/{number}.txt" for number in range(1, 6)]
    held = imm.batch_get_file_meta(models.BatchGetFileMetaRequest(**PLACE, uris=uris)).body.files
    assert uris == [file.uri for file in held]


def test_a_restart_keeps_what_is_held_back(tmp_path: Path) -> None:
    """Late and overtaken messages, the rules, what is left of them and how often they struck."""
    config = Config(virtual_clock=True)
    with running(config, data=tmp_path / "data") as cloud, line_of(cloud) as line:
        cloud.fault({"swap": 300, "times": 1}, {"delay": 60, "times": 1}, {"lose": True, "times": 2})
        line.publish("held", "late", "lost")
        assert [] == line.bodies()
    with running(config, data=tmp_path / "data") as cloud, line_of(cloud, make=False) as line:
        assert [1, 1, 1] == struck(cloud)
        line.publish("lost too", "next")
        assert ["next", "held"] == line.bodies()
        cloud.advance(60)
        assert ["late"] == line.bodies()


def test_the_readmes_rules_hold_what_it_says(cloud: LocalCloud, line: Line) -> None:
    """Put in force as the command line does: copies, two that change places, some lost, some late."""
    readme = (Path(emulator.__file__).parent / "README.md").read_text()
    [rules] = re.findall("```json\n(.*?)```", readme, re.DOTALL)
    assert requests.put(f"{cloud.url}/_emulator/faults", data=rules, timeout=10).ok
    line.publish("thrice", "overtaken", *map(str, range(100)))
    prompt = line.bodies()
    assert ["thrice", "thrice", "thrice"] == prompt[:3]
    assert "overtaken" == prompt[4]
    cloud.advance(60)
    late = line.bodies()
    lost = 100 - (len(prompt) - 4) - len(late)
    assert [1, 1, lost, len(late)] == struck(cloud)
    assert (4 <= lost <= 16, 10 <= len(late) <= 30) == (True, True)
