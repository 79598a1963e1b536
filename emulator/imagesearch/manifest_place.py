"""Where a path's manifest and pictures are: keys have no leading slash, paths have one."""

from __future__ import annotations

from emulator.imagesearch.manifest import NAME


def folder(path: str) -> str:
    """What the keys of a path's pictures begin with; nothing for the bucket's root."""
    inner = path.removeprefix("/")
    return f"{inner}/" if inner else ""


def manifest_key(path: str) -> str:
    """The key of a path's `increment.meta`."""
    return f"{folder(path)}{NAME}"
