"""Facts about batches of Image Search that no account has confirmed; `emulator.switches` has them among its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from emulator.facts import Bounds, Fact

_GUIDE = "the guide on batch operations (document_detail/66580) does not say"
_SAMPLE = "the guide on batch operations shows one callback and does not say"
_WEEK = 604_800


@dataclass
class BatchSwitches:
    """The readings in force."""

    # starting a batch
    increment_busy_code: Annotated[
        Literal["InstanceStatusError", "BadRequest", "DeniedRequest"],
        Fact(
            "With what code is IncreaseInstance (DumpMeta likewise) refused while the instance's last one runs?",
            "one batch at a time; adoption after a lost answer",
            "IncreaseInstance's page: one task at a time; the error table (document_detail/66619) has no code for it",
        ),
    ] = "InstanceStatusError"
    increment_unauthorized_code: Annotated[
        Literal["NoPermission", "BadRequest", "InstanceStatusError"],
        Fact(
            "With what code is IncreaseInstance refused before the authorization is confirmed in the console?",
            "telling people what to click",
            "the guide on batch operations asks for the authorization and names no code",
        ),
    ] = "NoPermission"
    increment_root_path: Annotated[
        Literal["/", "refused"],
        Fact(
            "Is a bucket's root named `/`, or can it not be named at all?",
            "manifests at the top of a bucket",
            "IncreaseInstance's page: the path begins with a slash and does not end with one",
        ),
    ] = "/"
    increment_manifest_missing: Annotated[
        Literal["BadRequest", "FAIL"],
        Fact(
            "Is IncreaseInstance refused where there is no increment.meta, or does the task fail?",
            "typing errors in a path",
            "IncreaseInstance's page: prepare it in advance",
        ),
    ] = "BadRequest"
    increment_manifest_read: Annotated[
        Literal["once", "throughout"],
        Fact(
            "Is increment.meta read once, when the task is made, or does a change of it reach the lines still to do?",
            "replacing a manifest while its task runs",
            _GUIDE,
        ),
    ] = "once"

    # the manifest
    increment_byte_order_mark: Annotated[
        Literal["fails", "skipped"],
        Fact("Does a byte order mark at its beginning fail the operation?", "manifests from spreadsheets", _GUIDE),
    ] = "fails"
    increment_blank_line: Annotated[
        Literal["skipped", "fails"],
        Fact("Is a blank line passed over, or does it fail the operation?", "manifests written by hand", _GUIDE),
    ] = "skipped"
    increment_empty_manifest: Annotated[
        Literal["FAIL", "SUCCESS"],
        Fact("How does a task end whose increment.meta has no entry?", "manifests that come out empty", _GUIDE),
    ] = "FAIL"
    increment_duplicate_field: Annotated[
        Literal["last", "isolated"],
        Fact("Which value counts of a field that a line has twice: the last, or none?", "odd manifests", _GUIDE),
    ] = "last"
    increment_unknown_field: Annotated[
        Literal["isolated", "ignored"],
        Fact(
            "Is a line isolated for a field that the guide does not list, or is the field ignored?",
            "typing errors; IntAttr2 to StrAttr4, which AddImage takes",
            _GUIDE,
        ),
    ] = "isolated"

    # the end of a batch
    increment_all_isolated: Annotated[
        Literal["SUCCESS", "FAIL"],
        Fact("What is the status of a task every line of which was isolated?", "the verdict", _GUIDE),
    ] = "SUCCESS"
    increment_isolated_code: Annotated[
        Literal["0", "BadRequest"],
        Fact(
            "What is the Code of a task some of whose lines were isolated?",
            "the verdict",
            "IncreaseList's page: 0 is success; the guide tells isolated lines by the message",
        ),
    ] = "0"
    increment_report_shape: Annotated[
        Literal["jsonl", "csv", "json-array", "text", "html", "empty"],
        Fact(
            "What does the document at ErrorUrl look like?",
            "naming the lines that failed; trying them again",
            "IncreaseList's page gives an address that lives two hours, and no sample of what is there",
        ),
    ] = "jsonl"
    increment_report_always: Annotated[
        bool,
        Fact(
            "Has a task an ErrorUrl even if no line was isolated?",
            "reading results",
            "IncreaseList's sample is a task of status SUCCESS that has one",
        ),
    ] = False
    increment_report_kept_seconds: Annotated[
        float,
        Bounds(7200, 31_536_000),
        Fact(
            "For how long after a task's end does a listing give a fresh ErrorUrl?",
            "results that nobody fetched in time",
            "IncreaseList's page: an address lives two hours; it does not say how long the document does",
        ),
    ] = float(_WEEK)
    increment_cancelled_status: Annotated[
        Literal["Stop", "STOP", "CANCELLED", "FAIL"],
        Fact(
            "What Status does IncreaseList show of a task that was cancelled in the console?",
            "noticing a cancel",
            "the guide on batch operations: the console shows Stop; IncreaseList's page lists no such value",
        ),
    ] = "Stop"
    increment_cancel_report: Annotated[
        Literal["every_line", "failures"],
        Fact(
            "Does the result of a cancelled task list every line worked off, or only the isolated ones?",
            "what is done of a cancelled batch",
            "the guide on batch operations: Download Results to view execution details",
        ),
    ] = "every_line"
    increment_cancel_callback: Annotated[
        Literal["none", "NORMAL", "FAIL"],
        Fact("Is the callback address told of a cancelled task, and with what status?", "callbacks", _SAMPLE),
    ] = "none"

    # callbacks
    increment_callback_retries: Annotated[
        int,
        Bounds(0, 10),
        Fact("How often is a callback tried again that was not answered with 2xx?", "callbacks", _SAMPLE),
    ] = 2
    increment_callback_time: Annotated[
        Literal["china", "utc"],
        Fact("Of what time zone is finishTime, which names none?", "callbacks", _SAMPLE),
    ] = "china"
    increment_callback_certificate: Annotated[
        Literal["checked", "unchecked"],
        Fact("Must the certificate of an https callback address be one that everybody trusts?", "callbacks", _SAMPLE),
    ] = "checked"

    # listings
    increment_list_order: Annotated[
        Literal["newest", "oldest"],
        Fact(
            "Does IncreaseList (DumpMetaList likewise) begin with the newest task or with the oldest?",
            "finding a task again",
            "its page does not say",
        ),
    ] = "newest"
    increment_page_max: Annotated[
        int,
        Bounds(10, 100),
        Fact(
            "What is the largest PageSize of IncreaseList?",
            "how many calls a walk through all tasks takes",
            "its page gives the default only; DumpMetaList's says 30",
        ),
    ] = 30
