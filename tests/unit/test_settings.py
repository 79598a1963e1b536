"""The operator's own settings: from the environment, checked, frozen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from controller.runtime.settings import Settings


def test_the_defaults_watch_everything() -> None:
    """All namespaces, a quarter of the workers for people."""
    settings = Settings()
    assert () == settings.watched
    assert (16, 4, 90.0, None) == (settings.workers, settings.edit_workers, settings.imm_rate, settings.sts_endpoint)


def test_variables_are_read_with_their_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """And namespaces are a list with commas."""
    monkeypatch.setenv("IMM_OPERATOR_NAMESPACES", "one, two,three ")
    monkeypatch.setenv("IMM_OPERATOR_WORKERS", "8")
    settings = Settings()
    assert ("one", "two", "three") == settings.watched
    assert 8 == settings.workers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "1"),
        ("WORKERS", "many"),
        ("POLL_INTERVAL", "0"),
        ("IMM_RATE", "-1"),
        ("IMM_REQUEST_BYTES", "1023"),
        ("IMPORT_WORKERS", "0"),
        ("HTTP_PORT", "70000"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_what_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """At the start, not at the first use."""
    monkeypatch.setenv(f"IMM_OPERATOR_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert (name.lower(),) == caught.value.errors()[0]["loc"]


def test_imports_have_workers_and_a_length_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen calls at a time, 7 KiB each; the length may be lifted as far as a gateway takes it."""
    assert (16, 7168, False) == (Settings().import_workers, Settings().imm_request_bytes, Settings().imm_form_body)
    monkeypatch.setenv("IMM_OPERATOR_IMPORT_WORKERS", "4")
    monkeypatch.setenv("IMM_OPERATOR_IMM_REQUEST_BYTES", "1000000")
    assert (4, 1_000_000) == (Settings().import_workers, Settings().imm_request_bytes)


@pytest.mark.parametrize("url", ["https://operator.example.com", "http://10.0.0.1:8443/hooks/", "https://a.b/c-d/e_f"])
def test_a_callback_address_is_http(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Its path is put behind it; without one there are no callbacks."""
    assert Settings().callback_url is None
    monkeypatch.setenv("IMM_OPERATOR_CALLBACK_URL", url)
    assert url == Settings().callback_url


@pytest.mark.parametrize(
    "url",
    ["ftp://a.b", "https://", "https://a.b?x=1", "https://a.b/#x", "https://me:key@a.b", "a.b", "https://a b", ""],
)
def test_no_other_address_is_taken_for_callbacks(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Nor one with a key, a query or a fragment in it."""
    monkeypatch.setenv("IMM_OPERATOR_CALLBACK_URL", url)
    with pytest.raises(ValidationError):
        Settings()


def test_settings_never_change() -> None:
    """Read once."""
    with pytest.raises(ValidationError):
        Settings().workers = 3  # type: ignore[misc]  # that it is frozen is the point


def test_a_glob_of_namespaces_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The periodic LIST takes names: a glob would list nothing and prune everything."""
    monkeypatch.setenv("IMM_OPERATOR_NAMESPACES", "team-*")
    with pytest.raises(ValueError, match=r"(?i)namespaces"):
        Settings()


def test_a_mistyped_variable_is_refused_and_the_known_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo must not leave a default in force unseen."""
    monkeypatch.setenv("IMM_OPERATOR_WOKERS", "8")
    said = r"IMM_OPERATOR_WOKERS: no such setting; did you mean IMM_OPERATOR_WORKERS\? There are .*IMM_OPERATOR_WORKERS"
    with pytest.raises(ValueError, match=said):
        Settings()


def test_what_the_kubelet_adds_for_a_service_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Service named imm-operator-metrics puts such variables into every pod of its namespace."""
    monkeypatch.setenv("IMM_OPERATOR_METRICS_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("IMM_OPERATOR_METRICS_PORT_8080_TCP_ADDR", "10.0.0.1")
    assert Settings().workers == 16


@pytest.mark.parametrize("seconds", ["18", "601", "20.5"])
def test_a_lease_must_be_longer_than_a_call(monkeypatch: pytest.MonkeyPatch, seconds: str) -> None:
    """Or nothing could ever be submitted; and it is whole seconds, as the API has it."""
    monkeypatch.setenv("IMM_OPERATOR_LEASE_DURATION", seconds)
    with pytest.raises(ValidationError):
        Settings()


def test_the_lease_has_a_name_and_the_pod_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operators of other namespaces take another name."""
    assert ("imm-operator", None, 20) == (
        Settings().lease_name,
        Settings().lease_namespace,
        Settings().lease_duration,
    )
    monkeypatch.setenv("IMM_OPERATOR_LEASE_NAME", "shard-b")
    assert "shard-b" == Settings().lease_name


def test_outside_a_pod_the_lease_needs_a_namespace(tmp_path: Path) -> None:
    """The process says so at once."""
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text("{}")
    ended = subprocess.run(
        [sys.executable, "-m", "controller"],
        env={"KUBECONFIG": str(kubeconfig), "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 2 == ended.returncode
    assert "IMM_OPERATOR_LEASE_NAMESPACE" in ended.stderr


def test_a_wrong_value_is_one_line(tmp_path: Path) -> None:
    """What it is, what was given and what may be; nothing of what follows from it."""
    ended = subprocess.run(
        [sys.executable, "-m", "controller"],
        env={"IMM_OPERATOR_WORKERS": "1", "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (2, "") == (ended.returncode, ended.stdout)
    assert ["IMM_OPERATOR_WORKERS: got '1': Input should be greater than or equal to 2"] == ended.stderr.splitlines()
