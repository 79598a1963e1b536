"""Kubernetes as the reconcile steps see it. The runtime implements these, for callers in any thread."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

from controller.api.kind import Kind
from controller.api.status import Status

AnyKind = TypeVar("AnyKind", bound=Kind)
Contest = tuple[str, ...]  # what objects that may claim the same thing in the cloud have in common


class StaleObject(Exception):
    """The object changed since it was read (HTTP 409): plan again from the new one."""


class ObjectGone(Exception):
    """The object is not there any more (HTTP 404): there is nothing left to report to."""


class NotAllowed(Exception):
    """The operator's own rights in the cluster do not allow it, or the operator itself does not."""


class Objects(Protocol):
    """The informer's cache."""

    def get(self, kind: type[AnyKind], namespace: str, name: str) -> AnyKind | None:
        """The object as last seen, or None."""
        ...

    def contenders(self, contest: Contest) -> list[Kind]:
        """Every object of a contest (`controller.reconcile.rivals`)."""
        ...

    def requested_at(self, target: Kind) -> datetime:
        """When this process first saw what the object's annotation asks for."""
        ...

    def unreadable(self, kind: type[Kind], namespace: str, name: str) -> bool:
        """Whether there is an object that this version cannot read: it is left alone, and what it owns stays its."""
        ...

    @property
    def complete(self) -> bool:
        """Whether every object has been listed since the process began: before that, absence means nothing."""
        ...

    def watches(self, namespace: str) -> bool:
        """Whether an object of that namespace would be here if it existed."""
        ...


class Cluster(Protocol):
    """What the operator writes to Kubernetes, and what it reads past the cache.

    Every write returns the object as the API server now has it and raises StaleObject or ObjectGone.
    """

    def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """`data` of a Secret, values in base64; None when there is none. Raises NotAllowed."""
        ...

    def request_token(self, namespace: str, service_account: str, audience: str, seconds: int) -> str | None:
        """A token of a service account, for one audience; None when there is no such service account.

        Raises NotAllowed, also for the service account that the operator itself runs as.
        """
        ...

    def find(self, kind: type[AnyKind], namespace: str, name: str) -> AnyKind | None:
        """An object of ours, whichever shard serves it; None where there is none, or none that can be read."""
        ...

    def find_all(self, kind: type[AnyKind], namespace: str) -> list[AnyKind]:
        """The objects of a namespace, whichever shard serves them."""
        ...

    def uid(self) -> str:
        """What tells this cluster from every other: the uid of its namespace kube-system. Read once."""
        ...

    def namespace_ending(self, namespace: str) -> datetime | None:
        """When the deletion of a namespace was asked for; None when it was not."""
        ...

    def stand_in(self, target: Kind, manifest: dict[str, Any]) -> bool:
        """Make the object of `manifest` with the status of `target`, terminating; False when the API server refuses."""
        ...

    def hold(self, target: AnyKind) -> AnyKind:
        """Add our finalizer, by compare-and-swap."""
        ...

    def release(self, target: Kind) -> bool:
        """Remove our finalizer, by compare-and-swap; False when the object was gone already."""
        ...

    def write_status(self, target: AnyKind, status: Status) -> AnyKind:
        """Replace the status of the very version that was planned from."""
        ...

    def emit(self, target: Kind, *, warning: bool, reason: str, message: str) -> None:
        """Record a Kubernetes event; failure to do so is only logged."""
        ...
