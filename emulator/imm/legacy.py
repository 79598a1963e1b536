"""Projects of the 2017-09-06 API, which the Pulumi provider's `imm.Project` uses: another API, another list.

Whether the cloud lets the new API use these projects is not known: a switch, off by default, which is the harder case.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.lookup import imm_of
from emulator.imm.projects import require_empty
from emulator.imm.roles import DEFAULT_ROLE
from emulator.imm.state import LegacyProject
from emulator.imm.times import rfc3339_nano
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

OPERATIONS = Operations("imm-2017")
NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{1,49}")
MAX_KEYS = 100
MAX_UNITS = 1000


@OPERATIONS.serves("PutProject", "Project", "ServiceRole", "CU", "BillingType", provenance="sdk")
def put_project(cloud: Cloud, call: Call) -> Reply:
    """Make a project; one that is there keeps its role and the call succeeds, as a put does."""
    name = params.text(call, "Project")
    if not NAME.fullmatch(name):
        raise refusals.malformed("Project")
    now = cloud.clock.now()
    role = call.params.get("ServiceRole") or DEFAULT_ROLE
    units = params.integer(call, "CU", 1, MAX_UNITS) or 1
    project = imm_of(cloud, call).legacy.setdefault(name, LegacyProject(name, now, now, role, units))
    return Reply(_shown(call, project))


@OPERATIONS.serves("GetProject", "Project", provenance="sdk")
def get_project(cloud: Cloud, call: Call) -> Reply:
    """Read a project."""
    return Reply(_shown(call, _project(cloud, call)))


@OPERATIONS.serves("UpdateProject", "Project", "NewServiceRole", "NewCU", provenance="sdk")
def update_project(cloud: Cloud, call: Call) -> Reply:
    """Change the service role or the capacity units."""
    project = _project(cloud, call)
    project.service_role = call.params.get("NewServiceRole") or project.service_role
    project.capacity_units = params.integer(call, "NewCU", 1, MAX_UNITS) or project.capacity_units
    project.updated = cloud.clock.now()
    return Reply(_shown(call, project))


@OPERATIONS.serves("DeleteProject", "Project", provenance="sdk")
def delete_project(cloud: Cloud, call: Call) -> Reply:
    """Delete a project, and what the new API made of it, if that is empty."""
    imm = imm_of(cloud, call)
    name = _project(cloud, call).name
    if cloud.switches.legacy_project_usable and name in imm.projects:
        require_empty(cloud, imm.projects[name])
        del imm.projects[name]
    del imm.legacy[name]
    return Reply({})


@OPERATIONS.serves("ListProjects", "Marker", "MaxKeys", provenance="sdk")
def list_projects(cloud: Cloud, call: Call) -> Reply:
    """List projects by name, after Marker, at most MaxKeys (100)."""
    held = imm_of(cloud, call).legacy
    names = sorted(held)
    size = params.integer(call, "MaxKeys", 1, MAX_KEYS) or MAX_KEYS
    begin = bisect_right(names, call.params.get("Marker", ""))
    chosen = names[begin : begin + size]
    marker = chosen[-1] if begin + size < len(names) else ""
    return Reply({"Projects": [_shown(call, held[name]) for name in chosen], "NextMarker": marker})


def _project(cloud: Cloud, call: Call) -> LegacyProject:
    name = params.text(call, "Project")
    found = imm_of(cloud, call).legacy.get(name)
    if found is None:
        raise Refusal(404, "InvalidProject.NotFound", f"The specified Project {name} is not found.")
    return found


def _shown(call: Call, project: LegacyProject) -> dict[str, object]:
    return {
        "Project": project.name,
        "ServiceRole": project.service_role,
        "Endpoint": f"imm.{call.region}.aliyuncs.com",
        "Type": "IMM",
        "CU": project.capacity_units,
        "BillingType": "ByUsage",
        "CreateTime": rfc3339_nano(project.created),
        "ModifyTime": rfc3339_nano(project.updated),
    }
