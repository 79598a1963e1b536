"""The log's first line: what runs here, and how it is set."""

from __future__ import annotations

import logging
from importlib.metadata import version
from urllib.parse import urlsplit, urlunsplit

from controller.runtime.settings import Settings

APART = {"namespaces", "shard", "revision"}  # told by names of their own
log = logging.getLogger(__name__)


def announce(settings: Settings) -> None:
    """Say the version, the shard, the namespaces, and every setting that is not its default."""
    fields = {
        "version": version("imm-operator"),
        "revision": settings.revision,
        "shard": settings.shard,
        "namespaces": list(settings.watched),
        "changedSettings": changed(settings),
    }
    named = ", ".join(f"{name}={value}" for name, value in changed(settings).items()) or "defaults"
    log.info(
        "imm-operator %s starts; namespaces: %s; shard: %s; settings: %s",
        fields["version"],
        ", ".join(settings.watched) or "all",
        settings.shard or "none",
        named,
        extra=fields,
    )


def changed(settings: Settings) -> dict[str, object]:
    """The settings that are not their defaults, by name. None is a secret; of addresses only the place is told."""
    default = Settings.model_construct()
    given = settings.model_dump(exclude=APART)
    return {
        name: _place(value) if isinstance(value, str) else value
        for name, value in sorted(given.items())
        if value != getattr(default, name, None)
    }


def _place(value: str) -> str:
    """An address may have been given a password or a token, which nobody should have done."""
    parts = urlsplit(value)
    if not parts.scheme or not parts.netloc:
        return value
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
