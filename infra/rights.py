"""Who may do what: one table for the operator and one for IMM's service role, and the RAM policies made of them.

The operator's table names exactly the calls of controller/cloud, so that a test can compare it with what was really
called. GetCallerIdentity is not in it: STS asks nobody for a right to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pulumi import RunError

PROJECT = "acs:imm:{region}:{account}:project/{project}"
# Datasets come and go with Dataset objects, so their names are not known here; the project bounds them.
DATASETS = PROJECT + "/dataset/*"
BUCKET = "acs:oss:*:{account}:{bucket}"  # an OSS ARN has no region
OBJECTS = BUCKET + "/*"
OWNER_RECORDS = "acs:oss:*:{account}:{work}/owners/*"
RUN_RECORDS = "acs:oss:*:{account}:{work}/runs/*"
QUEUE = "acs:mns:{region}:{account}:/queues/{queue}"
MESSAGES = QUEUE + "/messages"
DEAD_LETTERS = "acs:mns:{region}:{account}:/queues/{dead_letter_queue}/messages"
PUBLISHED = "acs:mns:{region}:{account}:/topics/{topic}/messages"
MANIFEST = BUCKET + "/increment.meta"  # in the bucket's root
MANIFESTS = BUCKET + "/*/increment.meta"
# Image Search's pages give "all resources" for each action, so a policy on an instance's own ARN may be void.
EVERYTHING = "*"
KEY = "acs:kms:{region}:{account}:key/{key}"
LONGEST_POLICY = 6144  # characters without white space, RAM's limit of a custom policy


@dataclass(frozen=True, slots=True)
class Right:
    """One action on one kind of resource.

    Attributes:
        action: RAM's name of it.
        resource: ARN with `{region}`, `{account}` and one of `{project}`, `{bucket}`, `{work}`, `{topic}`, `{queue}`,
            `{dead_letter_queue}`, `{key}` to fill in.
        why: What it is needed for.
        confirmed: Whether the vendor's own page names this action with this resource.
        instances: Whether it is of use only to a stack that has Image Search instances.
    """

    action: str
    resource: str
    why: str
    confirmed: bool
    instances: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What a stack holds: the values that a table's ARNs are filled with."""

    region: str
    account_id: str
    projects: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    work: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    dead_letter_queues: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()  # of Image Search


# api-imm-2020-09-30-getproject and so on, table "RAM authorization" of each; OSS: "RAM policy overview".
BINDINGS = (
    Right("imm:GetProject", PROJECT, "tells an absent dataset from an absent project", confirmed=True),
    Right("imm:GetDataset", DATASETS, "compares a Dataset with its spec", confirmed=True),
    # Its page lies in our source with the table cut off; the name follows the pattern of all others.
    Right("imm:CreateDataset", DATASETS, "makes a Dataset's dataset", confirmed=False),
    Right("imm:UpdateDataset", DATASETS, "brings it to its spec", confirmed=True),
    Right("imm:DeleteDataset", DATASETS, "removes it, with deletionPolicy Delete", confirmed=True),
    # Confirmed for one dataset; we list the whole project at once, which no page gives a resource for.
    Right("imm:ListBindings", DATASETS, "looks at every binding of a project in one walk", confirmed=False),
    Right("imm:CreateBinding", DATASETS, "binds a bucket", confirmed=True),
    Right("imm:DeleteBinding", DATASETS, "unbinds it, with deletionPolicy Delete", confirmed=True),
    Right(
        "oss:GetBucketInfo", BUCKET, "checks before a scan that the bucket is there and in the region", confirmed=True
    ),
    Right("oss:GetBucketStat", BUCKET, "counts objects against maxObjects before a scan is paid for", confirmed=True),
    Right("oss:GetObject", OWNER_RECORDS, "reads whose a binding is before it is made or removed", confirmed=True),
    Right("oss:PutObject", OWNER_RECORDS, "writes down once that a binding is this cluster's", confirmed=True),
    Right("oss:DeleteObject", OWNER_RECORDS, "gives a binding up when its object is deleted", confirmed=True),
)
# MNS: "Permission policies and examples" (doc-detail/27447) has an action per operation, one at a time or in a batch.
IMPORTS = (
    Right("imm:BatchIndexFileMeta", DATASETS, "indexes the files of an import", confirmed=True),
    Right("imm:BatchUpdateFileMeta", DATASETS, "labels files that are indexed already", confirmed=True),
    # These two pages lie in our source with the table cut off.
    Right("imm:BatchDeleteFileMeta", DATASETS, "removes metadata, for an import that says so", confirmed=False),
    Right("imm:BatchGetFileMeta", DATASETS, "looks up files whose result did not arrive", confirmed=False),
    Right("mns:BatchReceiveMessage", MESSAGES, "receives the results of index calls", confirmed=True),
    Right("mns:BatchDeleteMessage", MESSAGES, "removes a result that is in the run's journal", confirmed=False),
    # Others' working policies have these two where messages are received and deleted in batches.
    Right("mns:ReceiveMessage", MESSAGES, "stands beside BatchReceiveMessage, which may ask for it", confirmed=True),
    Right("mns:DeleteMessage", MESSAGES, "stands beside BatchDeleteMessage, which may ask for it", confirmed=True),
    Right("mns:GetQueueAttributes", QUEUE, "tells how many results wait", confirmed=True),
    Right("mns:SendMessage", DEAD_LETTERS, "puts messages aside that are no results of ours", confirmed=True),
    Right("oss:GetObject", RUN_RECORDS, "reads a run's frozen content and journals", confirmed=True),
    Right("oss:PutObject", RUN_RECORDS, "writes them, and the report", confirmed=True),
    Right("oss:ListObjects", BUCKET, "lists the files under an import's prefix", confirmed=True),
    Right("oss:GetObject", OBJECTS, "reads an import's table, its manifest, and the heads of pictures", confirmed=True),
)
# api-imagesearch-2020-12-14-ram names an action for each operation; of these four our source has the table cut off.
# OSS: "RAM policy overview", AbortMultipartUpload; the other steps of an upload ask for PutObject.
PICTURES = tuple(
    Right(action, resource, why, confirmed=confirmed, instances=True)
    for action, resource, why, confirmed in (
        ("imagesearch:Detail", EVERYTHING, "looks at an instance's region and kind", False),
        ("imagesearch:IncreaseInstance", EVERYTHING, "has a checked manifest imported", False),
        ("imagesearch:IncreaseList", EVERYTHING, "follows the instance's batch tasks", False),
        ("imagesearch:CheckImageExists", EVERYTHING, "counts what a DryRun would overwrite", False),
        ("oss:PutObject", MANIFEST, "puts a manifest beside the pictures in a bucket's root", True),
        ("oss:AbortMultipartUpload", MANIFEST, "gives up one that is not to be there", True),
        ("oss:PutObject", MANIFESTS, "puts a manifest beside the pictures in a directory", True),
        ("oss:AbortMultipartUpload", MANIFESTS, "gives up one that is not to be there", True),
    )
)
OPERATOR = (*BINDINGS, *IMPORTS, *PICTURES)
# "Custom permissions for image processing" names GetObject and PublishMessage as the minimum of a custom role.
IMM = (
    Right("oss:GetBucketInfo", BUCKET, "opens the bucket of a binding", confirmed=False),
    Right("oss:ListObjects", BUCKET, "scans it", confirmed=False),
    Right("oss:GetObject", OBJECTS, "reads what is indexed", confirmed=True),
    Right("mns:PublishMessage", PUBLISHED, "publishes results", confirmed=True),
    # OSS: a reader of objects under a customer's KMS key needs the right to decrypt with it.
    Right("kms:Decrypt", KEY, "reads objects that the stack's own KMS key encrypts", confirmed=False),
)


