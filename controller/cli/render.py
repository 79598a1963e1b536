"""`imm-operator render`: the hand-over document as Kubernetes objects, ready for kubectl or for a GitOps repository.

The output depends on the document and the chosen shard alone and is stable byte by byte, so that a repository shows a
change only where the stack changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TextIO

import click
from pydantic import ValidationError

from controller.api.cloudaccount import CloudAccount, CloudAccountSpec, CredentialsSource
from controller.api.dataset import Dataset, DatasetSpec
from controller.api.fields import DEFAULT_SHARD, SHARD, ObjectReference
from controller.api.handover import VERSION, Handover, HandoverShard
from controller.api.kind import Metadata
from controller.cli.yaml_text import documents

CONFIG_MAP = "handover"
FILE = "handover.yaml"


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
@click.option(
    "--shard", metavar="NAME", help="The shard whose queue this operator reads; needed where there are several."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Write {FILE} into this folder instead of printing.",
)
def render(file: TextIO, shard: str | None, out: Path | None) -> None:
    """Print the objects of a hand-over document.

    FILE is what `pulumi stack output handover --json` prints; without it, or with -, it is read from standard input.
    """
    handover = _read(file)
    rendered = objects(handover, _shard(handover, shard))
    text = documents(rendered)
    if out is None:
        click.echo(text, nl=False)
        return
    out.mkdir(parents=True, exist_ok=True)
    target = out / FILE
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8", newline="\n")
    click.echo(f"{target}: {len(rendered)} objects")


def objects(handover: Handover, shard: HandoverShard) -> list[dict[str, Any]]:
    """The CloudAccount, one Dataset per dataset in the document's order, and the document itself in a ConfigMap.

    The account gets the topic and the queues of `shard`, and every object the shard's namespace and its label, by which
    the operator of that shard knows them; the default shard has none. Everything else is the same for each shard.
    With RRSA the service account that the role trusts comes first: nothing else needs it, so nobody else makes it.
    A Dataset object is named after its dataset, in lower case and with `_` as `-` (`HandoverDataset.object_name`).
    """
    namespace = handover.namespace_of(shard)
    datasets = (dataset.manifest() for dataset in _datasets(handover, namespace))
    account = _account(handover, shard).manifest()
    made = [*_service_account(handover, namespace), account, *datasets, _record(handover, namespace)]
    if shard.name != DEFAULT_SHARD:
        for one in made:
            one["metadata"]["labels"] = {SHARD: shard.name}
    return made


def _shard(handover: Handover, name: str | None) -> HandoverShard:
    """The shard of that name, or the only one."""
    names = [shard.name for shard in handover.shards]
    if name is None and len(names) == 1:
        name = names[0]
    if name is None:
        raise click.UsageError(
            f"stack {handover.stack} has {len(names)} shards, and each operator reads the queue of one: choose it with "
            f"--shard, one of {', '.join(names)}"
        )
    if name not in names:
        raise click.BadParameter(
            f"stack {handover.stack} has no shard {name!r}. It has: {', '.join(names)}", param_hint="--shard"
        )
    return handover.shards[names.index(name)]


def _service_account(handover: Handover, namespace: str) -> list[dict[str, Any]]:
    if handover.rrsa is None:
        return []
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": handover.rrsa.service_account_name, "namespace": namespace},
            "automountServiceAccountToken": False,
        }
    ]


def _account(handover: Handover, shard: HandoverShard) -> CloudAccount:
    spec = CloudAccountSpec(
        region=handover.region,
        account_id=handover.account_id,
        credentials=_credentials(handover),
        endpoints=handover.endpoints,
        work_bucket=handover.work_bucket,
        events=shard.events,
    )
    metadata = Metadata(name=handover.name, namespace=handover.namespace_of(shard))
    return CloudAccount(metadata=metadata, spec=spec)


def _credentials(handover: Handover) -> CredentialsSource:
    secret = handover.credentials_secret
    return CredentialsSource(secret_ref=ObjectReference(name=secret) if secret else None, rrsa=handover.rrsa)


def _datasets(handover: Handover, namespace: str) -> list[Dataset]:
    return [
        Dataset(
            metadata=Metadata(name=dataset.object_name, namespace=namespace),
            spec=DatasetSpec(
                account_ref=ObjectReference(name=handover.name),
                project=project.name,
                name=dataset.name,
                template_id=dataset.template_id,
                quotas=dataset.quotas,
            ),
        )
        for project in handover.projects
        for dataset in project.datasets
    ]


def _record(handover: Handover, namespace: str) -> dict[str, Any]:
    document = handover.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": namespace},
        "data": {"handover.json": json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"},
    }


def _read(file: TextIO) -> Handover:
    try:
        text = file.read()
        if not text.strip():
            raise click.ClickException(_empty(file))
        return Handover.model_validate(json.loads(text))
    except ValidationError as error:
        problems = "\n".join(f"  {_problem(detail['loc'], detail['msg'])}" for detail in error.errors())
        raise click.ClickException(
            f"{file.name} is no hand-over document of version {VERSION}:\n{problems}\n"
            "Correct the stack's configuration, run `pulumi up`, and render again; do not edit the document."
        ) from error
    except ValueError as error:  # no JSON, or no UTF-8
        raise click.ClickException(
            f"{file.name} is no JSON ({error}): make it with `pulumi stack output handover --json`"
        ) from error


def _empty(file: TextIO) -> str:
    if file.name == "<stdin>":
        return (
            "standard input is empty, because the command before the pipe failed: see what it says above, and run it "
            "by itself: `pulumi stack output handover --json --stack STACK`"
        )
    return f"{file.name} is empty: make it with `pulumi stack output handover --json`"


def _problem(loc: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{'.'.join(str(part) for part in loc)}: {message}" if loc else message
