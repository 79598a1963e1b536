"""What a stack declares, resource by resource, on Pulumi's own mocks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.api.cloudaccount import Endpoints
from controller.api.handover import Handover
from infra import rights
from tests.infra.mocked_stack import ACCOUNT, Declared, declare, settings

RRSA = {"provider": "ack-rrsa-c1", "issuer": "https://oidc.example.com/c1", "serviceAccount": "reader"}
LOGGED = {"accessLog": {"bucket": "imm-work", "prefix": "logs/"}}


def test_every_bucket_is_private_and_blocked_by_resources_of_their_own(stack: Declared) -> None:
    """The bucket's own `acl` argument is deprecated, so it is never used."""
    buckets = {bucket.inputs["bucket"]: bucket.inputs for bucket in stack.of("Bucket")}
    acls = {acl.inputs["bucket"]: acl.inputs["acl"] for acl in stack.of("BucketAcl")}
    blocks = {
        block.inputs["bucket"]: block.inputs["blockPublicAccess"] for block in stack.of("BucketPublicAccessBlock")
    }
    assert {"photos-2025", "films-2025", "imm-work"} == set(buckets)
    assert dict.fromkeys(buckets, "private") == acls
    assert dict.fromkeys(buckets, True) == blocks
    assert not any("acl" in inputs for inputs in buckets.values())


def test_a_media_bucket_keeps_versions_encrypted_and_loses_only_what_is_no_longer_current(stack: Declared) -> None:
    """Old versions, lone delete markers and multipart leftovers go; nothing current ever does."""
    bucket = stack.inputs("Bucket", "photos-2025")
    assert {"status": "Enabled"} == bucket["versioning"]
    assert {"sseAlgorithm": "AES256"} == bucket["serverSideEncryptionRule"]
    assert ("Standard", "LRS") == (bucket["storageClass"], bucket["redundancyType"])
    assert {"managed-by": "pulumi", "stack": "test"} == bucket["tags"]
    assert [
        {
            "id": "leftovers",
            "enabled": True,
            "prefix": "",
            "expirations": [{"expiredObjectDeleteMarker": True}],
            "noncurrentVersionExpirations": [{"days": 30}],
            "abortMultipartUploads": [{"days": 7}],
        }
    ] == bucket["lifecycleRules"]
    assert "logging" not in bucket


def test_the_work_bucket_forgets_old_runs_and_nothing_else(stack: Declared) -> None:
    """No action stands in two rules with overlapping prefixes: OSS would refuse them."""
    leftovers, runs = stack.inputs("Bucket", "imm-work")["lifecycleRules"]
    assert {"abortMultipartUploads", "enabled", "id", "prefix"} == set(leftovers)
    assert {"id": "expire-runs", "enabled": True, "prefix": "runs/", "expirations": [{"days": 90}]} == runs


def test_the_work_bucket_keeps_no_versions_because_its_records_are_written_once(stack: Declared) -> None:
    """With versioning, even suspended, OSS takes no notice of x-oss-forbid-overwrite."""
    work = stack.inputs("Bucket", "imm-work")
    assert "versioning" not in work
    assert "operator-records" == work["tags"]["holds"]


def test_storage_is_as_the_stack_says() -> None:
    """A KMS key, another class and redundancy, other days, tags; the same for the work bucket."""
    storage = {"kmsKeyId": "key-1", "storageClass": "IA", "redundancy": "ZRS", "noncurrentDays": 3, "multipartDays": 1}
    stack = declare(settings(storage=storage, work={"expireDays": 5}, tags={"team": "media"}))
    photos, work = stack.inputs("Bucket", "photos-2025"), stack.inputs("Bucket", "imm-work")
    for bucket in (photos, work):
        assert {"sseAlgorithm": "KMS", "kmsMasterKeyId": "key-1"} == bucket["serverSideEncryptionRule"]
        assert ("IA", "ZRS", "media") == (bucket["storageClass"], bucket["redundancyType"], bucket["tags"]["team"])
        assert [{"days": 1}] == bucket["lifecycleRules"][0]["abortMultipartUploads"]
    assert [{"days": 3}] == photos["lifecycleRules"][0]["noncurrentVersionExpirations"]
    assert [{"days": 5}] == work["lifecycleRules"][1]["expirations"]
    for whose, action in (("imm", "Decrypt"), ("operator", "Decrypt"), ("operator", "GenerateDataKey")):
        assert (f"kms:{action}", f"acs:kms:cn-hangzhou:{ACCOUNT}:key/key-1") in stack.rights(whose)