def resources(right: Right, scope: Scope) -> list[str]:
    """The ARNs of one right in a scope, in the scope's order; none where the scope holds nothing of the kind."""
    held = {
        "project": scope.projects,
        "bucket": scope.buckets,
        "work": scope.work,
        "topic": scope.topics,
        "queue": scope.queues,
        "dead_letter_queue": scope.dead_letter_queues,
        "key": scope.keys,
    }
    if right.instances and not scope.instances:
        return []
    if right.resource == EVERYTHING:
        return [EVERYTHING]
    (kind,) = (name for name in held if f"{{{name}}}" in right.resource)
    fixed = {"region": scope.region, "account": scope.account_id}
    return [right.resource.format(**fixed, **{kind: name}) for name in held[kind]]


def grants(rights: Iterable[Right], scope: Scope) -> list[tuple[str, str]]:
    """Every (action, resource) of a table in a scope, in the table's order."""
    return [(right.action, resource) for right in rights for resource in resources(right, scope)]


def policy(rights: Iterable[Right], scope: Scope) -> dict[str, Any]:
    """The RAM policy that grants a table, one statement per kind of resource.

    Raises:
        pulumi.RunError: it would be longer than RAM takes.
    """
    actions: dict[tuple[str, ...], list[str]] = {}
    for right in rights:
        if where := tuple(resources(right, scope)):
            actions.setdefault(where, []).append(right.action)
    document = {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": granted, "Resource": list(where)} for where, granted in actions.items()
        ],
    }
    length = len(json.dumps(document, separators=(",", ":")))
    if length > LONGEST_POLICY:
        raise RunError(
            f"a RAM policy of this stack would have {length} characters, and RAM takes {LONGEST_POLICY}: divide the "
            f"{len(scope.buckets)} buckets and {len(scope.projects)} projects among several stacks"
        )
    return document


def service_trust(service: str) -> dict[str, Any]:
    """A role that a service of the vendor takes on."""
    return _trust({"Principal": {"Service": [service]}})


def rrsa_trust(provider_arn: str, issuer: str, namespace: str, service_account: str) -> dict[str, Any]:
    """A role that one service account of one cluster takes on, with a token made for STS.

    The vendor's "RRSA" page: all three conditions, or any pod of the cluster could take the role on.
    """
    return _trust(
        {
            "Principal": {"Federated": [provider_arn]},
            "Condition": {
                "StringEquals": {
                    "oidc:iss": issuer,
                    "oidc:aud": "sts.aliyuncs.com",
                    "oidc:sub": f"system:serviceaccount:{namespace}:{service_account}",
                }
            },
        }
    )


def _trust(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"} | statement]}
