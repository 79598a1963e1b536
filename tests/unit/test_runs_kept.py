"""What is remembered of runs that are not loaded: whether a status shows all that was told, as long as one names it."""

from __future__ import annotations

import pytest

from controller.reconcile.imports.runs import Runs
from tests.unit.operator_doubles import Clock, Cloud


def named(*runs: str) -> Runs:
    """Runs after a look which of them a status names."""
    kept = Runs()
    for run in ("one", "two"):
        kept.trust(run, kept.words(run))
    kept.keep(lambda _owner, _run: True, lambda run: run in runs)
    return kept


@pytest.mark.parametrize("runs", [(), ("one",), ("one", "two")])
def test_it_lasts_as_long_as_a_status_names_the_run(runs: tuple[str, ...]) -> None:
    """A run that is named again is looked at again."""
    kept = named(*runs)
    assert set(runs) == {run for run in ("one", "two") if kept.trusted(run)}
    assert {*runs} == kept._words.keys() == kept._trusted.keys()  # noqa: SLF001 - that nothing else stays is what is tested


def test_a_word_during_a_pass_counts_even_if_it_was_forgotten_meanwhile() -> None:
    """The pass did not see it, so its status cannot show it."""
    kept = Runs()
    mark = kept.words("one")
    kept.doubt("one")
    kept.keep(lambda _owner, _run: False, lambda _run: False)
    kept.trust("one", mark)
    assert not kept.trusted("one")
    assert mark != kept.words("one")
    assert not kept.trusted("one")


def test_a_word_ends_the_trust_until_a_pass_saw_it() -> None:
    """And a word on another run does not."""
    kept = named("one", "two")
    kept.doubt("one")
    assert (False, True) == (kept.trusted("one"), kept.trusted("two"))
    kept.trust("one", kept.words("one"))
    assert kept.trusted("one")


def test_what_was_looked_for_and_is_not_there_leaves_nothing_behind() -> None:
    """Messages may name any run."""
    kept = Runs()
    for number in range(100):
        assert kept.open(f"run-{number}", Cloud(Clock()), "work") is None
    assert not kept._loading  # noqa: SLF001 - that nothing stays is what is tested
