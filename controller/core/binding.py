"""DatasetBinding: what to do, given what was observed. There is no stored state: the phase is what the cloud says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from controller.api.datasetbinding import DatasetBindingSpec, RecreatePolicy
from controller.api.status import Drift
from controller.core.actions import CreateBinding, DeleteBinding
from controller.core.deletion import Leaving, plan_deletion
from controller.core.dependency import Dependency, waiting_for
from controller.core.drift import absent, differs
from controller.core.facts import BindingFacts, BucketFacts, Scanned
from controller.core.intents import Ledger, submit_once
from controller.core.ownership import UNLOOKED, Claim, Holding, claim_first, conflict, give_up, left_alone
from controller.core.plan import Plan, acts, hold_first, progressing, ready, restrict, stalled
from controller.core.reasons import Reason

POLL = 30.0  # seconds until a binding that scans is looked at again; the project's poller usually comes first
# A binding that fails again and again is not made again and again: each time may scan, and bill, part of the bucket.
PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class BindingName:
    """What identifies a binding in the cloud; there is no other id."""

    project: str
    dataset: str
    bucket: str

    def __str__(self) -> str:
        """For messages."""
        return f"the binding of oss://{self.bucket} to {self.project}/{self.dataset}"


@dataclass(frozen=True, slots=True)
class ObservedBinding:
    """Everything a decision about a binding rests on.

    Attributes:
        held: Our finalizer stands on the object.
        needs: The account and the dataset, and how far they are.
        name: Its name in the cloud; None while the dataset is not known.
        made: Status shows that this object has had a binding, made or adopted.
        binding: The cloud's binding; None when a complete listing does not have it.
        bucket: The bucket; only looked up when a binding would have to be made, or made again. None when it does not
            exist.
        region: The account's region.
        ledger: The write-ahead intent.
        scanned: How far its scan is, where the cloud can tell.
        template: The workflow template that a scan would use; only looked up in mode DryRun, empty when not known.
        asked: A person edited the object or asked for a reconcile since the last pass.
        claim: Whose the binding is.
        work_bucket: Where the account's owner records lie; empty when nowhere.
    """

    held: bool
    needs: tuple[Dependency, ...]
    name: BindingName | None
    made: bool
    binding: BindingFacts | None
    bucket: BucketFacts | None
    region: str
    ledger: Ledger
    leaving: Leaving | None = None
    scanned: Scanned | None = None
    template: str = ""
    asked: bool = False
    claim: Claim = UNLOOKED
    work_bucket: str = ""


def plan(desired: DatasetBindingSpec | None, observed: ObservedBinding, now: datetime) -> Plan:
    """The next actions and the verdict. `desired` None means that the object is being deleted."""
    if desired is None:
        return _plan_deletion(observed, now)
    decided = _plan_kept(desired, observed, now)
    return restrict(
        decided,
        desired.mode,
        suspend=desired.suspend,
        drift=_drift(observed, decided),
        consequences=_consequences(desired, observed),
    )


def _drift(observed: ObservedBinding, decided: Plan) -> tuple[Drift, ...]:
    """What mode Observe reports: a standstill and an absence. Not the template, which is the Dataset's to say."""
    found = observed.binding
    if found is not None and not found.gone:
        return () if found.scanned or found.under_way else (differs("state", "Running", found.state),)
    if waiting_for(*observed.needs) is not None or decided.verdict.reason is Reason.CONFIRMING:
        return ()
    return (absent("binding"),)


def _consequences(desired: DatasetBindingSpec, observed: ObservedBinding) -> tuple[str, ...]:
    """What mode DryRun adds: what a scan would cover, and by which template, as that decides what it costs."""
    bucket = observed.bucket
    if bucket is None:
        return ()
    template = f"template {observed.template}" if observed.template else "the template in force then"
    return (f"scan and bill the {bucket.objects} objects of oss://{desired.bucket}, with {template}",)


def _plan_deletion(observed: ObservedBinding, now: datetime) -> Plan:
    if observed.leaving is None:
        raise ValueError("a binding is deleted only with what is known of its leaving")
    if observed.claim.holding is Holding.THEIRS:
        return left_alone(observed.leaving.what, observed.claim)
    found = observed.binding
    there = found is not None and not found.gone
    delete = DeleteBinding(found.project, found.dataset, found.bucket) if found and there else None
    return give_up(plan_deletion(observed.leaving, delete, observed.ledger.looked_at, now), observed.claim)


def _plan_kept(desired: DatasetBindingSpec, observed: ObservedBinding, now: datetime) -> Plan:
    found = observed.binding
    if found is not None and not found.gone and observed.name is not None:
        # A binding that is there needs its dataset object no more: what the cloud says of it is the truth.
        return _owned(_plan_present(desired, found, observed, now), desired, observed, present=True)
    wait = waiting_for(*observed.needs)
    if wait is not None:
        return wait
    if observed.name is None:
        return progressing(Reason.DEPENDENCY_NOT_READY, "waiting for the dataset's name")
    return _owned(_plan_absent(desired, observed, observed.name, now), desired, observed, present=False)


