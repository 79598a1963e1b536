"""RAM and STS through their official SDKs: what a provisioning program makes, reads back and removes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import oss2
import pytest
from alibabacloud_ram20150501 import models as m
from alibabacloud_tea_openapi.exceptions import ClientException

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.testing import LocalCloud

TRUST = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["imm.aliyuncs.com"]}},
        ],
    }
)
POLICY = json.dumps(
    {"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["oss:GetObject"], "Resource": ["acs:oss:*:*:b/*"]}]}
)


def code(call: Callable[[], object]) -> tuple[int, str]:
    """Status and code that the call is refused with."""
    with pytest.raises(ClientException) as caught:
        call()
    assert caught.value.request_id
    return caught.value.status_code, caught.value.code


def make_role(ram: Any, name: str = "imm-role") -> Any:
    """A role that IMM may assume."""
    request = m.CreateRoleRequest(
        role_name=name,
        assume_role_policy_document=TRUST,
        description="d",
        tag=[m.CreateRoleRequestTag(key="team", value="search")],
    )
    return ram.create_role(request).body.role


class TestRoles:
    """CreateRole to DeleteRole."""

    def test_a_role_is_read_back_as_made(self, cloud: LocalCloud, ram: Any) -> None:
        """Arn, trust policy, description, session length; lists show it with its tags' filter."""
        made = make_role(ram)
        got = ram.get_role(m.GetRoleRequest(role_name="imm-role")).body.role
        assert (f"acs:ram::{cloud.account_id}:role/imm-role", TRUST, "d", 3600) == (
            got.arn,
            got.assume_role_policy_document,
            got.description,
            got.max_session_duration,
        )
        assert made.role_id == got.role_id
        tags = ram.list_tag_resources(m.ListTagResourcesRequest(resource_type="role", resource_names=["imm-role"]))
        assert [("team", "search")] == [(tag.tag_key, tag.tag_value) for tag in tags.body.tag_resources]
        assert ["imm-role"] == [r.role_name for r in ram.list_roles(m.ListRolesRequest()).body.roles.role]

    def test_update_changes_only_what_is_given(self, ram: Any) -> None:
        """The description changes, the trust policy stays."""
        make_role(ram)
        ram.update_role(m.UpdateRoleRequest(role_name="imm-role", new_description="e"))
        got = ram.get_role(m.GetRoleRequest(role_name="imm-role")).body.role
        assert ("e", TRUST) == (got.description, got.assume_role_policy_document)

    def test_refusals(self, ram: Any) -> None:
        """Absent, twice, malformed, misnamed."""
        make_role(ram)
        bad = m.CreateRoleRequest(role_name="b", assume_role_policy_document=POLICY)
        named = m.CreateRoleRequest(role_name="no spaces", assume_role_policy_document=TRUST)
        assert (404, "EntityNotExist.Role") == code(lambda: ram.get_role(m.GetRoleRequest(role_name="none")))
        assert (409, "EntityAlreadyExists.Role") == code(lambda: make_role(ram))
        assert (400, "MalformedPolicyDocument") == code(lambda: ram.create_role(bad))
        assert (400, "InvalidParameter.RoleName.InvalidChars") == code(lambda: ram.create_role(named))
        assert (400, "MissingRoleName") == code(lambda: ram.get_role(m.GetRoleRequest()))


