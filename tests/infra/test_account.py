"""Whose key it is: STS is asked before anything is declared, and no variable gives the provider another identity."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pulumi import RunError
from pulumi.dynamic import Config, ConfigureRequest

from emulator.instance import DEFAULT_ACCOUNT
from emulator.testing import LocalCloud
from infra import account
from infra.provider.owning_account import OwningAccountProvider
from tests.infra.mocked_stack import settings

OTHER = "9999999999999999"


def environment(cloud: LocalCloud, **more: str) -> dict[str, str]:
    """What a person has exported for an account of the local cloud."""
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": cloud.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cloud.access_key_secret,
    } | more


def verify(cloud: LocalCloud, account_id: str, **more: str) -> None:
    """Ask for the small stack, in an account."""
    chosen = settings(account_id=account_id)
    account.verify(chosen, environment(cloud, **more), stack="prod", emulator=cloud.url)


def test_a_key_of_the_stacks_account_passes_with_one_call(cloud: LocalCloud) -> None:
    """Each run makes it, a preview too, so it is one."""
    verify(cloud, cloud.account_id)
    assert {"sts": {"GetCallerIdentity": 1}} == cloud.counts()


def test_a_key_of_another_account_is_refused_with_the_key_the_stack_and_the_way_out(cloud: LocalCloud) -> None:
    """The variable with the account's id says one thing, STS another."""
    stranger = cloud.add_account(OTHER, "LTAIother", "other-secret")
    with pytest.raises(RunError) as caught:
        verify(stranger, cloud.account_id)
    said = str(caught.value)
    assert f"imm-operator:accountId of stack prod is {cloud.account_id}, but STS says that the key in" in said
    assert f"ALIBABA_CLOUD_ACCESS_KEY_ID belongs to account {OTHER}; nothing was changed. Export the key of" in said
    assert f"if the stack belongs to {OTHER}: export ALIBABA_CLOUD_ACCOUNT_ID={OTHER}" in said


@pytest.mark.parametrize("name", [*account.IDENTITIES, *account.OTHER_NAMES])
def test_a_variable_that_may_mean_another_identity_is_refused(cloud: LocalCloud, name: str) -> None:
    """The vendor's provider would work as one, and the provider of IMM projects as another."""
    with pytest.raises(RunError, match=rf"stack prod is not touched: {name} may give .* \(unset {name}\), and export"):
        verify(cloud, cloud.account_id, **{name: "other"})
    assert {} == cloud.counts()
    verify(cloud, cloud.account_id, **{name: ""})


def test_the_same_key_under_another_name_is_no_other_identity(cloud: LocalCloud) -> None:
    """Some export both."""
    same = {"ALICLOUD_ACCESS_KEY": cloud.access_key_id, "ALICLOUD_SECRET_KEY": cloud.access_key_secret}
    verify(cloud, cloud.account_id, **same)


def test_without_an_answer_of_sts_nothing_is_done(cloud: LocalCloud) -> None:
    """The message says what was asked, and why."""
    with pytest.raises(RunError, match="STS does not say which account the key in ALIBABA_CLOUD_ACCESS_KEY_ID"):
        verify(replace(cloud, access_key_secret="wrong"), cloud.account_id)


STATE = {"account_id": DEFAULT_ACCOUNT, "region": "cn-hangzhou"}


@pytest.fixture
def owner(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> OwningAccountProvider:
    """As Pulumi calls it in a stack with `emulator: true`."""
    for name, value in environment(cloud, EMULATOR_URL=cloud.url).items():
        monkeypatch.setenv(name, value)
    made = OwningAccountProvider()
    made.configure(ConfigureRequest(Config({"imm-operator:emulator": "true"}, "imm-operator")))
    return made


def test_a_stack_remembers_its_account_and_refuses_a_run_for_another(owner: OwningAccountProvider) -> None:
    """Also where every variable says the other one."""
    made = owner.create(dict(STATE))
    assert (DEFAULT_ACCOUNT, STATE) == (made.id, made.outs)
    assert [] == owner.check({}, dict(STATE)).failures + owner.check(STATE, dict(STATE)).failures
    assert owner.diff(made.id, STATE, STATE).changes is False
    (failure,) = owner.check(STATE, STATE | {"account_id": OTHER}).failures
    said = (
        f"made in account {DEFAULT_ACCOUNT}, and this run is for account {OTHER}, where nothing of it is: export a key"
    )
    assert said in failure.reason


def test_a_refresh_with_a_key_of_another_account_is_refused(
    owner: OwningAccountProvider, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks before the program runs, and would take all of the stack for deleted."""
    assert STATE == owner.read(DEFAULT_ACCOUNT, STATE).outs
    cloud.add_account(OTHER, "LTAIother", "other-secret")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIother")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "other-secret")
    with pytest.raises(RunError, match=f"made in account {DEFAULT_ACCOUNT}, and this run is for account {OTHER}"):
        owner.read(DEFAULT_ACCOUNT, STATE)
