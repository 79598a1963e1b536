"""The commands of `python -m emulator`."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import signal
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import click

from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_ACCOUNT, Config, start
from emulator.server import Server
from emulator.services import coverage as coverage_table

DEFAULT_PORT = 4666
_URL = click.option(
    "--url",
    default=f"http://127.0.0.1:{DEFAULT_PORT}",
    envvar="EMULATOR_URL",
    show_default=True,
    help="Where the emulator runs.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A local Alibaba Cloud: OSS, MNS, IMM, RAM and STS on one port. Not verified against the cloud."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Port; 0 lets the system choose.")
@click.option("--allow-remote", is_flag=True, help="Allow an address that other machines can reach.")
@click.option("--region", default="cn-hangzhou", show_default=True, help="Region of endpoints that name none.")
@click.option("--clock", type=click.Choice(["real", "virtual"]), default="real", show_default=True)
@click.option("--account", default=DEFAULT_ACCOUNT, show_default=True, help="The account's id.")
@click.option("--access-key", metavar="ID:SECRET", help="The account's key pair; the default one is printed by `env`.")
@click.option("--endpoint-host", multiple=True, metavar="NAME", help="A host name that is never bucket.something.")
@click.option("--loose", is_flag=True, help="Ignore unknown parameters and headers instead of refusing them.")
def run(  # noqa: PLR0913 - one per option
    host: str,
    port: int,
    region: str,
    clock: str,
    account: str,
    access_key: str | None,
    endpoint_host: tuple[str, ...],
    *,
    allow_remote: bool,
    loose: bool,
) -> None:
    """Run until SIGTERM or Ctrl-C. Prints one line with the address when it is ready."""
    if not allow_remote and not _is_loopback(host):
        message = (
            f"{host} can be reached by other machines, and the key pair is public. Add --allow-remote if you mean it."
        )
        raise click.UsageError(message)
    key_id, secret = _key_pair(access_key)
    config = Config(
        region=region,
        account_id=account,
        access_key_id=key_id,
        access_key_secret=secret,
        virtual_clock=clock == "virtual",
        loose=loose,
        endpoint_hosts=frozenset(name.lower() for name in endpoint_host),
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_run(config, host, port))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


async def _run(config: Config, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = Server(start(config))
    bound = await server.start(host, port)
    click.echo(f"emulator ready on http://{host}:{bound}")
    await stopped.wait()
    await server.stop()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key_pair(text: str | None) -> tuple[str, str]:
    if text is None:
        return DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET
    key_id, colon, secret = text.partition(":")
    if not (key_id and colon and secret):
        raise click.BadParameter("write the pair as ID:SECRET", param_hint="--access-key")
    return key_id, secret


@main.command()
@_URL
@click.option("--region", default="cn-hangzhou", show_default=True)
def env(url: str, region: str) -> None:
    """Print export lines for a shell: the well-known key pair and the endpoints. Use with eval."""
    place = url.partition("://")[2]
    lines = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": DEFAULT_ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": DEFAULT_ACCESS_KEY_SECRET,
        "ALIBABA_CLOUD_ACCOUNT_ID": DEFAULT_ACCOUNT,
        "ALIBABA_CLOUD_ACCOUNT_TYPE": "Domestic",
        "ALIBABA_CLOUD_REGION": region,
        "EMULATOR_URL": url,
        "OSS_ENDPOINT": url,
        "MNS_ENDPOINT": url,
        "IMM_ENDPOINT": place,
        "MNS_OPEN_ENDPOINT": place,
        "RAM_ENDPOINT": place,
        "STS_ENDPOINT": place,
    }
    for name, value in lines.items():
        click.echo(f"export {name}={value}")


@main.command()
@_URL
@click.option("--deadline", default=30.0, show_default=True, help="Seconds to wait.")
def wait(url: str, deadline: float) -> None:
    """Wait until the emulator answers."""
    end = time.monotonic() + deadline
    while True:
        try:
            _ask(url, "GET", "health", timeout=2)
        except (URLError, OSError) as error:
            if time.monotonic() >= end:
                raise click.ClickException(f"nothing healthy at {url} after {deadline:g} s: {error}") from error
            time.sleep(0.1)
        else:
            return


@main.command()
@_URL
def reset(url: str) -> None:
    """Forget buckets, queues, projects, the journal and the faults; accounts and their keys stay."""
    _talk(url, "POST", "reset")


@main.command()
@_URL
@click.option("--set", "rules", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A JSON file.")
@click.option("--clear", is_flag=True, help="Remove every rule.")
def faults(url: str, rules: Path | None, *, clear: bool) -> None:
    """Show the fault rules, or put a file of rules in force."""
    if clear:
        document = _talk(url, "DELETE", "faults")
    elif rules is not None:
        document = _talk(url, "PUT", "faults", rules.read_bytes())
    else:
        document = _talk(url, "GET", "faults")
    click.echo(json.dumps(document, indent=2))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def coverage(*, as_json: bool) -> None:
    """List what is served and where its behaviour comes from. No account has confirmed any of it."""
    table = coverage_table()
    if as_json:
        click.echo(json.dumps(table, indent=2))
        return
    for service, operations in table.items():
        click.echo(f"{service} ({len(operations)})")
        for name, provenance in operations.items():
            click.echo(f"  {name:40} {provenance}")


def _talk(url: str, method: str, page: str, body: bytes = b"") -> Any:
    try:
        return _ask(url, method, page, body)
    except (URLError, OSError) as error:
        detail = error.read().decode("utf-8", "replace") if hasattr(error, "read") else ""
        raise click.ClickException(f"{method} {url}/_emulator/{page} failed: {error} {detail}".rstrip()) from error


def _ask(url: str, method: str, page: str, body: bytes = b"", timeout: float = 30) -> Any:
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url must start with http:// or https://: {url}")
    request = Request(f"{url}/_emulator/{page}", data=body or None, method=method)  # noqa: S310 - checked above
    with urlopen(request, timeout=timeout) as answer:  # noqa: S310 - checked above
        return json.load(answer)
