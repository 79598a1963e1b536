"""Figures that the project's listing does not have, and that are therefore asked for only where somebody needs them.

How far a scan is: the cloud counts files per dataset, so it tells only where the dataset has no other binding; how many
it has stands in the listing. What a scan would cost: the template in force decides that, and mode DryRun shows it.
"""

from __future__ import annotations

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import Mode
from controller.core.facts import BindingFacts, Scanned
from controller.reconcile.context import Context
from controller.reconcile.sessions import Session
from controller.reconcile.snapshots import Scope, Snapshot


def scan_so_far(
    target: DatasetBinding, found: BindingFacts, snapshot: Snapshot, scope: Scope, session: Session, context: Context
) -> Scanned | None:
    """How far a scan is; None once it is over, or where the cloud cannot tell."""
    if found.state != "Running" or found.scanned or not _alone(found, snapshot):
        return None
    shown = target.status.progress
    if shown is not None and not context.reporter.progress_due(target):  # another figure could not be written down now
        return Scanned(shown.indexed, shown.total)

    def ask() -> Scanned | None:
        imm = context.clouds.imm(session.place, session.credentials, context.lane)
        dataset = imm.get_dataset(found.project, found.dataset)
        bucket = context.clouds.oss(session.place, session.credentials, context.lane).get_bucket(found.bucket)
        if dataset is None or bucket is None or bucket.objects is None:
            return None
        # More files than objects: the dataset holds others, and which of them are this bucket's nobody can tell.
        return Scanned(dataset.file_count, bucket.objects) if dataset.file_count <= bucket.objects else None

    return context.scans.look((*scope, found.dataset), context.now(), ask)


def _alone(found: BindingFacts, snapshot: Snapshot) -> bool:
    return sum(other.dataset == found.dataset and not other.gone for other in snapshot.bindings.values()) == 1


def template_in_force(target: DatasetBinding, project: str, dataset: str, session: Session, context: Context) -> str:
    """For mode DryRun: the workflow template a scan would use; empty where nobody can tell yet."""
    if target.spec.mode is not Mode.DRY_RUN:
        return ""
    imm = context.clouds.imm(session.place, session.credentials, context.lane)
    found = imm.get_dataset(project, dataset)
    if found is not None and found.template_id:
        return found.template_id
    ref = target.spec.dataset.ref
    planned = context.objects.get(Dataset, target.metadata.namespace, ref) if found is None and ref else None
    return (planned.spec.template_id if planned else None) or project_template(project, session, context)


def project_template(project: str, session: Session, context: Context) -> str:
    """The template that a new dataset of the project gets."""
    found = context.clouds.imm(session.place, session.credentials, context.lane).get_project(project)
    return found.template_id if found is not None else ""
