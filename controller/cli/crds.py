"""`imm-operator crds`: write the CustomResourceDefinitions, or check that the written ones are fresh."""

from __future__ import annotations

from pathlib import Path

import click

from controller.api import crd
from controller.api.kind import Kind
from controller.cli.output_file import write_texts
from controller.cli.yaml_text import documents as yaml_documents

HEADER = "# Generated from controller/api by `make crds`. Do not edit.\n"


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write one file per kind here.")
@click.option("--check", is_flag=True, help="Write nothing; fail when a file in --out is not what would be written.")
def crds(out: Path | None, *, check: bool) -> None:
    """Print the CustomResourceDefinitions, or keep a folder of them."""
    documents = {f"{kind.plural}.yaml": render(kind) for kind in crd.ALL}
    if out is None:
        click.echo("".join(documents.values()), nl=False)
        return
    stale = [name for name, text in documents.items() if not (out / name).is_file() or (out / name).read_text() != text]
    if check:
        if stale:
            raise click.ClickException(f"not fresh in {out}: {', '.join(stale)}; run `make crds` and commit the result")
        return
    write_texts({out / name: documents[name] for name in stale})


def render(kind: type[Kind]) -> str:
    """One definition as YAML."""
    return HEADER + yaml_documents([crd.definition(kind)])
