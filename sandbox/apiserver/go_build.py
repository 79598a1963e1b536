"""Compile one Go program of `sandbox/cluster` once, into a cache.

It takes minutes the first time, so several processes may ask at once: one compiles, the others wait for its result,
and a build that was cut short leaves nothing that looks finished.
"""

import fcntl
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from sandbox import programs
from sandbox.apiserver.build_progress import progress
from sandbox.programs import ProgramError

SOURCE = Path(__file__).parents[1] / "cluster"


def flags() -> list[str]:
    """Return the flags of every build; upstream stamps its version while linking, else clients see a placeholder."""
    found = re.search(r"^\s*k8s\.io/kubernetes v(\d+)\.(\d+)(\S*)$", (SOURCE / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise ProgramError(f"{SOURCE / 'go.mod'} does not require k8s.io/kubernetes at a version; restore it from git.")
    major, minor, rest = found.groups()
    values = {"gitVersion": f"v{major}.{minor}{rest}", "gitMajor": major, "gitMinor": minor}
    stamps = (f"-X k8s.io/component-base/version.{name}={value}" for name, value in values.items())
    return ["-trimpath", "-buildvcs=false", f"-ldflags=-s -w {' '.join(stamps)}"]


def build(go: Path, package: str, output: Path, title: str) -> Path:
    """Return `output`, compiled from `package` first if it is not there yet.

    Raises:
        ProgramError: the build failed; the message ends with Go's last lines.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    if not output.exists():
        with one_builder(output.with_name(f"{output.name}.lock")):
            if not output.exists():
                click.echo(f"building {title}: minutes the first time, then kept in {output.parent}", err=True)
                _compile(go, package, output, title)
    return output


@contextmanager
def one_builder(lock: Path) -> Iterator[None]:
    """Wait, saying so, until no other process holds the lock."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            click.echo(f"another process is building this already; waiting for it ({lock})", err=True)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _compile(go: Path, package: str, output: Path, title: str) -> None:
    ours = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    environment = {**os.environ, **ours}
    unfinished = output.with_name(f"{output.name}.{os.getpid()}.unfinished")
    try:
        lines = _run_go(
            [str(go), "build", "-v", *flags(), "-o", str(unfinished), package],
            environment,
            title,
            total=_packages_to_compile(go, package, environment),
        )
        if not unfinished.exists():
            said = programs.last_lines("".join(lines))
            raise ProgramError(f"Building {title} failed in {SOURCE}. Go's last lines:\n{said}")
        unfinished.rename(output)
    finally:
        unfinished.unlink(missing_ok=True)


def _packages_to_compile(go: Path, package: str, environment: dict[str, str]) -> int:
    stale = "{{if .Stale}}{{.ImportPath}}{{end}}"
    listing = [
        str(go),
        "list",
        "-deps",
        "-f",
        stale,
        *flags(),
        package,
    ]  # the first time this downloads the modules, too
    return len(programs.run(listing, cwd=SOURCE, env=environment, seconds=900).split())


def _run_go(command: list[str], environment: dict[str, str], title: str, *, total: int) -> list[str]:
    """Return the lines of `go build -v`: it names each package as it begins with it."""
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603 - Go itself, on our own source
        command, cwd=SOURCE, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
        try:
            with progress(title, total) as show:
                reader.start()
                while reader.is_alive():
                    reader.join(timeout=0.5)
                    show(min(len(lines), total))
        except BaseException:  # Ctrl-C included: a compiler that nobody waits for would go on for minutes
            process.terminate()
            raise
    return lines
