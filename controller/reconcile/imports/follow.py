"""Takes the steps that are of Image Search alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from controller.core.imports.observed import ObservedTask
from controller.core.imports.steps import LookForTask, SubmitTask, TakeResult, TurnTask, UploadManifest
from controller.reconcile.imports.result import take_result
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.submit import Counter, give_up_looking, look_for, submit
from controller.reconcile.imports.upload import upload_manifest

TaskStep = UploadManifest | SubmitTask | LookForTask | TurnTask | TakeResult


def follow(step: TaskStep, run: Run, seen: ObservedTask, counter: Counter, until: Callable[[], bool]) -> str:
    """Take a step, or as much of it as there is time for; what people should know of it, empty for nothing.

    Raises:
        controller.cloud.errors.CloudError: it did not get through; what it did is on record.
    """
    match step:
        case UploadManifest():
            upload_manifest(run, seen.manifest, counter.oss, counter.now, until)
        case SubmitTask():
            task = submit(run, counter)
            return f"task {task} of instance {run.record.instance} is submitted" if task is not None else ""
        case LookForTask(chunk):
            return look_for(run, chunk, counter)
        case TurnTask(chunk):
            give_up_looking(run, chunk)
        case TakeResult(chunk):
            if seen.facts is not None:
                take_result(run, chunk, seen.facts, counter)
        case _:
            assert_never(step)
    return ""
