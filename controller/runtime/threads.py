"""Thread pools that carry along where a call comes from, and whose threads have a pulse.

What is handed to a thread keeps the context of who handed it over: the object that log lines are about, and the span
that other spans are part of.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from controller.cloud import pulse, trace
from controller.runtime.logs import subject

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Threads(ThreadPoolExecutor):
    """A bounded pool of named threads."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(max_workers=size, thread_name_prefix=name)
        self.name = name

    def submit(self, fn: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs) -> Future[Result]:
        """As any executor; who submits from a piece of work waits for a part of it."""
        whole = pulse.present()

        def run() -> Result:
            trace.begin()  # two parts of a pass must not take each other's request ids
            with pulse.running(f"{subject() or 'work'} in the {self.name} threads"):
                return fn(*args, **kwargs)

        pulse.part(whole, 1)
        try:
            future = super().submit(copy_context().run, run)
        except RuntimeError:
            pulse.part(whole, -1)
            raise
        future.add_done_callback(lambda _: pulse.part(whole, -1))
        return future
