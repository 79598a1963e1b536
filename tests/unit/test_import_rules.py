"""What target and source require of each other, as Python: the API server's rows, which prove the CEL, judged alike."""

from __future__ import annotations

import pytest

from controller.api.batchimport import BatchImportSpec
from controller.api.importrules import OF_PICTURES
from tests.integration.admission_pictures import BAD, GOOD, Spec

BASE: Spec = {
    "accountRef": {"name": "main"},
    "target": {"dataset": {"ref": "photos"}},
    "source": {"items": [{"uri": "oss://my-photos/a.jpg"}]},
}
BROKEN = [
    (name, fields, rule.message)
    for name, fields, words in BAD
    for rule in OF_PICTURES
    if rule.message.startswith(words)
]


def broken(fields: Spec) -> list[str]:
    """The words of each rule that a spec with these fields breaks."""
    spec = BatchImportSpec.model_validate(BASE | fields)
    return [rule.message for rule in OF_PICTURES if not rule.holds(spec)]


@pytest.mark.parametrize(("fields", "message"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_the_api_server_refuses_breaks_the_same_rule(fields: Spec, message: str) -> None:
    """And none of the others."""
    assert [message] == broken(fields)


@pytest.mark.parametrize("fields", [row[1] for row in GOOD], ids=[row[0] for row in GOOD])
def test_what_the_api_server_takes_breaks_none(fields: Spec) -> None:
    """Into a dataset and into an instance."""
    assert [] == broken(fields)


def test_each_rule_is_broken_by_a_row() -> None:
    """So none of them is in the table unproved."""
    assert {rule.message for rule in OF_PICTURES} == {message for _, _, message in BROKEN}
