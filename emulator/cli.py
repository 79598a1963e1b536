"""The command line of `python -m emulator`: `run`, and the commands for one that runs."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from pathlib import Path

import click

from emulator import commands
from emulator import unverified as unverified_facts
from emulator.commands import DEFAULT_PORT
from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_ACCOUNT, Config
from emulator.launch import Launch, launch
from emulator.persistence.failures import StoreError
from emulator.seed import SeedError

DEFAULT_HTTPS_PORT = 4667
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)
_PORT = click.IntRange(0, 65535)
_LOOSE = (
    "Let pass what would be refused: wrong signatures (as the account's own), unknown parameters and headers, and what "
    "exceeds a rate or a count. Names are checked all the same."
)
_OIDC_CA = (
    "Certificate authorities to trust for issuers of OpenID Connect tokens (AssumeRoleWithOIDC), like a cluster's own. "
    "Read when an issuer is asked, so it need not exist yet."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A local Alibaba Cloud: OSS, MNS, IMM, RAM, STS and more on one port. Not verified against the cloud.

    Start it with `run`, point SDKs at it with `env`, and see `coverage` for what is served.
    """


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=_PORT, default=DEFAULT_PORT, show_default=True, help="Port; 0 lets the system choose.")
@click.option(
    "--https", is_flag=True, help=f"Serve HTTPS too, on port {DEFAULT_HTTPS_PORT} unless --https-port differs."
)
@click.option("--https-port", type=_PORT, help="Port for HTTPS, which it turns on; 0 lets the system choose.")
@click.option("--https-name", multiple=True, metavar="NAME", help="Another name or address for the certificate.")
@click.option("--ca-file", type=_NEW_FILE, help="Where to write the certificate authority that clients must trust.")
@click.option("--oidc-ca", type=_NEW_FILE, help=_OIDC_CA)
@click.option("--allow-remote", is_flag=True, help="Allow an address that other machines can reach.")
@click.option(
    "--data",
    type=click.Path(file_okay=True, path_type=Path),
    help="Directory that keeps everything over restarts, saved before each answer. Default: memory only.",
)
@click.option("--seed", multiple=True, type=click.Path(exists=True, path_type=Path), help="Seed first; see `seed -h`.")
@click.option("--region", default="cn-hangzhou", show_default=True, help="Region of endpoints that name none.")
@click.option("--clock", type=click.Choice(["real", "virtual"]), default="real", show_default=True)
@click.option("--account", default=DEFAULT_ACCOUNT, show_default=True, help="The account's id.")
@click.option("--access-key", metavar="ID:SECRET", help="The account's key pair; the default one is printed by `env`.")
@click.option("--endpoint-host", multiple=True, metavar="NAME", help="A host name that is never bucket.something.")
@click.option("--switch", "switch", multiple=True, metavar="NAME=VALUE", help="A reading; see docs/unverified.md.")
@click.option("--loose", is_flag=True, help=_LOOSE)
def run(  # noqa: PLR0913, PLR0917 - one per option
    host: str,
    port: int,
    https_port: int | None,
    https_name: tuple[str, ...],
    ca_file: Path | None,
    oidc_ca: Path | None,
    data: Path | None,
    seed: tuple[Path, ...],
    region: str,
    clock: str,
    account: str,
    access_key: str | None,
    endpoint_host: tuple[str, ...],
    switch: tuple[str, ...],
    *,
    https: bool,
    allow_remote: bool,
    loose: bool,
) -> None:
    """Run until SIGTERM or Ctrl-C. Prints a line with the address when it is ready, and one for HTTPS."""
    _check_reach(host, allow_remote=allow_remote)
    _check_form(account, r"\d{1,32}", "--account", "an account's id is digits")
    _check_form(region, r"[a-z]+(-[a-z0-9]+)+", "--region", "a region looks like cn-hangzhou")
    key_id, secret = _key_pair(access_key)
    config = Config(
        region=region,
        account_id=account,
        access_key_id=key_id,
        access_key_secret=secret,
        virtual_clock=clock == "virtual",
        loose=loose,
        endpoint_hosts=frozenset(name.lower() for name in endpoint_host),
        page_hosts=frozenset(name.lower() for name in (host, *https_name)),
        oidc_ca=oidc_ca,
        switches=_switches(switch),
    )
    if https and https_port is None:
        https_port = DEFAULT_HTTPS_PORT
    _serve(config, Launch(host, port, data, seed, https_port, https_name, ca_file))


def _serve(config: Config, how: Launch) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(launch(config, how))
    except (SeedError, StoreError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"cannot serve on {how.host}:{how.port}: {error.strerror or error}") from error


def _check_reach(host: str, *, allow_remote: bool) -> None:
    if not allow_remote and not _is_loopback(host):
        message = f"{host} can be reached by other machines, and the key pair is public."
        raise click.UsageError(f"{message} Add --allow-remote if you mean it.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_form(text: str, form: str, option: str, hint: str) -> None:
    if not re.fullmatch(form, text, re.ASCII):
        raise click.BadParameter(f"{text!r}: {hint}", param_hint=option)


def _switches(texts: tuple[str, ...]) -> tuple[tuple[str, object], ...]:
    try:
        return tuple(unverified_facts.read(text) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--switch") from error


def _key_pair(text: str | None) -> tuple[str, str]:
    if text is None:
        return DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET
    key_id, colon, secret = text.partition(":")
    if not (key_id and colon and secret):
        raise click.BadParameter("write the pair as ID:SECRET", param_hint="--access-key")
    return key_id, secret


for _command in (
    commands.wait,
    commands.env,
    commands.seed,
    commands.reset,
    commands.faults,
    commands.coverage,
    commands.unverified,
):
    main.add_command(_command)
