"""Reading and deleting entries by URI: GetFileMeta, BatchGetFileMeta, DeleteFileMeta, BatchDeleteFileMeta."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.kept import check_file_uri, shown_files, wanted_fields
from emulator.imm.lookup import dataset_of

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

SERVED = Operations("imm")
MAX_URIS = 100


@SERVED.serves("GetFileMeta", "ProjectName", "DatasetName", "URI", "WithFields")
def get_file_meta(cloud: Cloud, call: Call) -> Reply:
    """One file's metadata. api-imm-2020-09-30-getfilemeta."""
    _, dataset = dataset_of(cloud, call)
    uri = params.text(call, "URI")
    check_file_uri(uri)
    wanted = wanted_fields(call)
    held = dataset.files.get(uri)
    if held is None:
        raise refusals.not_found(cloud.switches, "File")
    return Reply({"Files": shown_files([held], wanted)})


@SERVED.serves("BatchGetFileMeta", "ProjectName", "DatasetName", "URIs", "WithFields")
def batch_get_file_meta(cloud: Cloud, call: Call) -> Reply:
    """The metadata of those of up to 100 files that are indexed. api-imm-2020-09-30-batchgetfilemeta."""
    _, dataset = dataset_of(cloud, call)
    wanted = wanted_fields(call)
    held = [dataset.files[uri] for uri in _uris(call) if uri in dataset.files]
    return Reply({"Files": shown_files(held, wanted)})


@SERVED.serves("DeleteFileMeta", "ProjectName", "DatasetName", "URI")
def delete_file_meta(cloud: Cloud, call: Call) -> Reply:
    """Forget a file; a file that is not indexed is no error, the object stays. api-imm-2020-09-30-deletefilemeta."""
    _, dataset = dataset_of(cloud, call)
    uri = params.text(call, "URI")
    check_file_uri(uri)
    dataset.forget(uri)
    return Reply({})


@SERVED.serves("BatchDeleteFileMeta", "ProjectName", "DatasetName", "URIs")
def batch_delete_file_meta(cloud: Cloud, call: Call) -> Reply:
    """Forget up to 100 files. api-imm-2020-09-30-batchdeletefilemeta."""
    _, dataset = dataset_of(cloud, call)
    for uri in _uris(call):
        dataset.forget(uri)
    return Reply({})


def _uris(call: Call) -> list[str]:
    uris = params.texts(call, "URIs")
    if not uris:
        raise refusals.missing("URIs")
    if len(uris) > MAX_URIS:
        raise refusals.limit_exceeded(f"URIs has {len(uris)} elements, at most {MAX_URIS} are allowed.")
    for uri in uris:
        check_file_uri(uri)
    return uris
