"""Lines of increment.meta: reading, checking and looking for repeats beside plain `json.loads` + `json.dumps`.

Both see the same lines in the same run, in turns, and the best turn of each counts. Peak memory is of a process of its
own for each number of lines, which come as they would from OSS, in pieces, and are never there as a whole.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from controller.core.imports.items import PART
from controller.core.manifest.lines import Line
from controller.core.manifest.reading import ManifestReader
from controller.reconcile.imports.pairs import Pairs

LINES, TURNS = 200_000, 3
FEW, MANY = 10_000, 1_000_000
PIECE = 1 << 20  # bytes
_FLAG = "--here"


def manifest_check() -> dict[str, Any]:
    """Lines a second, how many times as fast as the plain way, and peak memory."""
    return {
        "lines": LINES,
        "as_the_guide_writes_them": _rates([_line(number).encode() for number in range(LINES)]),
        "with_escapes": _rates([_escaped(number).encode() for number in range(LINES)]),
        "memory": _memory(),
    }


def _rates(lines: list[bytes]) -> dict[str, float]:
    data = b"".join(lines)
    plain = grammar = whole = float("inf")
    for _ in range(TURNS):
        plain = min(plain, _seconds(lambda: [json.dumps(json.loads(line)) for line in lines]))
        grammar = min(grammar, _seconds(lambda: _check(_pieces(data), len(lines), None)))
        whole = min(whole, _seconds(lambda: _check(_pieces(data), len(lines), Pairs())))
    return {
        "plain_lines_per_second": round(len(lines) / plain),
        "grammar_lines_per_second": round(len(lines) / grammar),
        "grammar_as_fast": round(plain / grammar, 2),
        "lines_per_second": round(len(lines) / whole),
        "as_fast": round(plain / whole, 2),
    }


def _seconds(run: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _check(pieces: Iterator[bytes], count: int, pairs: Pairs | None) -> None:
    """Check lines as an import does, in batches of a part.

    Raises:
        RuntimeError: some are wrong, so that the figures would say nothing.
    """
    reader, batch, good = ManifestReader(), list[tuple[int, Line]](), 0
    for piece in pieces:
        for checked in reader.feed(piece):
            batch += [(one.number, one.line) for one in checked if one.line is not None]
            if len(batch) >= PART:
                good += len(batch) - (0 if pairs is None else len(pairs.add_batch(batch)))
                batch = []
    good += len(batch) - (0 if pairs is None else len(pairs.add_batch(batch)))
    if pairs is not None:
        pairs.close()
    if good != count:
        raise RuntimeError(f"of {count} lines only {good} are good")


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[at : at + PIECE] for at in range(0, len(data), PIECE))


def _made(count: int) -> Iterator[bytes]:
    """So many lines in pieces, made when they are asked for."""
    step = PIECE // len(_line(0))
    return ("".join(map(_line, range(at, min(at + step, count)))).encode() for at in range(0, count, step))


def _line(number: int) -> str:
    return (
        f'{{"OperationType": "ADD","ProductId": "{1000 + number // 3}","PicName": "girlCloth/girl_cloth{number}.jpg",'
        f'"CategoryId": 0,"IntAttr": {number % 100},"StrAttr": "value1","CustomContent": "k1:v1,k2:v2,k3:v3",'
        '"Region": "20,40,60,80"}\n'
    )


def _escaped(number: int) -> str:
    """As `json.dumps` writes it: everything but ASCII by its number."""
    content = {"CustomContent": '红色连衣裙 "夏季"', "StrAttr": "上衣", "IntAttr": number}
    return (
        json.dumps({"OperationType": "ADD", "ProductId": f"{number // 3}", "PicName": f"{number}.jpg", **content})
        + "\n"
    )


def _memory() -> dict[str, float]:
    peaks = {}
    for count in (FEW, MANY):
        command = [sys.executable, "-m", "benchmarks.manifest_check", _FLAG, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
        peaks[count] = int(done.stdout) / 1024
    return {
        **{f"peak_mib_{count}_lines": round(peak, 1) for count, peak in peaks.items()},
        "difference_mib": round(peaks[MANY] - peaks[FEW], 1),
    }


def _peak() -> int:
    """Of this process: KiB resident at its worst moment (proc(5), VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__" and _FLAG in sys.argv:
    _check(_made(int(sys.argv[-1])), int(sys.argv[-1]), Pairs())
    print(_peak())  # noqa: T201 - read by manifest_check
