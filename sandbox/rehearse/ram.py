"""RAM resources: role, policy, and the attachment of one to the other."""

from __future__ import annotations

from typing import Any

from alibabacloud_ram20150501 import models

from sandbox.rehearse.kinds import Inputs, Kind
from sandbox.rehearse.place import Place, absent_is_success, exists

ABSENT = ("EntityNotExist",)
ROLE_INPUTS = {
    "roleName": "role_name",
    "assumeRolePolicyDocument": "assume_role_policy_document",
    "description": "description",
    "maxSessionDuration": "max_session_duration",
}


def _create_role(place: Place, inputs: Inputs) -> dict[str, Any]:
    fields = {ROLE_INPUTS[key]: value for key, value in inputs.items()}
    role = place.ram("create_role", models.CreateRoleRequest(**fields))["Role"]
    return {"arn": role["Arn"], "roleId": role["RoleId"]}


def _update_role(place: Place, _old: Inputs, new: Inputs) -> None:
    fields = {f"new_{ROLE_INPUTS[key]}": value for key, value in new.items() if key != "roleName"}
    place.ram("update_role", models.UpdateRoleRequest(role_name=new["roleName"], **fields))


def _delete_role(place: Place, id_: str, _inputs: Inputs) -> None:
    absent_is_success(ABSENT, lambda: place.ram("delete_role", models.DeleteRoleRequest(role_name=id_)))


def _role_exists(place: Place, id_: str, _inputs: Inputs) -> bool:
    return exists(ABSENT, lambda: place.ram("get_role", models.GetRoleRequest(role_name=id_)))


def _create_policy(place: Place, inputs: Inputs) -> dict[str, Any]:
    request = models.CreatePolicyRequest(
        policy_name=inputs["policyName"],
        policy_document=inputs["policyDocument"],
        description=inputs.get("description"),
    )
    place.ram("create_policy", request)
    return {"type": "Custom"}


def _update_policy(place: Place, old: Inputs, new: Inputs) -> None:
    """Like the provider: a changed document is a new version in force; RAM itself drops the oldest of five."""
    name = new["policyName"]
    if old.get("policyDocument") != new["policyDocument"]:
        request = models.CreatePolicyVersionRequest(
            policy_name=name,
            policy_document=new["policyDocument"],
            set_as_default=True,
            rotate_strategy=new.get("rotateStrategy"),
        )
        place.ram("create_policy_version", request)


def _delete_policy(place: Place, id_: str, _inputs: Inputs) -> None:
    """Every version but the one in force has to go first."""

    def delete() -> None:
        listing = models.ListPolicyVersionsRequest(policy_name=id_, policy_type="Custom")
        versions = place.ram("list_policy_versions", listing)["PolicyVersions"]["PolicyVersion"]
        for version in versions:
            if not version["IsDefaultVersion"]:
                request = models.DeletePolicyVersionRequest(policy_name=id_, version_id=version["VersionId"])
                place.ram("delete_policy_version", request)
        place.ram("delete_policy", models.DeletePolicyRequest(policy_name=id_))

    absent_is_success(ABSENT, delete)


def _policy_exists(place: Place, id_: str, _inputs: Inputs) -> bool:
    request = models.GetPolicyRequest(policy_name=id_, policy_type="Custom")
    return exists(ABSENT, lambda: place.ram("get_policy", request))


def _attach(place: Place, inputs: Inputs) -> dict[str, Any]:
    place.ram("attach_policy_to_role", models.AttachPolicyToRoleRequest(**_attachment(inputs)))
    return {}


def _detach(place: Place, _id: str, inputs: Inputs) -> None:
    request = models.DetachPolicyFromRoleRequest(**_attachment(inputs))
    absent_is_success(ABSENT, lambda: place.ram("detach_policy_from_role", request))


def _attached(place: Place, _id: str, inputs: Inputs) -> bool:
    request = models.ListPoliciesForRoleRequest(role_name=inputs["roleName"])
    names: list[str] = []

    def look() -> None:
        names.extend(
            policy["PolicyName"] for policy in place.ram("list_policies_for_role", request)["Policies"]["Policy"]
        )

    return exists(ABSENT, look) and inputs["policyName"] in names


def _attachment(inputs: Inputs) -> dict[str, str]:
    return {
        "policy_name": inputs["policyName"],
        "policy_type": inputs["policyType"],
        "role_name": inputs["roleName"],
    }


ROLE = Kind(
    inputs=frozenset(ROLE_INPUTS),
    replacing=frozenset({"roleName"}),
    identify=lambda inputs: str(inputs["roleName"]),
    create=_create_role,
    update=_update_role,
    delete=_delete_role,
    exists=_role_exists,
)
POLICY = Kind(
    inputs=frozenset({"policyName", "policyDocument", "description", "rotateStrategy"}),
    replacing=frozenset({"policyName", "description"}),
    identify=lambda inputs: str(inputs["policyName"]),
    create=_create_policy,
    update=_update_policy,
    delete=_delete_policy,
    exists=_policy_exists,
)
ATTACHMENT = Kind(
    inputs=frozenset({"policyName", "policyType", "roleName"}),
    replacing=frozenset({"policyName", "policyType", "roleName"}),
    identify=lambda inputs: f"role:{inputs['policyName']}:{inputs['policyType']}:{inputs['roleName']}",
    create=_attach,
    delete=_detach,
    exists=_attached,
)
