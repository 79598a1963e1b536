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


@dataclass(frozen=True, slots=True)
class UploadManifest:
    """Put this attempt's increment.meta into its place, the user's own kept first, and journal it (`Uploaded`)."""


@dataclass(frozen=True, slots=True)
class SubmitTask:
    """Journal a TASK chunk of everything unsent, with the tasks listed and the manifest's ETag; then submit it."""


@dataclass(frozen=True, slots=True)
class LookForTask:
    """The answer to the chunk's submit was lost: walk the whole list of tasks, and journal the one that is ours."""

    chunk: int


@dataclass(frozen=True, slots=True)
class TurnTask:
    """Two look-ups, spaced, did not have the chunk's task: journal that the submit took no effect (`Turned`)."""

    chunk: int


@dataclass(frozen=True, slots=True)
class TakeResult:
    """The chunk's task ended: fetch its report, keep it, and journal what became of each line."""

    chunk: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Journal that the object is suspended; the deadline stands still."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Journal that it is suspended no more."""


TaskStep = UploadManifest | SubmitTask | LookForTask | TurnTask | TakeResult | Pause | Resume
Step = ResolveSource | WriteRecord | BeginRetry | CancelRest | AskDataset | SendAgain | SendChunks | Conclude | TaskStep
