"""The page of error codes says what the adapters do with each of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from darabonba.exceptions import ResponseException

from controller.cli import error_codes
from controller.cloud import imagesearch_errors, mns, openapi, oss_calls
from controller.cloud.errors import CloudError, Retryable
from controller.core.plan import Standing
from controller.reconcile.failures import KEYS, verdict_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "error-codes.md").read_text(encoding="utf-8")
GATEWAY = [(code, kind) for codes, kind in openapi.BY_CODE for code in codes]
EVERYWHERE = [*GATEWAY, *oss_calls.BY_CODE.items(), *mns.BY_CODE.items(), *imagesearch_errors.BY_CODE.items()]
NO_ERRORS = (openapi.NOT_FOUND, oss_calls.VERSIONED, mns.NO_MESSAGE, mns.BAD_HANDLE, "NoSuchKey", "NoSuchUpload")


def kinds() -> list[type[CloudError]]:
    """Every class of the error tree."""
    found: list[type[CloudError]] = []
    waiting = CloudError.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        found += [kind] if kind.__module__ == CloudError.__module__ else []
    return found


def answered(code: str, status: int) -> CloudError:
    """What the adapter makes of the gateway's answer."""
    return openapi.translate("imm:GetProject", ResponseException(code, "said", status, data={}))


@pytest.mark.parametrize(("code", "kind"), EVERYWHERE)
def test_every_code_that_an_adapter_knows_has_a_line(code: str, kind: type[CloudError]) -> None:
    """With its class, the reason that an object shows, and who acts next."""
    line = rf"^\| `{re.escape(code)}`.*\| `(\w+)` \| (\w+), `(\w+)` \| (nobody|you).{{5,}} \|$"
    lines = re.findall(line, PAGE, re.MULTILINE)
    verdict = verdict_of(kind("", ""))
    standing = "Stalled" if verdict.standing is Standing.STALLED else "Reconciling"
    who = "nobody" if issubclass(kind, Retryable) or kind.__name__ == "TooLong" else "you"
    assert (kind.__name__, standing, str(verdict.reason), who) in lines


@pytest.mark.parametrize("code", NO_ERRORS)
def test_codes_that_are_no_failures_are_named(code: str) -> None:
    """A reader of a log meets them, too."""
    assert f"`{code}`" in PAGE


@pytest.mark.parametrize(("code", "words"), KEYS)
def test_what_is_wrong_with_a_key_is_said_in_our_words(code: str, words: str) -> None:
    """As in the object's message."""
    assert words in PAGE, code


def test_every_class_of_the_tree_is_told() -> None:
    """Once."""
    assert sorted(kind.__name__ for kind in kinds()) == sorted(
        re.findall(r"^\| `(\w+)` \| [A-Z].*\.", PAGE.partition("## Classes")[2], re.MULTILINE)
    )


@pytest.mark.parametrize(("code", "kind"), GATEWAY)
def test_the_gateways_codes_are_told_apart_as_the_page_says(code: str, kind: type[CloudError]) -> None:
    """By how they begin."""
    assert kind is type(answered(f"{code}.More", 400))


@pytest.mark.parametrize(
    ("row", "code", "status"),
    [
        ("HTTP 429", "Whatever", 429),
        ("HTTP 503 without a code", "", 503),
        ("HTTP 413, 414 or 431", "", 414),
        ("HTTP 5xx with another code, or an answer that cannot be read", "InternalError", 500),
        ("HTTP 4xx with another code", "InvalidParameter", 400),
    ],
)
def test_what_has_no_code_is_told_apart_as_the_page_says(row: str, code: str, status: int) -> None:
    """By its status."""
    assert dict(error_codes.BY_STATUS)[row] is type(answered(code, status))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("the connection was refused, or its name is unknown", "Connection refused"),
        ("no answer in time", "Read timed out"),
    ],
)
def test_what_never_answered_is_told_apart_as_the_page_says(row: str, words: str) -> None:
    """By what the connection said."""
    assert dict(error_codes.BY_STATUS)[row] is type(openapi.translate("imm:GetProject", OSError(words)))