def _owned(plan: Plan, desired: DatasetBindingSpec, observed: ObservedBinding, *, present: bool) -> Plan:
    """The plan as far as it is this object's to carry out: not in another one's binding, and claimed first."""
    if observed.claim.holding is Holding.THEIRS:
        return conflict(str(observed.name), observed.claim)
    if desired.bucket == observed.work_bucket:
        return stalled(
            Reason.SPEC_INVALID,
            f"bucket {desired.bucket} is spec.workBucket of the CloudAccount: the operator's own records would be "
            "indexed and billed. Bind another bucket, or give the account another workBucket",
        )
    claimed = claim_first(plan, observed.claim, acting=acts(desired.mode, suspend=desired.suspend), present=present)
    return hold_first(claimed, held=observed.held, present=present)


def _plan_absent(desired: DatasetBindingSpec, observed: ObservedBinding, name: BindingName, now: datetime) -> Plan:
    if observed.made and desired.recreate_policy is RecreatePolicy.NEVER:
        return stalled(
            Reason.BINDING_VANISHED,
            f"{name} existed and is gone. Making it again scans and bills the whole bucket: set spec.recreatePolicy to "
            "Always to allow that, or delete this object",
        )
    refusal = _refuse_bucket(desired, observed)
    if refusal is not None:
        return refusal
    return submit_once(CreateBinding(name.project, name.dataset, name.bucket), observed.ledger, now)


def _refuse_bucket(desired: DatasetBindingSpec, observed: ObservedBinding) -> Plan | None:
    """Say no before anything is submitted, and so before anything is billed."""
    bucket = observed.bucket
    if bucket is None:
        return stalled(
            Reason.BUCKET_NOT_FOUND, f"bucket {desired.bucket} does not exist; create it or correct spec.bucket"
        )
    if bucket.region != observed.region:
        return stalled(
            Reason.REGION_MISMATCH,
            f"bucket {desired.bucket} is in {bucket.region}, the account in {observed.region}; IMM indexes buckets of "
            "its own region only: use a CloudAccount of the bucket's region",
        )
    if desired.max_objects is not None and (bucket.objects or 0) > desired.max_objects:
        return stalled(
            Reason.TOO_MANY_OBJECTS,
            f"bucket {desired.bucket} holds {bucket.objects} objects and spec.maxObjects allows {desired.max_objects}; "
            "nothing was bound or billed. Raise maxObjects to index them",
        )
    return None


def _plan_present(desired: DatasetBindingSpec, binding: BindingFacts, observed: ObservedBinding, now: datetime) -> Plan:
    name = BindingName(binding.project, binding.dataset, binding.bucket)
    said = f"; the cloud says: {binding.reason}" if binding.reason else ""
    match binding.state, binding.phase:
        case "Running", "IncrementalScanning":
            return ready(f"all objects of oss://{binding.bucket} are indexed; new ones follow by themselves")
        case "Failed", _ if desired.recreate_policy is RecreatePolicy.ALWAYS:
            rest = timedelta(0) if observed.asked else _pause(binding, now)
            return _plan_again(name, said, now, rest) if rest > timedelta(0) else _remove(desired, observed, name, said)
        case "Failed", _:
            return stalled(
                Reason.BINDING_FAILED,
                f"{name} failed{said}. Mend the cause, then set spec.recreatePolicy to Always to scan the bucket again",
            )
        case "Stopped", _:
            return stalled(
                Reason.BINDING_STOPPED,
                f"{name} is paused and no API resumes it{said}. In the IMM console open the project, the dataset, its "
                "bindings, and resume it there",
            )
        case state, phase:
            words = " ".join(part for part in (state, phase) if part)
            return progressing(
                Reason.INDEXING,
                f"oss://{binding.bucket} is being indexed ({words}){_so_far(observed.scanned)}{said}",
                look_again=POLL,
            )


def _plan_again(name: BindingName, said: str, now: datetime, rest: timedelta) -> Plan:
    return stalled(
        Reason.BINDING_FAILED,
        f"{name} failed{said}. It is made again at {now + rest:%Y-%m-%dT%H:%MZ}, as spec.recreatePolicy allows; an "
        "edit or a requested reconcile has it made at once",
        look_again=rest.total_seconds(),
    )


def _remove(desired: DatasetBindingSpec, observed: ObservedBinding, name: BindingName, said: str) -> Plan:
    """A failed binding goes only where the next one would not be refused."""
    remove = DeleteBinding(name.project, name.dataset, name.bucket)
    again = progressing(Reason.DELETING, f"{name} failed and is made again{said}", remove, look_again=POLL)
    return _refuse_bucket(desired, observed) or again


def _so_far(scanned: Scanned | None) -> str:
    return f": {scanned.files} of {scanned.objects} objects" if scanned is not None else ""


def _pause(binding: BindingFacts, now: datetime) -> timedelta:
    """How long a failed binding is still left as it is; nothing where its age is not known."""
    try:
        made = datetime.fromisoformat(binding.created_at)
    except ValueError:
        return timedelta(0)
    return (made if made.tzinfo else made.replace(tzinfo=UTC)) + PAUSE - now
