"""The operator's rights in the cluster, asked of the API server's own authorizer."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = "system:serviceaccount:imm-operator:imm-operator"
BINDING = "kind: ClusterRoleBinding"


def may(kubectl: Kubectl, namespace: str, *words: str, who: str = OPERATOR) -> bool:
    """Whether somebody may do something in a namespace."""
    try:
        return kubectl("auth", "can-i", *words, f"--as={who}", f"--namespace={namespace}").strip() == "yes"
    except ProgramError:  # kubectl ends with 1 for a no
        return False


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (("get", "secrets/any"), True),
        (("list", "secrets"), False),
        (("watch", "secrets"), False),
        (("create", "secrets"), False),
        (("delete", "secrets"), False),
        (("create", "serviceaccounts/any", "--subresource=token"), True),
        (("get", "serviceaccounts"), False),
        (("create", "serviceaccounts"), False),
        (("create", "pods"), False),
        (("impersonate", "serviceaccounts"), False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_secrets_are_read_by_name_only(
    installed: Kubectl, namespace: str, words: tuple[str, ...], *, allowed: bool
) -> None:
    """And a service account is asked for nothing but a token."""
    assert allowed == may(installed, namespace, *words)


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (("get", "batchimports"), True),
        (("list", "batchimports"), True),
        (("watch", "batchimports"), True),
        (("update", "batchimports", "--subresource=status"), True),
        (("update", "batchimports"), False),
        (("patch", "batchimports"), False),
        (("create", "batchimports"), False),
        (("delete", "batchimports"), False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_an_import_is_watched_and_reported_on(
    installed: Kubectl, namespace: str, words: tuple[str, ...], *, allowed: bool
) -> None:
    """Nothing in the cloud belongs to it, so it needs no finalizer, and is never made or deleted by us."""
    verb, resource, *options = words
    assert allowed == may(installed, namespace, verb, f"{resource}.imm-operator.dev", *options)


def test_the_namespaced_rights_hold_where_a_namespace_grants_them(installed: Kubectl, namespace: str) -> None:
    """The shipped manifests, under another service account's name so that the cluster's other operators keep theirs."""
    rendered = installed("kustomize", str(ROOT / "deploy" / "kustomize" / "namespaced"))
    bindings = [part for part in rendered.split("---") if BINDING in part]
    assert bindings
    assert [] == [part for part in bindings if "imm-operator-credentials" in part]
    grant = installed("kustomize", str(ROOT / "deploy" / "kustomize" / "tenant"))
    other = grant.replace("- kind: ServiceAccount\n  name: imm-operator\n", "- kind: ServiceAccount\n  name: another\n")
    assert other != grant
    installed("apply", f"--namespace={namespace}", "--filename=-", text=other)
    who = "system:serviceaccount:imm-operator:another"
    assert may(installed, namespace, "get", "secrets/any", who=who)
    assert may(installed, namespace, "create", "serviceaccounts/any", "--subresource=token", who=who)
    assert not may(installed, "default", "get", "secrets/any", who=who)
