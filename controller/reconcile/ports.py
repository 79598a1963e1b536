"""Kubernetes as the reconcile steps see it. The runtime implements these, for callers in any thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from controller.api.kind import Kind
from controller.api.status import Status

AnyKind = TypeVar("AnyKind", bound=Kind)


class StaleObject(Exception):
    """The object changed since it was read (HTTP 409): plan again from the new one."""


class ObjectGone(Exception):
    """The object is not there any more (HTTP 404): there is nothing left to report to."""


class Objects(Protocol):
    """The informer's cache."""

    def get(self, kind: type[AnyKind], namespace: str, name: str) -> AnyKind | None:
        """The object as last seen, or None."""
        ...


class Cluster(Protocol):
    """What the operator writes to Kubernetes, and the one thing it reads past the cache.

    Every write returns the object as the API server now has it and raises StaleObject or ObjectGone.
    """

    def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """`data` of a Secret, values in base64; None when there is none."""
        ...

    def hold(self, target: AnyKind) -> AnyKind:
        """Add our finalizer, by compare-and-swap."""
        ...

    def release(self, target: Kind) -> None:
        """Remove our finalizer, by compare-and-swap."""
        ...

    def write_status(self, target: AnyKind, status: Status) -> AnyKind:
        """Replace the status of the very version that was planned from."""
        ...

    def emit(self, target: Kind, *, warning: bool, reason: str, message: str) -> None:
        """Record a Kubernetes event; failure to do so is only logged."""
        ...
