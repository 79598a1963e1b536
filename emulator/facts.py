"""How a switch says what it is about; the switches themselves are in `emulator.switches`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """What is not known: the question, who is affected by the answer, and what the vendor does say."""

    question: str
    affects: str
    source: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the greatest value of a number."""

    low: float
    high: float
