"""The commands that talk to a running emulator, or about one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from emulator import unverified as unverified_facts
from emulator.ask import ask, talk
from emulator.coverage import describe_coverage
from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_ACCOUNT
from emulator.seed import SeedError, read_seed, steps_of

DEFAULT_PORT = 4666
_URL = click.option(
    "--url",
    default=f"http://127.0.0.1:{DEFAULT_PORT}",
    envvar="EMULATOR_URL",
    show_default=True,
    help="Where the emulator runs; EMULATOR_URL says it too.",
)


@click.command()
@_URL
@click.option("--region", default="cn-hangzhou", show_default=True, help="Region that clients are told to use.")
@click.option("--https", is_flag=True, help="HTTPS endpoints, and what makes SDKs trust them. Asks the emulator.")
def env(url: str, region: str, *, https: bool) -> None:
    """Print export lines for a shell: the well-known key pair and the endpoints.

    Use it as: eval "$(python -m emulator env)". With --https it also sets REQUESTS_CA_BUNDLE, SSL_CERT_FILE and
    NODE_EXTRA_CA_CERTS, so programs of that shell trust the emulator; with the first two they trust nothing else.
    """
    addresses: dict[str, str] = talk(url, "GET", "health")["addresses"] if https else {}
    if https and "https" not in addresses:
        raise click.ClickException(f"the emulator at {url} does not serve HTTPS: start it with --https")
    endpoint = addresses.get("https", url)
    place = endpoint.partition("://")[2]
    authority = addresses.get("ca_file", "")
    lines = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": DEFAULT_ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": DEFAULT_ACCESS_KEY_SECRET,
        "ALIBABA_CLOUD_ACCOUNT_ID": DEFAULT_ACCOUNT,
        "ALIBABA_CLOUD_ACCOUNT_TYPE": "Domestic",
        "ALIBABA_CLOUD_REGION": region,
        "EMULATOR_URL": url,
        "OSS_ENDPOINT": endpoint,
        "MNS_ENDPOINT": endpoint,
        "IMM_ENDPOINT": place,
        "IMAGESEARCH_ENDPOINT": place,
        "MNS_OPEN_ENDPOINT": place,
        "RAM_ENDPOINT": place,
        "IMS_ENDPOINT": place,
        "STS_ENDPOINT": place,
        "LOCATION_ENDPOINT": place,
        "BSSOPENAPI_ENDPOINT": place,
        **dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS") if https else (), authority),
    }
    for name, value in lines.items():
        click.echo(f"export {name}={value}")


@click.command()
@_URL
@click.option("--deadline", default=30.0, show_default=True, help="Seconds to wait.")
def wait(url: str, deadline: float) -> None:
    """Wait until the emulator answers; exit status 1 if it does not in time."""
    end = time.monotonic() + deadline
    while True:
        try:
            ask(url, "GET", "health", timeout=2)
        except OSError as error:
            if time.monotonic() >= end:
                raise click.ClickException(f"nothing healthy at {url} after {deadline:g} s: {error}") from error
            time.sleep(0.1)
        else:
            return


@click.command()
@_URL
def reset(url: str) -> None:
    """Forget buckets, queues, projects, the journal and the faults.

    Accounts, their own keys and the clock stay. With --data, the directory forgets them too.
    """
    talk(url, "POST", "reset")


@click.command()
@_URL
@click.argument("seed", type=click.Path(exists=True, path_type=Path))
def seed(url: str, seed: Path) -> None:
    """Bring a running emulator to what SEED says.

    SEED is a folder, whose folders become buckets with their files, or a YAML file with any of accounts, buckets,
    queues, topics, subscriptions, projects, datasets, bindings and image_search_instances. What is there already is
    left alone or brought up to date, so seeding twice does no harm.
    """
    try:
        read = read_seed(seed)
        for account in read.accounts:
            for key_id, secret in account.keys.items():
                body = {"account_id": account.id, "access_key_id": key_id, "access_key_secret": secret}
                talk(url, "PUT", "accounts", json.dumps(body).encode())
        for wanted in read.image_search_instances:
            talk(url, "PUT", "image-search/instances", wanted.model_dump_json().encode())
        total = 0
        for step in steps_of(read):
            talk(url, "POST", "seed", step.model_dump_json().encode())
            total += 1
    except SeedError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"seeded {url} from {seed} in {total} steps")


@click.command()
@_URL
@click.option("--set", "rules", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A JSON file.")
@click.option("--clear", is_flag=True, help="Remove every rule.")
def faults(url: str, rules: Path | None, *, clear: bool) -> None:
    """Show the fault rules, or put a file of rules in force.

    A rule says which requests and what happens to them, the first match wins: [{"service": "oss", "operation":
    "PutObject", "when": "after", "times": 2, "error": {"status": 503, "code": "ServiceUnavailable"}}]. Instead of
    error: latency (seconds), drop, html (a status) or malformed. "probability": 0.1 spares nine requests of ten, the
    same ones in every run.

    A message on its way from a topic or an event rule to a queue meets rules of its own: duplicate (so many more of
    it), delay (seconds), lose, or swap (it arrives behind the next one, or after so many seconds). Both are on the
    emulator's clock.
    """
    if clear and rules is not None:
        raise click.UsageError("--set and --clear are two different things: give one of them")
    if clear:
        document = talk(url, "DELETE", "faults")
    elif rules is not None:
        document = talk(url, "PUT", "faults", rules.read_bytes())
    else:
        document = talk(url, "GET", "faults")
    click.echo(json.dumps(document, indent=2))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def coverage(*, as_json: bool) -> None:
    """List what is served, where its behaviour comes from, and how many tests call it.

    documented: the vendor's reference. sdk: how the official SDK sends and reads it. recorded: seen in the cloud.
    assumed: our reading. No account has confirmed any of it yet.
    """
    document = describe_coverage()
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    by_service: dict[Any, list[dict[str, Any]]] = {}
    for operation in document["operations"]:
        by_service.setdefault(operation["service"], []).append(operation)
    for service, operations in by_service.items():
        click.echo(f"{service} ({len(operations)})")
        for operation in operations:
            click.echo(f"  {operation['name']:40} {operation['provenance']:12} {len(operation['tests']):3} tests")


@click.command()
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Write the page to this file.")
def unverified(write: Path | None) -> None:
    """Print what no account has confirmed, with the switch and the readings of each fact."""
    if write is None:
        click.echo(unverified_facts.page(), nl=False)
    else:
        try:
            write.parent.mkdir(parents=True, exist_ok=True)
            write.write_text(unverified_facts.page(), encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"cannot write {write}: {error.strerror}") from error
