"""Drives the operator's own check of a source, and says what comes of it: verdicts made here would be second ones.

What is said goes out as it is found, so a million wrong lines take no more memory than a thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

from controller.api.batchimport import BatchImport
from controller.cli.access import Unusable, call, plain
from controller.cli.local_pictures import Metered
from controller.cli.progress import Progress
from controller.cloud.errors import Unavailable
from controller.cloud.ports import OssReads
from controller.core.facts import InstanceFacts
from controller.core.imports.items import Finding
from controller.core.manifest import rules
from controller.core.manifest.lines import Line
from controller.reconcile.imports.checking import Checking
from controller.reconcile.imports.pictures import WORKERS, PictureSource
from controller.reconcile.imports.progress import Counts
from controller.reconcile.imports.sources import SourceChanged, SourceNotFound
from controller.reconcile.imports.standing import ImageLooks

ALLOW_WIDE = "--allow-whole-product-delete"
Say = Callable[[Sequence[Finding]], None]
Keep = Callable[[Sequence[Line]], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be checked.

    Attributes:
        target: Its target, source and onInvalid; nothing else of it counts.
        oss: Where its source lies.
        about: The source, for people.
        key: The object that its lines come from; empty of a listing.
        size: Bytes of that object; None of a listing.
        instance: What the instance is; None where there is none of that name.
        pictures: Where they lie; None is the target's own bucket.
    """

    target: BatchImport
    oss: OssReads
    about: str
    key: str
    size: int | None
    instance: Callable[[], InstanceFacts | None]
    pictures: PictureSource | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it.

    Attributes:
        counts: As the operator has them; problems with `wide_refused` and what was wrong before the first line.
        wide_refused: DELETEs without a picture that nobody allowed.
        looked_at: Pictures that were looked at; None where none was to be.
        undecided: Those of which the first bytes did not tell enough.
        picture_bytes: What was read of them.
        source_bytes: What was read of the source itself.
    """

    counts: Counts
    wide_refused: int
    looked_at: int | None
    undecided: int
    picture_bytes: int
    source_bytes: int


@dataclass(slots=True)
class _Onlooker:
    """Keeps what a batch led to until the step is over: nobody who prints may fail within the check."""

    allow_wide: bool
    said: list[Finding] = field(default_factory=list)
    good: list[Line] = field(default_factory=list)
    wide_refused: int = 0
    batches: int = 0

    def see(self, good: Sequence[tuple[str, Line]], said: Sequence[Finding]) -> None:
        """See `controller.reconcile.imports.checking.Onlooker`."""
        self.said += said
        self.good += [line for _, line in good]
        self.batches += 1
        if not self.allow_wide:
            wide = [
                rules.WIDE.broken(where, "ProductId", line.product_id, ALLOW_WIDE) for where, line in good if line.wide
            ]
            self.wide_refused += len(wide)
            self.said += wide

    def hand_on(self, say: Say, keep: Keep | None, progress: Progress) -> None:
        """Let go of what there is."""
        said, self.said = self.said, []
        good, self.good = self.good, []
        if said:
            progress.clear()
            say(said)
        if keep is not None and good:
            keep(good)


def examine(
    question: Question, say: Say, keep: Keep | None = None, *, at_pictures: bool = True, allow_wide: bool = False
) -> Verdict:
    """Check a source to its end.

    Args:
        question: Which one.
        say: Gets what is to be said of lines, some at a time, in their order.
        keep: Gets the good lines likewise. Whether any of them may be used only the verdict tells.
        at_pictures: Whether pictures are looked at.
        allow_wide: Whether a DELETE may be of every picture of a product.

    Raises:
        Unusable: it could not be read to its end.
    """
    source, onlooker = Metered(question.oss, question.key), _Onlooker(allow_wide)
    with ThreadPoolExecutor(WORKERS) as executor:
        looks = ImageLooks(
            question.instance,
            lambda _product, _name: False,  # what is there already is no matter of this check
            executor,
            source=question.pictures,
            at_pictures=at_pictures,
        )
        checking = Checking(question.target, source, work_bucket="", reading="", looks=looks, freezes=None)
        checking.onlooker = onlooker
        with closing(checking), Progress(question.size) as progress:
            settled = batches = 0
            while not checking.done:
                call(lambda: _advance(checking, question.about))
                onlooker.hand_on(say, keep, progress)
                here = checking.position.offset or source.read or source.rows
                settled, batches = (here if onlooker.batches > batches else settled), onlooker.batches
                progress.show(int(settled + (here - settled) * checking.looked), _words(checking))
    return _verdict(checking, onlooker, source)


def _verdict(checking: Checking, onlooker: _Onlooker, source: Metered) -> Verdict:
    pictures, counts = checking.pictures, checking.counts
    counts.problems += onlooker.wide_refused
    return Verdict(
        counts,
        onlooker.wide_refused,
        pictures.looked_at if pictures is not None else None,
        counts.unchecked,
        pictures.bytes_read if pictures is not None else 0,
        source.read,
    )


def _advance(checking: Checking, about: str) -> None:
    """One step. What cannot be gone on from is no matter of trying again."""
    try:
        checking.step(lambda: True)
    except SourceChanged as error:
        raise Unusable(f"{plain(about)} was changed while it was read: start again") from error
    except SourceNotFound as error:
        raise Unusable(f"{plain(about)} is not there") from error
    except Unavailable as error:
        if error.operation == "checking":
            raise Unusable(error.message) from error
        raise


def _words(checking: Checking) -> str:
    counts, pictures = checking.counts, checking.pictures
    words = f"{counts.read:,} lines, {counts.problems:,} problems"
    return words if pictures is None else f"{words}, {pictures.looked_at:,} pictures"
