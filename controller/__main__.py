"""Composition root of the operator process: `python -m controller`, or `imm-operator run`."""

from __future__ import annotations

import controller.runtime.early  # noqa: F401 - the signals first: what follows takes seconds to import

# isort: split
import asyncio
import gc
import logging
import os
import sys

from pydantic import ValidationError

from controller.runtime import logs, tracing
from controller.runtime.announcement import announce
from controller.runtime.connection import own_namespace, unconfigured
from controller.runtime.operator import run
from controller.runtime.settings import Settings

gc.enable()
log = logging.getLogger("controller")


def main() -> int:
    """Read the settings once, set up logging, and run until a signal."""
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            if problem["type"] == "default_factory_not_called":  # follows from another problem, and names no cause
                continue
            place = "_".join(map(str, problem["loc"])).upper()
            got = f"IMM_OPERATOR_{place}: got {problem['input']!r}: " if place else ""
            print(got + problem["msg"].removeprefix("Value error, "), file=sys.stderr)  # noqa: T201 - no log yet
        return 2
    if why := unconfigured():
        print(f"no Kubernetes API server to talk to: this is no pod; {why}", file=sys.stderr)  # noqa: T201 - no log yet
        return 2
    settings = settings.model_copy(update={"lease_namespace": settings.lease_namespace or own_namespace()})
    if settings.lease_namespace is None:
        print(  # noqa: T201 - no log yet
            "IMM_OPERATOR_LEASE_NAMESPACE: outside a pod, name the namespace for the Lease of the leader election",
            file=sys.stderr,
        )
        return 2
    logs.configure(json=settings.log_format == "json", verbose=settings.verbose)
    announce(settings)
    traces = tracing.begin()
    gc.freeze()  # what was imported stays: no search for garbage goes through it again, and stops the event loop for it
    try:
        # Never closed: that would wait for what Kopf left behind.
        ended_in_order = asyncio.Runner().run(run(settings))
    except Exception:
        log.exception("the operator ends: a part of it that cannot be mended from inside failed")
        ended_in_order = False
    if traces is not None:
        traces.end()
    logging.shutdown()
    # Threads that still wait, for a turn at the limiter or for an answer, would keep the process. The fence is shut, so
    # none of them has anything left to do.
    os._exit(0 if ended_in_order else 1)


if __name__ == "__main__":
    sys.exit(main())
