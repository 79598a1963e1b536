"""`controller.cloud.oss.Oss` against the emulator, through oss2."""

from __future__ import annotations

from collections.abc import Callable

import oss2
import pytest

from controller.cloud.errors import Denied
from controller.core.facts import BucketFacts
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports


def test_a_bucket_is_reported_with_region_objects_and_bytes(ports: Ports, bucket: oss2.Bucket) -> None:
    """The region as IMM writes it, without OSS's prefix."""
    bucket.put_object("a", b"123")
    bucket.put_object("b/c", b"4567")
    assert BucketFacts("photos", "cn-hangzhou", objects=2, size=7) == ports.oss.get_bucket("photos")


def test_a_bucket_that_nobody_has_is_absent(ports: Ports) -> None:
    """None, not an error."""
    assert ports.oss.get_bucket("nobody-has-this") is None


def test_somebody_elses_bucket_is_denied_not_absent(
    cloud: LocalCloud, ports_of: Callable[..., Ports], bucket: oss2.Bucket
) -> None:
    """Bucket names are global: creating it would not help."""
    stranger = cloud.add_account("9999999999999999", "LTAIstranger", "stranger-secret")
    with pytest.raises(Denied) as caught:
        ports_of(stranger).oss.get_bucket("photos")
    assert "AccessDenied" == caught.value.code
    assert caught.value.request_id
