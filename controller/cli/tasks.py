"""`imm-operator tasks`: the batch tasks of an Image Search instance, as a person would look for them in the console."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from controller.cli.access import Unusable, access_of, call, image_search_option, plain, region_option
from controller.core.facts import TaskFacts
from controller.core.imports.tasks import TaskState, is_known, state_of
from controller.reconcile.imports.boards import walk

PACE = "one call a second, ten tasks each"
LIVES = "A report's address works for two hours: fetch it soon, or list again for another one."
HEADINGS = ("TASK", "STATE", "CREATED", "MODIFIED", "BUCKET", "PATH", "MESSAGE")
_FIRST = datetime.min.replace(tzinfo=UTC)


@click.command()
@click.argument("instance")
@click.option("--bucket", help="Only tasks whose increment.meta lies in this bucket.")
@click.option("--path", help="Only tasks of this folder, e.g. spring/; / is the bucket itself.")
@region_option
@image_search_option("--endpoint")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def tasks(
    instance: str,
    bucket: str | None,
    path: str | None,
    region: str | None,
    image_search_endpoint: str | None,
    output: str,
) -> None:
    """List the batch tasks of an Image Search INSTANCE, the newest first.

    INSTANCE is its name, not its id (imagesearch-cn-…). All pages are read, at the one call a second that Image Search
    allows. The key is read from ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, and from
    ALIBABA_CLOUD_SECURITY_TOKEN if it is a temporary one.

    A task that Succeeded may have failed for single pictures: its report names them.
    """
    if not instance:
        raise Unusable("the instance's name is empty")
    port = access_of(region, image_search_endpoint=image_search_endpoint).image_search()
    folder = None if path is None else _folder(path)
    found = call(lambda: walk(port, instance, bucket, folder, _tell))
    found.sort(key=lambda one: (one.created_at or _FIRST, one.id), reverse=True)
    if output == "json":
        click.echo(json.dumps([_document(one) for one in found], indent=2, ensure_ascii=False))
    else:
        click.echo(_table(found), nl=False)


def _tell(found: int, total: int) -> None:
    """Say how far the listing is, as soon as there is something to wait for."""
    if found < total:
        click.echo(f"{found} of {total} tasks listed; {PACE}", err=True)


def _folder(path: str) -> str:
    stripped = path.strip("/")
    return f"{stripped}/" if stripped else ""


def _state(task: TaskFacts) -> str:
    state = state_of(task.status)
    return state.value if is_known(task.status) else f"{state} ({task.status or 'no status'})"


def _document(task: TaskFacts) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": task.id,
        "state": state_of(task.status).value,
        "status": task.status,
        "ended": state_of(task.status) is not TaskState.PROCESSING,
        "bucket": task.bucket,
        "path": task.path,
        "createdAt": _moment(task.created_at, "T"),
        "modifiedAt": _moment(task.modified_at, "T"),
        "code": task.code,
        "message": task.message,
        "callback": task.callback,
        "report": task.error_url,
    }
    return document


def _moment(at: datetime | None, between: str) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime(f"%Y-%m-%d{between}%H:%M:%SZ")


def _table(found: Sequence[TaskFacts]) -> str:
    if not found:
        return "no tasks\n"
    rows = [HEADINGS, *(_row(task) for task in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines = [texts[0]]
    for task, text in zip(found, texts[1:], strict=True):
        lines += [text, *([f"  report: {plain(task.error_url)}"] if task.error_url else [])]
    if any(task.error_url for task in found):
        lines += ["", LIVES]
    return "\n".join(lines) + "\n"


def _row(task: TaskFacts) -> tuple[str, ...]:
    cells = (
        str(task.id),
        _state(task),
        _moment(task.created_at, " ") or "-",
        _moment(task.modified_at, " ") or "-",
        task.bucket or "-",
        task.path or "/",
        task.message or "-",
    )
    return tuple(plain(cell) for cell in cells)
