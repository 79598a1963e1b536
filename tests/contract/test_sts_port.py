"""`controller.cloud.sts.Sts` against the emulator, through the official SDK."""

from __future__ import annotations

from emulator.testing import LocalCloud
from tests.contract.conftest import Ports


def test_the_root_key_is_recognized_as_such(ports: Ports, cloud: LocalCloud) -> None:
    """Account, ARN, and that it is the root."""
    caller = ports.sts.get_caller()
    assert (cloud.account_id, f"acs:ram::{cloud.account_id}:root", True) == (
        caller.account_id,
        caller.arn,
        caller.is_root,
    )
