"""Who may do what: one table for the operator and one for IMM's service role, and the RAM policies made of them.

The operator's table names exactly the calls of controller/cloud, so that a test can compare it with what was really
called. GetCallerIdentity is not in it: STS asks nobody for a right to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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
# RAM's "Limitations": characters of a custom policy, white space not counted, and how many a role or user may have.
LONGEST_POLICY = 6144
MOST_POLICIES = 10


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
# Nothing of a run is ever deleted: a right to do so would be one to lose what is known to be billed.
# MNS: "Permission policies and examples" (doc-detail/27447) has an action per operation, one at a time or in a batch.
IMPORTS = (
    Right("imm:BatchIndexFileMeta", DATASETS, "indexes the files of an import", confirmed=True),
    Right("imm:BatchUpdateFileMeta", DATASETS, "labels files that are indexed already", confirmed=True),
    # These two pages lie in our source with the table cut off.
    Right("imm:BatchDeleteFileMeta", DATASETS, "removes metadata, for an import that says so", confirmed=False),
    Right("imm:BatchGetFileMeta", DATASETS, "looks up files whose result did not arrive", confirmed=False),
    Right("mns:BatchReceiveMessage", MESSAGES, "receives the results of index calls", confirmed=True),
    Right("mns:BatchDeleteMessage", MESSAGES, "removes a result that is in the run's journal", confirmed=False),
    # The page has both for the single calls, and not whether a batch asks for them, too: others' working policies have
    # these two where messages are received and deleted in batches.
    Right("mns:ReceiveMessage", MESSAGES, "stands beside BatchReceiveMessage, which may ask for it", confirmed=False),
    Right("mns:DeleteMessage", MESSAGES, "stands beside BatchDeleteMessage, which may ask for it", confirmed=False),
    Right("mns:GetQueueAttributes", QUEUE, "tells how many results wait", confirmed=True),
    Right("mns:SendMessage", DEAD_LETTERS, "puts messages aside that are no results of ours", confirmed=True),
    Right("oss:GetObject", RUN_RECORDS, "reads a run's frozen content and journals", confirmed=True),
    Right("oss:PutObject", RUN_RECORDS, "writes them, and the report", confirmed=True),
    Right("oss:AbortMultipartUpload", RUN_RECORDS, "gives up a long report that was not finished", confirmed=True),
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
# OSS, "Server-side encryption": whoever uploads to or downloads from a bucket under a customer's KMS key has to be
# allowed to use the key. Which actions these are, on which resource, no page in our source says.
KEYS = (
    Right("kms:Decrypt", KEY, "reads objects and records that a KMS key of the stack encrypts", confirmed=False),
    Right("kms:GenerateDataKey", KEY, "writes records and manifests into a bucket under such a key", confirmed=False),
)
OPERATOR = (*BINDINGS, *IMPORTS, *PICTURES, *KEYS)
# "Custom permissions for image processing" names GetObject and PublishMessage as the minimum of a custom role.
IMM = (
    Right("oss:GetBucketInfo", BUCKET, "opens the bucket of a binding", confirmed=False),
    Right("oss:ListObjects", BUCKET, "scans it", confirmed=False),
    Right("oss:GetObject", OBJECTS, "reads what is indexed", confirmed=True),
    Right("mns:PublishMessage", PUBLISHED, "publishes results", confirmed=True),
    Right("kms:Decrypt", KEY, "reads objects that a KMS key of the stack encrypts", confirmed=False),
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


def policies(rights: Iterable[Right], scope: Scope) -> list[dict[str, Any]]:
    """The RAM policies that grant a table, each as long as RAM takes, one statement per kind of resource.

    There is more than one only where one would be too long; whoever needs the rights needs all of them.
    """
    actions: dict[tuple[str, ...], list[str]] = {}
    for right in rights:
        if where := tuple(resources(right, scope)):
            actions.setdefault(where, []).append(right.action)
    made: list[dict[str, Any]] = []
    document: dict[str, Any] = {"Version": "1", "Statement": []}
    for where, granted in actions.items():
        for resource in where:
            longer = _with(document, granted, resource)
            if _length(longer) > LONGEST_POLICY:
                made.append(document)
                longer = _with({"Version": "1", "Statement": []}, granted, resource)
            document = longer
    return [*made, document]


def _with(document: dict[str, Any], granted: list[str], resource: str) -> dict[str, Any]:
    """A policy that grants the actions on one resource more."""
    *before, last = [*document["Statement"]] or [{}]
    if last.get("Action") is granted:
        statements = [*before, last | {"Resource": [*last["Resource"], resource]}]
    else:
        statements = [*document["Statement"], {"Effect": "Allow", "Action": granted, "Resource": [resource]}]
    return document | {"Statement": statements}


def _length(document: dict[str, Any]) -> int:
    return len(json.dumps(document, separators=(",", ":")))


def policy_name(name: str, number: int) -> str:
    """What the policies of one table are called: the first one NAME, the next NAME-2, and so on (0 is the first)."""
    return name if number == 0 else f"{name}-{number + 1}"


def service_trust(service: str) -> dict[str, Any]:
    """A role that a service of the vendor takes on."""
    return _trust({"Principal": {"Service": [service]}})


def rrsa_trust(provider_arn: str, issuer: str, subjects: Sequence[str]) -> dict[str, Any]:
    """A role that service accounts of one cluster take on, with a token made for STS; see `subject`.

    The vendor's "RRSA" page: all three conditions, or any pod of the cluster could take the role on. Of a list of
    values one has to be equal (RAM, "Policy elements", Condition).
    """
    (first, *more) = subjects
    return _trust(
        {
            "Principal": {"Federated": [provider_arn]},
            "Condition": {
                "StringEquals": {
                    "oidc:iss": issuer,
                    "oidc:aud": "sts.aliyuncs.com",
                    "oidc:sub": [first, *more] if more else first,
                }
            },
        }
    )


def subject(namespace: str, service_account: str) -> str:
    """How a token of a service account calls it."""
    return f"system:serviceaccount:{namespace}:{service_account}"


def _trust(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"} | statement]}
