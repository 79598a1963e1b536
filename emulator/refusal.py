"""What a service says no with: apart from `call`, so that what only refuses need not know the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Refusal(Exception):
    """The service says no: `status` and `code` as documented, rendered in the caller's protocol with `headers`.

    `denied` is what an answer tells of a right that is missing (AccessDeniedDetail); None for every other refusal.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        denied: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.headers = headers or {}
        self.denied = denied
        self.status = status
        self.code = code
        self.message = message
