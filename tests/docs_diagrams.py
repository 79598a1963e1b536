"""The diagrams of the docs, drawn from the code: `python -m tests.docs_diagrams` writes them, `--check` compares.

Each stands between two marks of its page, so that what is around it is written by people.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise, product
from pathlib import Path

import grimp

from controller.api.status import Condition
from controller.core.conditions import conditions
from controller.core.imports import phases
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
OF_STANDING = {
    Standing.PROGRESSING: "under way",
    Standing.READY: "as the spec wants it",
    Standing.STALLED: "a person has to act",
}


def rooms() -> str:
    """Who imports whom; the order from above is import-linter's contract."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers")
    graph = grimp.build_graph(*settings["root_packages"], include_external_packages=False, cache_dir=None)
    found = {
        (_room(module), _room(target))
        for module in graph.modules
        for target in graph.find_modules_directly_imported_by(module)
        if _room(target) not in {_room(module), "controller"}
    }
    lines = ["flowchart TB", "    subgraph controller"]
    lines += [f"        {_node(layer)}[{layer.strip('_')}]" for layer in layers]
    lines += [f"        {_node(above)} ~~~ {_node(below)}" for above, below in pairwise(layers)]
    lines += ["    end", *(f"    {room}" for room in settings["root_packages"][1:])]
    drawn = sorted(edge for edge in found if not _goes_round(edge, found))
    lines += [f"    {_node(importer)} --> {_node(room)}" for importer, room in drawn]
    return "\n".join(lines) + "\n"


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if parts[0] == "controller" and len(parts) > 1 else parts[0]


def _node(room: str) -> str:
    return f"{room.strip('_')}_" if room == "__main__" else room


def _goes_round(edge: tuple[str, str], found: set[tuple[str, str]]) -> bool:
    """Whether an arrow says nothing that others do not say together."""
    importer, room = edge
    reached, at_hand = set[str](), [between for it, between in found if it == importer and between != room]
    while at_hand:
        between = at_hand.pop()
        if between not in reached:
            reached.add(between)
            at_hand += [further for it, further in found if it == between]
    return room in reached


def standings() -> str:
    """Which conditions an object has, and what leads from some to others, as `conditions` makes them of a verdict."""
    plain = {standing: conditions([], _verdict(standing), 1, NOW) for standing in Standing}
    lines = ["stateDiagram-v2"]
    names: dict[str, str] = {}

    def name(stood: list[Condition]) -> str:
        text = ", ".join(f"{one.type}={one.status}" for one in sorted(stood, key=lambda one: one.type != "Ready"))
        return names.setdefault(text, f"s{len(names)}")

    edges = [f"    [*] --> {name(plain[Standing.PROGRESSING])}: looked at first"]
    for before, after in product(Standing, repeat=2):
        if before is not after:
            edges.append(f"    {name(plain[before])} --> {name(plain[after])}: {OF_STANDING[after]}")
    for standing, stood in plain.items():
        paused = conditions(stood, _verdict(standing, suspended=True), 1, NOW)
        edges.append(f"    {name(stood)} --> {name(paused)}: spec.suspend")
        edges.append(f"    {name(paused)} --> {name(conditions(paused, _verdict(standing), 1, NOW))}: resumed")
    lines += [f'    state "{text}" as {short}' for text, short in names.items()]
    return "\n".join([*lines, *dict.fromkeys(edges)]) + "\n"


def _verdict(standing: Standing, *, suspended: bool = False) -> Verdict:
    return Verdict(standing, Reason.SUCCEEDED, "", suspended=suspended)


DRAWN: dict[tuple[str, str], Callable[[], str]] = {
    ("docs/architecture.md", "rooms"): rooms,
    ("docs/architecture.md", "conditions"): standings,
    ("docs/imports.md", "phases"): phases.diagram,
}


def fresh_pages() -> Iterator[tuple[Path, str]]:
    """Each page with its diagrams as the code draws them now."""
    for name in dict.fromkeys(page for page, _ in DRAWN):
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        for (page, mark), draw in DRAWN.items():
            if page == name:
                text = put(text, mark, f"```mermaid\n{draw()}```", name)
        yield path, text


def put(text: str, mark: str, drawn: str, page: str) -> str:
    begin, end = f"<!-- BEGIN {mark}: drawn from the code by `make crds` -->\n", f"\n<!-- END {mark} -->"
    between = re.compile(f"(?<={re.escape(begin)}).*?(?={re.escape(end)})", re.DOTALL)
    made, count = between.subn(lambda _: drawn, text)
    if count != 1:
        raise ValueError(f"{page} needs the marks of the diagram {mark} once: {begin!r} and {end!r}")
    return made


def main(*words: str) -> int:
    """Write what is stale, or with `--check` name it."""
    stale = [(path, text) for path, text in fresh_pages() if path.read_text(encoding="utf-8") != text]
    for path, text in stale:
        if "--check" in words:
            sys.stderr.write(f"not fresh: {path.relative_to(ROOT)}; run `make crds` and commit the result\n")
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
    return len(stale) if "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
