"""What people do with batches in the console, and tests with their pace: behind admin pages and `LocalCloud`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from emulator.imagesearch.batch_end import cancel

if TYPE_CHECKING:
    from emulator.instance import Instance

Seconds = Annotated[float, Field(ge=0, le=3600)]


class CancelTask(BaseModel):
    """Cancel in the console. Account and region are the emulator's own unless said."""

    model_config = ConfigDict(extra="forbid")
    instance: str
    id: int
    account: str = ""
    region: str = ""


class ChangedPace(BaseModel):
    """New values of `BatchSettings`; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    begin_seconds: Seconds | None = None
    lines_per_second: Annotated[float, Field(ge=0, le=1e9)] | None = None
    turn_seconds: Annotated[float, Field(gt=0, le=60)] | None = None
    dump_seconds: Seconds | None = None
    callback_timeout_seconds: Annotated[float, Field(gt=0, le=300)] | None = None
    callback_again_seconds: Seconds | None = None


def cancel_task(running: Instance, wanted: CancelTask) -> None:
    """Cancel a running batch task.

    Raises:
        ValueError: There is no such task, or it is at its end.
    """
    account = running.cloud.accounts.get(wanted.account or running.config.account_id)
    region = wanted.region or running.cloud.region
    search = None if account is None else account.imagesearch.get(region)
    instance = None if search is None else search.instances.get(wanted.instance)
    task = None if instance is None else instance.tasks.get(wanted.id)
    if search is None or instance is None or task is None:
        raise ValueError(f"there is no batch task {wanted.id} of an instance {wanted.instance!r} in {region}")
    cancel(running.cloud, region, search, instance, task)


def change_pace(running: Instance, changed: ChangedPace) -> None:
    """Put new values in force, for tasks under way too: those are from then on where the new pace would have them."""
    for name, value in changed.model_dump(exclude_none=True).items():
        setattr(running.cloud.image_batches, name, value)
