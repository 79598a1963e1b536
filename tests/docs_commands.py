"""The commands of the docs, run as a reader would type them: page by page, all blocks in one shell, in their order.

What a page leaves to the reader is filled in from `tests/docs_commands_pages.py`. A YAML block whose first line is a
comment with a file's name is that file. What a `console` block shows is what the command must print, but for ages.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FILE = re.compile(r"# ([\w./-]+\.ya?ml)\n")
HERE = re.compile(r"<<'?(\w+)'?$", re.MULTILINE)  # what a program reads follows, up to a line with this word
AGE = re.compile(r"(\d+[dhms])+")
TYPED = {"sh", "console", "bash", "shell"}
PAGE_SECONDS = 900


@dataclass(frozen=True)
class Block:
    """Something to type, or a file to write: where it stands, and below which headings."""

    page: str
    line: int
    language: str
    text: str
    headings: tuple[str, ...]

    @property
    def id(self) -> str:
        """For people."""
        return f"{self.page}:{self.line}"

    @property
    def first(self) -> str:
        """What it is listed by, where it is not run."""
        return self.text.splitlines()[0].strip()

    @property
    def file(self) -> str | None:
        """The name of the file that it is."""
        named = FILE.match(self.text) if self.language == "yaml" else None
        return named[1] if named else None

    def commands(self) -> list[tuple[str, str]]:
        """Each command of a console with what it is shown to print; a block of sh as one."""
        if self.language != "console":
            return [(self.text, "")]
        starts = [found.start() for found in re.finditer(r"^\$ ", self.text, re.MULTILINE)]
        parts = [self.text[start + 2 : end] for start, end in pairwise([*starts, len(self.text)])]
        return [_split(part) for part in parts]


def _split(part: str) -> tuple[str, str]:
    lines = part.splitlines(keepends=True)
    count = 1
    while lines[count - 1].endswith("\\\n"):
        count += 1
    if document := HERE.search(lines[count - 1]):
        count = lines.index(f"{document[1]}\n") + 1
    return "".join(lines[:count]), "".join(lines[count:])


def pages() -> list[Path]:
    """Every page that tells people what to type."""
    folders = ("docs", "environments", "deploy", "emulator")
    return [*sorted(ROOT.glob("*.md")), *(page for name in folders for page in sorted((ROOT / name).rglob("*.md")))]


def blocks() -> list[Block]:
    """What is typed, and the files in between, in the order of the pages."""
    return [block for page in pages() for block in _of_page(page)]


def _of_page(page: Path) -> list[Block]:
    text, name = page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix()
    outside = FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)  # a comment in a shell is no heading
    found = []
    for fence in FENCE.finditer(text):
        headings = tuple(heading[1] for heading in HEADING.finditer(outside, 0, fence.start()))
        line = text.count("\n", 0, fence.start()) + 2
        block = Block(name, line, fence[2], textwrap.dedent(fence[3]), headings)
        if block.language in TYPED or block.file:
            found.append(block)
    return found


def filled(text: str, fill: Mapping[str, str]) -> str:
    """The text with what the reader puts in."""
    for name, value in fill.items():
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", value.replace("\\", r"\\"), text)
    return text


def run(typed: list[Block], fill: Mapping[str, str], folder: Path, environment: Mapping[str, str], out: Path) -> None:
    """Run blocks in one shell; raises AssertionError with the block that failed and the end of what was said."""
    out.mkdir(parents=True, exist_ok=True)
    lines = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    expected: list[tuple[str, Path, str]] = []
    for block in typed:
        lines.append(f"printf '\\n### %s\\n' {shlex.quote(block.id)} | tee {out / 'at'}")
        if block.file:
            path = shlex.quote(block.file)
            content = Template(filled(block.text, fill)).safe_substitute(environment)
            lines += [f"mkdir -p $(dirname {path})", f"cat > {path} <<'END OF FILE'", content, "END OF FILE"]
            continue
        for command, shown in block.commands():
            typed_in = filled(command, fill)
            assert "…" not in typed_in.partition("#")[0], f"{block.id}: nothing says what stands for … in: {typed_in}"
            if shown:
                told = out / f"{len(expected)}.out"
                expected.append((block.id, told, filled(shown, fill)))
                lines += ["{", typed_in, f"}} > {told} 2>&1 || true", f"cat {told}"]
            else:
                lines.append(typed_in)
    script, log = out / "typed.sh", out / "log"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with log.open("wb") as said:
        done = subprocess.run(
            ["bash", str(script)],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            timeout=PAGE_SECONDS,
            check=False,
        )
    end = log.read_text(encoding="utf-8", errors="replace")[-4000:]
    assert 0 == done.returncode, f"{(out / 'at').read_text().strip()} ended with {done.returncode}:\n{end}"
    for where, file, shown in expected:
        printed = file.read_text(encoding="utf-8")
        assert matches(shown, printed), f"{where} shows\n{shown}\nand this was printed:\n{printed}"


def matches(shown: str, printed: str) -> bool:
    """Whether a program printed what a page shows: word for word, any age for an age, anything for an ellipsis."""
    words = [re.escape(word) for word in shown.split()]
    words = [AGE.pattern if AGE.fullmatch(word) else word.replace("…", ".*") for word in words]
    return re.fullmatch(r"\s+".join(words), printed.strip(), re.DOTALL) is not None
