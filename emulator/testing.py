"""A local cloud for tests: `from emulator.testing import cloud` in a conftest, or `with running() as cloud:` anywhere.

The server runs in a thread with its own event loop and a port of its own, so synchronous SDKs can talk to it. Its clock
is virtual unless asked otherwise: nothing is indexed, expires or becomes visible again until `advance` says so, and
`advance` returns only when everything due by then has happened.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

import pytest

from emulator.fault_names import check_names
from emulator.faults import RULES
from emulator.imagesearch.batch_control import CancelTask, ChangedPace, cancel_task, change_pace
from emulator.instance import Config, Instance, start
from emulator.journal import describe
from emulator.kept import start_kept
from emulator.lifecycle import settle
from emulator.oss.store import make_object, put_object
from emulator.seed import ImageSearchInstanceSeed
from emulator.seeding import add_image_search_instance
from emulator.server import Server
from emulator.state import Account
from emulator.tls import make_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

_START_DEADLINE = 60.0  # seconds
_CALL_DEADLINE = 60.0
_OBJECTS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """A running emulator as a test sees it. Every method may be called from any thread."""

    url: str
    host: str  # `127.0.0.1:PORT`, as RPC SDKs take an endpoint
    access_key_id: str
    access_key_secret: str
    account_id: str
    region: str
    protocol: str  # http or https, as RPC SDKs take it
    ca_file: str | None  # the authority to trust for https; None for http
    http_url: str  # the same cloud over HTTP
    _instance: Instance
    _server: Server
    _loop: asyncio.AbstractEventLoop

    def over_http(self) -> LocalCloud:
        """The same cloud by its HTTP address."""
        host = self.http_url.removeprefix("http://")
        return replace(self, url=self.http_url, host=host, protocol="http", ca_file=None)

    def run(self, function: Callable[[Instance], T]) -> T:
        """Run `function` on the emulator's state in its own thread and return what it returns."""

        async def call() -> T:
            result = function(self._instance)
            self._server.notify()
            await self._server.saved()
            return result

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(_CALL_DEADLINE)

    def advance(self, seconds: float) -> None:
        """Move the virtual clock and let everything happen that is due by then."""

        def move(instance: Instance) -> None:
            instance.cloud.clock.advance(seconds)
            settle(instance.cloud)

        self.run(move)

    def put_objects(self, bucket: str, objects: Iterable[tuple[str, bytes]]) -> None:
        """Put objects, key and content, into a bucket without a request for each: 100,000 small ones in seconds.

        Bindings and event rules hear of them as of any other; requests are answered in between.

        Raises:
            KeyError: There is no such bucket.
        """
        source = iter(objects)
        while chunk := list(islice(source, _OBJECTS_AT_ONCE)):
            self.run(partial(_put, bucket, chunk))

    def now(self) -> float:
        """Seconds since the epoch on the emulator's clock."""
        return self.run(lambda instance: instance.cloud.clock.now())

    def requests(
        self, service: str | None = None, operation: str | None = None, since: int = 0
    ) -> list[dict[str, object]]:
        """Requests answered so far, oldest first; see `emulator.journal.Entry` for what each holds."""
        return self.run(lambda instance: describe(instance.journal.select(service, operation, since)))

    def counts(self) -> dict[str, dict[str, int]]:
        """How often each operation was called, by service."""
        return self.run(lambda instance: instance.journal.totals())

    def long_polls(self) -> int:
        """How many receivers wait for a message at this moment."""
        return self.run(lambda _: self._server.waiting)

    def fault(self, *rules: dict[str, object]) -> None:
        """Put these fault rules in force instead of the present ones; no rule clears them."""
        checked = RULES.validate_python(list(rules))
        check_names(checked)
        self.run(lambda instance: instance.faults.replace(checked))

    def switch(self, name: str, value: object) -> None:
        """Change one switch of `emulator.state.Switches`."""
        self.run(lambda instance: instance.set_switch(name, value))

    def cancel_image_task(self, instance: str, task_id: int) -> None:
        """Cancel a batch task of Image Search, as a person does in the console.

        Raises:
            ValueError: There is none, or it is at its end.
        """
        wanted = CancelTask(instance=instance, id=task_id, account=self.account_id, region=self.region)
        self.run(lambda running: cancel_task(running, wanted))

    def image_batches(self, **changed: float) -> None:
        """Set how fast batches of Image Search go: `emulator.imagesearch.batch_state.BatchSettings`."""
        wanted = ChangedPace.model_validate(changed)
        self.run(lambda running: change_pace(running, wanted))

    def add_account(self, account_id: str, access_key_id: str, access_key_secret: str) -> LocalCloud:
        """Add an account with a root key; the same cloud as that account sees it."""

        def add(instance: Instance) -> None:
            account = instance.cloud.accounts.setdefault(account_id, Account(account_id))
            account.access_keys[access_key_id] = access_key_secret

        self.run(add)
        return replace(self, account_id=account_id, access_key_id=access_key_id, access_key_secret=access_key_secret)

    def image_search_instance(self, name: str, *, region: str = "", **plan: object) -> None:
        """Have an instance of Image Search; `plan` as in `emulator.seed.ImageSearchInstanceSeed`.

        Raises:
            SeedError: It is there with another service type.
            ValidationError: The plan is none.
        """
        said = {"account": self.account_id, "region": region or self.region, "name": name, **plan}
        wanted = ImageSearchInstanceSeed.model_validate(said)
        self.run(lambda instance: add_image_search_instance(instance, wanted))

    def reset(self) -> None:
        """Forget everything but accounts' root keys and the clock."""
        self.run(lambda instance: instance.reset())


