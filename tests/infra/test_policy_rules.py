"""The rules of the policy pack, each with resources that pass and resources that do not."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.policy.buckets import ACL, BLOCK, BUCKET
from infra.policy.declared import Declared
from infra.policy.lasting import OLD_PROJECT, PROJECT, QUEUE, TOPIC, production
from infra.policy.rights import ACCESS_KEY, POLICY, PROVIDER, ROLE, ROLE_ATTACHMENT, USER_ATTACHMENT
from infra.policy.rules import RULES, STACK_RULES, findings

ACCOUNT = "1234567890123456"
BUCKET_ARN = f"acs:oss:*:{ACCOUNT}:photos-2025"
QUEUE_ARN = f"acs:mns:cn-hangzhou:{ACCOUNT}:/queues/imm-events/messages"
DATASETS_ARN = f"acs:imm:cn-hangzhou:{ACCOUNT}:project/media/dataset/*"
RRSA = {
    "StringEquals": {
        "oidc:aud": "sts.aliyuncs.com",
        "oidc:iss": "https://oidc.example.com",
        "oidc:sub": "system:serviceaccount:imm-operator:imm-operator",
    }
}
FEDERATED = {"Federated": [f"acs:ram::{ACCOUNT}:oidc-provider/ack"]}


def policy(*statements: dict[str, Any]) -> Declared:
    """A RAM policy of these statements."""
    return Declared(POLICY, "rights", {"policyDocument": json.dumps({"Version": "1", "Statement": statements})})


def allow(actions: str | list[str], resources: str | list[str]) -> Declared:
    """A RAM policy of one statement that allows."""
    return policy({"Effect": "Allow", "Action": actions, "Resource": resources})


def role(principal: Any, condition: dict[str, Any] | None = None) -> Declared:
    """A RAM role that a principal may take."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    document = {"Version": "1", "Statement": [statement | ({"Condition": condition} if condition else {})]}
    return Declared(ROLE, "operator", {"assumeRolePolicyDocument": json.dumps(document)})


GOOD_BUCKET = Declared(
    BUCKET,
    "photos",
    {
        "bucket": "photos-2025",
        "versioning": {"status": "Enabled"},
        "serverSideEncryptionRule": {"sseAlgorithm": "AES256"},
    },
    protect=True,
)


def bucket(**changes: Any) -> Declared:
    """The good bucket with other properties; None leaves one out."""
    properties = {key: value for key, value in {**GOOD_BUCKET.properties, **changes}.items() if value is not None}
    return replace(GOOD_BUCKET, properties=properties)


