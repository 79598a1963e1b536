"""IMM's own time: bindings get ready, scan and follow; accepted index calls are done. All by the cloud's clock.

`advance` brings everything to `cloud.clock.now()`. Each step is dated by when it was due, not by when somebody looked,
so a test that jumps an hour and a demo that ticks twenty times a second see the same history.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from emulator.imm.batch_run import run_batches
from emulator.imm.indexing import Reading, forget_object, index_object
from emulator.imm.jobs import run_due_jobs
from emulator.imm.roles import cannot_list, cannot_read
from emulator.imm.state import BindingKey, PendingChange
from emulator.oss.store import find_bucket, find_object, iterate_objects

if TYPE_CHECKING:
    from emulator.imm.state import Binding, Dataset, ImmState, Phase, Project, State
    from emulator.oss.state import ObjectChange, StoredObject
    from emulator.state import Cloud


def advance(cloud: Cloud) -> bool:
    """Bring every account's IMM to the clock's now; whether anything changed.

    On a real clock one call reads at most `files_per_turn` files per account and region, and the rest follows with the
    next call; on a virtual clock everything that is due is done.
    """
    return cloud.clock.work_off(lambda: _turn(cloud))


def on_object_change(cloud: Cloud, change: ObjectChange) -> None:
    """Hear of a put or delete: the bindings of that bucket will have it after `incremental_delay_seconds`."""
    account = cloud.accounts.get(change.owner)
    if account is None:
        return
    due = cloud.clock.now() + cloud.imm_settings.incremental_delay_seconds
    for imm in account.imm.values():
        for key in imm.followers.get(change.bucket, {}):
            binding = imm.projects[key.project].datasets[key.dataset].bindings[key.uri]
            if binding.state in {"Ready", "Running", "Retrying"}:
                binding.changes.append(PendingChange(due, change.key, change.kind))
                imm.busy[key] = None


def follow(imm: ImmState, key: BindingKey, bucket: str) -> None:
    """Let a binding hear of its bucket's changes, and have it looked at."""
    imm.busy[key] = None
    imm.followers.setdefault(bucket, {})[key] = None


def unfollow(imm: ImmState, key: BindingKey, bucket: str) -> None:
    """Let a binding rest for good."""
    imm.busy.pop(key, None)
    followers = imm.followers.get(bucket, {})
    followers.pop(key, None)
    if not followers:
        imm.followers.pop(bucket, None)


def end_binding(cloud: Cloud, imm: ImmState, key: BindingKey) -> None:
    """DeleteBinding takes effect: what was indexed stays."""
    bindings = imm.projects[key.project].datasets[key.dataset].bindings
    binding = bindings[key.uri]
    unfollow(imm, key, binding.bucket)
    if cloud.switches.delete_binding_leaves_deleted:
        binding.state, binding.phase, binding.updated = "Deleted", "", cloud.clock.now()
        binding.changes.clear()
    else:
        del bindings[key.uri]


def force_binding_state(  # noqa: PLR0913, PLR0917 - a binding's whole identity and whole state
    cloud: Cloud,
    account: str,
    region: str,
    project: str,
    dataset: str,
    uri: str,
    state: State,
    phase: Phase,
    reason: str = "",
) -> None:
    """Put a binding into any state, for tests. Running/FullScanning scans the bucket again from its beginning.

    Raises:
        KeyError: There is no such binding.
    """
    imm = cloud.imm(account, region)
    binding = imm.projects[project].datasets[dataset].bindings[uri]
    now = cloud.clock.now()
    binding.state, binding.phase, binding.reason, binding.updated = state, phase, reason, now
    if phase == "FullScanning":
        binding.scan_started, binding.pace, binding.cursor = now, 0, ""
    if state in {"Stopped", "Failed", "Deleted"}:
        binding.changes.clear()
    key = BindingKey(project, dataset, uri)
    if state == "Deleted":
        unfollow(imm, key, binding.bucket)
    else:
        follow(imm, key, binding.bucket)


def _turn(cloud: Cloud) -> bool:
    changed = False
    for account_id, account in cloud.accounts.items():
        for region, imm in account.imm.items():
            budget = cloud.imm_settings.files_per_turn
            indexed = run_due_jobs(cloud, account_id, region, imm, budget)
            budget = max(0, budget - indexed)
            walked = run_batches(cloud, account_id, region, imm, budget)
            changed |= indexed + walked > 0
            for key in list(imm.busy):
                binding = imm.projects[key.project].datasets[key.dataset].bindings[key.uri]
                done = _move(cloud, account_id, imm, key, budget)
                budget -= done
                changed |= done > 0
                if key in imm.busy:
                    del imm.busy[key]
                    if not _is_still(binding):
                        imm.busy[key] = None  # behind the others: a large scan must not starve them
                if budget <= 0:
                    break
    return changed


