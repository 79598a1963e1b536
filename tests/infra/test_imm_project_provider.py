"""Our dynamic provider for IMM projects, called as Pulumi calls it, against the local cloud."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi import RunError
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.dynamic.dynamic import serialize_provider

from controller.cloud.errors import Denied, TimedOut
from emulator.testing import LocalCloud
from infra.provider.imm_project import ImmProjectProvider
from infra.provider.imm_project_rules import DEFAULTS, IN_PLACE, KEYS, RULES, failures

UNASKED: dict[str, Any] = dict.fromkeys(IN_PLACE)
PROPS: dict[str, Any] = UNASKED | {
    "name": "media",
    "region": "cn-hangzhou",
    "service_role": "AliyunIMMDefaultRole",
    "description": "Photos",
}
FULL = PROPS | {
    "template_id": "Official:AllFunction",
    "project_max_dataset_count": 50,
    "dataset_max_bind_count": 3,
    "dataset_max_file_count": 1000,
    "dataset_max_entity_count": 2000,
    "dataset_max_relation_count": 3000,
    "dataset_max_total_file_size": 4000,
    "tags": {"stack": "dev"},
}


@pytest.fixture
def provider(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> ImmProjectProvider:
    """The provider of a stack with `emulator: true`."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", cloud.access_key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", cloud.access_key_secret)
    monkeypatch.setenv("EMULATOR_URL", cloud.url)
    made = ImmProjectProvider()
    made.configure(ConfigureRequest(Config({"imm-operator:emulator": "true"}, "imm-operator")))
    return made


def live(provider: ImmProjectProvider, props: dict[str, Any]) -> dict[str, Any]:
    """What a refresh sees of a project that was asked for with these properties."""
    return dict(provider.read("media", props).outs or {})


@pytest.mark.parametrize("props", [PROPS, FULL], ids=["little", "everything"])
def test_a_project_goes_through_its_life(provider: ImmProjectProvider, props: dict[str, Any]) -> None:
    """Create, read without drift, update in place, read again, delete, and it is gone."""
    made = provider.create(dict(props))
    assert made.id == "media"
    assert (made.outs, made.outs) == (props, live(provider, made.outs or {}))
    changed = props | {"description": "Films"}
    assert changed == provider.update("media", made.outs or {}, changed).outs
    assert "Films" == live(provider, changed)["description"]
    provider.delete("media", changed)
    assert provider.read("media", changed).id == ""
    provider.delete("media", changed)  # absence is success


def test_everything_can_be_changed_in_place(provider: ImmProjectProvider) -> None:
    """Every property but name and region."""
    provider.create(dict(PROPS))
    provider.update("media", PROPS, FULL)
    assert FULL == live(provider, FULL)


def test_numbers_come_as_pulumi_sends_them(provider: ImmProjectProvider) -> None:
    """Its protocol knows no whole numbers, and the cloud takes no others."""
    made = provider.create(PROPS | {"dataset_max_bind_count": 3.0})
    assert "3" == repr((made.outs or {})["dataset_max_bind_count"])
    assert 3 == live(provider, made.outs or {})["dataset_max_bind_count"]


def test_drift_is_seen_by_a_refresh(provider: ImmProjectProvider) -> None:
    """What somebody changed in the console differs from what is asked for, whichever property it is."""
    provider.create(dict(FULL))
    provider.update("media", {}, FULL | {"dataset_max_bind_count": 9, "tags": {"stack": "prod"}})
    seen = live(provider, FULL)
    assert {"dataset_max_bind_count": 9, "tags": {"stack": "prod"}} == {
        key: seen[key] for key in FULL if seen[key] != FULL[key]
    }
    assert provider.diff("media", seen, FULL).changes is True


def test_what_was_never_asked_for_is_no_drift(provider: ImmProjectProvider) -> None:
    """The cloud's own defaults, and what a person set in the console beside us."""
    provider.create(dict(PROPS))
    provider.update("media", {}, FULL)
    seen = live(provider, PROPS)
    assert (PROPS, False) == (seen, provider.diff("media", seen, PROPS).changes)


