"""The diagrams of the docs are drawn from the code, and are diagrams."""

from __future__ import annotations

import re
from itertools import product

import pytest

from controller.core.plan import Standing
from tests import docs_diagrams
from tests.docs_commands import FENCE, pages

DRAWINGS = [
    pytest.param(fence[3], id=f"{page.name}:{page.read_text(encoding='utf-8')[: fence.start()].count(chr(10)) + 1}")
    for page in pages()
    for fence in FENCE.finditer(page.read_text(encoding="utf-8"))
    if fence[2] == "mermaid"
]
NODE = r"(?:[\w]+(?:\[\(?[^\]]+\)?\])?|\[\*\])"
ARROW = r"(?:-->|~~~|-- [^-]+ -->|---)"
LINES = {
    "flowchart": rf"flowchart (TB|LR)|subgraph \w+|end|{NODE}(?: & {NODE})*(?: {ARROW} {NODE}(?: & {NODE})*)*",
    "stateDiagram-v2": r'stateDiagram-v2|state "[^"]+" as \w+|(\w+|\[\*\]) --> (\w+|\[\*\])(: [^:]+)?',
}


def test_the_diagrams_are_fresh() -> None:
    """`make crds` draws them."""
    assert [] == [str(path) for path, text in docs_diagrams.fresh_pages() if path.read_text(encoding="utf-8") != text]


def test_a_page_without_its_marks_is_named() -> None:
    """Or a diagram would stand still unseen."""
    with pytest.raises(ValueError, match=r"docs/imports\.md needs the marks of the diagram phases once"):
        docs_diagrams.put("no marks", "phases", "drawn", "docs/imports.md")


def test_no_arrow_between_rooms_points_upwards() -> None:
    """What import-linter forbids is not drawn either, so the picture is that of the contract."""
    drawn = docs_diagrams.rooms()
    order = re.findall(r"^ {8}(\w+)\[", drawn, re.MULTILINE)
    arrows = set(re.findall(r"^ {4}(\w+) --> (\w+)$", drawn, re.MULTILINE))
    assert {"runtime", "reconcile", "cloud", "core", "api"} <= {*order}
    upwards = {(below, above) for above, below in product(order, repeat=2) if order.index(above) < order.index(below)}
    assert set() == arrows & upwards
    assert not any(room == "emulator" and importer != "sandbox" for importer, room in arrows)


def test_every_standing_is_a_state_of_the_conditions() -> None:
    """Each with and without `spec.suspend`, and never Reconciling beside Stalled."""
    states = re.findall(r'state "(.+)" as', docs_diagrams.standings())
    assert 2 * len(Standing) == len(states)
    assert [] == [state for state in states if "Reconciling" in state and "Stalled" in state]


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_a_drawing_has_only_what_mermaid_knows(drawing: str) -> None:
    """By its lines; the whole was read by mermaid itself once, which needs a browser's DOM."""
    lines = [re.sub(r"<br/>", " ", line.strip()) for line in drawing.splitlines() if line.strip()]
    form = re.compile(LINES[lines[0].split()[0]])
    assert [] == [line for line in lines if not form.fullmatch(line)]