def test_the_key_of_an_existing_bucket_may_be_used_and_encrypts_nothing_of_the_stacks() -> None:
    """Without it neither IMM nor the operator could read what lies there."""
    stack = declare(settings(existing_buckets=("old-photos",), storage={"existingKmsKeyIds": ["key-old"]}))
    assert {"sseAlgorithm": "AES256"} == stack.inputs("Bucket", "imm-work")["serverSideEncryptionRule"]
    granted = {"imm": {"kms:Decrypt"}, "operator": {"kms:Decrypt", "kms:GenerateDataKey"}}
    for whose, actions in granted.items():
        key = f"acs:kms:cn-hangzhou:{ACCOUNT}:key/key-old"
        assert actions == {action for action, where in stack.rights(whose) if where == key}


def test_media_are_logged_into_the_work_bucket_which_forgets_the_logs() -> None:
    """The work bucket itself is not logged: every log would be logged."""
    stack = declare(settings(storage=LOGGED))
    assert {"targetBucket": "imm-work", "targetPrefix": "logs/"} == stack.inputs("Bucket", "films-2025")["logging"]
    work = stack.inputs("Bucket", "imm-work")
    assert "logging" not in work
    assert {"id": "expire-logs", "enabled": True, "prefix": "logs/", "expirations": [{"days": 90}]} == work[
        "lifecycleRules"
    ][2]


def test_media_are_logged_into_a_bucket_of_somebody_elses() -> None:
    """Which the stack neither makes nor changes."""
    stack = declare(settings(storage={"accessLog": {"bucket": "all-logs"}}))
    assert "all-logs" == stack.inputs("Bucket", "films-2025")["logging"]["targetBucket"]
    assert "all-logs" not in {bucket.inputs["bucket"] for bucket in stack.of("Bucket")}
    assert len(stack.inputs("Bucket", "imm-work")["lifecycleRules"]) == 2


def test_an_existing_bucket_is_readable_and_handed_over_and_otherwise_left_alone() -> None:
    """Nothing of it stands in the state, so nothing of it is ever deleted."""
    stack = declare(settings(media_buckets=(), existing_buckets=("old-photos",)))
    assert ["imm-work"] == [bucket.inputs["bucket"] for bucket in stack.of("Bucket")]
    assert ("oss:GetObject", f"acs:oss:*:{ACCOUNT}:old-photos/*") in stack.rights("imm")
    assert ("oss:GetBucketStat", f"acs:oss:*:{ACCOUNT}:old-photos") in stack.rights("operator")
    assert ["old-photos"] == stack.handover["mediaBuckets"]


def test_the_queue_is_subscribed_to_the_topic_with_the_message_as_published(stack: Declared) -> None:
    """The endpoint names region, account and queue; the content format is not the XML default."""
    assert stack.inputs("ServiceTopic") == {"topicName": "imm-events"}
    assert {
        "topicName": "imm-events",
        "subscriptionName": "imm-events",
        "endpoint": f"acs:mns:cn-hangzhou:{ACCOUNT}:queues/imm-events",
        "pushType": "queue",
        "notifyContentFormat": "SIMPLIFIED",
        "notifyStrategy": "EXPONENTIAL_DECAY_RETRY",
    } == stack.inputs("ServiceSubscription")


def test_what_nobody_can_work_on_is_set_aside(stack: Declared) -> None:
    """A message is tried sixteen times and then lies in a queue of its own, which has no policy itself."""
    queue, dead = stack.inputs("ServiceQueue", "events"), stack.inputs("ServiceQueue", "events-dead-letters")
    assert queue["dlqPolicy"] == {
        "enabled": True,
        "deadLetterTargetQueue": dead["queueName"],
        "maxReceiveCount": 16,
    }
    assert "dlqPolicy" not in dead
    assert [604800, 604800] == [each["messageRetentionPeriod"] for each in (queue, dead)]


