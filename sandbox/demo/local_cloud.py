"""The local cloud as the demo uses it: its address, its key, and a few calls through the official SDKs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oss2

from controller.cloud.credentials import Credentials
from controller.cloud.imm import Imm
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.limiter import Limiter
from emulator.instance import Config
from sandbox import ports
from sandbox.demo.image_search import Hit, find_similar
from sandbox.demo.operator_key import create_key
from sandbox.demo.services import Service, answers, start

WELL_KNOWN = Config()  # the key pair that every emulator starts with, and that its `env` command prints
ROOT_KEY = Credentials(WELL_KNOWN.access_key_id, WELL_KNOWN.access_key_secret)
PORT = 4666  # the emulator's own default, so that the commands of its README work beside the demo


@dataclass(frozen=True)
class LocalCloud:
    """A running emulator."""

    url: str
    service: Service

    @property
    def environment(self) -> Mapping[str, str]:
        """What `python -m emulator env` prints, for the Pulumi program."""
        return {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": WELL_KNOWN.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": WELL_KNOWN.access_key_secret,
            "ALIBABA_CLOUD_ACCOUNT_ID": WELL_KNOWN.account_id,
            "EMULATOR_URL": self.url,
            "PATH": os.environ.get("PATH", ""),
        }

    def operator_key(self) -> Credentials:
        """A new key of a RAM user, for the operator."""
        return create_key(ROOT_KEY, region=WELL_KNOWN.region, url=self.url)

    def imm(self) -> Imm:
        """IMM, through the operator's own adapter."""
        limiter = Limiter("demo", rate=50, burst=10)
        calls = ImmCalls(ROOT_KEY, region=WELL_KNOWN.region, endpoint=self.url, limiter_of=lambda _project: limiter)
        return Imm(calls)

    def find_similar(self, picture: bytes, instance: str) -> list[Hit]:
        """A search of Image Search, through the official SDK."""
        return find_similar(picture, instance, root=ROOT_KEY, region=WELL_KNOWN.region, url=self.url)

    def bucket(self, name: str) -> Any:
        """A bucket, through oss2."""
        return oss2.Bucket(
            oss2.AuthV4(WELL_KNOWN.access_key_id, WELL_KNOWN.access_key_secret),
            self.url,
            name,
            region=WELL_KNOWN.region,
        )


def start_cloud(directory: Path) -> LocalCloud:
    """Start the emulator and wait until it answers."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    service = start("emulator", ["emulator", "run", "--port", str(port)], directory / "emulator.log", {})
    service.await_ready(lambda: answers(f"{url}/_emulator/health"), seconds=30)
    return LocalCloud(url, service)


def _free_port() -> int:
    with suppress(OSError):
        return ports.reserve(PORT)
    return ports.reserve()
