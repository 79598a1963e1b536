"""One emulator process, from start to signal: take up the state, sow seeds, make certificates, open ports, say so."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emulator.instance import Config, Instance, start
from emulator.kept import start_kept
from emulator.seed import Seed, read_seed, steps_of
from emulator.seeding import add_account, add_image_search_instance, carry_out
from emulator.server import Server
from emulator.tls import make_certificates

if TYPE_CHECKING:
    from ssl import SSLContext


@dataclass(frozen=True, slots=True)
class Launch:
    """Where a process listens, and what it starts with. `https_port` None: no HTTPS."""

    host: str
    port: int
    data: Path | None = None
    seeds: tuple[Path, ...] = ()
    https_port: int | None = None
    https_names: tuple[str, ...] = ()
    ca_file: Path | None = None


async def launch(config: Config, how: Launch) -> None:
    """Serve until SIGTERM or SIGINT; one line for each address when it is ready.

    Raises:
        SeedError: A seed cannot be read, or a service refuses it.
        CannotOpenError: The data directory cannot be used.
        click.ClickException: The certificate authority's file cannot be written.
        OSError: A port is taken.
    """
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    seeds = [read_seed(path) for path in how.seeds]
    instance, store = (start(config), None) if how.data is None else start_kept(config, how.data)
    server = Server(instance, store)
    try:
        for one in seeds:
            sow(instance, one)
        await server.saved()
        for line in await _listen(server, how):
            click.echo(line)
        await stopped.wait()
    finally:
        await server.stop()


def sow(instance: Instance, sown: Seed) -> None:
    """Carry out a whole seed in process.

    Raises:
        SeedError: A file cannot be read, or a service refuses a step.
    """
    for account in sown.accounts:
        add_account(instance, account.id, account.keys)
    for wanted in sown.image_search_instances:
        add_image_search_instance(instance, wanted)
    for step in steps_of(sown):
        carry_out(instance, step)


def write_authority(path: Path, authority: bytes) -> None:
    """Write the certificate authority's certificate where clients will look for it, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(authority)
    fresh.replace(path)


async def _listen(server: Server, how: Launch) -> list[str]:
    addresses = server.instance.addresses
    secure: tuple[int, SSLContext] | None = None
    if how.https_port is not None:
        certificates = make_certificates(server.instance.config.region, (how.host, *how.https_names))
        path = _authority_path(how).absolute()
        try:
            write_authority(path, certificates.authority)
        except OSError as error:
            raise click.ClickException(f"cannot write the certificate authority to {path}: {error.strerror}") from error
        addresses["ca_file"] = str(path)
        secure = (how.https_port, certificates.context)
    ports = await server.start(how.host, how.port, secure)
    schemes = ["http", "https"][: len(ports)]
    addresses.update(
        {scheme: f"{scheme}://{_shown(how.host)}:{port}" for scheme, port in zip(schemes, ports, strict=True)}
    )
    lines = [f"emulator ready on {addresses[scheme]}" for scheme in schemes]
    if secure is not None:
        lines[1] += f", certificate authority in {addresses['ca_file']}"
    return lines


def _authority_path(how: Launch) -> Path:
    if how.ca_file is not None:
        return how.ca_file
    folder = Path(tempfile.mkdtemp(prefix="emulator-")) if how.data is None else how.data
    return folder / "ca.pem"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
