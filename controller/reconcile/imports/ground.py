"""What does not change during a pass of an import: the account, the dataset or the instance, and the work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from controller.api.batchimport import BatchImport
from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.api.events import Events
from controller.cloud.limiter import Lane
from controller.cloud.ports import OssPort
from controller.core.dependency import Dependency
from controller.core.imports.identity import resolution_hash, work_hash
from controller.reconcile.context import Context
from controller.reconcile.dependencies import account_of, dataset_of
from controller.reconcile.imports.resolve import Question
from controller.reconcile.imports.standing import ImageLooks
from controller.reconcile.imports.watch import Watch
from controller.reconcile.sessions import Session


@dataclass(frozen=True, slots=True)
class Ground:
    """What does not change during a pass.

    Attributes:
        place: Account id and region; None while nobody knows them.
        project: Empty while the dataset is not known, as is `dataset`; of Image Search there is neither.
        work: Hash of the work fields; empty while something of it is not known.
        reading: What `status.work` is to be.
    """

    target: BatchImport
    session: Session | None
    needs: tuple[Dependency, ...]
    events: Events | None
    place: tuple[str, str] | None
    project: str
    dataset: str
    work: str
    reading: str

    @property
    def bucket(self) -> str:
        """The work bucket; empty without one, or without a session."""
        return (self.session.place.work_bucket or "") if self.session is not None else ""

    @property
    def same(self) -> bool:
        """Whether the status speaks of this very reading of this very work, or nobody can tell otherwise."""
        return not self.work or self.target.status.work == self.reading


def ground(target: BatchImport, context: Context) -> Ground:
    """Who and where; no call is made.

    Raises:
        controller.reconcile.dependencies.Postponed: the account has not signed in since the process began.
    """
    signed = account_of(target.metadata, target.spec.account_ref.name, context)
    account = context.objects.get(CloudAccount, target.metadata.namespace, target.spec.account_ref.name)
    needed, found = _dataset(target, context)
    known = target.status
    project, dataset = _named(target, found)
    place: tuple[str, str] | None = None
    if signed.session is not None:
        place = signed.session.caller.account_id, signed.session.place.region
    elif known.identity is not None:
        place = known.identity.account_id, known.identity.region
    named = target.spec.target.image_search is not None or bool(project and dataset)
    work = _work(target, place, project, dataset) if place is not None and named else ""
    return Ground(
        target=target,
        session=signed.session,
        needs=(signed.dependency, *needed),
        events=account.spec.events if account is not None else None,
        place=place,
        project=project,
        dataset=dataset,
        work=work,
        reading=resolution_hash(work, target.spec.run_token) if work else "",
    )


def question_of(known: Ground, context: Context) -> Question:
    """What resolves the object's source."""
    if known.session is None:
        raise RuntimeError("a source is resolved with a session only")
    oss = oss_of(known.session, context)
    return Question(known.target, known.work, oss, known.session.place.region, known.bucket, _looks(known, context))


def oss_of(session: Session, context: Context) -> OssPort:
    """The work bucket's port; a batch never goes ahead of people's edits."""
    return context.clouds.oss(session.place, session.credentials, Lane.RESYNC)


def watch_of(known: Ground, context: Context) -> Watch | None:
    """Who looks at the instance; None for a dataset, or while nobody is signed in."""
    pictures, session = known.target.spec.target.image_search, known.session
    if pictures is None or session is None:
        return None
    return Watch(known.target, session, pictures, oss_of(session, context), context)


def _looks(known: Ground, context: Context) -> ImageLooks | None:
    """What checking pictures asks the instance."""
    watch = watch_of(known, context)
    if watch is None:
        return None
    return ImageLooks(watch.detail, partial(watch.search.exists, watch.instance), context.chunk_calls)


def _dataset(target: BatchImport, context: Context) -> tuple[tuple[Dependency, ...], Dataset | None]:
    named = target.spec.target.dataset
    if named is None or named.ref is None:
        return (), None
    dependency, found = dataset_of(target.metadata, named.ref, context)
    return (dependency,), found


def _named(target: BatchImport, found: Dataset | None) -> tuple[str, str]:
    """The project and dataset, as the spec names them or the object it refers to does; empty while nobody knows."""
    named, known = target.spec.target.dataset, target.status
    if named is None:
        return "", ""
    project = named.project or (found.spec.project if found is not None else known.project) or ""
    return project, named.name or (found.spec.name if found is not None else known.dataset) or ""


def _work(target: BatchImport, place: tuple[str, str], project: str, dataset: str) -> str:
    return work_hash(
        target.spec,
        account_id=place[0],
        region=place[1],
        namespace=target.metadata.namespace,
        name=target.metadata.name,
        project=project,
        dataset=dataset,
    )