@contextmanager
def running(
    config: Config | None = None,
    *,
    port: int = 0,
    data: Path | None = None,
    https: bool = False,
    https_names: Sequence[str] = (),
) -> Iterator[LocalCloud]:
    """Run an emulator for as long as the block lasts.

    Args:
        config: How to start it; by default the well-known account with a virtual clock.
        port: For HTTP; 0 lets the system choose.
        data: Directory to keep the state in; memory only by default.
        https: Serve HTTPS too, and let the returned cloud's addresses be those; `over_http` has the others.
        https_names: More names for the certificate.

    Raises:
        TimeoutError: It did not start within a minute.
        OSError: The port is taken.
        CannotOpenError: The data directory cannot be used.
    """
    chosen = Config(virtual_clock=True) if config is None else config
    with ExitStack() as stack:
        loop = stack.enter_context(_loop())
        instance, store = (start(chosen), None) if data is None else start_kept(chosen, data)
        certificates = make_certificates(chosen.region, https_names) if https else None

        async def open_() -> tuple[Server, list[int]]:
            server = Server(instance, store)
            secure = None if certificates is None else (0, certificates.context)
            return server, await server.start("127.0.0.1", port, secure)

        authority = None if certificates is None else _write_authority(stack, certificates.authority)
        server, ports = asyncio.run_coroutine_threadsafe(open_(), loop).result(_START_DEADLINE)
        try:
            yield _seen(chosen, ports, authority, running=(instance, server, loop))
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(_START_DEADLINE)


def _put(bucket: str, objects: Iterable[tuple[str, bytes]], instance: Instance) -> None:
    cloud = instance.cloud
    for key, data in objects:
        put_object(cloud, bucket, make_object(key, data, cloud.clock.now()))


def _seen(
    chosen: Config,
    ports: list[int],
    authority: Path | None,
    *,
    running: tuple[Instance, Server, asyncio.AbstractEventLoop],
) -> LocalCloud:
    instance, server, loop = running
    protocol = "http" if authority is None else "https"
    return LocalCloud(
        url=f"{protocol}://127.0.0.1:{ports[-1]}",
        host=f"127.0.0.1:{ports[-1]}",
        access_key_id=chosen.access_key_id,
        access_key_secret=chosen.access_key_secret,
        account_id=chosen.account_id,
        region=chosen.region,
        protocol=protocol,
        ca_file=None if authority is None else str(authority),
        http_url=f"http://127.0.0.1:{ports[0]}",
        _instance=instance,
        _server=server,
        _loop=loop,
    )


def _write_authority(stack: ExitStack, authority: bytes) -> Path:
    """The file that SDKs are told to trust; it goes with the cloud."""
    path = Path(stack.enter_context(TemporaryDirectory(prefix="emulator-"))) / "ca.pem"
    path.write_bytes(authority)
    return path


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run_loop, args=[loop], name="emulator", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_START_DEADLINE)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Run until stopped, then let closing transports finish, as `asyncio.run` would."""
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """A fresh local cloud with a virtual clock, for one test."""
    with running() as local:
        yield local
