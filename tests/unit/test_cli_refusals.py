"""What the command line says where it cannot do what was asked: in words, never by a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controller import __main__ as operator
from controller.cli import main
from controller.runtime.settings import Settings


def run(*arguments: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("command", ["crds", "docs"])
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, command: str) -> None:
    """With the machine's own reason, and exit status 2."""
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "folder"
    found = run(command, "--out", str(place))
    assert (2, "") == (found.exit_code, found.stdout)
    assert f"{place} cannot be written: Not a directory" in found.stderr


class TestKubeconfig:
    """Without a cluster."""

    def test_release_names_the_file_that_is_not_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever set KUBECONFIG is not told to set it."""
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
        found = run("release", "--yes")
        assert 2 == found.exit_code
        assert f"no cluster: KUBECONFIG names {tmp_path / 'nowhere'}, which is not there" in found.stderr

    def test_run_names_the_file_that_is_not_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """So does the operator itself."""
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
        assert 2 == operator.main()
        assert f"KUBECONFIG names {tmp_path / 'nowhere'}, which is not there" in capsys.readouterr().err

    def test_where_nothing_is_set_all_ways_are_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A pod, the variable, the usual file."""
        monkeypatch.delenv("KUBECONFIG", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert 2 == operator.main()
        assert "set KUBECONFIG, or make ~/.kube/config" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("SHRD", "IMM_OPERATOR_SHARD"),
        ("NAMESPACE", "IMM_OPERATOR_NAMESPACES"),
        ("LEASE_NAMSPACE", "IMM_OPERATOR_LEASE_NAMESPACE"),
    ],
)
def test_of_a_mistyped_setting_the_nearest_is_named_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str, meant: str
) -> None:
    """The list of all comes after it."""
    monkeypatch.setenv(f"IMM_OPERATOR_{given}", "b")
    assert 2 == operator.main()
    said = capsys.readouterr().err
    assert said.startswith(f"IMM_OPERATOR_{given}: no such setting; did you mean {meant}? There are IMM_OPERATOR_")


def test_of_a_setting_like_no_other_none_is_guessed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then the list alone helps, with every name in it."""
    monkeypatch.setenv("IMM_OPERATOR_QQQQQQQQ", "b")
    assert 2 == operator.main()
    said = capsys.readouterr().err
    assert said.startswith("IMM_OPERATOR_QQQQQQQQ: no such setting; there are IMM_OPERATOR_")
    assert [] == [name for name in Settings.model_fields if f"IMM_OPERATOR_{name.upper()}" not in said]
