"""Composition root of the operator process: `python -m controller`, or `imm-operator run`."""

from __future__ import annotations

import asyncio
import logging
import sys

import kopf
from pydantic import ValidationError

from controller.runtime.connection import configured
from controller.runtime.operator import run
from controller.runtime.settings import Settings


def main() -> int:
    """Read the settings once, set up logging, and run until a signal."""
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            place = "_".join(map(str, problem["loc"])).upper()
            got = f"IMM_OPERATOR_{place}: got {problem['input']!r}: " if place else ""
            print(got + problem["msg"].removeprefix("Value error, "), file=sys.stderr)  # noqa: T201 - no log yet
        return 2
    if not configured():
        print("no Kubernetes API server to talk to: run in a pod, or set KUBECONFIG", file=sys.stderr)  # noqa: T201
        return 2
    log_format = kopf.LogFormat.JSON if settings.log_format == "json" else kopf.LogFormat.FULL
    kopf.configure(verbose=settings.verbose, log_format=log_format)
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # it has a line for every event it hands to us
    asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
