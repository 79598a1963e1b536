"""Whose cloud this is: a run goes on only where STS says that its key belongs to the stack's account.

With another account's key nothing of the stack would be found, and all of it be made again there.
"""

from __future__ import annotations

from collections.abc import Mapping

from pulumi import RunError

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.errors import CloudError
from controller.cloud.limiter import Lane, Limiters
from infra import environment as env
from infra.settings import StackSettings

# Variables by which pulumi-resource-alicloud may work as somebody else than ALIBABA_CLOUD_ACCESS_KEY_ID says (its
# provider.go, 1.285): a profile's role is taken on even where a key is given. `infra.provider` knows none of them.
IDENTITIES = ("ALICLOUD_PROFILE", "ALIBABA_CLOUD_PROFILE", "ALICLOUD_ECS_ROLE_NAME", "ALIBABA_CLOUD_ECS_METADATA")
# Other names of the key, which the vendor's provider reads before ours or where ours is missing.
OTHER_NAMES = {
    "ALICLOUD_ACCESS_KEY": env.ACCESS_KEY_ID,
    "ALICLOUD_SECRET_KEY": env.ACCESS_KEY_SECRET,
    "ALICLOUD_SECURITY_TOKEN": env.SECURITY_TOKEN,
    "ALIBABACLOUD_SECURITY_TOKEN": env.SECURITY_TOKEN,
}


def verify(settings: StackSettings, environment: Mapping[str, str], *, stack: str, emulator: str | None) -> None:
    """Ask STS once whose key this is; `emulator` is the local cloud's address, None for Alibaba Cloud.

    Raises:
        pulumi.RunError: the key belongs to another account than the stack's, STS does not say, or a variable may name
            another identity.
    """
    _refuse_other_identities(environment, stack)
    account_id = caller(settings.region, environment, emulator)
    if account_id != settings.account_id:
        raise RunError(
            f"imm-operator:accountId of stack {stack} is {settings.account_id}, but STS says that the key in "
            f"{env.ACCESS_KEY_ID} belongs to account {account_id}; nothing was changed. Export the key of an identity "
            f"in {settings.account_id}, or if the stack belongs to {account_id}: export {env.ACCOUNT_ID}={account_id}"
        )


def caller(region: str, environment: Mapping[str, str], emulator: str | None) -> str:
    """The account that the key in the environment belongs to.

    Raises:
        pulumi.RunError: a variable is missing, or STS does not say.
    """
    clouds, place = AlibabaClouds(Limiters(), Rates(), sts_endpoint=emulator), Place(account_id="", region=region)
    try:
        return clouds.sts(place, env.credentials(environment), Lane.EDIT).get_caller().account_id
    except CloudError as error:
        raise RunError(
            f"STS does not say which account the key in {env.ACCESS_KEY_ID} belongs to, and without that nothing is "
            f"done: {error}"
        ) from error


def _refuse_other_identities(environment: Mapping[str, str], stack: str) -> None:
    named = [name for name in IDENTITIES if environment.get(name)]
    named += [
        name for name, ours in OTHER_NAMES.items() if environment.get(name, "") not in ("", environment.get(ours))
    ]
    if named:
        raise RunError(
            f"stack {stack} is not touched: {', '.join(named)} may give the provider another identity than "
            f"{env.ACCESS_KEY_ID}, which makes the IMM projects. Unset it (unset {' '.join(named)}), and export the "
            f"one key as {env.ACCESS_KEY_ID} and {env.ACCESS_KEY_SECRET}"
        )
