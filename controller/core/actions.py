"""What a plan may ask for: frozen values in one union, applied by one `match` per kind.

`describe` is the line a person reads in `status.plannedChanges`, in the log and in the event.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.api.status import Intent
from controller.core.facts import QuotaFacts
from controller.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Hold:
    """Put our finalizer on the object, so that nothing is made in the cloud that a delete could lose."""

    def describe(self) -> str:
        """For people."""
        return "add the finalizer"


@dataclass(frozen=True, slots=True)
class Release:
    """Take our finalizer off; the event says what became of the cloud resource."""

    reason: Reason
    message: str

    def describe(self) -> str:
        """For people."""
        return f"release the object: {self.message}"


@dataclass(frozen=True, slots=True)
class StandIn:
    """Make the object's stand-in, which waits for the end of the grace period in its place."""

    name: str

    def describe(self) -> str:
        """For people."""
        return f"let {self.name} stand in for the object"


@dataclass(frozen=True, slots=True)
class CreateDataset:
    """CreateDataset with what the spec gives."""

    project: str
    dataset: str
    template_id: str | None
    description: str | None
    quotas: QuotaFacts

    def describe(self) -> str:
        """For people."""
        return f"create dataset {self.project}/{self.dataset} with template {self.template_id or 'of the project'}"


@dataclass(frozen=True, slots=True)
class UpdateDataset:
    """UpdateDataset with only what differs; `changes` says it field by field."""

    project: str
    dataset: str
    template_id: str | None
    description: str | None
    quotas: QuotaFacts
    changes: tuple[str, ...]

    def describe(self) -> str:
        """For people."""
        return f"update dataset {self.project}/{self.dataset}: {', '.join(self.changes)}"


@dataclass(frozen=True, slots=True)
class DeleteDataset:
    """DeleteDataset; the cloud refuses one that is not empty."""

    project: str
    dataset: str

    def describe(self) -> str:
        """For people."""
        return f"delete dataset {self.project}/{self.dataset}"


@dataclass(frozen=True, slots=True)
class CreateBinding:
    """CreateBinding: from here on the bucket is scanned, and the scan is billed per object."""

    project: str
    dataset: str
    bucket: str

    def describe(self) -> str:
        """For people."""
        return f"bind oss://{self.bucket} to dataset {self.project}/{self.dataset}"


@dataclass(frozen=True, slots=True)
class DeleteBinding:
    """DeleteBinding: stops the sync; what is indexed stays indexed."""

    project: str
    dataset: str
    bucket: str

    def describe(self) -> str:
        """For people."""
        return f"unbind oss://{self.bucket} from dataset {self.project}/{self.dataset}"


CloudAction = CreateDataset | UpdateDataset | DeleteDataset | CreateBinding | DeleteBinding


@dataclass(frozen=True, slots=True)
class RecordIntent:
    """Write the intent into status before the submit it announces (law 4)."""

    intent: Intent
    announces: CloudAction

    def describe(self) -> str:
        """For people: the announced action is what matters."""
        return self.announces.describe()


@dataclass(frozen=True, slots=True)
class ClaimOwnership:
    """Make sure that the owner record is ours: write it where there is none, read it where we believe it is.

    `believed` is what is known so far (`controller.core.ownership.Holding`): what comes out is looked at anew.
    """

    record: str
    believed: str

    def describe(self) -> str:
        """For people."""
        return f"claim {self.record} ({self.believed})"


@dataclass(frozen=True, slots=True)
class ReleaseOwnership:
    """Remove the owner record if it is ours. A failure is told and holds nothing back."""

    record: str

    def describe(self) -> str:
        """For people."""
        return f"give up {self.record}"


Action = Hold | Release | StandIn | RecordIntent | CloudAction | ClaimOwnership | ReleaseOwnership
