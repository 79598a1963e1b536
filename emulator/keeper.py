"""Between answers and the disk: nothing is acknowledged before it is saved. Without a directory it does nothing."""

from __future__ import annotations

import json
import logging
import re
from contextlib import nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING

from emulator.call import Reply
from emulator.persistence.failures import NotSavedError
from emulator.refusal import Refusal
from emulator.wire.http import HttpAnswer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from emulator.persistence.store import Store

log = logging.getLogger(__name__)

# By the vendor's own naming. What such an operation does change (it drops expired messages, puts due updates in force)
# follows from the state and the clock, and comes about again after a restart.
_READS = re.compile(
    r"(Batch)?(Get|List|Head|Peek|Describe)|(Simple|Fuzzy|Semantic)Query|Options|"
    r"Detail|SearchImage|CheckImage|IncreaseList|DumpMetaList"
)
_NOTHING = nullcontext()


@lru_cache(maxsize=1024)
def only_reads(operation: str) -> bool:
    """Whether an operation of this name changes nothing worth keeping."""
    return _READS.match(operation) is not None


class Keeper:
    """A server's view of its store."""

    def __init__(self, store: Store | None) -> None:
        self._store = store

    def watching(self, operation: str) -> AbstractContextManager[None]:
        """Around an operation: what it takes out of the state may have changed, unless it only reads."""
        return self.only_reading() if only_reads(operation) else _NOTHING

    def only_reading(self) -> AbstractContextManager[None]:
        """Around what looks at the state and changes nothing."""
        return _NOTHING if self._store is None else self._store.watch.pause()

    async def saved(self) -> None:
        """Return when everything is on disk.

        Raises:
            NotSavedError: It could not be written.
        """
        if self._store is not None:
            await self._store.saved()

    async def confirm(self, outcome: Reply | Refusal) -> Reply | Refusal:
        """The outcome, once everything up to it is on disk; InternalError if that fails."""
        try:
            await self.saved()
        except NotSavedError as error:
            log.error("%s", error)  # noqa: TRY400 - the message says it all
            return Refusal(500, "InternalError", str(error))
        return outcome

    async def confirm_admin(self, answer: HttpAnswer) -> HttpAnswer:
        """The same for the emulator's own pages."""
        try:
            await self.saved()
        except NotSavedError as error:
            return HttpAnswer(500, {"content-type": "application/json"}, json.dumps({"error": str(error)}).encode())
        return answer

    async def close(self) -> None:
        """Save what is left and close the directory."""
        if self._store is not None:
            await self._store.close()
