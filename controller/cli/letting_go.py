"""The work of `imm-operator release`: the operator's detach, made by a person.

The cloud is not asked and not touched, so no key is needed; the cluster is that of the kubeconfig.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import aiohttp
import click
import kopf

from controller.api.fields import DEFAULT_SHARD
from controller.cli.access import Unusable, plain
from controller.cli.farewell import Farewell, farewell
from controller.reconcile.ports import ObjectGone, StaleObject
from controller.runtime.connection import unconfigured
from controller.runtime.held import Held, held, let_go, signed_in, working
from controller.runtime.kube import KubeError

UNAUTHORIZED = 401
Result = TypeVar("Result")
Outcome = tuple[Farewell, str, str]  # what it was about, RELEASED, GONE or REFUSED, and why it was refused
RELEASED, GONE, REFUSED = "released", "gone", "refused"


def let_go_of(
    namespaces: Sequence[str], shard: str | None, besides: Sequence[str], output: str, *, living: bool, yes: bool
) -> bool:
    """Find, ask, let go and tell; whether nothing was refused.

    Raises:
        Unusable: an operator works, nobody can be asked, or the API server cannot be reached.
    """
    chosen = "" if shard == DEFAULT_SHARD else shard
    found = asyncio.run(_spoken(_find(namespaces, chosen, besides, living=living)))
    farewells = [farewell(one) for one in found]
    if found and not yes:
        _ask(farewells, living=living)
    outcomes = asyncio.run(_spoken(_release(found, farewells))) if found else []
    _tell(outcomes, output, living=living)
    return all(result != REFUSED for _, result, _ in outcomes)


async def _find(namespaces: Sequence[str], shard: str | None, besides: Sequence[str], *, living: bool) -> list[Held]:
    async with signed_in() as kube:
        found = await held(kube, namespaces, shard, living=living)
        place = await working(kube, besides, _wait) if found else None
    if place is not None:
        raise Unusable(
            f"an operator works: it renews the Lease {place}. Let it do this: annotate the objects with "
            "imm-operator.dev/detach=true, which leaves the cloud as it is, or stop it first. If it serves none of "
            f"these {len(found)} objects, say so: --besides {place}"
        )
    return found


def _wait(seconds: float) -> None:
    click.echo(f"a Lease has a holder: looking for up to {seconds:.0f} s whether it still renews it", err=True)


def _ask(farewells: Sequence[Farewell], *, living: bool) -> None:
    """Show what is about to happen, and have it confirmed.

    Raises:
        Unusable: there is nobody to ask.
    """
    click.echo("\n".join(plain_lines(str(one)) for one in farewells), err=True)
    note = ". An operator that is started takes those that are not being deleted up again" if living else ""
    click.echo(f"{len(farewells)} objects are let go of; nothing in the cloud is touched{note}", err=True)
    if not sys.stdin.isatty():
        raise Unusable("nobody can be asked here: if that is meant, say --yes")
    click.confirm("Go on?", abort=True, err=True)


async def _release(found: Sequence[Held], farewells: Sequence[Farewell]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    async with signed_in() as kube:
        for one, words in zip(found, farewells, strict=True):
            try:
                outcomes.append((words, RELEASED if await let_go(kube, one) else GONE, ""))
            except (KubeError, StaleObject) as error:
                why = (
                    "it changes all the time: something else writes to it" if isinstance(error, StaleObject) else error
                )
                outcomes.append((words, REFUSED, plain(str(why))))
    return outcomes


def _tell(outcomes: Sequence[Outcome], output: str, *, living: bool) -> None:
    if output == "json":
        documents = [
            words.document() | {"result": result} | ({"error": why} if why else {}) for words, result, why in outcomes
        ]
        click.echo(json.dumps(documents, indent=2, ensure_ascii=False))
        return
    for words, result, why in outcomes:
        click.echo(plain_lines(str(words)))
        click.echo(f"  {result}{f': {why}' if why else ''}")
    if not outcomes:
        others = "" if living else " that is being deleted; --all takes the others, too"
        click.echo(f"our finalizer holds nothing here{others}")


def plain_lines(text: str) -> str:
    """Several lines of somebody else's words, each without what a terminal takes for more than words."""
    return "\n".join(plain(line) for line in text.split("\n"))


async def _spoken(work: Coroutine[Any, Any, Result]) -> Result:
    """Its result.

    Raises:
        Unusable: the API server cannot be reached, or refuses.
    """
    try:
        return await work
    except kopf.LoginError as error:
        raise Unusable(f"no cluster: {plain(unconfigured() or str(error))}") from error
    except KubeError as error:
        hint = ". Credential plug-ins of a kubeconfig are not run: docs/cli.md has the way round"
        raise Unusable(plain(str(error)) + (hint if error.status == UNAUTHORIZED else "")) from error
    except ObjectGone as error:
        raise Unusable(f"the API server knows no {plain(str(error))}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unusable(f"the API server does not answer: {plain(str(error)) or type(error).__name__}") from error