def test_every_shard_has_a_topic_and_queues_of_its_own() -> None:
    """The first shard keeps the plain names, so that a second one renames nothing."""
    stack = declare(settings(shards=("default", "b")))
    assert {"imm-events", "imm-events-b"} == {topic.inputs["topicName"] for topic in stack.of("ServiceTopic")}
    assert {"imm-events", "imm-events-dead-letters", "imm-events-b", "imm-events-b-dead-letters"} == {
        queue.inputs["queueName"] for queue in stack.of("ServiceQueue")
    }
    assert [
        {"name": "default", "topic": "imm-events", "queue": "imm-events", "deadLetterQueue": "imm-events-dead-letters"},
        {
            "name": "b",
            "namespace": "media-b",
            "topic": "imm-events-b",
            "queue": "imm-events-b",
            "deadLetterQueue": "imm-events-b-dead-letters",
        },
    ] == stack.handover["shards"]
    published = {where for action, where in stack.rights("imm") if action == "mns:PublishMessage"}
    assert {f"acs:mns:cn-hangzhou:{ACCOUNT}:/topics/imm-events{end}/messages" for end in ("", "-b")} == published


def test_the_first_shard_is_the_same_resource_whether_or_not_there_is_a_second(stack: Declared) -> None:
    """Else a second shard would replace the queue of the first, with every message in it."""
    more = declare(settings(shards=("default", "b")))
    assert {item.name for item in stack.of("ServiceQueue")} <= {item.name for item in more.of("ServiceQueue")}


def test_names_come_from_the_prefix_unless_they_are_given() -> None:
    """Two stacks of one account need two prefixes and nothing else."""
    stack = declare(settings(prefix="shop", topic="results"))
    assert "results" == stack.inputs("ServiceTopic")["topicName"]
    assert "shop-events" == stack.inputs("ServiceQueue", "events")["queueName"]
    assert "shop-media" == stack.inputs("Role", "imm")["roleName"]
    assert {"shop-media", "shop-operator"} == {policy.inputs["policyName"] for policy in stack.of("Policy")}


def test_the_service_role_is_for_imm_alone(stack: Declared) -> None:
    """Only the IMM service may assume it."""
    document = json.loads(stack.inputs("Role")["assumeRolePolicyDocument"])
    assert document["Statement"] == [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["imm.aliyuncs.com"]}}
    ]


def test_the_service_role_may_read_media_buckets_and_publish_on_the_topic_and_nothing_else(stack: Declared) -> None:
    """The exact rights: any further action or resource has to change this test."""
    buckets = ("photos-2025", "films-2025")
    assert (
        {
            (action, f"acs:oss:*:{ACCOUNT}:{bucket}")
            for bucket in buckets
            for action in ("oss:GetBucketInfo", "oss:ListObjects")
        }
        | {("oss:GetObject", f"acs:oss:*:{ACCOUNT}:{bucket}/*") for bucket in buckets}
        | {("mns:PublishMessage", f"acs:mns:cn-hangzhou:{ACCOUNT}:/topics/imm-events/messages")}
    ) == set(stack.rights("imm"))
    assert stack.inputs("RolePolicyAttachment") == {
        "roleName": "imm-media",
        "policyName": "imm-media",
        "policyType": "Custom",
    }


def test_the_operators_policy_is_its_table_filled_with_the_stacks_names(stack: Declared) -> None:
    """It reads the media and its own records, and touches no project and no queue but the stack's."""
    scope = rights.Scope(
        "cn-hangzhou",
        ACCOUNT,
        ("media",),
        ("photos-2025", "films-2025"),
        work=("imm-work",),
        queues=("imm-events",),
        dead_letter_queues=("imm-events-dead-letters",),
    )
    assert sorted(rights.grants(rights.OPERATOR, scope)) == sorted(stack.rights("operator"))


def test_without_further_words_the_policy_waits_for_whoever_has_the_key(stack: Declared) -> None:
    """No role and no user is made that nobody asked for."""
    assert ["imm"] == [role.name for role in stack.of("Role")]
    assert [] == stack.of("User") + stack.of("AccessKey")
    assert ("alibaba-cloud", None) == (stack.handover["credentialsSecret"], stack.access_key)


