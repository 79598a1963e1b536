"""The account a stack was made in, as a resource: the state remembers it, and everything else is declared after it.

No stack file holds an account id, so only the state can tell that a run is for another account than the last one.
"""

from __future__ import annotations

import os
from typing import Any

import pulumi
from pulumi import dynamic

from infra import environment as env
from infra.account import caller


class OwningAccountProvider(dynamic.ResourceProvider):
    """Makes nothing. `check` refuses a run for another account, `read` (a refresh) a key of another account."""

    serialize_as_secret_always = False  # it holds no secret
    emulator = False

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Learn from the stack's configuration whether the local cloud is meant."""
        self.emulator = str(req.config.get("emulator") or "").lower() == "true"

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse another account than that of the last run."""
        before, now = olds.get("account_id"), news["account_id"]
        if before in (None, now):
            return dynamic.CheckResult(news, [])
        return dynamic.CheckResult(news, [dynamic.CheckFailure("account_id", _moved(before, now))])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Nothing that passed `check` is a change."""
        return dynamic.DiffResult(changes=False)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Remember the account; `infra.account.verify` has asked whose the key is."""
        return dynamic.CreateResult(props["account_id"], {key: props[key] for key in ("account_id", "region")})

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """A refresh looks before the program runs, so nobody else has asked yet whose the key is."""
        endpoint = env.emulator_url(os.environ) if self.emulator else None
        asked = caller(props["region"], os.environ, endpoint)
        if asked != id_:
            raise pulumi.RunError(_moved(id_, asked))
        return dynamic.ReadResult(id_, {key: props[key] for key in ("account_id", "region")})


class OwningAccount(dynamic.Resource, module="imm", name="OwningAccount"):
    """The account that a stack belongs to from its first update on."""

    def __init__(self, name: str, account_id: str, region: str) -> None:
        super().__init__(OwningAccountProvider(), name, {"account_id": account_id, "region": region})


def _moved(before: str, now: str) -> str:
    return (
        f"this stack was made in account {before}, and this run is for account {now}, where nothing of it is: export a "
        f"key of {before} and {env.ACCOUNT_ID}={before}, and run it again. For account {now} make a stack of its own: "
        "pulumi stack init NAME"
    )
