"""The gate of a key: the first refusal spares everybody else the call."""

from __future__ import annotations

import pytest

from controller.cloud.credentials import Credentials
from controller.cloud.errors import BadCredentials, ClockSkewed, CloudError, Denied, Ended, TimedOut

ENDED = "InvalidSecurityToken.Expired"


def call(key: Credentials, error: CloudError | None = None, operation: str = "imm:GetDataset") -> None:
    """One call with a key."""
    with key.passing(operation):
        if error is not None:
            raise error


@pytest.mark.parametrize("kind", [BadCredentials, ClockSkewed])
def test_a_refused_key_is_not_tried_again(kind: type[CloudError]) -> None:
    """The second call ends before it is made, in the first one's words and under its own name."""
    key = Credentials("id", "s")
    with pytest.raises(kind):
        call(key, kind("imm:ListBindings", "no", code="SignatureDoesNotMatch", request_id="r"))
    with pytest.raises(kind) as spared:
        call(key)
    said = spared.value
    assert ("imm:GetDataset", "no", "SignatureDoesNotMatch", "r") == (
        said.operation,
        said.message,
        said.code,
        said.request_id,
    )
    assert key.gate is said.gate


@pytest.mark.parametrize("error", [Denied("x", "no"), TimedOut("x", "lost")])
def test_other_failures_leave_it_open(error: CloudError) -> None:
    """They say nothing of the key."""
    key = Credentials("id", "s")
    with pytest.raises(type(error)):
        call(key, error)
    call(key)


@pytest.mark.parametrize(("renewable", "kind"), [(True, Ended), (False, BadCredentials)])
@pytest.mark.parametrize("code", [ENDED, "SecurityTokenExpired"])
def test_the_end_of_a_key_is_a_refusal_only_where_nobody_renews_it(
    kind: type[CloudError], code: str, *, renewable: bool
) -> None:
    """A Secret's token has to be replaced by a person."""
    key = Credentials("id", "s", "t", renewable=renewable)
    for error in (BadCredentials("x", "over", code=code), None):
        with pytest.raises(kind):
            call(key, error)


def test_the_gate_is_no_part_of_what_a_key_is() -> None:
    """The same key, read again, is equal to it, and open."""
    key, again = Credentials("id", "s"), Credentials("id", "s")
    with pytest.raises(BadCredentials):
        call(key, BadCredentials("x", "no"))
    assert again == key
    call(again)
