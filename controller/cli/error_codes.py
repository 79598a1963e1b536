"""The page of the cloud's error codes, printed from the tables by which the adapters tell them apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc

from controller.cli.manifest_rules import cell
from controller.cloud import imagesearch_errors, mns, openapi, oss_calls
from controller.cloud.errors import (
    CloudError,
    Invalid,
    Overloaded,
    Retryable,
    Throttled,
    TimedOut,
    TooLong,
    Unavailable,
    WrongRegion,
)
from controller.core.plan import Standing
from controller.reconcile.failures import KEYS, TERMINAL, verdict_of

INTRODUCTION = """# Error codes

<!-- Generated from controller/cloud and controller/reconcile by `make crds`. Do not edit. -->

What the cloud's own error codes mean to the operator, which reason an object then shows, and who acts next. The code
stands in the object's message behind the operation (`imm:CreateBinding: QuotaExceeded …`), with the request id in its
event and in the log ([logs](guides/observability.md#logs)). What a reason means, and all that can be done about it, is
in [reasons.md](reasons.md); where to begin in [troubleshooting.md](troubleshooting.md).

A code counts by its beginning, those of OSS as they are: `Throttling` is `Throttling.User`, too. "Tried again" is by
the operator itself, later each time; nothing has to be done unless it stays.
"""
OPENAPI = """## IMM, Image Search, STS

The gateway of these services answers in one form. Absence is no error: `{not_found}` of the thing itself only says that
it is not there; of the project or dataset it belongs to it is `ProjectNotFound`.
"""
IMAGE_SEARCH = """## Image Search besides

Its table of errors has no code for a second batch, nor for a missing authorization, so the words decide as well.
"""
OSS = f"""## OSS

`NoSuchKey` and `NoSuchUpload` say that something is not there, which is no error of a call. `{oss_calls.VERSIONED}` is
the operator's own: the work bucket keeps versions, or once did, and OSS then overwrites records that are written once.
"""
MNS = f"""## MNS

`{mns.NO_MESSAGE}` says that the queue is empty, `{mns.BAD_HANDLE}` that a message has come back to it meanwhile and
will be received again. Neither is an error.
"""
WITHOUT = """## Without a code

| what came back | class | the object says | who acts |
| --- | --- | --- | --- |
"""

# What an answer means that has none of these codes; tests/unit/test_error_codes.py holds each row to the adapter.
BY_STATUS: tuple[tuple[str, type[CloudError]], ...] = (
    ("HTTP 429", Throttled),
    ("HTTP 503 without a code", Overloaded),
    ("HTTP 413, 414 or 431", TooLong),
    ("HTTP 5xx with another code, or an answer that cannot be read", TimedOut),
    ("HTTP 4xx with another code", Invalid),
    ("the connection was refused, or its name is unknown", Unavailable),
    ("no answer in time", TimedOut),
    ("the name of a region's host does not exist", WrongRegion),
)


def page() -> str:
    """The whole page, in Markdown."""
    gateway = {code: kind for codes, kind in openapi.BY_CODE for code in codes}
    parts = [
        INTRODUCTION,
        OPENAPI.format(not_found=openapi.NOT_FOUND),
        _table(gateway),
        IMAGE_SEARCH,
        _table(imagesearch_errors.BY_CODE),
        OSS,
        _table(oss_calls.BY_CODE),
        MNS,
        _table(mns.BY_CODE),
        WITHOUT + "\n".join(_row(what, kind) for what, kind in BY_STATUS) + "\n",
        "## Classes\n",
        _classes(),
    ]
    return "\n".join(parts)


def _table(codes: Mapping[str, type[CloudError]]) -> str:
    rows = ["| code | class | the object says | who acts |", "| --- | --- | --- | --- |"]
    rows += [_row(f"`{code}`{_ours(code)}", kind) for code, kind in codes.items()]
    return "\n".join(rows) + "\n"


def _ours(code: str) -> str:
    """What a refused key's code means, in the operator's own words."""
    said = next((words for known, words in KEYS if code.startswith(known)), "")
    return f": {said}" if said else ""


def _row(what: str, kind: type[CloudError]) -> str:
    verdict = verdict_of(kind("", ""))
    standing = "Stalled" if verdict.standing is Standing.STALLED else "Reconciling"
    return f"| {cell(what)} | `{kind.__name__}` | {standing}, `{verdict.reason}` | {_who(kind)} |"


def _who(kind: type[CloudError]) -> str:
    if issubclass(kind, Retryable):
        lost = "; its effect is looked for first" if kind.may_have_taken_effect else ""
        return f"nobody: it is tried again{lost}"
    if issubclass(kind, TooLong):
        return "nobody where an import sent it: its calls are halved; else you: shorten the spec"
    way_out = next((words for known, _, words in TERMINAL if issubclass(kind, known)), "correct the spec")
    return f"you: {cell(way_out or 'see the reason')}"


def _classes() -> str:
    rows = ["| class | what it is |", "| --- | --- |"]
    rows += [
        f"| `{kind.__name__}` | {cell(cleandoc(kind.__doc__ or ''))} |" for kind in _tree(CloudError.__subclasses__())
    ]
    return "\n".join(rows) + "\n"


def _tree(kinds: Iterable[type[CloudError]]) -> Iterator[type[CloudError]]:
    """The tree of `controller/cloud/errors.py`, parents before children."""
    for kind in kinds:
        if kind.__module__ == CloudError.__module__:
            yield kind
            yield from _tree(kind.__subclasses__())
