"""Our dynamic provider for IMM projects, called as Pulumi calls it, against the local cloud."""

from __future__ import annotations

import pytest
from pulumi import RunError
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.dynamic.dynamic import serialize_provider

from emulator.testing import LocalCloud
from infra.provider.imm_project import ImmProjectProvider

PROPS = {"name": "media", "region": "cn-hangzhou", "service_role": "AliyunIMMDefaultRole", "description": "Photos"}


@pytest.fixture
def provider(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> ImmProjectProvider:
    """The provider of a stack with `emulator: true`."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", cloud.access_key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", cloud.access_key_secret)
    monkeypatch.setenv("EMULATOR_URL", cloud.url)
    made = ImmProjectProvider()
    made.configure(ConfigureRequest(Config({"imm-operator:emulator": "true"}, "imm-operator")))
    return made


def test_a_project_goes_through_its_life(provider: ImmProjectProvider) -> None:
    """Create, read, update in place, read again, delete, and it is gone."""
    made = provider.create(dict(PROPS))
    assert made.id == "media"
    assert provider.read("media", made.outs or {}).outs == PROPS | {"template_id": None}
    provider.update("media", made.outs or {}, PROPS | {"description": "Films"})
    assert (provider.read("media", PROPS).outs or {})["description"] == "Films"
    provider.delete("media", PROPS)
    assert provider.read("media", PROPS).id == ""
    provider.delete("media", PROPS)  # absence is success


def test_drift_is_seen_by_a_refresh(provider: ImmProjectProvider) -> None:
    """What somebody changed in the console differs from what is asked for."""
    provider.create(dict(PROPS))
    provider.update("media", {}, PROPS | {"description": "Changed by hand"})
    live = provider.read("media", PROPS).outs or {}
    assert provider.diff("media", live, PROPS).changes is True


@pytest.mark.parametrize(
    ("change", "replaces", "changes"),
    [
        ({}, [], False),
        ({"description": "Films"}, [], True),
        ({"service_role": "imm-media"}, [], True),
        ({"description": None}, [], False),  # not asked for: the cloud's stays
        ({"name": "films"}, ["name"], True),
        ({"region": "cn-beijing"}, ["region"], True),
    ],
)
def test_only_name_and_region_need_a_replacement(
    change: dict[str, str | None],
    replaces: list[str],
    changes: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A pure comparison: no call is made."""
    result = ImmProjectProvider().diff("media", PROPS, PROPS | change)
    assert (result.replaces, result.changes) == (replaces, changes)


def test_a_name_the_cloud_would_refuse_is_refused_before() -> None:
    """With the property it stands in."""
    (failure,) = ImmProjectProvider().check({}, PROPS | {"name": "1 bad"}).failures
    assert failure.property == "name"
    assert ImmProjectProvider().check({}, dict(PROPS)).failures == []


def test_a_create_whose_answer_was_lost_is_ours(provider: ImmProjectProvider, cloud: LocalCloud) -> None:
    """It was absent a moment before, so nobody else made it."""
    cloud.fault({"service": "imm", "operation": "CreateProject", "when": "after", "times": 1, "drop": True})
    assert provider.create(dict(PROPS)).id == "media"
    assert [entry["operation"] for entry in cloud.requests("imm")].count("CreateProject") == 1


def test_a_project_that_exists_already_is_refused(provider: ImmProjectProvider) -> None:
    """A stack that took it over would delete it some day."""
    provider.create(dict(PROPS))
    with pytest.raises(RunError, match="exists already in cn-hangzhou and does not belong to this stack"):
        provider.create(dict(PROPS))


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
