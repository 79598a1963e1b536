"""What a message of the queue says, whichever way it was wrapped.

Two shapes are documented, flat (the vendor's indexing guide) and in an event (document 2743997); either may come raw or
in base64, and inside the notification of a subscription that does not ask for the simplified format. None of it is
trusted: a body that is anything else is nobody's, and work is bounded by its length.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.api.bounds import cut
from controller.core.facts import FileOutcome
from controller.core.imports.documents import RunRecord
from controller.core.imports.identity import Address, parse_user_data
from controller.core.imports.records import Verdicts, ranges_of
from controller.core.imports.run import RunState

MAX_BODY = 256 * 1024  # characters; MNS takes 64 KiB
MAX_LAYERS = 8  # base64, wrapper, base64, event, string, and some to spare
MAX_ERROR = 512
UNNAMED = "IMM reports a failure of the whole call and gives no reason"
XML = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Notice:
    """The outcome of an index call, as IMM tells it. `success` is of the call: a file's own error decides on the file.

    It is ours only if it `fits` the record of the run that its address names.
    """

    address: Address
    project: str
    dataset: str
    files: tuple[FileOutcome, ...]
    success: bool
    message: str

    def fits(self, run: str, record: RunRecord) -> bool:
        """Whether it answers a call of this very run: its nonce is known to nobody else."""
        said = self.address.run, self.address.nonce, self.project, self.dataset
        return said == (run, record.nonce, record.project, record.dataset)


def read_notice(body: str) -> Notice | None:
    """The notice in a message's body; None when it is not the result of an index call that carries our UserData."""
    if len(body) > MAX_BODY:
        return None
    layer: Any = body
    for _ in range(MAX_LAYERS):
        match layer:
            case str():
                layer = _opened(layer)
            case {"ProjectName": str(project), "DatasetName": str(dataset), "Success": bool(success)}:
                return _flat(layer, project, dataset, success=success)
            case {"content": str() | dict() as inner} | {"Message": str() | dict() as inner}:
                layer = inner
            case _:
                return None
    return None


def outcomes(notice: Notice) -> tuple[FileOutcome, ...]:
    """What became of each file that a notice names. One that failed as a whole and names no error fails them all."""
    if notice.success or any(one.error for one in notice.files):
        return notice.files
    return tuple(FileOutcome(one.uri, notice.message or UNNAMED) for one in notice.files)


def verdicts(notice: Notice, state: RunState, at: datetime) -> Verdicts | None:
    """What a run's journal is to hold of a notice; None where it tells nothing new: a duplicate, or a late word.

    A failure of the whole call that names no file is one of all its files. A file that the call did not hold is passed
    over, as is one that has its verdict.
    """
    known = state.open.get(notice.address.chunk)
    if known is None:
        return None
    awaited = state.awaited(known.chunk)
    errors: dict[int, str] = {}
    if notice.files:
        told = outcomes(notice)
        for index, one in zip(state.find(known.chunk, [one.uri for one in told]), told, strict=True):
            if index is not None:
                errors[index] = errors.get(index) or one.error
    elif not notice.success:
        errors = dict.fromkeys(awaited, notice.message or UNNAMED)
    succeeded = [index for index in awaited if errors.get(index) == ""]
    failed = [(index, errors[index]) for index in awaited if errors.get(index)]
    if not (succeeded or failed):
        return None
    return Verdicts(notice.address.chunk, at, "message", ranges_of(succeeded), tuple(failed))


def _opened(text: str) -> Any:
    """The next layer of a text: JSON, XML, or base64 of either; None when it is none of them."""
    text = text.strip()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if text.startswith("<"):
        inner = XML.search(text)
        return html.unescape(inner[1]) if inner else None
    try:
        return b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        return None


def _flat(event: dict[str, Any], project: str, dataset: str, *, success: bool) -> Notice | None:
    stated = event.get("Files")
    files = [one for one in stated if isinstance(one, dict)] if isinstance(stated, list) else []
    # Where IMM puts UserData is not documented: at the top, or with each file.
    named = {text for one in (event, *files) if isinstance(text := one.get("UserData"), str) and text}
    address = parse_user_data(named.pop()) if len(named) == 1 else None
    if address is None:
        return None
    told = tuple(FileOutcome(one["URI"], _error(one.get("Error"))) for one in files if isinstance(one.get("URI"), str))
    return Notice(address, project, dataset, told, success, _error(event.get("Message")))


def _error(value: Any) -> str:
    """An error's text; anything that is not empty is one, whatever its type."""
    return cut(value if isinstance(value, str) else json.dumps(value), MAX_ERROR) if value else ""
