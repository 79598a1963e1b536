"""Composition root of the operator process: `python -m controller`, or `imm-operator run`."""

from __future__ import annotations

import asyncio
import sys

import kopf
from pydantic import ValidationError

from controller.runtime.operator import run
from controller.runtime.settings import Settings


def main() -> int:
    """Read the settings once, set up logging, and run until a signal."""
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "IMM_OPERATOR_" + "_".join(map(str, problem["loc"])).upper()
            print(f"{name}: {problem['msg']}; got {problem['input']!r}", file=sys.stderr)  # noqa: T201 - no log yet
        return 2
    log_format = kopf.LogFormat.JSON if settings.log_format == "json" else kopf.LogFormat.FULL
    kopf.configure(verbose=settings.verbose, log_format=log_format)
    asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