# rule: (resources that pass, (resource that does not, what the message says besides)). All in the stack `prod`.
CASES: dict[str, tuple[list[Declared], list[tuple[Declared, str]]]] = {
    "bucket-private": (
        [
            GOOD_BUCKET,
            bucket(acl="private"),
            Declared(ACL, "photos", {"bucket": "photos-2025", "acl": "private"}),
            Declared(BLOCK, "photos", {"bucket": "photos-2025", "blockPublicAccess": True}),
        ],
        [
            (bucket(acl="public-read"), "'public-read': set acl to 'private'"),
            (Declared(ACL, "photos", {"bucket": "photos-2025", "acl": "public-read-write"}), "set acl to 'private'"),
            (Declared(BLOCK, "photos", {"bucket": "photos-2025", "blockPublicAccess": False}), "set block_public_acc"),
            (Declared(BLOCK, "photos", {"bucket": "photos-2025"}), "set block_public_access to True"),
        ],
    ),
    "bucket-versioned": (
        [GOOD_BUCKET, bucket(versioning=None, tags={"holds": "operator-records"})],
        [
            (bucket(tags={"holds": "operator-records"}), "leave versioning out"),
            (bucket(versioning=None, tags={"holds": "media"}), "set versioning status to 'Enabled'"),
            (bucket(versioning=None), "set versioning status to 'Enabled'"),
            (bucket(versioning={"status": "Suspended"}), "set versioning status to 'Enabled'"),
        ],
    ),
    "bucket-encrypted": (
        [GOOD_BUCKET, bucket(serverSideEncryptionRule={"sseAlgorithm": "KMS", "kmsMasterKeyId": "k"})],
        [
            (bucket(serverSideEncryptionRule=None), "set server_side_encryption_rule"),
            (bucket(serverSideEncryptionRule={"sseAlgorithm": "ROT13"}), "'AES256' or 'KMS'"),
        ],
    ),
    "rights-named": (
        [
            allow("oss:GetObject", f"{BUCKET_ARN}/*"),
            allow(["oss:ListObjects", "oss:GetBucketInfo"], [BUCKET_ARN]),
            allow(["mns:ReceiveMessage", "mns:DeleteMessage"], QUEUE_ARN),
            allow("imm:CreateBinding", DATASETS_ARN),
            allow("sts:AssumeRole", f"acs:ram::{ACCOUNT}:role/imm-media"),
            policy({"Effect": "Deny", "Action": "*", "Resource": "*"}),
            allow(["imagesearch:IncreaseInstance", "imagesearch:Detail"], "*"),
        ],
        [
            (allow("*", BUCKET_ARN), "action '*'"),
            (allow(["oss:GetObject", "mns:*"], BUCKET_ARN), "action 'mns:*'"),
            (allow("oss:Get?bject", BUCKET_ARN), "action 'oss:Get?bject'"),
            (allow("oss:GetObject", "*"), "resource '*'"),
            (allow(["imagesearch:Detail", "oss:GetObject"], "*"), "resource '*'"),
            (allow("imagesearch:DeleteImage", "*"), "resource '*'"),
            (allow("imagesearch:*", "*"), "action 'imagesearch:*', resource '*'"),
            (allow("imagesearch:Detail", "acs:imagesearch:*:*:instance/*"), "instance/*'"),
            (policy({"Effect": "Allow", "Resource": "*"}), "resource '*'"),
            (allow("oss:GetObject", [BUCKET_ARN, f"acs:oss:*:{ACCOUNT}:*"]), f"resource 'acs:oss:*:{ACCOUNT}:*'"),
            (allow("oss:GetObject", "acs:oss:*:*:photos-2025/*"), "resource 'acs:oss:*:*:photos-2025/*'"),
            (allow("oss:GetObject", f"acs:oss:*:{ACCOUNT}:photos-*/*"), "acs:SERVICE:REGION:ACCOUNT:NAME"),
            (allow("mns:ReceiveMessage", f"acs:mns:cn-hangzhou:{ACCOUNT}:/queues/*"), "/queues/*'"),
            (allow("imm:GetProject", f"acs:imm:cn-hangzhou:{ACCOUNT}:project/*"), "project/*'"),
            (allow("imm:GetProject", f"acs:*:cn-hangzhou:{ACCOUNT}:project/media"), "resource 'acs:*"),
            (policy({"Effect": "Allow", "NotAction": "ram:*", "Resource": BUCKET_ARN}), "outside a NotAction"),
            (policy({"Effect": "Allow", "Action": "oss:GetObject", "NotResource": "a"}), "outside a NotResource"),
            (Declared(POLICY, "rights", {"policyDocument": "{"}), "no policy document in JSON"),
            (Declared(POLICY, "rights", {}), "no policy document in JSON"),
        ],
    ),
    "trust-named": (
        [role({"Service": ["imm.aliyuncs.com"]}), role(FEDERATED, RRSA), role({"RAM": f"acs:ram::{ACCOUNT}:role/ci"})],
        [
            (role("*"), "may be taken by anybody"),
            (role({"RAM": "*"}), "may be taken by anybody"),
            (role({"RAM": ["acs:ram::*:root"]}), "may be taken by anybody"),
            (role({"Service": []}), "name the service"),
            (role(FEDERATED), "oidc:sub"),
            (role(FEDERATED, {"StringLike": RRSA["StringEquals"]}), "add a Condition StringEquals"),
            (role(FEDERATED, {"StringEquals": {"oidc:aud": "sts.aliyuncs.com"}}), "system:serviceaccount:NAMESPACE"),
            (Declared(ROLE, "operator", {"assumeRolePolicyDocument": "[]"}), "no trust policy in JSON"),
        ],
    ),
    "rights-ours": (
        [
            Declared(ROLE_ATTACHMENT, "a", {"policyName": "imm-media", "policyType": "Custom"}),
            Declared(USER_ATTACHMENT, "a", {"policyName": "imm-media", "policyType": "Custom"}),
        ],
        [
            (
                Declared(kind, "a", {"policyName": "AliyunOSSFullAccess", "policyType": "System"}),
                "'AliyunOSSFullAccess', a policy of the vendor",
            )
            for kind in (ROLE_ATTACHMENT, USER_ATTACHMENT)
        ],
    ),
    "key-secret": (
        [
            Declared(ACCESS_KEY, "k", {"userName": "imm"}, secret_outputs=frozenset({"secret"})),
            Declared(ACCESS_KEY, "k", {"userName": "imm", "pgpKey": "keybase:somebody"}),
        ],
        [
            (Declared(ACCESS_KEY, "k", {"userName": "imm"}), "additional_secret_outputs=['secret']"),
            (
                Declared(ACCESS_KEY, "k", {"secretFile": "key.txt"}, secret_outputs=frozenset({"secret"})),
                "leave secret_file out",
            ),
        ],
    ),
    "key-of-environment": (
        [Declared(PROVIDER, "cloud", {"region": "cn-hangzhou", "accountId": ACCOUNT})],
        [
            (Declared(PROVIDER, "cloud", {"accessKey": "LTAI5example", "secretKey": "s"}), "accessKey, secretKey"),
            (Declared(PROVIDER, "cloud", {"securityToken": "t"}), "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        ],
    ),
    "protected-in-prod": (
        [Declared(kind, "kept", {}, protect=True) for kind in (BUCKET, TOPIC, QUEUE, PROJECT)],
        [
            *((Declared(kind, "kept", {}), "set imm-operator:protect") for kind in (BUCKET, TOPIC, QUEUE, PROJECT)),
            (bucket(forceDestroy=True), "leave force_destroy out"),
        ],
    ),
    "project-of-new-api": (
        [Declared(PROJECT, "media", {"name": "media"}, protect=True)],
        [(Declared(OLD_PROJECT, "media", {"project": "media"}), "infra.provider.imm_project.ImmProject")],
    ),
}
GUARDED = (
    GOOD_BUCKET,
    Declared(ACL, "photos-acl", {"bucket": "photos-2025", "acl": "private"}),
    Declared(BLOCK, "photos-block", {"bucket": "photos-2025", "blockPublicAccess": True}),
)


def test_every_rule_has_resources_that_pass_and_resources_that_do_not() -> None:
    """Names are unique, because Pulumi tells rules apart by them."""
    assert [rule.name for rule in RULES] == list(CASES)
    assert all(passing and failing for passing, failing in CASES.values())
    assert [rule.name for rule in STACK_RULES] == ["bucket-guarded"]


def test_the_guide_lists_every_rule() -> None:
    """Nobody has to read the code to learn what a stack is held to."""
    guide = Path(__file__).resolve().parents[2] / "docs" / "infrastructure.md"
    listed = re.findall(r"^\| `([a-z-]+)` \|", guide.read_text(encoding="utf-8"), re.MULTILINE)
    assert {rule.name for rule in RULES} | {rule.name for rule in STACK_RULES} == set(listed)


@pytest.mark.parametrize(
    ("name", "resource"),
    [(name, resource) for name, (passing, _) in CASES.items() for resource in passing],
)
def test_a_good_resource_passes(name: str, resource: Declared) -> None:
    """Its rule has nothing to say, even in production."""
    (rule,) = (rule for rule in RULES if rule.name == name)
    assert resource.type in rule.types or name == "project-of-new-api"
    assert rule.judge(resource, "prod") is None


@pytest.mark.parametrize(
    ("name", "resource", "words"),
    [(name, resource, words) for name, (_, failing) in CASES.items() for resource, words in failing],
)
def test_a_bad_resource_is_named_with_its_rule_and_the_way_out(name: str, resource: Declared, words: str) -> None:
    """One sentence, which starts with the rule and the resource."""
    (rule,) = (rule for rule in RULES if rule.name == name)
    said = rule.judge(resource, "prod")
    assert said is not None
    assert said.startswith(f"{name}: {resource.type.rpartition(':')[2]} {resource.name} ")
    assert words in said
    assert ": " in said.removeprefix(f"{name}: ")


@pytest.mark.parametrize("stack", ["dev", "staging", "local", "product-tests", "products", "prod/dev", "reproduce"])
def test_only_production_asks_for_protection(stack: str) -> None:
    """A development stack can be destroyed in one go."""
    assert not production(stack)
    assert [] == findings([replace(GOOD_BUCKET, protect=False), *GUARDED[1:]], stack)


@pytest.mark.parametrize(
    "stack",
    ["prod", "prod-eu", "production", "acme/imm-operator/prod", "eu-prod", "prod2", "eu_Prod1", "shop.production"],
)
def test_production_is_known_by_its_name(stack: str) -> None:
    """With a region behind it, or an organisation before it."""
    assert production(stack)
    (said,) = findings([replace(GOOD_BUCKET, protect=False), *GUARDED[1:]], stack)
    assert said.startswith("protected-in-prod: Bucket photos ")


def test_a_bucket_with_its_acl_and_block_passes() -> None:
    """The three belong together by the bucket's name, not by their own."""
    assert [] == findings(GUARDED, "prod")


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ((GUARDED[0], GUARDED[2]), "has no ACL of its own: declare a BucketAcl"),
        ((GUARDED[0], GUARDED[1]), "has no public access block: declare a BucketPublicAccessBlock"),
        (
            (*GUARDED[:2], replace(GUARDED[2], properties={"bucket": "films-2025", "blockPublicAccess": True})),
            "has no public access block",
        ),
    ],
)
def test_a_bucket_without_them_is_named(resources: Sequence[Declared], words: str) -> None:
    """Another bucket's block is none."""
    (said,) = findings(resources, "prod")
    assert said.startswith("bucket-guarded: Bucket photos ")
    assert words in said
    assert "photos-2025" in said


NAME = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)


@given(
    st.lists(st.tuples(NAME, st.text("GetPuListObject*?", max_size=6)).map(":".join), min_size=1, max_size=4),
    st.lists(st.tuples(NAME, st.booleans()), min_size=1, max_size=4),
)
def test_a_policy_passes_exactly_if_no_action_and_no_name_is_wild(
    actions: list[str], buckets: list[tuple[str, bool]]
) -> None:
    """Whatever stands around the one that is."""
    resources = [f"acs:oss:*:{ACCOUNT}:{name}{'*' if wild else ''}/*" for name, wild in buckets]
    wild = any(mark in action for action in actions for mark in "*?") or any(wild for _, wild in buckets)
    assert wild == bool(findings([allow(actions, resources)], "dev"))