class TestPolicies:
    """Policies, versions, attachments."""

    def test_a_policy_is_made_attached_versioned_and_removed(self, ram: Any) -> None:
        """The order of removal is enforced: detach, then delete."""
        make_role(ram)
        ram.create_policy(m.CreatePolicyRequest(policy_name="read", policy_document=POLICY, description="d"))
        attach = m.AttachPolicyToRoleRequest(policy_type="Custom", policy_name="read", role_name="imm-role")
        ram.attach_policy_to_role(attach)
        assert (409, "EntityAlreadyExists.Role.Policy") == code(lambda: ram.attach_policy_to_role(attach))
        listed = ram.list_policies_for_role(m.ListPoliciesForRoleRequest(role_name="imm-role")).body.policies.policy
        assert [("Custom", "read", "v1")] == [(p.policy_type, p.policy_name, p.default_version) for p in listed]

        other = POLICY.replace("GetObject", "PutObject")
        ram.create_policy_version(
            m.CreatePolicyVersionRequest(policy_name="read", policy_document=other, set_as_default=True)
        )
        body = ram.get_policy(m.GetPolicyRequest(policy_name="read", policy_type="Custom")).body
        assert ("v2", other, 1) == (
            body.policy.default_version,
            body.default_policy_version.policy_document,
            body.policy.attachment_count,
        )

        delete = m.DeletePolicyRequest(policy_name="read")
        assert (409, "DeleteConflict.Policy.Entity") == code(lambda: ram.delete_policy(delete))
        assert (409, "DeleteConflict.Role.Policy") == code(
            lambda: ram.delete_role(m.DeleteRoleRequest(role_name="imm-role"))
        )
        detach = m.DetachPolicyFromRoleRequest(policy_type="Custom", policy_name="read", role_name="imm-role")
        ram.detach_policy_from_role(detach)
        assert (404, "EntityNotExist.Role.Policy") == code(lambda: ram.detach_policy_from_role(detach))
        assert (409, "DeleteConflict.Policy.Version") == code(lambda: ram.delete_policy(delete))
        ram.delete_policy_version(m.DeletePolicyVersionRequest(policy_name="read", version_id="v1"))
        ram.delete_policy(delete)
        ram.delete_role(m.DeleteRoleRequest(role_name="imm-role"))
        assert (404, "EntityNotExist.Policy") == code(lambda: ram.delete_policy(delete))

    def test_system_policies_exist_and_cannot_be_changed(self, ram: Any) -> None:
        """A handful of the vendor's own, listed beside custom ones."""
        request = m.GetPolicyRequest(policy_name="AliyunOSSReadOnlyAccess", policy_type="System")
        assert "System" == ram.get_policy(request).body.policy.policy_type
        ram.create_policy(m.CreatePolicyRequest(policy_name="aa", policy_document=POLICY))
        custom = ram.list_policies(m.ListPoliciesRequest(policy_type="Custom")).body
        assert ["aa"] == [p.policy_name for p in custom.policies.policy]
        first = ram.list_policies(m.ListPoliciesRequest(max_items=3)).body
        second = ram.list_policies(m.ListPoliciesRequest(max_items=1000, marker=first.marker)).body
        names = [p.policy_name for p in first.policies.policy + second.policies.policy]
        assert first.is_truncated
        assert not second.is_truncated
        assert names == sorted(set(names))

    def test_a_sixth_version_needs_a_strategy(self, ram: Any) -> None:
        """Five versions at most; rotation drops the oldest that is not in force."""
        ram.create_policy(m.CreatePolicyRequest(policy_name="p", policy_document=POLICY))
        more = m.CreatePolicyVersionRequest(policy_name="p", policy_document=POLICY)
        for _ in range(4):
            ram.create_policy_version(more)
        assert (409, "LimitExceeded.Policy.Version") == code(lambda: ram.create_policy_version(more))
        more.rotate_strategy = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
        ram.create_policy_version(more)
        request = m.ListPolicyVersionsRequest(policy_name="p", policy_type="Custom")
        versions = ram.list_policy_versions(request).body.policy_versions.policy_version
        assert ["v1", "v3", "v4", "v5", "v6"] == [version.version_id for version in versions]

    @pytest.mark.parametrize(
        "document",
        [
            "no json",
            "[]",
            '{"Version":"2","Statement":[]}',
            '{"Version":"1","Statement":[]}',
            '{"Version":"1","Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}',
            '{"Version":"1","Statement":[{"Effect":["Allow"],"Action":"*","Resource":"*"}]}',
            '{"Version":"1","Statement":[{"Effect":"Allow","Resource":"*"}]}',
            '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Extra":1}]}',
        ],
    )
    def test_malformed_documents_are_refused(self, ram: Any, document: str) -> None:
        """Before anything is made."""
        request = m.CreatePolicyRequest(policy_name="p", policy_document=document)
        assert (400, "MalformedPolicyDocument") == code(lambda: ram.create_policy(request))


