"""The declarations of unverified facts: how they are set, that each is tested, and that the page is fresh."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from emulator.cli import main
from emulator.instance import Config
from emulator.switches import Switches
from emulator.testing import LocalCloud, running
from emulator.unverified import checked, page, read, switches
from tests.emulator.processes import emulator
from tests.emulator.switch_probes import IN_THE_GATEWAY, PROBES, WITH_A_LISTENER

PAGE = Path(__file__).parents[2] / "docs" / "unverified.md"


def test_the_page_is_fresh() -> None:
    """`python -m emulator unverified --write docs/unverified.md` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
    assert CliRunner().invoke(main, ["unverified"]).output == page()


def test_writing_the_page_makes_the_file(tmp_path: Path) -> None:
    """With its folder."""
    target = tmp_path / "docs" / "unverified.md"
    assert 0 == CliRunner().invoke(main, ["unverified", "--write", str(target)]).exit_code
    assert page() == target.read_text(encoding="utf-8")


def test_every_fact_is_told_in_full() -> None:
    """A question, who it matters to, a source, a default that is one of the values."""
    for name, switch in switches().items():
        assert "?" in switch.fact.question
        assert switch.fact.affects
        assert switch.fact.source
        assert switch.default == checked(name, switch.default)
        assert len(switch.values) > 1 or switch.bounds is not None
    assert list(switches()) == [field.name for field in fields(Switches)]


def test_every_switch_has_a_test() -> None:
    """A new one without a probe fails here."""
    elsewhere = {"test_unverified_gateway.py": IN_THE_GATEWAY, "test_image_batches_callback.py": WITH_A_LISTENER}
    assert switches().keys() == PROBES.keys() | IN_THE_GATEWAY | WITH_A_LISTENER
    for file, names in elsewhere.items():
        tests = (Path(__file__).parent / file).read_text(encoding="utf-8")
        assert {name for name in names if name in tests} == names


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("notification_base64=true", True),
        ("delete_binding_seconds=2.5", 2.5),
        ("delete_binding_seconds=3", 3.0),
        ("request_target_max=8190", 8190),
        ("throttling_status=429", 429),
        ("duplicate_binding_code=InvalidArgument", "InvalidArgument"),
    ],
)
def test_a_command_line_names_a_value_by_its_text(text: str, value: object) -> None:
    """In the type the switch has."""
    name, found = read(text)
    assert (value, type(value), text.partition("=")[0]) == (found, type(found), name)


@pytest.mark.parametrize(
    "text",
    [
        "notification_base64=yes",
        "notification_base64",
        "delete_binding_seconds=-1",
        "delete_binding_seconds=nan",
        "request_target_max=1e5",
        "throttling_status=401",
        "duplicate_binding_code=Sorry",
        "no_such_switch=1",
    ],
)
def test_a_wrong_one_is_refused_with_what_there_is(text: str) -> None:
    """By the command line too, before anything is started."""
    with pytest.raises(ValueError, match=r"takes|there is no switch"):
        read(text)
    done = CliRunner().invoke(main, ["run", "--switch", text])
    assert (2, True) == (done.exit_code, "--switch" in done.output)


def test_the_types_of_values_count() -> None:
    """True is no number and 1 no truth."""
    wrong: list[tuple[str, Any]] = [("notification_base64", 1), ("throttling_retry_after_ms", True)]
    for name, value in wrong:
        with pytest.raises(ValueError, match="takes"):
            checked(name, value)


def test_a_reset_goes_back_to_what_it_was_started_with() -> None:
    """Not to the defaults."""

    def now(cloud: LocalCloud) -> tuple[object, object]:
        return cloud.run(
            lambda instance: (
                instance.cloud.switches.lost_bucket_state,
                instance.cloud.switches.notification_base64,
            )
        )

    with running(Config(virtual_clock=True, switches=(("lost_bucket_state", "Retrying"),))) as cloud:
        cloud.switch("notification_base64", value=True)
        assert ("Retrying", True) == now(cloud)
        cloud.reset()
        assert ("Retrying", False) == now(cloud)


def test_the_page_names_no_place_of_this_machine() -> None:
    """It is published."""
    assert re.search(r"/work|/home|/tmp|localhost", page()) is None


def ask(url: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
    """The admin page of switches."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    connection.request(method, "/_emulator/switches", None if body is None else json.dumps(body))
    answer = connection.getresponse()
    document = json.load(answer)
    connection.close()
    return answer.status, document


def test_the_admin_page_sets_a_value_of_the_right_type(cloud: LocalCloud) -> None:
    """PATCH takes JSON's own types."""
    status, shown = ask(cloud.url, "PATCH", {"throttling_status": 429, "delete_binding_seconds": 3})
    assert (200, 429, 3.0) == (status, shown["throttling_status"], shown["delete_binding_seconds"])
    status, shown = ask(cloud.url, "PATCH", {"throttling_status": "429"})
    assert (400, "switch throttling_status takes 400, 429, 503, not '429'") == (status, shown["error"])


def test_a_process_starts_under_other_readings() -> None:
    """`--switch`, as often as wanted."""
    with emulator("--switch", "lost_bucket_state=Retrying", "--switch", "notification_base64=true") as running_one:
        _, shown = ask(running_one.url)
    assert ("Retrying", True) == (shown["lost_bucket_state"], shown["notification_base64"])
