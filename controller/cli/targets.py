"""What a check is told of the import that it stands for: the place, and what the instance is."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

import click

from controller.api.batchimport import BatchImport, BatchImportSpec, ImageSearchImport, ImportTarget, OnInvalid
from controller.api.fields import ObjectReference
from controller.api.importsource import ImportSource
from controller.api.kind import Metadata
from controller.cli.access import Access
from controller.core.facts import InstanceFacts
from controller.core.manifest.rules import GENERIC, PRODUCTS

ANYWHERE = "local"  # stands for the bucket of what lies on this machine
SERVICE_TYPES = {"product": PRODUCTS, "generic": GENERIC}
INTERRUPTED, TERMINATED = 130, 143  # exit statuses, as shells have them

service_type_option = click.option(
    "--service-type",
    type=click.Choice([*SERVICE_TYPES]),
    help="What the instance searches; without it, rules that only one of them has are warnings.",
)


def import_of(
    source: ImportSource,
    bucket: str = ANYWHERE,
    path: str = "",
    *,
    instance: str | None = None,
    on_invalid: OnInvalid = OnInvalid.REJECT,
) -> BatchImport:
    """An import of that source. It is nowhere else than here, so its spelling is nobody's business."""
    into = ImageSearchImport.model_construct(instance_name=instance or "", bucket=bucket, path=path)
    spec = BatchImportSpec.model_construct(
        account_ref=ObjectReference.model_construct(name=""),
        target=ImportTarget.model_construct(image_search=into),
        source=source,
        on_invalid=on_invalid,
    )
    return BatchImport.model_construct(metadata=Metadata(name="", namespace=""), spec=spec)


def instance_of(
    service_type: str | None, access: Access | None = None, name: str | None = None
) -> Callable[[], InstanceFacts | None]:
    """What the instance of that name is: asked for where there is one, else as the option says.

    The option goes before what the instance says of its type.
    """
    kind = SERVICE_TYPES[service_type] if service_type is not None else None

    def told() -> InstanceFacts | None:
        if access is None or name is None:
            return InstanceFacts(name or "", region="", service_type=kind, capacity=None, total=None, qps=None)
        found = access.image_search().detail(name)
        return found if found is None or kind is None else replace(found, service_type=kind)

    return told


@contextmanager
def tidily() -> Iterator[None]:
    """Whoever stops the command stops it like this: what it began to write is taken away, and nothing else is said."""

    def end(*_: object) -> NoReturn:
        sys.exit(TERMINATED)

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, end) if main else None
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)
