"""Every command with input that is wrong: a sentence and a status, never a traceback."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from emulator.cli import main
from emulator.testing import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOBODY = "http://127.0.0.1:1"
TALKING = {
    "wait": ["wait", "--deadline", "0.1"],
    "env": ["env", "--https"],
    "reset": ["reset"],
    "faults": ["faults"],
    "seed": ["seed", "."],
}


def said(*arguments: str) -> tuple[int, str]:
    """Status and words of a command; whatever it raises but an exit is a traceback."""
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


class WebSite(BaseHTTPRequestHandler):
    """Some other server: it answers everything with a page."""

    def do_GET(self) -> None:
        """200 and HTML."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html></html>")

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is its own."""


@contextmanager
def website() -> Iterator[str]:
    """Another program's HTTP server; its address."""
    with HTTPServer(("127.0.0.1", 0), WebSite) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def other_protocol() -> Iterator[str]:
    """A server that speaks no HTTP, such as SSH; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"SSH-2.0-Other\r\n")
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65_536):
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with one bucket's folder, which `seed .` takes."""
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", TALKING)
def test_nobody_there_is_said(command: str) -> None:
    """With the address that was asked."""
    status, words = said(*TALKING[command], "--url", NOBODY)
    assert (1, True) == (status, NOBODY in words)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", TALKING)
@pytest.mark.parametrize("other", [website, other_protocol])
def test_somebody_else_there_is_said(command: str, other: object) -> None:
    """A web site, or something that is no HTTP at all."""
    with other() as url:  # type: ignore[operator]  # one of the two above
        status, words = said(*TALKING[command], "--url", url)
    assert (1, True) == (status, "no emulator" in words)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", TALKING)
@pytest.mark.parametrize(
    "url", ["127.0.0.1:4666", "ftp://127.0.0.1", "http://", "http://[", "http://a b", "http://a:99999", "http://a/b/c"]
)
def test_an_address_that_is_none_is_refused(command: str, url: str) -> None:
    """As wrong usage, with what it should be."""
    status, words = said(*TALKING[command], "--url", url)
    assert (2, True) == (status, "http://host:port" in words)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["run", "--port", "99999"], "0<=x<=65535"),
        (["run", "--port", "x"], "not a valid integer"),
        (["run", "--https-port", "-1"], "0<=x<=65535"),
        (["run", "--clock", "slow"], "'real', 'virtual'"),
        (["run", "--host", "nowhere.invalid", "--allow-remote"], "cannot serve on nowhere.invalid"),
        (["run", "--account", "me"], "digits"),
        (["run", "--region", "Hangzhou"], "cn-hangzhou"),
        (["run", "--access-key", "id"], "ID:SECRET"),
        (["run", "--switch", "colour=red"], "there is no switch 'colour'"),
        (["run", "--switch", "object_status=red"], "Success/Failed"),
        (["run", "--seed", "absent.yaml"], "does not exist"),
        (["run", "--port", "0", "--data", "file"], "file"),
        (["run", "--port", "0", "--https", "--ca-file", "file/ca.pem"], "file/ca.pem"),
        (["run", "--colour"], "No such option"),
        (["wait", "--deadline", "soon"], "not a valid float"),
        (["seed"], "Missing argument"),
        (["seed", "absent.yaml"], "does not exist"),
        (["seed", "file", "--url", NOBODY], "file"),
        (["faults", "--set", "absent.json"], "does not exist"),
        (["faults", "--set", "file", "--clear"], "one of them"),
        (["unverified", "--write", "file/page.md"], "cannot write"),
        (["coverage", "--yaml"], "No such option"),
        (["fly"], "No such command"),
    ],
)
def test_a_wrong_option_is_named(folder: Path, arguments: list[str], word: str) -> None:
    """And what would be right."""
    (folder / "file").write_text("- no seed")
    status, words = said(*arguments)
    assert status in {1, 2}
    assert word in " ".join(words.split())


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ("no json", "JSON"),
        ("{}", "list"),
        ('[{"service": "oss"}]', "exactly one of"),
        ('[{"service": "ossa", "drop": true}]', "there is no service 'ossa'"),
        ('[{"service": "oss", "operation": "PutObjekt", "drop": true}]', "no operation 'PutObjekt'"),
        ('[{"operation": "PutObjekt", "drop": true}]', "no operation 'PutObjekt'"),
        ('[{"when": "later", "drop": true}]', "when"),
        ('[{"times": 0, "drop": true}]', "times"),
        ('[{"probability": 1.5, "drop": true}]', "probability"),
        ('[{"error": {"status": 200, "code": "Fine"}}]', "status"),
        ('[{"latency": -1}]', "latency"),
        ('[{"html": 200}]', "html"),
        ('[{"malformed": false}]', "malformed"),
        ('[{"colour": "red", "drop": true}]', "colour"),
        ('[{"duplicate": 0}]', "duplicate"),
        ('[{"lose": true, "operation": "PublishMessage"}]', "lose is for messages"),
        ('[{"drop": true, "operation": "Deliver"}]', "a delivery takes one of duplicate, delay, lose, swap"),
    ],
)
def test_a_wrong_fault_rule_is_refused_and_changes_nothing(tmp_path: Path, rules: str, word: str) -> None:
    """Each field has its values."""
    path = tmp_path / "rules.json"
    path.write_text(rules)
    with running() as cloud:
        cloud.fault({"service": "oss", "latency": 0})
        status, words = said("faults", "--url", cloud.url, "--set", str(path))
        left = cloud.run(lambda instance: len(instance.faults.rules))
    assert (1, True, 1) == (status, word in words, left)
