"""Talking to a running emulator's own pages, for the command line."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import click


def ask(url: str, method: str, page: str, body: bytes = b"", timeout: float = 30) -> Any:
    """A page's document.

    Raises:
        OSError: Nothing answers, or it answers with an error, or it is no emulator.
    """
    place = _place(url)
    request = Request(f"{place}/_emulator/{page}", data=body or None, method=method)  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=timeout) as answer:  # noqa: S310 - checked above
            return json.load(answer)
    except (HTTPException, ValueError) as error:
        raise URLError("what answers there is no emulator") from error


def _place(url: str) -> str:
    """The address without a closing slash, once it is sure to be one."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or url.rstrip("/").count("/") != 2 or not url.isprintable() or " " in url:  # noqa: PLR2004 - scheme://host
        raise click.UsageError(f"--url must be http://host:port or https://host:port, not {url}")
    return url.rstrip("/")


def talk(url: str, method: str, page: str, body: bytes = b"") -> Any:
    """A page's document; what goes wrong ends the command with a sentence."""
    try:
        return ask(url, method, page, body)
    except URLError as error:
        said = _said(error)
        hint = "" if said else f". Is it running? python -m emulator wait --url {url}"
        raise click.ClickException(said or f"{method} {url}/_emulator/{page} failed: {error.reason}{hint}") from error
    except OSError as error:
        raise click.ClickException(f"{method} {url}/_emulator/{page} failed: {error}") from error


def _said(error: URLError) -> str:
    """What the emulator said in an error's body."""
    if not hasattr(error, "read"):
        return ""
    text = error.read().decode("utf-8", "replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return f"{error} {text}".strip()