CHANGES: list[tuple[dict[str, Any], list[str], bool]] = [
    ({}, [], False),
    ({"description": "Films"}, [], True),
    ({"service_role": "imm-media"}, [], True),
    ({"template_id": "Official:ImageManagement"}, [], True),
    ({"dataset_max_bind_count": 4}, [], True),
    ({"project_max_dataset_count": 51}, [], True),
    ({"tags": {"stack": "dev", "team": "a"}}, [], True),
    ({"dataset_max_bind_count": 3.0}, [], False),  # as Pulumi's protocol sends it
    ({"description": None}, [], False),  # refused before, by check
    ({"tags": None}, [], False),
    ({"name": "films"}, ["name"], True),
    ({"region": "cn-beijing"}, ["region"], True),
    ({"name": "films", "region": "cn-beijing", "description": "x"}, ["name", "region"], True),
]


@pytest.mark.parametrize(("change", "replaces", "changes"), CHANGES)
def test_only_name_and_region_need_a_replacement(
    change: dict[str, Any],
    replaces: list[str],
    changes: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A pure comparison: no call is made."""
    result = ImmProjectProvider().diff("media", FULL, FULL | change)
    assert (result.replaces, result.changes) == (replaces, changes)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "1 bad"),
        ("name", "m" * 129),
        ("region", "hangzhou"),
        ("service_role", ""),
        ("description", "d" * 257),
        ("template_id", ""),
        ("project_max_dataset_count", 0),
        ("dataset_max_bind_count", 11),
        ("dataset_max_file_count", 100_000_001),
        ("dataset_max_entity_count", 0),
        ("dataset_max_relation_count", -1),
        ("dataset_max_total_file_size", 1.5),
        ("tags", {"": "x"}),
    ],
)
def test_what_the_cloud_would_refuse_is_refused_before(key: str, value: object) -> None:
    """With the property it stands in."""
    (failure,) = ImmProjectProvider().check({}, PROPS | {key: value}).failures
    assert failure.property == key
    assert repr(value) in failure.reason


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("description", "'Photos' would silently stay: give description of project media a value (another value)"),
        ("template_id", "give templateId of project media a value (another value)"),
        ("project_max_dataset_count", "50 would silently stay: give quotas.maxDatasetCount of project media a value"),
        ("dataset_max_bind_count", "give quotas.maxBindCount of project media a value (10, a new project's own)"),
        ("dataset_max_file_count", "quotas.maxFileCount of project media a value (100000000, a new project's own)"),
        ("dataset_max_entity_count", "quotas.maxEntityCount of project media a value (10000000000, a new"),
        ("dataset_max_relation_count", "quotas.maxRelationCount of project media a value (100000000000, a new"),
        ("dataset_max_total_file_size", "quotas.maxTotalFileSize of project media a value (90000000000000000, a"),
    ],
)
def test_what_is_left_out_after_it_was_asked_for_is_refused(key: str, said: str) -> None:
    """UpdateProject leaves it as it was, so the configuration would no longer say what the cloud has."""
    as_pulumi_sends = {name: float(value) if isinstance(value, int) else value for name, value in FULL.items()}
    (failure,) = ImmProjectProvider().check(as_pulumi_sends, FULL | {key: None}).failures
    assert key == failure.property
    assert "UpdateProject cannot unset it, so " in failure.reason
    assert said in failure.reason
    assert [] == ImmProjectProvider().check(FULL, FULL | {key: None, "name": "films"}).failures  # it is made anew
    assert DEFAULTS.keys() | {"template_id", "description"} == KEYS.keys() == set(IN_PLACE) - {"service_role", "tags"}
    assert not [*failures(PROPS | DEFAULTS)]


@pytest.mark.parametrize("props", [PROPS, FULL, {"name": "media", "region": "cn-hangzhou"}])
def test_what_is_legal_or_not_known_yet_passes(props: dict[str, Any]) -> None:
    """In a preview the role's name may not be known."""
    checked = ImmProjectProvider().check({}, dict(props))
    assert ([], props) == (checked.failures, checked.inputs)
    assert set(RULES) == {"name", "region", *IN_PLACE}


def test_a_create_whose_answer_was_lost_is_ours(provider: ImmProjectProvider, cloud: LocalCloud) -> None:
    """It was absent a moment before, so nobody else made it."""
    cloud.fault({"service": "imm", "operation": "CreateProject", "when": "after", "times": 1, "drop": True})
    assert provider.create(dict(PROPS)).id == "media"
    assert [entry["operation"] for entry in cloud.requests("imm")].count("CreateProject") == 1


def test_a_create_that_was_lost_on_its_way_is_a_failure(provider: ImmProjectProvider, cloud: LocalCloud) -> None:
    """Pulumi runs again, and nothing stands in its state that is not there."""
    cloud.fault({"service": "imm", "operation": "CreateProject", "when": "before", "times": 1, "drop": True})
    with pytest.raises(TimedOut):
        provider.create(dict(PROPS))
    assert provider.read("media", PROPS).id == ""


def test_a_project_that_exists_already_is_refused(provider: ImmProjectProvider, cloud: LocalCloud) -> None:
    """A stack that took it over would delete it some day; also if somebody is faster by a moment."""
    provider.create(dict(PROPS))
    with pytest.raises(RunError, match="exists already in cn-hangzhou and does not belong to this stack"):
        provider.create(dict(PROPS))
    absent = {"status": 400, "code": "ResourceNotFound", "message": "The specified resource Project is not found."}
    cloud.fault({"service": "imm", "operation": "GetProject", "times": 1, "error": absent})
    with pytest.raises(RunError, match="exists already in cn-hangzhou and does not belong to this stack"):
        provider.create(dict(PROPS))


def test_a_delete_is_refused_while_there_are_datasets(provider: ImmProjectProvider, cloud: LocalCloud) -> None:
    """They are the operator's, and the message says how they go."""
    provider.create(dict(PROPS))

    def add(instance: Any) -> None:
        from emulator.imm.state import Dataset  # noqa: PLC0415 - the local cloud's own state, in its own thread

        held = instance.cloud.imm(cloud.account_id, "cn-hangzhou").projects["media"].datasets
        held.update({name: Dataset(name, created=0.0, updated=0.0) for name in ("photos", "films")})

    cloud.run(add)
    with pytest.raises(RunError, match=r"IMM project media still holds 2 dataset\(s\), e\.g\. films, photos: delete"):
        provider.delete("media", PROPS)
    assert "DeleteProject" not in [entry["operation"] for entry in cloud.requests("imm")]


def test_a_refusal_of_the_cloud_reaches_the_person_with_its_code(
    provider: ImmProjectProvider, cloud: LocalCloud
) -> None:
    """IMM refuses a role that its caller does not cover."""
    refused = {"status": 403, "code": "NoPermission", "message": "you hold less than the role"}
    cloud.fault({"service": "imm", "operation": "UpdateProject", "error": refused})
    provider.create(dict(PROPS))
    with pytest.raises(Denied, match="NoPermission"):
        provider.update("media", PROPS, PROPS | {"service_role": "other"})


def test_without_a_key_the_message_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where the local cloud's comes from."""
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_ID", raising=False)
    with pytest.raises(RunError, match="ALIBABA_CLOUD_ACCESS_KEY_ID is not set: export it, or for the local cloud"):
        ImmProjectProvider().create(dict(PROPS))


def test_what_is_pickled_into_the_state_carries_nothing(provider: ImmProjectProvider) -> None:
    """Only the class's place: no key, no address, no code that ages with a Python version."""
    pickled = serialize_provider(ImmProjectProvider())
    assert len(pickled) < 200
    assert ImmProjectProvider.serialize_as_secret_always is False
