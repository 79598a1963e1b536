"""`imm-operator manifest build`: an increment.meta from a table, a folder or a BatchImport, checked as it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from msgspec import structs

from controller.api.batchimport import OnInvalid
from controller.api.importsource import MANIFEST
from controller.cli.access import Unusable, access_of, image_search_option, oss_option, plain, region_option
from controller.cli.local_sources import Folder, in_folder, in_table
from controller.cli.output_file import OutputFile
from controller.cli.say import TextPrinter
from controller.cli.targets import service_type_option, tidily
from controller.cli.verdict import ALLOW_WIDE, Question, examine
from controller.cli.written_import import question_of
from controller.core.imports.items import Finding
from controller.core.manifest.lines import encode
from controller.core.manifest.tables import SAID_BY

FORMATS = ("csv", "jsonl")
PRODUCT_IDS = ("file-name", "folder", "before-separator")


@click.command()
@click.argument("source", required=False, metavar="[TABLE|FOLDER]")
@click.option(
    "-f",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A BatchImport, whose spec.source and pictures are read in OSS.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="How TABLE is written; else its name says it.")
@click.option(
    "--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="Of TABLE, e.g. productId=sku; may be repeated."
)
@click.option(
    "--pictures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Of TABLE: the folder with its pictures; else the table's own.",
)
@click.option("--include", multiple=True, metavar="GLOB", help="Of FOLDER: files to take, ** over folders; else all.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Of FOLDER: files to leave out.")
@click.option(
    "--product-id-from",
    type=click.Choice(PRODUCT_IDS),
    default="file-name",
    show_default=True,
    help="Of FOLDER: what a file's product is.",
)
@click.option("--separator", default="_", show_default=True, help="What ends the product's id before-separator.")
@click.option("--custom-content", metavar="TEXT", help="Of FOLDER: CustomContent of every line.")
@click.option("--bucket", help="Of FOLDER: where the pictures will lie; CustomContent is then their oss:// address.")
@click.option("--path", default="", help="The folder in that bucket, e.g. spring/.")
@click.option("--category-id", type=int, help="Of FOLDER: CategoryId of every line.")
@click.option("--int-attr", type=int, help="Of FOLDER: IntAttr of every line.")
@click.option("--str-attr", help="Of FOLDER: StrAttr of every line.")
@click.option("--no-images", is_flag=True, help="Check the lines only, and look at no picture.")
@service_type_option
@click.option(
    "--on-invalid",
    type=click.Choice(["reject", "skip"]),
    help="Write nothing while a line is wrong (reject, also where nothing says otherwise), or leave it out (skip).",
)
@click.option(ALLOW_WIDE, is_flag=True, help="Take a DELETE without PicName, of every picture of a product.")
@click.option("--out", type=click.Path(path_type=Path), help="Write it to this file; else to standard output.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@region_option
@oss_option("--oss-endpoint")
@image_search_option("--endpoint")
@click.pass_context
def build(context: click.Context, /, **options: Any) -> None:
    """Make an increment.meta, with every line checked.

    Of a TABLE (CSV with a header line, or JSON Lines), of a FOLDER of pictures, or of what a BatchImport names (-f).
    What is wrong is said on standard error. The file is there as a whole, or not at all.

    Exit status: 0 it is written, 1 it is not as something is wrong, 2 it could not be checked or written.
    """
    with tidily(), OutputFile(options["out"], force=options["force"]) as output:
        question = _question(options, {options["out"], output.path} - {None})
        printer = TextPrinter(err=True)
        skip = question.target.spec.on_invalid is OnInvalid.SKIP
        verdict = examine(
            question,
            printer.say if options["file"] else lambda found: printer.say([_by_option(one) for one in found]),
            lambda lines: output.write(encode(lines)),
            at_pictures=not options["no_images"],
            allow_wide=options["allow_whole_product_delete"],
        )
        printer.close(question.about, verdict)
        counts = verdict.counts
        if verdict.wide_refused or not counts.items or (counts.problems and not skip):
            why = "nothing is wrong, and no line is there" if not counts.problems else "as something is wrong"
            click.echo(f"no manifest is written, {why}", err=True)
            context.exit(1)
        output.publish()
        if options["out"] is not None and options["out"].name != MANIFEST:
            click.echo(f"in OSS its name must be {MANIFEST} exactly", err=True)


def _by_option(finding: Finding) -> Finding:
    """Where there is no BatchImport, the option and not a field says what a column is."""
    return structs.replace(finding, rule=finding.rule.replace(SAID_BY, "--column FIELD=COLUMN"))


def _question(options: dict[str, Any], hidden: set[Path]) -> Question:
    source, file = options["source"], options["file"]
    if (source is None) == (file is None):
        raise click.UsageError("give either a table or folder, or a BatchImport by -f")
    on_invalid = {"reject": OnInvalid.REJECT, "skip": OnInvalid.SKIP, None: None}[options["on_invalid"]]
    if file is not None:
        endpoints = {name: options[name] for name in ("oss_endpoint", "image_search_endpoint")}
        return question_of(file, lambda: access_of(options["region"], **endpoints), options["service_type"], on_invalid)
    place = Path(source)
    if not place.exists():
        raise Unusable(f"{plain(source)} is not there")
    on_invalid = on_invalid or OnInvalid.REJECT
    if place.is_dir():
        names = ("include", "exclude", "product_id_from", "separator", "custom_content", "bucket", "path")
        folder = Folder(*(options[name] for name in (*names, "category_id", "int_attr", "str_attr")))
        return in_folder(place, folder, options["service_type"], on_invalid, hidden)
    return in_table(
        place, options["form"], options["columns"], options["pictures"], options["service_type"], on_invalid
    )
