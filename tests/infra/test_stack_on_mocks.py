"""What a stack declares, resource by resource, on Pulumi's own mocks."""

from __future__ import annotations

import json

from controller.api.cloudaccount import Endpoints
from controller.api.handover import Handover
from tests.infra.mocked_stack import ACCOUNT, Declared, declare, settings


def test_every_bucket_is_private_by_an_acl_resource_of_its_own(stack: Declared) -> None:
    """The bucket's own `acl` argument is deprecated, so it is never used."""
    buckets = {bucket.inputs["bucket"]: bucket.inputs for bucket in stack.of("Bucket")}
    acls = {acl.inputs["bucket"]: acl.inputs["acl"] for acl in stack.of("BucketAcl")}
    assert {"photos-2025", "films-2025", "imm-work"} == set(buckets)
    assert dict.fromkeys(buckets, "private") == acls
    assert not any("acl" in inputs for inputs in buckets.values())


def test_the_queue_is_subscribed_to_the_topic_with_the_message_as_published(stack: Declared) -> None:
    """The endpoint names region, account and queue; the content format is not the XML default."""
    assert stack.inputs("ServiceTopic")["topicName"] == "imm-events"
    assert {
        "topicName": "imm-events",
        "subscriptionName": "imm-events",
        "endpoint": f"acs:mns:cn-hangzhou:{ACCOUNT}:queues/imm-events",
        "pushType": "queue",
        "notifyContentFormat": "SIMPLIFIED",
        "notifyStrategy": "EXPONENTIAL_DECAY_RETRY",
    } == stack.inputs("ServiceSubscription")
    assert stack.inputs("ServiceQueue")["messageRetentionPeriod"] == 604800


def test_the_role_is_for_imm_alone(stack: Declared) -> None:
    """Only the IMM service may assume it."""
    document = json.loads(stack.inputs("Role")["assumeRolePolicyDocument"])
    assert document["Statement"] == [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["imm.aliyuncs.com"]}}
    ]


def test_the_role_may_read_media_buckets_and_publish_on_the_topic_and_nothing_else(stack: Declared) -> None:
    """The exact rights: any further action or resource has to change this test."""
    document = json.loads(stack.inputs("Policy")["policyDocument"])
    rights = {
        (action, where) for item in document["Statement"] for action in item["Action"] for where in item["Resource"]
    }
    buckets = ("photos-2025", "films-2025")
    assert (
        {
            (action, f"acs:oss:*:{ACCOUNT}:{bucket}")
            for bucket in buckets
            for action in ("oss:GetBucketInfo", "oss:ListObjects")
        }
        | {("oss:GetObject", f"acs:oss:*:{ACCOUNT}:{bucket}/*") for bucket in buckets}
        | {("mns:PublishMessage", f"acs:mns:cn-hangzhou:{ACCOUNT}:/topics/imm-events/messages")}
    ) == rights
    assert stack.inputs("RolePolicyAttachment") == {
        "roleName": "imm-media",
        "policyName": "imm-media",
        "policyType": "Custom",
    }


def test_the_project_is_ours_and_not_the_providers(stack: Declared) -> None:
    """`alicloud.imm.Project` makes a project of the old API; ours carries no key, no address and no secret."""
    (project,) = stack.of("Project")
    assert project.typ == "pulumi-python:dynamic/imm:Project"
    assert {"name", "region", "service_role", "__provider"} == set(project.inputs)
    assert (project.inputs["name"], project.inputs["service_role"]) == ("media", "imm-media")
    assert isinstance(project.inputs["__provider"], str)  # a secret would be a marked object
    assert len(project.inputs["__provider"]) < 200  # by reference, not by bytecode


def test_every_cloud_resource_is_made_through_the_explicit_provider(stack: Declared) -> None:
    """No variable on somebody's machine decides where a resource goes."""
    made = [resource for resource in stack.resources if resource.typ.startswith("alicloud:")]
    assert made
    assert all("::cloud::" in f"{resource.provider}" for resource in made)


def test_for_alibaba_cloud_the_provider_has_no_address_and_never_a_key(stack: Declared) -> None:
    """Region and account are pinned; keys come from the environment only."""
    assert stack.inputs("alicloud") == {"region": "cn-hangzhou", "accountId": ACCOUNT}


def test_for_the_local_cloud_the_provider_gets_every_address() -> None:
    """One missing address would be looked up over the network."""
    inputs = declare(settings(emulator=True), "http://127.0.0.1:4666").inputs("alicloud")
    (endpoints,) = json.loads(inputs["endpoints"])
    assert {"127.0.0.1:4666"} == set(endpoints.values())
    assert {"oss", "mnsOpen", "ram", "imm", "sts", "location", "bssopenapi"} <= set(endpoints)
    assert (inputs["protocol"], inputs["skipRegionValidation"], inputs["accountType"]) == ("HTTP", "true", "Domestic")


def test_the_handover_names_everything_the_cluster_needs(stack: Declared) -> None:
    """It is the api's own document, as plain JSON."""
    document = Handover.model_validate(json.loads(json.dumps(stack.handover)))
    assert (document.stack, document.name, document.work_bucket) == ("test", "media", "imm-work")
    assert document.media_buckets == ("photos-2025", "films-2025")
    assert Endpoints() == document.endpoints
    (project,) = document.projects
    assert (
        project.name,
        project.service_role,
        [dataset.name for dataset in project.datasets],
    ) == ("media", "imm-media", ["photos"])


def test_for_the_local_cloud_the_operator_is_told_its_addresses() -> None:
    """The same address for every service, with its scheme."""
    handover = declare(settings(emulator=True), "http://127.0.0.1:4666").handover
    assert dict.fromkeys(("imm", "oss", "mns"), "http://127.0.0.1:4666") == handover["endpoints"]


def test_addresses_of_the_stack_file_go_before_the_local_clouds() -> None:
    """A cluster may reach the local cloud by another name than Pulumi does."""
    inside = Endpoints(imm="http://cloud:80", oss="http://cloud:80", mns="http://cloud:80")
    handover = declare(settings(emulator=True, endpoints=inside), "http://127.0.0.1:4666").handover
    assert handover["endpoints"]["imm"] == "http://cloud:80"
