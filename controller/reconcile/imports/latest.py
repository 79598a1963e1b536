"""Work that goes on over many passes makes each call with the rights of the latest: a temporary key lasts an hour."""

from __future__ import annotations

from typing import Any, cast

from controller.cloud.ports import OssPort


class Latest:
    """Stands for a port that changes. `port` is the one at present."""

    def __init__(self, port: OssPort) -> None:
        self.port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)


def latest_of(port: OssPort) -> tuple[Latest, OssPort]:
    """What to change, and what to hand on."""
    latest = Latest(port)
    return latest, cast("OssPort", latest)