def _is_still(binding: Binding) -> bool:
    """Whether only a caller or an object's change can move the binding from here."""
    waiting = binding.state == "Ready" or (binding.state == "Running" and binding.phase == "FullScanning")
    waiting |= binding.state == "Retrying" and binding.reason == _lost(binding)
    return not waiting and binding.gone_at is None and not (binding.changes and binding.state == "Running")


def _move(cloud: Cloud, owner: str, imm: ImmState, key: BindingKey, budget: int) -> int:
    """One binding's due steps, as many as `budget` allows; how many were done."""
    project = imm.projects[key.project]
    dataset = project.datasets[key.dataset]
    binding = dataset.bindings[key.uri]
    now = cloud.clock.now()
    done = 0
    if binding.gone_at is not None and now >= binding.gone_at:
        end_binding(cloud, imm, key)
        return 1
    if binding.state == "Ready" and now >= binding.updated + cloud.imm_settings.binding_ready_seconds:
        binding.updated += cloud.imm_settings.binding_ready_seconds
        binding.scan_started = binding.updated
        binding.state, binding.phase = "Running", "FullScanning"
        done += 1
    if binding.state == "Retrying" and binding.reason == _lost(binding) and find_bucket(cloud, binding.bucket):
        done += _begin_again(binding, now)
    if binding.state != "Running":
        return done
    if find_bucket(cloud, binding.bucket) is None:
        return done + _lose_bucket(cloud, binding)
    if binding.phase == "FullScanning":
        forbidden = cannot_list(cloud, owner, project.service_role, binding.bucket)
        if forbidden:
            return done + _fail(cloud, binding, forbidden)
        done += _scan(cloud, owner, project, dataset, binding, budget - done)
    return done + _follow(cloud, owner, project, dataset, binding, budget - done)


def _fail(cloud: Cloud, binding: Binding, reason: str) -> int:
    binding.changes.clear()
    binding.state, binding.phase, binding.reason, binding.updated = "Failed", "", reason, cloud.clock.now()
    return 1


def _lose_bucket(cloud: Cloud, binding: Binding) -> int:
    """What becomes of a binding without its bucket is not known: a switch. One that retries goes on when it is back."""
    binding.changes.clear()
    if cloud.switches.lost_bucket_state == "Running":
        return 0
    binding.state, binding.updated = cloud.switches.lost_bucket_state, cloud.clock.now()
    binding.reason = _lost(binding)
    return 1


def _lost(binding: Binding) -> str:
    return f"The bucket {binding.bucket} does not exist."


def _begin_again(binding: Binding, now: float) -> int:
    """A retry has succeeded: the bucket is scanned from its beginning."""
    binding.state, binding.phase, binding.reason, binding.updated = "Running", "FullScanning", "", now
    binding.scan_started, binding.pace, binding.cursor = now, 0, ""
    return 1


def _index(
    cloud: Cloud, owner: str, project: Project, dataset: Dataset, bucket: str, item: StoredObject, due: float
) -> None:
    forbidden = cannot_read(cloud, owner, project.service_role, bucket, item.key)
    reading = Reading(cloud.switches.object_status, forbidden)
    index_object(owner, project.name, dataset, f"oss://{bucket}/{item.key}", item, due, reading)


def _scan(cloud: Cloud, owner: str, project: Project, dataset: Dataset, binding: Binding, budget: int) -> int:
    """Read on from the cursor at the set pace. The scan ends one file's time after the last file was due."""
    rate = cloud.imm_settings.scan_files_per_second
    allowed = int((cloud.clock.now() - binding.scan_started) * rate + 1e-6) - binding.pace
    count = 0
    for item in islice(iterate_objects(cloud, binding.bucket, after=binding.cursor), max(0, min(allowed, budget))):
        binding.pace += 1
        count += 1
        due = binding.scan_started + binding.pace / rate
        _index(cloud, owner, project, dataset, binding.bucket, item, due)
        binding.cursor = item.key
    if count < allowed and count < budget:  # nothing is left, and time is
        binding.updated = binding.scan_started + (binding.pace + 1) / rate
        binding.phase = "IncrementalScanning"
        count += 1
    return count


def _follow(cloud: Cloud, owner: str, project: Project, dataset: Dataset, binding: Binding, budget: int) -> int:
    count = 0
    while count < budget and binding.changes and binding.changes[0].due <= cloud.clock.now():
        change = binding.changes.popleft()
        count += 1
        item = find_object(cloud, binding.bucket, change.key)
        if item is not None:
            _index(cloud, owner, project, dataset, binding.bucket, item, change.due)
        else:
            forget_object(dataset, f"oss://{binding.bucket}/{change.key}")
    return count
