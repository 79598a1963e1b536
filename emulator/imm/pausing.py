"""StopBinding and ResumeBinding, which SDKs before 3.0.0 offered: served only if switched so, gone otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imm import refusals
from emulator.imm.bindings import held_binding
from emulator.imm.lifecycle import follow
from emulator.imm.lookup import dataset_of, imm_of
from emulator.imm.state import BindingKey
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

SERVED = Operations("imm")


@SERVED.serves("StopBinding", "ProjectName", "DatasetName", "URI", "Reason", provenance="assumed")
def stop_binding(cloud: Cloud, call: Call) -> Reply:
    """Pause a binding: State Stopped, with the caller's reason. What changes meanwhile is not followed."""
    _require_served(cloud)
    _, dataset = dataset_of(cloud, call)
    binding = held_binding(cloud, dataset, call)
    binding.state, binding.updated = "Stopped", cloud.clock.now()
    binding.reason = call.params.get("Reason", "")
    binding.changes.clear()
    return Reply({})


@SERVED.serves("ResumeBinding", "ProjectName", "DatasetName", "URI", provenance="assumed")
def resume_binding(cloud: Cloud, call: Call) -> Reply:
    """Go on with a stopped binding: it starts as a new one does and scans again."""
    _require_served(cloud)
    project, dataset = dataset_of(cloud, call)
    binding = held_binding(cloud, dataset, call)
    if binding.state != "Stopped":
        raise refusals.invalid_argument(f"The binding is {binding.state}: only a stopped one can be resumed.")
    binding.state, binding.phase, binding.reason, binding.updated = "Ready", "", "", cloud.clock.now()
    binding.cursor, binding.pace = "", 0
    follow(imm_of(cloud, call), BindingKey(project.name, dataset.name, binding.uri), binding.bucket)
    return Reply({})


def _require_served(cloud: Cloud) -> None:
    if not cloud.switches.stop_resume_served:
        raise Refusal(404, "InvalidApi.NotFound", "Specified api is not found, please check your url and method.")