def test_with_rrsa_one_service_account_may_take_the_operators_role() -> None:
    """Issuer, audience and subject are all named, or every pod of the cluster could."""
    stack = declare(settings(operator={"rrsa": RRSA}, namespace="team"))
    role = stack.inputs("Role", "operator")
    (statement,) = json.loads(role["assumeRolePolicyDocument"])["Statement"]
    provider = f"acs:ram::{ACCOUNT}:oidc-provider/ack-rrsa-c1"
    assert {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [provider]},
        "Condition": {
            "StringEquals": {
                "oidc:iss": "https://oidc.example.com/c1",
                "oidc:aud": "sts.aliyuncs.com",
                "oidc:sub": "system:serviceaccount:team:reader",
            }
        },
    } == statement
    assert stack.inputs("RolePolicyAttachment", "operator") == {
        "roleName": "imm-operator",
        "policyName": "imm-operator",
        "policyType": "Custom",
    }
    assert [] == stack.of("AccessKey")
    assert {
        "roleArn": f"acs:ram::{ACCOUNT}:role/imm-operator",
        "oidcProviderArn": provider,
        "serviceAccountName": "reader",
    } == stack.handover["rrsa"]
    assert "credentialsSecret" not in stack.handover


def test_with_rrsa_each_shard_has_a_service_account_in_a_namespace_of_its_own() -> None:
    """NAMESPACE-SHARD unless the stack says otherwise; the trust and the hand-over say the same."""
    shards = {"shards": ("default", "b", "c"), "shard_namespaces": {"c": "films"}}
    stack = declare(settings(operator={"rrsa": RRSA}, namespace="team", **shards))
    (statement,) = json.loads(stack.inputs("Role", "operator")["assumeRolePolicyDocument"])["Statement"]
    namespaces = ["team", "team-b", "films"]
    subjects = [f"system:serviceaccount:{namespace}:reader" for namespace in namespaces]
    assert subjects == statement["Condition"]["StringEquals"]["oidc:sub"]
    assert [None, *namespaces[1:]] == [shard.get("namespace") for shard in stack.handover["shards"]]
    document = Handover.model_validate(stack.handover)
    assert namespaces == [document.namespace_of(shard) for shard in document.shards]


@pytest.mark.parametrize("operator", [{"rrsa": RRSA}, {"credentialsUser": True}], ids=["role", "user"])
def test_rights_beyond_one_policy_are_attached_as_several(operator: dict[str, Any]) -> None:
    """All of them to the role or the user, and to IMM's role, under names that count on from the first."""
    buckets = tuple(f"bucket-of-some-length-{n:03}" for n in range(100))
    stack = declare(settings(media_buckets=(), existing_buckets=buckets, operator=operator))
    of_operator = [policy.inputs["policyName"] for policy in stack.of("Policy") if policy.name.startswith("operator")]
    assert ["imm-operator", "imm-operator-2", "imm-operator-3"] == sorted(of_operator)[:3]
    assert ["imm-media", "imm-media-2"] == sorted(
        {policy.inputs["policyName"] for policy in stack.of("Policy")} - {*of_operator}
    )
    attached = [it.inputs["policyName"] for kind in ("Role", "User") for it in stack.of(f"{kind}PolicyAttachment")]
    assert sorted(policy.inputs["policyName"] for policy in stack.of("Policy")) == sorted(attached)
    (project,) = stack.of("Project")
    assert "imm-media" == project.inputs["service_role"]


def test_an_access_key_is_a_secret_output_and_stands_nowhere_else() -> None:
    """Neither the hand-over nor any other resource's inputs carry it."""
    stack = declare(settings(operator={"credentialsUser": True}))
    assert {"accessKeyId": "operator-id", "accessKeySecret": "made-by-ram"} == stack.access_key
    assert stack.access_key_is_secret
    assert ["secret"] == stack.secret_outputs["alicloud:ram/accessKey:AccessKey", "operator"]
    assert "made-by-ram" not in json.dumps([stack.handover, *(dict(item.inputs) for item in stack.resources)])
    assert {"userName": "imm-operator", "policyName": "imm-operator", "policyType": "Custom"} == stack.inputs(
        "UserPolicyAttachment"
    )


def test_the_project_is_ours_and_not_the_providers(stack: Declared) -> None:
    """`alicloud.imm.Project` makes a project of the old API; ours carries no key, no address and no secret."""
    (project,) = stack.of("Project")
    assert project.typ == "pulumi-python:dynamic/imm:Project"
    assert {"name", "region", "service_role", "tags", "__provider"} == set(project.inputs)
    assert (project.inputs["name"], project.inputs["service_role"]) == ("media", "imm-media")
    assert isinstance(project.inputs["__provider"], str)  # a secret would be a marked object
    assert len(project.inputs["__provider"]) < 200  # by reference, not by bytecode


