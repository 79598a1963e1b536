"""What a decision about an import may ask for next: frozen values in one union, one at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResolveSource:
    """Read on in the source: check it, then freeze it, and write the resolution. Only DryRun does it without Apply."""


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """Write the run record, before anything is sent."""


@dataclass(frozen=True, slots=True)
class BeginRetry:
    """Journal a retry: what did not succeed is unsent again."""

    token: str


@dataclass(frozen=True, slots=True)
class CancelRest:
    """Journal that the deadline passed: nothing more is sent."""


@dataclass(frozen=True, slots=True)
class AskDataset:
    """BatchGetFileMeta of the files of these chunks that have no verdict; an entry newer than the call is one.

    `final`: what has none then is unknown. Else it is to be observed as asked (`ObservedRun.asked`).
    """

    chunks: tuple[int, ...]
    final: bool = False


@dataclass(frozen=True, slots=True)
class SendAgain:
    """Send what is left of these chunks under new numbers; the journal names them in `Planned.again`."""

    chunks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SendChunks:
    """Plan, journal and send the next unsent files."""


@dataclass(frozen=True, slots=True)
class Conclude:
    """Write the report, then the verdict."""


Step = ResolveSource | WriteRecord | BeginRetry | CancelRest | AskDataset | SendAgain | SendChunks | Conclude