class TestUsers:
    """Users, their keys, and that the keys really sign."""

    def test_a_users_key_signs_until_it_is_off_or_gone(
        self,
        cloud: LocalCloud,
        ram: Any,
        sts_of: Callable[..., Any],
        bucket_of: Callable[..., oss2.Bucket],
    ) -> None:
        """The same account, another principal; then Inactive, then deleted."""
        ram.create_user(m.CreateUserRequest(user_name="ci", display_name="CI"))
        made = ram.create_access_key(m.CreateAccessKeyRequest(user_name="ci")).body.access_key
        user = replace(cloud, access_key_id=made.access_key_id, access_key_secret=made.access_key_secret)
        who = sts_of(user).get_caller_identity().body
        assert (cloud.account_id, f"acs:ram::{cloud.account_id}:user/ci", "RAMUser") == (
            who.account_id,
            who.arn,
            who.identity_type,
        )
        where = {"policy_type": "System", "policy_name": "AliyunOSSFullAccess", "user_name": "ci"}
        ram.attach_policy_to_user(m.AttachPolicyToUserRequest(**where))
        bucket_of(user).create_bucket()
        assert cloud.account_id == bucket_of(cloud).get_bucket_info().owner.id
        ram.detach_policy_from_user(m.DetachPolicyFromUserRequest(**where))

        switch = m.UpdateAccessKeyRequest(user_name="ci", user_access_key_id=made.access_key_id, status="Inactive")
        ram.update_access_key(switch)
        assert (404, "InvalidAccessKeyId.NotFound") == code(lambda: sts_of(user).get_caller_identity())
        assert (409, "DeleteConflict.User.AccessKey") == code(
            lambda: ram.delete_user(m.DeleteUserRequest(user_name="ci"))
        )
        ram.delete_access_key(m.DeleteAccessKeyRequest(user_name="ci", user_access_key_id=made.access_key_id))
        ram.delete_user(m.DeleteUserRequest(user_name="ci"))

    def test_secrets_are_shown_once_and_keys_are_limited(self, cloud: LocalCloud, ram: Any) -> None:
        """Two keys per user; neither a list nor the state's dump shows a secret."""
        ram.create_user(m.CreateUserRequest(user_name="ci"))
        create = m.CreateAccessKeyRequest(user_name="ci")
        secrets = [ram.create_access_key(create).body.access_key.access_key_secret for _ in range(2)]
        assert (409, "LimitExceeded.User.AccessKey") == code(lambda: ram.create_access_key(create))
        listed = ram.list_access_keys(m.ListAccessKeysRequest(user_name="ci")).body.access_keys.access_key
        assert ["Active", "Active"] == [key.status for key in listed]
        from emulator.dump import dump_state  # noqa: PLC0415

        dumped = json.dumps(cloud.run(lambda instance: dump_state(instance.cloud)))
        assert not [secret for secret in secrets if secret in dumped]

    def test_a_renamed_user_keeps_its_policies(self, ram: Any) -> None:
        """UpdateUser with a new name; deletion waits for the policies."""
        ram.create_user(m.CreateUserRequest(user_name="old"))
        where = {"policy_type": "System", "policy_name": "AliyunOSSFullAccess"}
        ram.attach_policy_to_user(m.AttachPolicyToUserRequest(user_name="old", **where))
        ram.update_user(m.UpdateUserRequest(user_name="old", new_user_name="new"))
        assert (404, "EntityNotExist.User") == code(lambda: ram.get_user(m.GetUserRequest(user_name="old")))
        held = ram.list_policies_for_user(m.ListPoliciesForUserRequest(user_name="new")).body.policies.policy
        assert ["AliyunOSSFullAccess"] == [policy.policy_name for policy in held]
        holders = ram.list_entities_for_policy(m.ListEntitiesForPolicyRequest(**where)).body
        assert ["new"] == [user.user_name for user in holders.users.user]
        delete = m.DeleteUserRequest(user_name="new")
        assert (409, "DeleteConflict.User.Policy") == code(lambda: ram.delete_user(delete))
        ram.detach_policy_from_user(m.DetachPolicyFromUserRequest(user_name="new", **where))
        ram.delete_user(delete)
        assert [] == ram.list_users(m.ListUsersRequest()).body.users.user
