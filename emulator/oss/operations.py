"""All OSS operations: importing a module of this folder registers what it serves."""

from __future__ import annotations

from emulator.oss import (
    append,
    buckets,
    copying,
    deleting,
    documents,
    listing,
    multipart,
    object_facts,
    reading,
    symlinks,
    upload_listing,
    uploads,
    version_listing,
    writing,
)
from emulator.oss.registry import OPERATIONS

__all__ = [
    "OPERATIONS",
    "append",
    "buckets",
    "copying",
    "deleting",
    "documents",
    "listing",
    "multipart",
    "object_facts",
    "reading",
    "symlinks",
    "upload_listing",
    "uploads",
    "version_listing",
    "writing",
]
