"""Wait until a started cluster does what people expect of one, each step a condition and all within one deadline."""

import time
from collections.abc import Callable
from pathlib import Path

from sandbox.apiserver.api_call import call, trust
from sandbox.apiserver.certificates import Certificates
from sandbox.programs import ProgramError, last_lines

POLL = 0.05
# Whoever checks our tokens fetches the keys as a stranger: a cloud that was told of this issuer has no account here.
ISSUER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "sandbox-issuer-is-public"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "system:service-account-issuer-discovery",
    },
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:unauthenticated"}],
}


def await_ready(
    url: str, certificates: Certificates, log: Path, *, controllers: bool, ended: Callable[[], bool], seconds: float
) -> None:
    """Return when the server answers, its issuer keys are public and its controllers act.

    Raises:
        ProgramError: the server ended or `seconds` passed; the message names the step and ends with the log's tail.
    """
    context = trust(certificates.authority.certificate, certificates.admin)

    def answers(path: str) -> bool:
        return call(url, path, context)[0] == 200  # noqa: PLR2004 - HTTP's own number for success

    def publishes_keys() -> bool:
        return call(url, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", context, ISSUER)[0] in {201, 409}

    steps: dict[str, Callable[[], bool]] = {
        "answer /readyz": lambda: answers("/readyz"),
        "publish its token keys": publishes_keys,
    }
    if controllers:
        steps["run its controllers"] = lambda: answers("/api/v1/namespaces/default/serviceaccounts/default")
    deadline = time.monotonic() + seconds
    for name, step in steps.items():
        while (trouble := _trouble(step)) is not None:
            if ended():
                raise ProgramError(f"The API server ended before it could {name}. The end of {log}:\n{_tail(log)}")
            if time.monotonic() > deadline:
                late = f"The API server at {url} did not {name} within {seconds:.0f} s ({trouble})"
                raise ProgramError(f"{late}; a busy machine may need more. The end of {log}:\n{_tail(log)}")
            time.sleep(POLL)


def _trouble(step: Callable[[], bool]) -> str | None:
    try:
        return None if step() else "it answered with an error"
    except OSError as error:  # not listening yet
        return str(error)


def _tail(log: Path) -> str:
    return last_lines(log.read_text(errors="replace")) if log.exists() else "  (no log was written)"
