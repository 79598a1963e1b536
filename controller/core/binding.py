"""DatasetBinding: what to do, given what was observed. There is no stored state: the phase is what the cloud says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controller.api.datasetbinding import DatasetBindingSpec, RecreatePolicy
from controller.core.actions import CreateBinding, DeleteBinding
from controller.core.deletion import Leaving, plan_deletion
from controller.core.dependency import Dependency, waiting_for
from controller.core.facts import BindingFacts, BucketFacts
from controller.core.intents import Ledger, submit_once
from controller.core.plan import Plan, hold_first, progressing, ready, restrict, stalled
from controller.core.reasons import Reason

POLL = 30.0  # seconds until a binding that scans is looked at again; the project's poller usually comes first


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
        bucket: The bucket; only looked up when a binding would have to be made. None when it does not exist.
        region: The account's region.
        ledger: The write-ahead intent.
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


def plan(desired: DatasetBindingSpec | None, observed: ObservedBinding, now: datetime) -> Plan:
    """The next actions and the verdict. `desired` None means that the object is being deleted."""
    if desired is None:
        return _plan_deletion(observed, now)
    return restrict(_plan_kept(desired, observed, now), desired.mode, suspend=desired.suspend)


def _plan_deletion(observed: ObservedBinding, now: datetime) -> Plan:
    if observed.leaving is None:
        raise ValueError("a binding is deleted only with what is known of its leaving")
    found = observed.binding
    there = found is not None and not found.gone
    delete = DeleteBinding(found.project, found.dataset, found.bucket) if found and there else None
    return plan_deletion(observed.leaving, delete, observed.ledger.looked_at, now)


def _plan_kept(desired: DatasetBindingSpec, observed: ObservedBinding, now: datetime) -> Plan:
    found = observed.binding
    if found is not None and not found.gone and observed.name is not None:
        # A binding that is there needs its dataset object no more: what the cloud says of it is the truth.
        return hold_first(_plan_present(desired, found, observed.name), held=observed.held, present=True)
    wait = waiting_for(*observed.needs)
    if wait is not None:
        return wait
    if observed.name is None:
        return progressing(Reason.DEPENDENCY_NOT_READY, "waiting for the dataset's name")
    return hold_first(_plan_absent(desired, observed, observed.name, now), held=observed.held, present=False)


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


def _plan_present(desired: DatasetBindingSpec, binding: BindingFacts, name: BindingName) -> Plan:
    said = f"; the cloud says: {binding.reason}" if binding.reason else ""
    match binding.state, binding.phase:
        case "Running", "IncrementalScanning":
            return ready(f"all objects of oss://{binding.bucket} are indexed; new ones follow by themselves")
        case "Failed", _ if desired.recreate_policy is RecreatePolicy.ALWAYS:
            remove = DeleteBinding(name.project, name.dataset, name.bucket)
            return progressing(Reason.DELETING, f"{name} failed and is made again{said}", remove, look_again=POLL)
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
                Reason.INDEXING, f"oss://{binding.bucket} is being indexed ({words}){said}", look_again=POLL
            )
