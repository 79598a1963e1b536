"""`python -m sandbox image`: the image's files without a container engine, proven, or their bill of materials."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from sandbox.demo.stage import Stage
from sandbox.endings import end_like_ctrl_c
from sandbox.image.container import refusal
from sandbox.image.layout import lay_out
from sandbox.image.proof import prove
from sandbox.programs import ProgramError


@click.command()
@click.option("--revision", default="", help="The commit that the image is built from.")
@click.option(
    "--sbom",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Only write the bill of materials here, and run nothing.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".sandbox") / "image",
    show_default=True,
    help="Where the files of the image and the logs are kept; emptied at the start.",
)
def image(revision: str, sbom: Path | None, directory: Path) -> None:
    """The image's files, made by the Dockerfile's steps, and the operator run from them, read-only, as its own user."""
    end_like_ctrl_c()
    stage = Stage()
    if sbom is None and (reason := refusal()):
        raise ProgramError(f"The image cannot be tried without an engine here: {reason}")
    directory = directory.absolute()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    with stage.step("the Dockerfile's steps, in a folder"):
        layout = lay_out(directory / "stages", {"REVISION": revision})
    if sbom is None:
        stage.say(json.dumps({"image": "ok", **prove(layout, directory, stage)}))
        return
    sbom.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(layout.home / "program" / "sbom.cdx.json", sbom)
    stage.say(f"{sbom}: what the image has in it")
