"""Record what the real provider asks: `python -m tests.e2e.record_provider_requests`, with the engine on PATH.

Writes tests/emulator/fixtures/alicloud_provider/requests.jsonl, which `tests/emulator/test_alicloud_provider_requests`
signs and sends anew. Nothing of this machine and no signature is kept; keys that RAM made stand there as `KEY`.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from emulator import gateway, server
from emulator.routing import route
from emulator.testing import running
from emulator.wire.http import HttpAnswer, HttpRequest
from tests.e2e.test_real_pulumi import ARCHIVE, FULL, MEDIA, RRSA, prepare, stack_in, told_less
from tests.emulator.alicloud_provider import FIXTURE, KEPT_HEADERS, SIGNING_PARAMETERS, scheme_of, shape_of


def main() -> None:
    """Run the full stack up, changed and down, and the provider that is told less."""
    lines: list[str] = []
    _listen(lines)
    with tempfile.TemporaryDirectory() as folder, running() as cloud:
        stage = prepare(Path(folder), cloud, FULL)
        stage.stack.up()
        stage.stack.refresh()
        stage.change(
            projects=[MEDIA | {"description": "Changed"}, ARCHIVE], tags={"team": "archive"}, operator={"rrsa": RRSA}
        )
        stage.change(topic="renamed", storage={"redundancy": "ZRS", "noncurrentDays": 60})
        stage.stack.up()
        stage.stack.destroy()
    with tempfile.TemporaryDirectory() as folder, running() as cloud:
        stack_in(Path(folder), told_less(Path(folder), cloud)).up()
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    FIXTURE.write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)))


def _listen(lines: list[str]) -> None:
    answer_of = server.Server._answer  # noqa: SLF001 - a recorder sits where the answers are made

    async def recorded(self: server.Server, request: HttpRequest) -> HttpAnswer | None:
        answer = await answer_of(self, request)
        assert answer is not None
        named = gateway.name(request, route(request), "")
        lines.append(json.dumps(_line(request, answer, named.operation), ensure_ascii=False))
        return answer

    server.Server._answer = recorded  # type: ignore[method-assign]  # noqa: SLF001 - see above


def _line(request: HttpRequest, answer: HttpAnswer, operation: str) -> dict[str, Any]:
    body = request.body.decode()
    if "UserAccessKeyId" in request.form:
        body = body.replace(request.form["UserAccessKeyId"], "KEY")
    return {
        "operation": operation,
        "scheme": scheme_of(request),
        "method": request.method,
        "host": request.host.rpartition(":")[0],
        "path": request.raw_path,
        "query": {name: value for name, value in request.query.items() if name not in SIGNING_PARAMETERS},
        "headers": {name: value for name, value in sorted(request.headers.items()) if KEPT_HEADERS.fullmatch(name)},
        "body": body,
        "status": answer.status,
        "shape": shape_of(answer.body),
    }


if __name__ == "__main__":
    main()
