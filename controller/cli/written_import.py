"""A BatchImport from a file as the source of a manifest: what it names lies in OSS, and is read there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from controller.api.batchimport import BatchImport, BatchImportSpec, ImageSearchImport, OnInvalid
from controller.api.importrules import OF_PICTURES
from controller.api.importsource import ImportSource
from controller.cli.access import Access, Unusable, call, plain
from controller.cli.targets import instance_of
from controller.cli.verdict import Question


def question_of(
    file: Path, access_of: Callable[[], Access], service_type: str | None, on_invalid: OnInvalid | None
) -> Question:
    """What an import would check; `on_invalid` goes before what it says itself.

    Raises:
        Unusable: there is no such file, or no such import in it.
    """
    target = _read(file)
    into = target.spec.target.image_search
    wrong = "; ".join(_wrong(target.spec))
    if wrong or into is None:
        raise Unusable(f"{plain(str(file))}: {wrong}")
    if on_invalid is not None:
        target = target.model_copy(update={"spec": target.spec.model_copy(update={"on_invalid": on_invalid})})
    access = access_of()
    oss = access.oss()
    source = target.spec.source
    bucket, key = _object(source, into)
    size = None
    if key:
        head = call(lambda: oss.head_object(bucket, key))
        if head is None:
            raise Unusable(f"oss://{bucket}/{plain(key)} is not there")
        size = head.size
    asked = (access, into.instance_name) if service_type is None else ()
    return Question(target, oss, f"spec.source of {file}", key, size, instance_of(service_type, *asked))


def _object(source: ImportSource, into: ImageSearchImport) -> tuple[str, str]:
    """Bucket and key that the lines come from; empty where they come from no object."""
    if source.manifest is not None:
        return into.bucket, source.manifest.key
    if source.table is not None:
        return source.table.bucket, source.table.key
    return "", ""


def _read(file: Path) -> BatchImport:
    try:
        with file.open(encoding="utf-8") as opened:
            found = [one for one in yaml.safe_load_all(opened) if isinstance(one, dict)]
    except OSError as error:
        raise Unusable(f"{plain(str(file))} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Unusable(f"{plain(str(file))} is no YAML: {error}") from error
    imports = [one for one in found if one.get("kind") == BatchImport.kind()]
    if len(imports) != 1:
        raise Unusable(f"{plain(str(file))} has {len(imports)} BatchImports, and one is needed")
    body: dict[str, Any] = imports[0]
    metadata = body.get("metadata")
    metadata = {"name": "", "namespace": ""} | (metadata if isinstance(metadata, dict) else {})
    try:
        return BatchImport.read(body | {"metadata": metadata})
    except ValidationError as error:
        problems = [f"  {'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        raise Unusable(plain(str(file)) + ":\n" + "\n".join(plain(one) for one in problems)) from error


def _wrong(spec: BatchImportSpec) -> Iterator[str]:
    """What the API server would refuse by its rules, and the model alone does not."""
    if spec.target.image_search is None or spec.target.dataset is not None:
        yield "spec.target needs imageSearch, and nothing else: there are no manifests of a dataset"
        return
    source = spec.source
    if sum(form is not None for form in (source.pictures, source.manifest, source.table, source.prefix)) != 1:
        yield "spec.source takes exactly one of pictures, manifest, table and prefix"
    yield from (rule.message for rule in OF_PICTURES if not rule.holds(spec))
