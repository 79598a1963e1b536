"""Tokens of tenants' service accounts, from the TokenRequest API, for the cloud and for nobody else.

An admission policy that ships with the operator (`deploy/kustomize/base/tokens.yaml`) holds it to the same, so that its
right to ask for tokens is no right to act as somebody in the cluster.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from controller.reconcile.ports import NotAllowed, ObjectGone
from controller.runtime.kube import Kube


async def request(kube: Kube, namespace: str, service_account: str, audience: str, seconds: int) -> str | None:
    """A token, or None when there is no such service account.

    Raises:
        NotAllowed: it is the operator's own, which no tenant may speak for, wherever the CloudAccount lives.
        controller.runtime.kube.KubeError: the API server refused.
    """
    if await _own_name(kube) == f"system:serviceaccount:{namespace}:{service_account}":
        raise NotAllowed("the service account is the operator's own")
    path = f"/api/v1/namespaces/{quote(namespace)}/serviceaccounts/{quote(service_account)}/token"
    spec = {"audiences": [audience], "expirationSeconds": seconds}
    try:
        answer = await kube.post(path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
    except ObjectGone:
        return None
    token: str = answer["status"]["token"]
    return token


async def _own_name(kube: Kube) -> str:
    """Who the API server says we are. Asked each time: a fresh login may be as somebody else."""
    review: dict[str, Any] = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await kube.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    name: str = answer["status"]["userInfo"]["username"]
    return name
