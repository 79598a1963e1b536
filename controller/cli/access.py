"""How a command reaches the cloud: the key and the places that everybody's environment already names.

The variables are those of the vendor's own tools, and those that `python -m emulator env` prints. A key is never an
option: options stand in the shell's history and in the list of processes.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
from pydantic import TypeAdapter, ValidationError

from controller.api.fields import RegionId
from controller.cloud.credentials import Credentials
from controller.cloud.errors import CloudError, InstanceNotFound, Retryable, WrongRegion
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import ImageSearchPort, OssPort

KEY_ID, KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN"  # noqa: S105 - likewise
REGIONS = ("ALIBABA_CLOUD_REGION", "ALIBABA_CLOUD_REGION_ID")
OSS_ENDPOINT, IMAGE_SEARCH_ENDPOINT = "OSS_ENDPOINT", "IMAGESEARCH_ENDPOINT"
TRIES = 5  # of a call that fails for a reason that may pass
LONGEST_PAUSE = 8.0  # seconds before the next of them
_ADDRESS = re.compile(r"https?://[^/?#\s]+")
Result = TypeVar("Result")
Command = TypeVar("Command", bound=Callable[..., Any])


class Unusable(click.ClickException):
    """A command cannot be carried out: what it needs is not there, or cannot be reached. Exit status 2, as of usage."""

    exit_code = 2


def region_option(command: Command) -> Command:
    """The option --region."""
    return click.option(
        "--region",
        envvar=REGIONS,
        metavar="REGION",
        help=f"Where it is, e.g. cn-hangzhou; {' or '.join(REGIONS)} says it too.",
    )(command)


def oss_option(name: str) -> Callable[[Command], Command]:
    """The option with OSS's address, under that name."""
    help_text = f"OSS's address, if not the public one; {OSS_ENDPOINT} says it too."
    return click.option(name, "oss_endpoint", envvar=OSS_ENDPOINT, metavar="URL", help=help_text)


def image_search_option(name: str) -> Callable[[Command], Command]:
    """The option with Image Search's address, under that name."""
    help_text = f"Image Search's address, if not the public one; {IMAGE_SEARCH_ENDPOINT} says it too."
    return click.option(name, "image_search_endpoint", envvar=IMAGE_SEARCH_ENDPOINT, metavar="URL", help=help_text)


@dataclass(frozen=True, slots=True)
class Access:
    """The cloud as somebody with a key, in a region."""

    credentials: Credentials
    region: str
    oss_endpoint: str | None
    image_search_endpoint: str | None

    def oss(self) -> OssPort:
        """OSS."""
        return self._ports()[0]

    def image_search(self) -> ImageSearchPort:
        """Image Search."""
        return self._ports()[1]

    def _ports(self) -> tuple[OssPort, ImageSearchPort]:
        from controller.cloud.clouds import AlibabaClouds, Place, Rates  # noqa: PLC0415 - SDKs: half a second

        clouds = AlibabaClouds(Limiters(), Rates(), sts_endpoint=None)
        place = Place(account_id="", region=self.region, oss=self.oss_endpoint, image_search=self.image_search_endpoint)
        return (
            clouds.oss(place, self.credentials, Lane.EDIT),
            clouds.image_search(place, self.credentials, Lane.EDIT),
        )


def access_of(
    region: str | None,
    *,
    oss_endpoint: str | None = None,
    image_search_endpoint: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Access:
    """What the options and the environment say.

    Raises:
        Unusable: something is missing or no such thing; everything that is missing is named.
    """
    missing = [name for name in (KEY_ID, KEY_SECRET) if not environment.get(name, "").strip()]
    missing += [] if region else [f"--region or {' or '.join(REGIONS)}"]
    if missing:
        raise Unusable(f"to reach the cloud these are needed, and not set: {', '.join(missing)}")
    credentials = Credentials(
        environment[KEY_ID].strip(), environment[KEY_SECRET].strip(), environment.get(TOKEN, "").strip() or None
    )
    return Access(
        credentials,
        _region(region or ""),
        _address(oss_endpoint, OSS_ENDPOINT),
        _address(image_search_endpoint, IMAGE_SEARCH_ENDPOINT, like=oss_endpoint or environment.get(OSS_ENDPOINT)),
    )


def call(make: Callable[[], Result]) -> Result:
    """Make calls to the cloud, some more times where the reason that they fail for may pass.

    Raises:
        Unusable: they failed for good.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return make()
        except Retryable as error:
            if attempt == TRIES:
                raise unusable(error) from error
            pause = min(2.0 ** (attempt - 1), LONGEST_PAUSE)
            if sys.stderr.isatty():
                click.echo(f"{plain(str(error))}; again in {pause:g} s", err=True)
            time.sleep(pause)
        except CloudError as error:
            raise unusable(error) from error
    raise AssertionError("the last attempt returns or raises")


def unusable(error: CloudError) -> Unusable:
    """A failure of the cloud's, for people."""
    hint = ". Is --region the right one?" if isinstance(error, InstanceNotFound | WrongRegion) else ""
    return Unusable(plain(str(error)) + hint)


def plain(text: str) -> str:
    """Somebody else's words without what a terminal would take for more than words."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _region(text: str) -> str:
    try:
        return TypeAdapter[str](RegionId).validate_python(text)
    except ValidationError:
        raise Unusable(f"{plain(text)!r} is no region: a region looks like cn-hangzhou") from None


def _address(text: str | None, name: str, *, like: str | None = None) -> str | None:
    """An address with its scheme. One without has that of `like` where that is the same host, else https."""
    if not text:
        return None
    if "://" not in text:
        known = urlsplit(like or "")
        text = f"{known.scheme if known.netloc == text.strip('/') else 'https'}://{text}"
    text = text.rstrip("/")
    if not _ADDRESS.fullmatch(text):
        raise Unusable(
            f"{name} or its option: {plain(text)!r} is no address; write http(s)://HOST or http(s)://HOST:PORT"
        )
    return text
