"""What the cloud said of a key as a whole: after a refusal of it, no further call is made with it.

Many objects work with one key at the same time. The first of them to learn that it is wrong, ended, or signed by a
clock that is off spares the others their calls; the account's own pass finds out more, with a key read anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from controller.cloud.errors import BadCredentials, ClockSkewed, CloudError, Ended

_ENDED = ("SecurityTokenExpired", "InvalidSecurityToken.Expired")


class Gate:
    """Open until a call through it is refused because of its key. Safe to share between threads."""

    def __init__(self) -> None:
        self._refusal: CloudError | None = None  # the first one stays; a second in the same moment says the same

    @contextmanager
    def passing(self, operation: str, *, renewable: bool) -> Iterator[None]:
        """Make one call in the block, or raise what an earlier one was refused with.

        Args:
            operation: What is about to be called.
            renewable: The operator fetches the next key by itself, so the end of this one is no refusal.
        """
        refusal = self._refusal
        if refusal is not None:
            raise self._said(type(refusal), operation, refusal)
        try:
            yield
        except (BadCredentials, ClockSkewed) as error:
            kind = Ended if renewable and error.code.startswith(_ENDED) else type(error)
            self._refusal = self._said(kind, operation, error)
            raise self._refusal from error

    def _said(self, kind: type[CloudError], operation: str, error: CloudError) -> CloudError:
        made = kind(operation, error.message, code=error.code, request_id=error.request_id)
        made.gate = self
        return made
