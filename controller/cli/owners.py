"""`imm-operator owners`: the owner records of a work bucket, and the removal of those of a cluster that is no more.

An operator never takes over from another cluster by itself: it cannot know that the other is gone. A person can.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from controller.cli.access import Unusable, access_of, call, oss_option, plain, region_option
from controller.cloud.ports import OssPort
from controller.core.ownership import FOLDER, Record, decode

HEADINGS = ("CLUSTER", "OWNER", "RECORDED", "RECORD")


@dataclass(frozen=True, slots=True)
class Found:
    """A record and its key; `record` is None where this version cannot read it."""

    key: str
    record: Record | None

    def of(self, cluster: str) -> bool:
        """Whether an object of that cluster is the owner."""
        return self.record is not None and self.record.owner.cluster == cluster

    def row(self) -> tuple[str, str, str]:
        """What stands in it: cluster, owner, time."""
        if self.record is None:
            return "?", "(this version cannot read it)", "?"
        owner = self.record.owner
        return owner.cluster, f"{owner.namespace}/{owner.name}", self.record.recorded_at


@click.command()
@click.argument("bucket")
@click.option("--cluster", metavar="UID", help="Only records of this cluster: the uid of its namespace kube-system.")
@click.option("--forget", is_flag=True, help="Remove the records of --cluster, which is no more.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@region_option
@oss_option("--oss-endpoint")
def owners(
    bucket: str,
    cluster: str | None,
    output: str,
    region: str | None,
    oss_endpoint: str | None,
    *,
    forget: bool,
    yes: bool,
) -> None:
    """List the owner records in a work BUCKET, or remove those of a cluster that is no more.

    A record says which object of which cluster owns a binding. The objects of another cluster wait, OwnershipConflict,
    until it is gone. The key is read as by `imm-operator tasks`. Exit status 1: a record was written anew meanwhile, so
    it stays, and is named.
    """
    if forget and not cluster:
        raise click.UsageError("--forget needs --cluster: the records of which cluster?")
    oss = access_of(region, oss_endpoint=oss_endpoint).oss()
    found = [one for one in _records(oss, bucket) if cluster is None or one.of(cluster)]
    if forget and found and not yes:
        _ask(found)
    removed = [one for one in found if _remove(oss, bucket, one)] if forget else []
    if output == "json":
        click.echo(json.dumps([_document(bucket, one, removed=one in removed) for one in found], indent=2))
    else:
        click.echo(_table(bucket, found), nl=False)
    if not forget:
        return
    if output != "json":
        click.echo(f"{len(removed)} of {len(found)} records removed")
    stay = [one for one in found if one not in removed]
    for one in stay:
        where = plain(f"oss://{bucket}/{one.key}")
        click.echo(f"{where} stays: it was written anew meanwhile, so an operator of that cluster may run", err=True)
    if stay:
        sys.exit(1)


def _records(oss: OssPort, bucket: str) -> list[Found]:
    found: list[Found] = []
    after: str | None = None
    while True:
        page = call(partial(oss.list_objects, bucket, FOLDER, after=after))
        for key in (one.key for one in page.objects):
            data = call(partial(oss.get_object, bucket, key))
            if data is not None:
                found.append(Found(key, decode(data)))
        after = page.next_after
        if after is None:
            return found


def _ask(found: list[Found]) -> None:
    """Have it confirmed.

    Raises:
        Unusable: there is nobody to ask.
    """
    click.echo(
        f"{len(found)} records are removed. An operator that still runs in that cluster would lose to another.",
        err=True,
    )
    if not sys.stdin.isatty():
        raise Unusable("nobody can be asked here: if that is meant, say --yes")
    click.confirm("Go on?", abort=True, err=True)


def _remove(oss: OssPort, bucket: str, one: Found) -> bool:
    """Have a record gone that is still the one that was shown."""
    data = call(partial(oss.get_object, bucket, one.key))
    if data is None:
        return True
    if decode(data) != one.record:
        return False
    call(partial(oss.delete_object, bucket, one.key))
    return True


def _document(bucket: str, one: Found, *, removed: bool) -> dict[str, Any]:
    cluster, owner, recorded = one.row()
    where = {"record": f"oss://{bucket}/{one.key}", "cluster": cluster, "owner": owner, "recordedAt": recorded}
    return where | {"removed": removed}


def _table(bucket: str, found: list[Found]) -> str:
    rows = [HEADINGS, *((*map(plain, one.row()), plain(f"oss://{bucket}/{one.key}")) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)
