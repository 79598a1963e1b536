"""Use a cluster that is there already, by the name of its context; it is never stopped, emptied or deleted by us."""

import json
import os
from pathlib import Path

from sandbox import programs
from sandbox.apiserver import kubeconfig, private_file
from sandbox.apiserver.build import find_kubectl
from sandbox.apiserver.cluster import Cluster
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError


def use_context(name: str, directory: Path) -> Cluster:
    """Return the cluster of context `name`; `directory` gets a kubeconfig that knows this context alone.

    A file of its own, so that nothing changes when somebody switches the current context meanwhile.

    Raises:
        ProgramError: there is no such context, or its server does not answer.
    """
    kubectl = find_kubectl()
    known = programs.run([kubectl, "config", "get-contexts", "--output=name"]).split()
    if name not in known:
        where = os.environ.get("KUBECONFIG") or "~/.kube/config"
        raise ProgramError(
            f"There is no context {name!r} in {where}. Known contexts: {', '.join(known) or 'none'}.\n"
            "Choose one of these, set KUBECONFIG to the right file, or leave --context out to use the sandbox's own."
        )
    shown = programs.run([kubectl, "config", "view", "--minify", "--flatten", f"--context={name}", "--output=json"])
    config = json.loads(shown) | {"current-context": name}
    server: dict[str, str] = config["clusters"][0]["cluster"]
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = private_file.write(directory / "existing.kubeconfig", json.dumps(config))
    try:
        Kubectl(path)("get", "--raw=/readyz", "--request-timeout=10s", seconds=30)
    except ProgramError as error:
        raise ProgramError(
            f"The cluster of context {name!r} ({server['server']}) does not answer. Is it running, is a VPN or a "
            f"login missing?\n{error}"
        ) from error
    authority = kubeconfig.authority_file(path, server)
    return Cluster(kubeconfig=path, url=server["server"], ca_file=authority, directory=directory.absolute())