def test_several_projects_each_with_its_own_words() -> None:
    """Description, template and quotas reach the provider under the API's names."""
    projects: list[dict[str, Any]] = [
        {"name": "media", "description": "Photos", "templateId": "Official:AllFunction"},
        {"name": "films", "quotas": {"maxDatasetCount": 5, "maxBindCount": 2}},
    ]
    stack = declare(settings(projects=projects))
    media, films = stack.inputs("Project", "media"), stack.inputs("Project", "films")
    assert ("Photos", "Official:AllFunction") == (media["description"], media["template_id"])
    assert (5, 2) == (films["project_max_dataset_count"], films["dataset_max_bind_count"])
    assert ["media", "films"] == [project["name"] for project in stack.handover["projects"]]
    assert ("imm:GetProject", f"acs:imm:cn-hangzhou:{ACCOUNT}:project/films") in stack.rights("operator")


def test_protected_is_what_cannot_be_made_again() -> None:
    """Buckets, topics, queues and projects; a right is made again in a moment."""
    stack = declare(settings(protect=True, operator={"rrsa": RRSA}))
    kept = {"Bucket", "BucketAcl", "BucketPublicAccessBlock", "ServiceTopic", "ServiceQueue", "ServiceSubscription"}
    for resource in stack.resources:
        kind = resource.typ.rpartition(":")[2]
        if resource.typ.startswith(("alicloud:", "pulumi-python:")):
            assert (kind in kept | {"Project"}) == stack.is_protected(kind, resource.name), resource.name
    assert not declare(settings()).protected


def test_image_search_is_explained_until_the_configuration_says_that_it_is_done() -> None:
    """No API grants its right to read OSS, so the steps are told."""
    instances = {"instances": ["shop"]}
    said = declare(settings(image_search=instances)).image_search
    assert said is not None
    assert "Image Search (shop) reads photos-2025, films-2025 only after a person has authorized it" in said
    assert "Confirm Authorization Policy. To check: Create Batch Task no longer asks for it" in said
    done = declare(settings(image_search=instances | {"authorized": True})).image_search
    assert done is not None
    assert "authorized, as the stack's configuration says" in done
    assert declare(settings()).image_search is None


def test_image_search_is_a_warning_of_each_run(caplog: pytest.LogCaptureFixture) -> None:
    """Where the person who runs Pulumi looks."""
    declare(settings(image_search={"instances": ["shop"]}))
    (record,) = caplog.records
    assert ("WARNING", True) == (record.levelname, "which no API does" in record.message)
    caplog.clear()
    declare(settings(image_search={"instances": ["shop"], "authorized": True}))
    assert [] == caplog.records


def test_every_cloud_resource_is_made_through_the_explicit_provider(stack: Declared) -> None:
    """No variable on somebody's machine decides where a resource goes."""
    made = [resource for resource in stack.resources if resource.typ.startswith("alicloud:")]
    assert made
    assert all("::cloud::" in f"{resource.provider}" for resource in made)


def test_for_alibaba_cloud_the_provider_has_no_address_and_never_a_key(stack: Declared) -> None:
    """Region and account are pinned; keys come from the environment only."""
    assert stack.inputs("alicloud") == {"region": "cn-hangzhou", "accountId": ACCOUNT}


def test_the_account_is_declared_before_everything_that_is_made(stack: Declared) -> None:
    """A run for another account ends there, and has made nothing."""
    kinds = [resource.typ for resource in stack.resources]
    account = kinds.index("pulumi-python:dynamic/imm:OwningAccount")
    assert account < min(number for number, kind in enumerate(kinds) if kind.startswith(("alicloud:", "pulumi:prov")))
    assert kinds.index("pulumi-python:dynamic/imm:Project") > account
    owner = stack.inputs("OwningAccount")
    assert (ACCOUNT, "cn-hangzhou") == (owner["account_id"], owner["region"])


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
    assert dict.fromkeys(("imm", "oss", "mns", "imageSearch"), "http://127.0.0.1:4666") == handover["endpoints"]


def test_addresses_of_the_stack_file_go_before_the_local_clouds() -> None:
    """A cluster may reach the local cloud by another name than Pulumi does."""
    inside = Endpoints(imm="http://cloud:80", oss="http://cloud:80", mns="http://cloud:80")
    handover = declare(settings(emulator=True, endpoints=inside), "http://127.0.0.1:4666").handover
    assert handover["endpoints"]["imm"] == "http://cloud:80"
