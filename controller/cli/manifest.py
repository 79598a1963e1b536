"""`imm-operator manifest check`: what the operator would say of an increment.meta, before it is anywhere near one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from controller.api.importsource import MANIFEST, ImportSource, Manifest
from controller.cli.access import (
    Access,
    Unusable,
    access_of,
    call,
    image_search_option,
    oss_option,
    plain,
    region_option,
)
from controller.cli.local_pictures import LocalFolder, LocalPictures
from controller.cli.manifest_build import build
from controller.cli.say import printer_of
from controller.cli.targets import ANYWHERE, import_of, instance_of, service_type_option, tidily
from controller.cli.verdict import Question, examine
from controller.core.manifest.rules import file_name_problem

_ADDRESS = re.compile(r"oss://([^/]+)/(.*[^/])", re.DOTALL)


@click.group()
def manifest() -> None:
    """Check an increment.meta, or make one, with the operator's own code."""


manifest.add_command(build)


@manifest.command()
@click.argument("file", metavar="FILE|oss://BUCKET/PATH/increment.meta")
@click.option("--no-images", is_flag=True, help="Check the lines only, and look at no picture.")
@service_type_option
@click.option("--instance", metavar="NAME", help="Ask this instance for its type and region (of oss:// only).")
@click.option(
    "--allow-whole-product-delete", is_flag=True, help="Take a DELETE without PicName, of every picture of a product."
)
@region_option
@oss_option("--oss-endpoint")
@image_search_option("--endpoint")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def check(context: click.Context, /, file: str, **options: Any) -> None:
    """Say everything that is wrong with a manifest and its pictures.

    Of a FILE of this machine the pictures are looked for beside it. Of one in OSS they are read there, 64 KiB of each
    at most; the key is read from ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET.

    Exit status: 0 nothing is wrong, 1 something is, 2 it could not be checked. Warnings change nothing.
    """
    with tidily():
        question = _question(file, options)
        printer = printer_of(options["output"])
        name = file_name_problem(file)
        printer.say([name] if name is not None else [])
        allow_wide, at_pictures = options["allow_whole_product_delete"], not options["no_images"]
        verdict = examine(question, printer.say, at_pictures=at_pictures, allow_wide=allow_wide)
        verdict.counts.problems += name is not None
        printer.close(file, verdict)
        context.exit(1 if verdict.counts.problems else 0)


def _question(file: str, options: dict[str, Any]) -> Question:
    instance, service_type = options["instance"], options["service_type"]
    if file.startswith("oss://"):
        found = _ADDRESS.fullmatch(file)
        if found is None:
            raise click.UsageError(f"{plain(file)} names no object: write oss://BUCKET/PATH/{MANIFEST}")
        endpoints = {name: options[name] for name in ("oss_endpoint", "image_search_endpoint")}
        return _in_oss(found[1], found[2], access_of(options["region"], **endpoints), service_type, instance)
    if instance is not None:
        raise click.UsageError("--instance is for a manifest in OSS; of a local one give --service-type")
    return _local(Path(file), service_type)


def _local(file: Path, service_type: str | None) -> Question:
    if file.is_dir():
        raise Unusable(f"{plain(str(file))} is a folder: give the {MANIFEST} in it")
    if not file.is_file():
        raise Unusable(f"{plain(str(file))} is not there, or no regular file")
    folder = LocalFolder(file.parent, named={MANIFEST: file})
    return Question(
        import_of(ImportSource(manifest=Manifest(key=MANIFEST))),
        folder,
        str(file),
        MANIFEST,
        file.stat().st_size,
        instance_of(service_type),
        LocalPictures(folder, ANYWHERE, "", file.parent),
    )


def _in_oss(bucket: str, key: str, access: Access, service_type: str | None, instance: str | None) -> Question:
    address = f"oss://{bucket}/{key}"
    oss = access.oss()
    head = call(lambda: oss.head_object(bucket, key))
    if head is None:
        raise Unusable(f"{plain(address)} is not there")
    path = key[: key.rfind("/") + 1]
    source = ImportSource.model_construct(manifest=Manifest.model_construct(key=key))
    return Question(
        import_of(source, bucket, path, instance=instance),
        oss,
        address,
        key,
        head.size,
        instance_of(service_type, access, instance),
    )
