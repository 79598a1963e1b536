"""Keep programs without a leash on one: `python -m sandbox.apiserver.leashed etcd … -- kube-apiserver …`.

It starts them in order and ends them in reverse as soon as its standard input is closed or one of them ends.
"""

import asyncio
import sys
from contextlib import suppress
from itertools import groupby

PATIENCE = 40.0  # seconds; an orderly end of the operator takes 26 at the most (controller/runtime/ending.py)


def split(arguments: list[str]) -> list[list[str]]:
    """Return the commands between the `--`."""
    return [list(command) for separator, command in groupby(arguments, lambda word: word == "--") if not separator]


async def keep(commands: list[list[str]]) -> int:
    """Run `commands` until the leash is let go; return 1 if one ended by itself."""
    loop = asyncio.get_running_loop()
    leash = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(leash), sys.stdin)
    children = [
        await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL) for command in commands
    ]
    released = asyncio.ensure_future(leash.read())
    ended = [asyncio.ensure_future(child.wait()) for child in children]
    await asyncio.wait([released, *ended], return_when=asyncio.FIRST_COMPLETED)
    for command, end in zip(commands, ended, strict=True):
        if end.done():
            print(f"{' '.join(command)} ended by itself, with {end.result()}", file=sys.stderr, flush=True)  # noqa: T201 - its log
    for child, end in zip(reversed(children), reversed(ended), strict=True):
        with suppress(ProcessLookupError):  # it was quicker
            child.terminate()
        await asyncio.wait([end], timeout=PATIENCE)
        if not end.done():
            child.kill()
            await end
    return 0 if released.done() else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(keep(split(sys.argv[1:]))))
