"""What the tests share that keep an operator from reporting: the API server takes no status of an import.

By an admission policy for one namespace, because other tests' operators work in the same cluster with the same rights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.programs import ProgramError
from tests.integration.import_room import IMPORT
from tests.integration.world import World

PROBE = "probe"  # an import of the namespace, which it is tried on whether a status is taken


@contextmanager
def silent(world: World) -> Iterator[None]:
    """While this lasts the API server takes no status of this world's imports, of which one is the probe."""
    name = f"silent-{world.namespace}"
    rule = {
        "apiGroups": ["imm-operator.dev"],
        "apiVersions": ["*"],
        "operations": ["UPDATE"],
        "resources": ["batchimports/status"],
    }
    here = {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}
    policy = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "false", "message": "A test holds it back.", "reason": "Forbidden"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": here}}
    kinds = {"ValidatingAdmissionPolicy": policy, "ValidatingAdmissionPolicyBinding": binding}
    for kind, spec in kinds.items():
        body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        world.kubectl("apply", "--filename=-", text=json.dumps(body))
    try:
        world.until("statuses to be refused", lambda: not takes_status(world))
        yield
    finally:
        for kind in kinds:
            world.kubectl("delete", kind, name)
        world.until("statuses to be taken", lambda: takes_status(world))


def takes_status(world: World) -> bool:
    """Whether the API server would take a status of an import."""
    where = (IMPORT, PROBE, f"--namespace={world.namespace}", "--subresource=status", "--dry-run=server")
    try:
        world.kubectl("patch", *where, "--type=merge", "--patch", '{"status": {"instance": "probe"}}')
    except ProgramError:
        return False
    return True
