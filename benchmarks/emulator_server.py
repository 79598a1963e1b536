"""The servers that `emulator_requests` measures, one per process: `python -m benchmarks.emulator_server KIND`.

`emulator` is the real server over a filled state; `empty` is the same aiohttp server class with a handler that takes
the request in and answers 200 without a body, or with 64 KiB of zeros for `/64k/…`. Each prints its port and serves
until it is terminated.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

from emulator.call import Call
from emulator.imm.operations import OPERATIONS as IMM
from emulator.instance import Config, Instance, start
from emulator.lifecycle import settle
from emulator.oss.operations import OPERATIONS as OSS
from emulator.oss.store import make_object, put_object
from emulator.server import Server

BUCKET = "bench-bucket"
PLACE = {"ProjectName": "bench", "DatasetName": "thousand"}
FILES = 1_000
SIZE = 64 * 1024  # bytes of the object that is put and got
LARGE = "/64k"
ONE_IN = 20  # files that the benchmark's query finds


def filled() -> Instance:
    """A cloud with a bucket of a thousand small files and a dataset that holds them all."""
    instance = start(Config(virtual_clock=True))
    cloud = instance.cloud
    cloud.imm_settings.queries_per_second = 0
    make_bucket(instance, BUCKET)
    for number in range(FILES):
        kind = "rare" if number % ONE_IN == 0 else "plain"
        data = f"text {number}\n".encode() * (number % 50)
        put_object(cloud, BUCKET, make_object(f"{kind}/{number:04}.txt", data, cloud.clock.now(), tags={"kind": kind}))
    bind(instance, BUCKET)
    cloud.clock.advance(3600)
    settle(cloud)
    return instance


def make_bucket(instance: Instance, name: str) -> None:
    """An empty bucket of the instance's account."""
    cloud = instance.cloud
    call = Call("oss", "PutBucket", instance.config.account_id, cloud.region, "request", resource=(name, ""))
    OSS.by_name["PutBucket"].handler(cloud, call)


def bind(instance: Instance, bucket: str) -> None:
    """A project, a dataset and a binding of the bucket; its scan begins when time passes."""
    for operation, params in (
        ("CreateProject", {"ProjectName": PLACE["ProjectName"]}),
        ("CreateDataset", PLACE),
        ("CreateBinding", {**PLACE, "URI": f"oss://{bucket}"}),
    ):
        call = Call("imm", operation, instance.config.account_id, instance.cloud.region, "request", params)
        IMM.by_name[operation].handler(instance.cloud, call)


async def _emulator() -> int:
    ports = await Server(filled()).start("127.0.0.1", 0)
    return ports[0]


async def _empty() -> int:
    zeros = bytes(SIZE)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        return web.Response(body=zeros if request.raw_path.startswith(LARGE) else None)

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    return port


async def _serve(kind: str) -> None:
    port = await {"emulator": _emulator, "empty": _empty}[kind]()
    print(port, flush=True)  # noqa: T201 - how the benchmark learns it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
