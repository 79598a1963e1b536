"""The buckets that a source names: each is looked at once, before anything in it is submitted, and so billed."""

from __future__ import annotations

from controller.cloud.errors import Denied, Invalid, WrongRegion
from controller.cloud.ports import OssPort

MOST = 100  # different ones in a run; each takes two calls


class Buckets:
    """What keeps the files of a bucket from being imported.

    Attributes:
        missing: Those that do not exist.
    """

    def __init__(self, oss: OssPort, region: str, work_bucket: str) -> None:
        self.missing: set[str] = set()
        self._oss = oss
        self._region = region
        self._work_bucket = work_bucket
        self._refusals: dict[str, str] = {}

    def refusal(self, bucket: str) -> str:
        """The rule that a bucket breaks, in words; empty when there is none.

        Raises:
            controller.cloud.errors.CloudError: it could not be looked at; the next call looks again.
        """
        known = self._refusals.get(bucket)
        if known is not None:
            return known
        if len(self._refusals) >= MOST:
            return f"this is one more than the {MOST} buckets that a run may name: make one BatchImport for each"
        return self._refusals.setdefault(bucket, self._look(bucket))

    def forget(self, bucket: str) -> None:
        """Look at it again the next time."""
        self._refusals.pop(bucket, None)
        self.missing.discard(bucket)

    def _look(self, bucket: str) -> str:
        if bucket == self._work_bucket:
            return f"bucket {bucket} is the work bucket, and imports never index the operator's own records"
        try:
            facts = self._oss.get_bucket(bucket)
        except WrongRegion:
            return self._elsewhere(bucket, "another region")
        except Invalid as error:
            return f"bucket {bucket} is none that OSS accepts: {error.message}"
        except Denied as error:
            error.message += f" (bucket {bucket})"
            raise
        if facts is None:
            self.missing.add(bucket)
            return f"bucket {bucket} does not exist; create it or correct the name"
        return "" if facts.region == self._region else self._elsewhere(bucket, facts.region)

    def _elsewhere(self, bucket: str, region: str) -> str:
        return (
            f"bucket {bucket} is in {region}, the account in {self._region}; IMM indexes buckets of its own region "
            "only: use a CloudAccount of the bucket's region"
        )
