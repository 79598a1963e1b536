"""Which objects of this cluster claim the same thing in the cloud, and which of them comes first.

An index of the store names the candidates, so nothing is scanned. Only what is proven counts: a claim rests on an
account that has signed in as who it says, or another namespace could keep a team from its own bucket by naming it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from controller.api.batchimport import BatchImport
from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.kind import Kind
from controller.core.ownership import Subject
from controller.core.plan import acts
from controller.reconcile.ports import Contest, Objects

Claimant = Dataset | DatasetBinding
LAST = datetime.max.replace(tzinfo=UTC)


def contests(target: Kind) -> tuple[Contest, ...]:
    """The index entries that all objects share which may claim the same thing; none for kinds that claim nothing."""
    match target:
        case Dataset():
            return ((target.kind(), target.spec.project, target.spec.name),)
        case DatasetBinding():
            return ((target.kind(), target.spec.bucket),)
        case BatchImport():
            run, pictures = target.status.run, target.spec.target.image_search
            of_run = (run_contest(run),) if run is not None else ()
            return (*of_run, *((instance_contest(pictures.instance_name),) if pictures is not None else ()))
        case _:
            return ()


def run_contest(run: str) -> Contest:
    """The index entry of the imports whose status names a run: it is how a message finds them."""
    return BatchImport.kind(), run


def instance_contest(instance: str) -> Contest:
    """The index entry of the imports into an Image Search instance of that name, of whatever account and region."""
    return BatchImport.kind(), "instance", instance


def first_rival(target: Claimant, subject: Subject, objects: Objects) -> Claimant | None:
    """The object that comes before `target` where both claim `subject`; None when `target` is first itself."""
    ahead = [other for other in rivals(target, subject, objects) if claims(other) and _rank(other) < _rank(target)]
    return min(ahead, key=_rank, default=None)


def rivals(target: Claimant, subject: Subject | None, objects: Objects) -> list[Claimant]:
    """Every other object that names `subject`, whether it claims it now or not."""
    [entry] = contests(target)
    if subject is None:
        return []
    return [
        other
        for other in objects.contenders(entry)
        if isinstance(other, Dataset | DatasetBinding)
        and not is_same(other, target)
        and _names(other, objects) == (subject.project, subject.dataset)
        and subject_of(other, objects) == subject
    ]


def is_same(one: Claimant, other: Claimant) -> bool:
    """The same owner: an object in whatever version, one that was created again, the stand-in of one that leaves."""
    a, b = one.metadata, other.metadata
    return (one.kind(), a.namespace, owner_name(one)) == (other.kind(), b.namespace, owner_name(other))


def owner_name(target: Claimant) -> str:
    """The name it owns things under. Only a terminating object stands in for another; a living one is just itself."""
    return target.metadata.known_as if target.metadata.deleting else target.metadata.name


def claims(target: Claimant) -> bool:
    """Whether it has, or would make, something in the cloud; one that only observes never does."""
    if _established(target):
        return True
    return acts(target.spec.mode, suspend=target.spec.suspend) and not target.metadata.deleting


def subject_of(target: Claimant, objects: Objects) -> Subject | None:
    """What it claims; None while that is not known, or rests on an account that nobody has signed in to."""
    names, place = _names(target, objects), _place(target, objects)
    if names is None or place is None:
        return None
    bucket = target.spec.bucket if isinstance(target, DatasetBinding) else ""
    return Subject(*place, *names, bucket)


def work_bucket_of(target: Claimant, objects: Objects) -> str | None:
    """Where the owner records of its account lie."""
    account = objects.get(CloudAccount, target.metadata.namespace, target.spec.account_ref.name)
    return account.spec.work_bucket if account is not None else None


def _names(target: Claimant, objects: Objects) -> tuple[str, str] | None:
    if isinstance(target, Dataset):
        return target.spec.project, target.spec.name
    status, wanted = target.status, target.spec.dataset
    if status.project and status.dataset:
        return status.project, status.dataset
    if wanted.ref is None:
        return wanted.project or "", wanted.name or ""
    found = objects.get(Dataset, target.metadata.namespace, wanted.ref)
    return (found.spec.project, found.spec.name) if found is not None else None


def _place(target: Claimant, objects: Objects) -> tuple[str, str] | None:
    identity = target.status.identity
    if identity is not None and _established(target):
        return identity.account_id, identity.region
    account = objects.get(CloudAccount, target.metadata.namespace, target.spec.account_ref.name)
    return (account.spec.account_id, account.spec.region) if account is not None and account.ready else None


def _established(target: Claimant) -> bool:
    return target.status.adopted is not None or target.status.intent is not None


def _rank(target: Claimant) -> tuple[int, datetime, str, str]:
    """Who has it comes before who has begun, and that before who would; then the older, then by name."""
    meta, status = target.metadata, target.status
    standing = 0 if status.adopted is not None else 1 if status.intent is not None else 2
    return standing, meta.creation_timestamp or LAST, meta.namespace, owner_name(target)
