"""What the API server itself refuses and accepts, and the words a person reads when it refuses.

Every row is one `kubectl apply --dry-run=server` against the definitions that ship with the project; no operator runs.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from controller.api import crd
from controller.api.fields import API_VERSION, GROUP
from controller.api.kind import Kind
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError
from tests.integration import admission_pictures

Spec = dict[str, Any]
BASE: dict[str, Spec] = {
    "CloudAccount": {
        "region": "cn-hangzhou",
        "accountId": "1234567890123456",
        "credentials": {"secretRef": {"name": "key"}},
    },
    "Dataset": {"accountRef": {"name": "main"}, "project": "media", "name": "photos"},
    "DatasetBinding": {"accountRef": {"name": "main"}, "dataset": {"ref": "photos"}, "bucket": "my-photos"},
    "BatchImport": {
        "accountRef": {"name": "main"},
        "target": {"dataset": {"ref": "photos"}},
        "source": {"items": [{"uri": "oss://my-photos/a.jpg"}]},
    },
}
MANAGED: Spec = {
    "suspend": True,
    "resyncInterval": "1h30m",
    "mode": "DryRun",
    "deletionPolicy": "Delete",
    "deletionGracePeriod": "0s",
}
ABSENT = object()  # takes a field out of the base spec

A_BUCKET = "a bucket name is 3 to 63 lower-case letters, digits and hyphens, no hyphen at either end"
AN_IMM_NAME = "an IMM name is 1 to 128 letters, digits, - and _, and starts with a letter or _"
AN_OBJECT = "a Kubernetes name is lower-case letters, digits, - and ., starting and ending alphanumeric"
AN_ADDRESS = "an address is http:// or https://, a host, and a port if it is not the usual one; no path"
A_DURATION = "a duration is whole hours, minutes and seconds, largest first, e.g. 90s, 10m or 1h30m"
A_TARGET = "spec.dataset takes either ref (a Dataset object of this namespace) or both project and name"
A_SOURCE = "spec.credentials takes exactly one of secretRef (an AccessKey in a Secret), rrsa"
OWN_ACCOUNT = "spec.credentials.rrsa names a role and an OIDC provider of the account in spec.accountId"
OWN_ADDRESSES = "spec.endpoints cannot be set with spec.credentials.ambient"
A_ROLE = "a role's ARN looks like acs:ram::1234567890123456:role/imm-operator"
RRSA = {
    "roleArn": "acs:ram::1234567890123456:role/imm-operator",
    "oidcProviderArn": "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1",
    "serviceAccountName": "imm-operator",
}
AN_ACCOUNT_ID = "an account id is 5 to 20 digits, in quotes"

A_QUEUE = "a topic or queue name is 1 to 120 letters, digits and hyphens, and starts with a letter or digit"
NOWHERE = (
    "spec.events.foreignMessages: DeadLetter needs a queue to move them to: set spec.events.deadLetterQueue, or leave "
    "foreignMessages out"
)
ONE_QUEUE = "spec.events.deadLetterQueue is the queue that is read, so what is set aside would come back: name another"
EVENTS = {"topic": "imm-events", "queue": "imm-events"}
AN_IMPORT_TARGET = "spec.target.dataset takes either ref (a Dataset object of this namespace) or both project and name"
AN_IMPORT_SOURCE = admission_pictures.A_SOURCE
A_FILE = (
    "a file is oss://BUCKET/KEY or pds://domains/DOMAIN/drives/DRIVE/files/FILE/revisions/REVISION (Drive and Photo "
    "Service); upload what lies elsewhere to OSS first"
)
DRIVE = "pds://domains/bj1/drives/1/files/9520943DC264/revisions/40CB7794C929"
KEPT_IN = "the object that a file of a drive is kept in is oss://BUCKET/KEY"
OF_A_DRIVE = "belongs to a file of Drive and Photo Service only: give its pds:// address as the uri, or leave it out"
A_KEY = "an object's key has 1 to 1023 characters and does not start with / or \\"
A_PREFIX = "a prefix does not start with / or \\"
A_LABEL = "a name has 1 to 128 characters"
TABLE = {"bucket": "my-tables", "key": "files.jsonl"}


def of_items(*uris: str, **more: Any) -> Spec:
    """A source of files written down."""
    return {"source": {"items": [{"uri": uri} | more for uri in uris]}}


def of_table(**more: Any) -> Spec:
    """A source that is a table."""
    return {"source": {"table": {key: value for key, value in (TABLE | more).items() if value is not ABSENT}}}


def of_prefix(**more: Any) -> Spec:
    """A source that is a prefix."""
    return {"source": {"prefix": {"bucket": "my-photos"} | more}}


def to_dataset(**dataset: Any) -> Spec:
    """A target."""
    return {"target": {"dataset": dataset}}


BAD: dict[str, list[tuple[str, Spec, str]]] = {
    "CloudAccount": [
        ("region-missing", {"region": ABSENT}, "spec.region: Required value"),
        ("region-null", {"region": None}, "spec.region: Required value"),
        ("region-empty", {"region": ""}, "a region looks like cn-hangzhou"),
        ("region-without-country", {"region": "hangzhou"}, "a region looks like cn-hangzhou"),
        ("region-in-capitals", {"region": "CN-Hangzhou"}, "a region looks like cn-hangzhou"),
        ("region-of-an-oss-address", {"region": "oss-cn-hangzhou"}, "a region looks like cn-hangzhou"),
        ("account-missing", {"accountId": ABSENT}, "spec.accountId: Required value"),
        ("account-as-number", {"accountId": 1234567890123456}, 'must be of type string: "integer"'),
        ("account-with-letters", {"accountId": "12ab5678"}, AN_ACCOUNT_ID),
        ("account-too-short", {"accountId": "1234"}, AN_ACCOUNT_ID),
        ("account-too-long", {"accountId": "1" * 21}, "may not be more than 20 bytes"),
        ("credentials-missing", {"credentials": ABSENT}, "spec.credentials: Required value"),
        ("credentials-empty", {"credentials": {}}, A_SOURCE),
        ("credentials-of-two-sources", {"credentials": {"secretRef": {"name": "key"}, "rrsa": RRSA}}, A_SOURCE),
        ("credentials-ambient-and-secret", {"credentials": {"secretRef": {"name": "key"}, "ambient": {}}}, A_SOURCE),
        ("credentials-ambient-and-rrsa", {"credentials": {"rrsa": RRSA, "ambient": {}}}, A_SOURCE),
        (
            "credentials-of-all-sources",
            {"credentials": {"secretRef": {"name": "key"}, "rrsa": RRSA, "ambient": {}}},
            A_SOURCE,
        ),
        ("ambient-as-text", {"credentials": {"ambient": "yes"}}, 'must be of type object: "string"'),
        (
            "ambient-with-a-key",
            {"credentials": {"ambient": {"key": "x"}}},
            'unknown field "spec.credentials.ambient.key"',
        ),
        (
            "ambient-to-an-address",
            {"credentials": {"ambient": {}}, "endpoints": {"oss": "https://oss.example.com"}},
            OWN_ADDRESSES,
        ),
        (
            "ambient-to-an-address-for-pictures",
            {"credentials": {"ambient": {}}, "endpoints": {"imageSearch": "https://is.example.com"}},
            OWN_ADDRESSES,
        ),
        ("rrsa-of-another-account", {"accountId": "99999", "credentials": {"rrsa": RRSA}}, OWN_ACCOUNT),
        (
            "rrsa-with-another-accounts-provider",
            {"credentials": {"rrsa": RRSA | {"oidcProviderArn": "acs:ram::99999:oidc-provider/ack-rrsa-c1"}}},
            OWN_ACCOUNT,
        ),
        (
            "rrsa-without-role",
            {"credentials": {"rrsa": {key: value for key, value in RRSA.items() if key != "roleArn"}}},
            "spec.credentials.rrsa.roleArn: Required value",
        ),
        ("rrsa-of-a-user", {"credentials": {"rrsa": RRSA | {"roleArn": "acs:ram::12345:user/x"}}}, A_ROLE),
        ("secret-unnamed", {"credentials": {"secretRef": {}}}, "spec.credentials.secretRef.name: Required value"),
        ("secret-name-empty", {"credentials": {"secretRef": {"name": ""}}}, AN_OBJECT),
        ("secret-name-in-capitals", {"credentials": {"secretRef": {"name": "Key"}}}, AN_OBJECT),
        (
            "secret-of-another-namespace",
            {"credentials": {"secretRef": {"name": "key", "namespace": "other"}}},
            'unknown field "spec.credentials.secretRef.namespace"',
        ),
        (
            "key-in-the-spec",
            {"credentials": {"accessKeyId": "x", "secretRef": {"name": "key"}}},
            'unknown field "spec.credentials.accessKeyId"',
        ),
        ("endpoint-without-scheme", {"endpoints": {"oss": "oss-cn-hangzhou.aliyuncs.com"}}, AN_ADDRESS),
        ("endpoint-with-path", {"endpoints": {"imm": "https://imm.example.com/"}}, AN_ADDRESS),
        ("endpoint-of-another-scheme", {"endpoints": {"mns": "ftp://mns.example.com"}}, AN_ADDRESS),
        ("endpoint-empty", {"endpoints": {"imm": ""}}, AN_ADDRESS),
        ("endpoint-of-sts", {"endpoints": {"sts": "https://x.example.com"}}, 'unknown field "spec.endpoints.sts"'),
        ("work-bucket-in-capitals", {"workBucket": "My-Work"}, A_BUCKET),
        ("work-bucket-with-dot", {"workBucket": "my.work"}, A_BUCKET),
        ("work-bucket-too-short", {"workBucket": "ab"}, A_BUCKET),
        ("interval-without-number", {"resyncInterval": "m"}, A_DURATION),
        ("interval-too-short", {"resyncInterval": "9s"}, "spec.resyncInterval is at least 10s and at most 168h"),
        ("policy-of-another-kind", {"deletionPolicy": "Delete"}, 'unknown field "spec.deletionPolicy"'),
        ("region-in-another-script", {"region": "cn-杭州"}, "a region looks like cn-hangzhou"),
        ("region-with-newline", {"region": "cn-hangzhou\n"}, "a region looks like cn-hangzhou"),
        ("region-too-long", {"region": "cn-" + "a" * 62}, "may not be more than 64 bytes"),
        ("account-in-wide-digits", {"accountId": "１２３４５６"}, AN_ACCOUNT_ID),  # noqa: RUF001 - what is tried
        ("account-empty", {"accountId": ""}, AN_ACCOUNT_ID),
        ("secret-name-too-long", {"credentials": {"secretRef": {"name": "a" * 254}}}, "more than 253 bytes"),
        ("endpoint-without-host", {"endpoints": {"imm": "https://"}}, AN_ADDRESS),
        ("endpoint-of-a-dot", {"endpoints": {"imm": "https://."}}, AN_ADDRESS),
        ("endpoint-of-no-port", {"endpoints": {"oss": "https://oss.example.com:0"}}, AN_ADDRESS),
        ("endpoint-beyond-all-ports", {"endpoints": {"oss": "https://oss.example.com:65536"}}, AN_ADDRESS),
        ("endpoint-with-key", {"endpoints": {"oss": "https://key:secret@oss.example.com"}}, AN_ADDRESS),
        ("interval-empty", {"resyncInterval": ""}, A_DURATION),
        ("events-empty", {"events": {}}, "spec.events.topic: Required value"),
        ("events-without-topic", {"events": {"queue": "imm-events"}}, "spec.events.topic: Required value"),
        ("events-without-queue", {"events": {"topic": "imm-events"}}, "spec.events.queue: Required value"),
        ("events-as-text", {"events": "imm-events"}, 'must be of type object: "string"'),
        ("topic-empty", {"events": EVENTS | {"topic": ""}}, A_QUEUE),
        ("topic-with-dot", {"events": EVENTS | {"topic": "imm.events"}}, A_QUEUE),
        ("topic-too-long", {"events": EVENTS | {"topic": "t" * 121}}, "may not be more than 120 bytes"),
        ("topic-as-number", {"events": EVENTS | {"topic": 1}}, 'must be of type string: "integer"'),
        ("queue-from-a-hyphen", {"events": EVENTS | {"queue": "-imm"}}, A_QUEUE),
        ("queue-with-underscore", {"events": EVENTS | {"queue": "imm_events"}}, A_QUEUE),
        ("queue-with-newline", {"events": EVENTS | {"queue": "imm\n"}}, A_QUEUE),
        ("queue-as-path", {"events": EVENTS | {"queue": "queues/imm-events"}}, A_QUEUE),
        ("dead-letters-in-another-script", {"events": EVENTS | {"deadLetterQueue": "失败"}}, A_QUEUE),
        ("dead-letters-empty", {"events": EVENTS | {"deadLetterQueue": ""}}, A_QUEUE),
        ("dead-letters-into-the-queue", {"events": EVENTS | {"deadLetterQueue": "imm-events"}}, ONE_QUEUE),
        ("foreign-messages-to-nowhere", {"events": EVENTS | {"foreignMessages": "DeadLetter"}}, NOWHERE),
        (
            "foreign-messages-into-the-queue",
            {"events": EVENTS | {"foreignMessages": "DeadLetter", "deadLetterQueue": "imm-events"}},
            ONE_QUEUE,
        ),
        (
            "foreign-messages-deleted",
            {"events": EVENTS | {"foreignMessages": "Delete"}},
            'supported values: "Leave", "DeadLetter"',
        ),
        (
            "foreign-messages-in-lower-case",
            {"events": EVENTS | {"foreignMessages": "leave"}},
            'supported values: "Leave", "DeadLetter"',
        ),
        ("events-misspelled", {"events": EVENTS | {"deadLetters": "x"}}, 'unknown field "spec.events.deadLetters"'),
        (
            "ambient-to-a-queue-elsewhere",
            {"credentials": {"ambient": {}}, "endpoints": {"mns": "https://mns.example.com"}, "events": EVENTS},
            OWN_ADDRESSES,
        ),
    ],
    "Dataset": [
        ("account-ref-missing", {"accountRef": ABSENT}, "spec.accountRef: Required value"),
        ("account-ref-as-text", {"accountRef": "main"}, 'must be of type object: "string"'),
        ("account-ref-name-empty", {"accountRef": {"name": ""}}, AN_OBJECT),
        ("account-ref-too-long", {"accountRef": {"name": "a" * 254}}, "may not be more than 253 bytes"),
        ("project-missing", {"project": ABSENT}, "spec.project: Required value"),
        ("project-from-a-digit", {"project": "1st"}, AN_IMM_NAME),
        ("name-missing", {"name": ABSENT}, "spec.name: Required value"),
        ("name-empty", {"name": ""}, AN_IMM_NAME),
        ("name-with-space", {"name": "my photos"}, AN_IMM_NAME),
        ("name-too-long", {"name": "a" * 129}, "may not be more than 128 bytes"),
        ("template-empty", {"templateId": ""}, "should be at least 1 chars long"),
        ("description-empty", {"description": ""}, "should be at least 1 chars long"),
        ("description-too-long", {"description": "d" * 257}, "may not be more than 256 bytes"),
        ("quota-of-no-bindings", {"quotas": {"maxBindCount": 0}}, "should be greater than or equal to 1"),
        ("quota-of-eleven-bindings", {"quotas": {"maxBindCount": 11}}, "should be less than or equal to 10"),
        ("quota-of-too-many-files", {"quotas": {"maxFileCount": 100_000_001}}, "less than or equal to 100000000"),
        ("quota-as-text", {"quotas": {"maxFileCount": "100"}}, 'must be of type integer: "string"'),
        ("quota-in-fractions", {"quotas": {"maxEntityCount": 1.5}}, 'must be of type integer: "number"'),
        ("quota-misspelled", {"quotas": {"maxFiles": 1}}, 'unknown field "spec.quotas.maxFiles"'),
        ("mode-in-lower-case", {"mode": "apply"}, 'supported values: "Apply", "Observe", "DryRun"'),
        ("policy-unknown", {"deletionPolicy": "Orphan"}, 'supported values: "Retain", "Delete"'),
        ("suspend-as-text", {"suspend": "yes"}, 'must be of type boolean: "string"'),
        ("grace-period-in-days", {"deletionGracePeriod": "1d"}, A_DURATION),
        ("grace-period-too-long", {"deletionGracePeriod": "721h"}, "is at least 0s and at most 720h"),
        ("unknown-field", {"bucket": "my-photos"}, 'unknown field "spec.bucket"'),
        ("project-from-a-hyphen", {"project": "-media"}, AN_IMM_NAME),
        ("project-with-newline", {"project": "media\n"}, AN_IMM_NAME),
        ("name-in-another-script", {"name": "照片"}, AN_IMM_NAME),
        ("template-too-long", {"templateId": "t" * 129}, "may not be more than 128 bytes"),
        ("description-too-long-in-characters", {"description": "😀" * 257}, "may not be more than 256 bytes"),
        ("quota-of-no-relations", {"quotas": {"maxRelationCount": 0}}, "should be greater than or equal to 1"),
        ("quota-of-no-bytes", {"quotas": {"maxTotalFileSize": 0}}, "should be greater than or equal to 1"),
        ("quota-beyond-numbers", {"quotas": {"maxTotalFileSize": 2**63}}, "must be of type integer"),
        ("quotas-as-list", {"quotas": [1]}, 'must be of type object: "array"'),
        ("interval-too-short", {"resyncInterval": "1s"}, "spec.resyncInterval is at least 10s and at most 168h"),
        ("interval-below-zero", {"resyncInterval": "-10m"}, A_DURATION),
        ("grace-period-empty", {"deletionGracePeriod": ""}, A_DURATION),
    ],
    "DatasetBinding": [
        ("account-ref-missing", {"accountRef": ABSENT}, "spec.accountRef: Required value"),
        ("account-ref-unnamed", {"accountRef": {}}, "spec.accountRef.name: Required value"),
        ("account-of-another-namespace", {"accountRef": {"name": "main", "namespace": "x"}}, "accountRef.namespace"),
        ("dataset-missing", {"dataset": ABSENT}, "spec.dataset: Required value"),
        ("dataset-empty", {"dataset": {}}, A_TARGET),
        ("dataset-name-alone", {"dataset": {"name": "photos"}}, A_TARGET),
        ("dataset-project-alone", {"dataset": {"project": "media"}}, A_TARGET),
        ("dataset-ref-and-project", {"dataset": {"ref": "photos", "project": "media"}}, A_TARGET),
        ("dataset-everything", {"dataset": {"ref": "photos", "project": "media", "name": "photos"}}, A_TARGET),
        ("dataset-ref-empty", {"dataset": {"ref": ""}}, AN_OBJECT),
        ("dataset-ref-in-capitals", {"dataset": {"ref": "Photos"}}, AN_OBJECT),
        ("dataset-project-misspelled", {"dataset": {"project": "me dia", "name": "photos"}}, AN_IMM_NAME),
        ("bucket-missing", {"bucket": ABSENT}, "spec.bucket: Required value"),
        ("bucket-empty", {"bucket": ""}, A_BUCKET),
        ("bucket-in-capitals", {"bucket": "My-Photos"}, A_BUCKET),
        ("bucket-with-underscore", {"bucket": "my_photos"}, A_BUCKET),
        ("bucket-as-address", {"bucket": "oss://my-photos"}, A_BUCKET),
        ("bucket-with-hyphen-at-the-end", {"bucket": "my-photos-"}, A_BUCKET),
        ("bucket-too-long", {"bucket": "b" * 64}, "may not be more than 63 bytes"),
        ("objects-below-zero", {"maxObjects": -1}, "should be greater than or equal to 0"),
        ("objects-as-text", {"maxObjects": "1000"}, 'must be of type integer: "string"'),
        ("recreate-policy-unknown", {"recreatePolicy": "Sometimes"}, 'supported values: "Always", "Never"'),
        ("interval-with-newline", {"resyncInterval": "10m\n"}, A_DURATION),
        ("interval-smallest-first", {"resyncInterval": "30m1h"}, A_DURATION),
        ("interval-of-six-digits", {"resyncInterval": "100000m"}, A_DURATION),
        ("interval-too-long", {"resyncInterval": "168h1s"}, "spec.resyncInterval is at least 10s and at most 168h"),
        ("prefix-of-a-bucket", {"prefix": "holidays/"}, 'unknown field "spec.prefix"'),
        ("account-ref-too-long", {"accountRef": {"name": "a" * 254}}, "may not be more than 253 bytes"),
        ("dataset-as-text", {"dataset": "photos"}, 'must be of type object: "string"'),
        ("dataset-ref-too-long", {"dataset": {"ref": "a" * 254}}, "may not be more than 253 bytes"),
        ("dataset-ref-and-name", {"dataset": {"ref": "photos", "name": "photos"}}, A_TARGET),
        ("dataset-name-empty", {"dataset": {"project": "media", "name": ""}}, AN_IMM_NAME),
        ("dataset-name-too-long", {"dataset": {"project": "media", "name": "a" * 129}}, "more than 128 bytes"),
        ("bucket-with-newline", {"bucket": "my-photos\n"}, A_BUCKET),
        ("bucket-in-another-script", {"bucket": "мои-фото"}, A_BUCKET),
        ("objects-in-fractions", {"maxObjects": 0.5}, 'must be of type integer: "number"'),
        ("objects-beyond-numbers", {"maxObjects": 2**63}, "must be of type integer"),
        ("recreate-policy-empty", {"recreatePolicy": ""}, 'supported values: "Always", "Never"'),
        ("mode-unknown", {"mode": "Plan"}, 'supported values: "Apply", "Observe", "DryRun"'),
        ("policy-in-lower-case", {"deletionPolicy": "delete"}, 'supported values: "Retain", "Delete"'),
        ("suspend-as-number", {"suspend": 1}, 'must be of type boolean: "integer"'),
        ("grace-period-below-zero", {"deletionGracePeriod": "-1s"}, A_DURATION),
    ],
    "BatchImport": [
        ("account-ref-missing", {"accountRef": ABSENT}, "spec.accountRef: Required value"),
        ("account-ref-unnamed", {"accountRef": {}}, "spec.accountRef.name: Required value"),
        ("account-of-another-namespace", {"accountRef": {"name": "main", "namespace": "x"}}, "accountRef.namespace"),
        ("target-missing", {"target": ABSENT}, "spec.target: Required value"),
        ("target-empty", {"target": {}}, admission_pictures.A_TARGET),
        ("target-of-a-name", {"target": {"dataset": "photos"}}, 'must be of type object: "string"'),
        ("dataset-empty", to_dataset(), AN_IMPORT_TARGET),
        ("dataset-name-alone", to_dataset(name="photos"), AN_IMPORT_TARGET),
        ("dataset-project-alone", to_dataset(project="media"), AN_IMPORT_TARGET),
        ("dataset-ref-and-name", to_dataset(ref="photos", name="photos"), AN_IMPORT_TARGET),
        ("dataset-everything", to_dataset(ref="photos", project="media", name="photos"), AN_IMPORT_TARGET),
        ("dataset-ref-in-capitals", to_dataset(ref="Photos"), AN_OBJECT),
        ("dataset-project-misspelled", to_dataset(project="me dia", name="photos"), AN_IMM_NAME),
        (
            "existing-unknown",
            to_dataset(ref="photos", onExisting="Skip"),
            'supported values: "Reindex", "UpdateLabels"',
        ),
        ("source-missing", {"source": ABSENT}, "spec.source: Required value"),
        ("source-empty", {"source": {}}, AN_IMPORT_SOURCE),
        ("source-of-two", {"source": {"items": [{"uri": "oss://my-photos/a"}], "table": TABLE}}, AN_IMPORT_SOURCE),
        ("source-table-and-prefix", {"source": {"table": TABLE, "prefix": {"bucket": "abc"}}}, AN_IMPORT_SOURCE),
        (
            "source-of-all",
            {"source": {"items": [{"uri": DRIVE}], "table": TABLE, "prefix": {"bucket": "abc"}}},
            AN_IMPORT_SOURCE,
        ),
        ("source-unknown", {"source": {"photos": [{"key": "x"}]}}, 'unknown field "spec.source.photos"'),
        ("items-none", {"source": {"items": []}}, "spec.source.items in body should have at least 1 items"),
        (
            "items-beyond-two-hundred",
            of_items(*(f"oss://my-photos/{number}" for number in range(201))),
            "spec.source.items: Too many: 201: must have at most 200 items",
        ),
        ("items-as-text", {"source": {"items": "oss://my-photos/a"}}, 'must be of type array: "string"'),
        ("item-without-uri", {"source": {"items": [{"customId": "1"}]}}, "spec.source.items[0].uri: Required value"),
        ("item-as-text", {"source": {"items": ["oss://my-photos/a"]}}, 'must be of type object: "string"'),
        ("item-by-https", of_items("https://my-photos.oss-cn-hangzhou.aliyuncs.com/a.jpg"), A_FILE),
        ("item-by-http", of_items("http://example.com/a.jpg"), A_FILE),
        ("item-of-another-cloud", of_items("s3://my-photos/a.jpg"), A_FILE),
        ("item-by-its-key", of_items("holidays/a.jpg"), A_FILE),
        ("item-of-no-file", of_items(""), A_FILE),
        ("item-of-a-bucket", of_items("oss://my-photos"), A_FILE),
        ("item-of-a-bucket-and-slash", of_items("oss://my-photos/"), A_FILE),
        ("item-of-a-misspelled-bucket", of_items("oss://My_Photos/a.jpg"), A_FILE),
        ("item-of-a-short-bucket", of_items("oss://ab/a.jpg"), A_FILE),
        ("item-in-capitals", of_items("OSS://my-photos/a.jpg"), A_FILE),
        ("item-of-no-drive", of_items("pds://"), A_FILE),
        ("item-of-a-drive-alone", of_items("pds://domains/bj1/drives/1"), A_FILE),
        ("item-of-a-drive-without-revision", of_items("pds://domains/bj1/drives/1/files/9520943DC264"), A_FILE),
        ("item-of-an-empty-domain", of_items("pds://domains//drives/1/files/2/revisions/3"), A_FILE),
        ("item-of-an-empty-drive", of_items("pds://domains/a/drives//files/2/revisions/3"), A_FILE),
        ("item-of-an-empty-file", of_items("pds://domains/a/drives/1/files//revisions/3"), A_FILE),
        ("item-of-an-empty-revision", of_items("pds://domains/a/drives/1/files/2/revisions/"), A_FILE),
        ("item-below-a-revision", of_items(f"{DRIVE}/content"), A_FILE),
        ("item-of-a-drive-with-newline", of_items(f"{DRIVE}\n"), A_FILE),
        ("hash-of-an-object", of_items("oss://my-photos/a", fileHash="EA49"), f"fileHash {OF_A_DRIVE}"),
        ("hash-empty", of_items(DRIVE, fileHash=""), "spec.source.items[0].fileHash in body should be at least 1"),
        ("hash-too-long", of_items(DRIVE, fileHash="h" * 257), "may not be more than 256 bytes"),
        (
            "object-of-an-object",
            of_items("oss://my-photos/a", ossUri="oss://my-photos/b"),
            f"spec.source.items: ossUri {OF_A_DRIVE}",
        ),
        ("object-of-a-drive", of_items(DRIVE, ossUri=DRIVE), KEPT_IN),
        ("object-without-key", of_items(DRIVE, ossUri="oss://my-photos/"), KEPT_IN),
        ("object-of-a-misspelled-bucket", of_items(DRIVE, ossUri="oss://My_Photos/a"), KEPT_IN),
        ("object-empty", of_items(DRIVE, ossUri=""), KEPT_IN),
        ("object-too-long", of_items(DRIVE, ossUri="oss://my-photos/" + "k" * 1085), "may not be more than 1100 bytes"),
        ("item-with-newline", of_items("oss://my-photos/a\nb"), A_FILE),
        ("item-after-a-good-one", of_items("oss://my-photos/a", "ftp://b"), "spec.source.items[1].uri: Invalid value"),
        ("item-too-long", of_items("oss://my-photos/" + "k" * 1085), "may not be more than 1100 bytes"),
        ("item-replaced", of_items("oss://my-photos/a", operation="UPDATE"), 'supported values: "ADD", "DELETE"'),
        ("item-removed-in-lower-case", of_items("oss://my-photos/a", operation="delete"), '"ADD", "DELETE"'),
        ("item-of-a-long-id", of_items("oss://my-photos/a", customId="i" * 513), "may not be more than 512 bytes"),
        ("item-misspelled", of_items("oss://my-photos/a", labels={}), 'unknown field "spec.source.items[0].labels"'),
        ("label-unnamed", of_items("oss://my-photos/a", customLabels={"": "x"}), A_LABEL),
        ("label-of-a-long-name", of_items("oss://my-photos/a", customLabels={"n" * 129: "x"}), A_LABEL),
        ("label-too-long", of_items("oss://my-photos/a", customLabels={"n": "x" * 513}), "more than 512 bytes"),
        ("label-as-number", of_items("oss://my-photos/a", customLabels={"year": 2024}), 'type string: "integer"'),
        (
            "labels-beyond-thirty-two",
            of_items("oss://my-photos/a", customLabels={f"n{number}": "x" for number in range(33)}),
            "spec.source.items[0].customLabels: Too many: 33: must have at most 32 items",
        ),
        ("labels-as-list", of_items("oss://my-photos/a", customLabels=["a"]), 'must be of type object: "array"'),
        ("table-without-bucket", of_table(bucket=ABSENT), "spec.source.table.bucket: Required value"),
        ("table-without-key", of_table(key=ABSENT), "spec.source.table.key: Required value"),
        ("table-of-a-misspelled-bucket", of_table(bucket="My-Tables"), A_BUCKET),
        ("table-key-empty", of_table(key=""), A_KEY),
        ("table-key-from-a-slash", of_table(key="/files.jsonl"), A_KEY),
        ("table-key-from-a-backslash", of_table(key="\\files.jsonl"), A_KEY),
        ("table-key-too-long", of_table(key="k" * 1024), "may not be more than 1023 bytes"),
        ("table-of-a-spreadsheet", of_table(format="Excel"), 'supported values: "JSONLines", "CSV"'),
        (
            "table-column-empty",
            of_table(columns={"uri": ""}),
            "spec.source.table.columns.uri in body should be at least",
        ),
        ("table-column-as-number", of_table(columns={"operation": 3}), 'must be of type string: "integer"'),
        ("table-column-too-long", of_table(columns={"customId": "c" * 129}), "may not be more than 128 bytes"),
        (
            "table-hash-without-column",
            of_table(columns={"fileHash": ""}),
            "spec.source.table.columns.fileHash in body should be at least",
        ),
        ("table-object-column-too-long", of_table(columns={"ossUri": "c" * 129}), "may not be more than 128 bytes"),
        ("table-column-unknown", of_table(columns={"title": "t"}), 'unknown field "spec.source.table.columns.title"'),
        ("table-label-unnamed", of_table(columns={"labels": {"": "c"}}), A_LABEL),
        (
            "table-label-of-no-column",
            of_table(columns={"labels": {"n": ""}}),
            "columns.labels.n in body should be at least",
        ),
        ("table-prefix-too-long", of_table(uriPrefix="p" * 1101), "may not be more than 1100 bytes"),
        (
            "prefix-without-bucket",
            {"source": {"prefix": {"prefix": "a/"}}},
            "spec.source.prefix.bucket: Required value",
        ),
        ("prefix-from-a-slash", of_prefix(prefix="/a"), A_PREFIX),
        ("prefix-too-long", of_prefix(prefix="p" * 1024), "may not be more than 1023 bytes"),
        (
            "prefix-with-an-empty-glob",
            of_prefix(include=[""]),
            "spec.source.prefix.include[0] in body should be at least 1",
        ),
        ("prefix-with-a-long-glob", of_prefix(exclude=["g" * 257]), "may not be more than 256 bytes"),
        (
            "prefix-with-too-many-globs",
            of_prefix(exclude=[f"{number}/**" for number in range(33)]),
            "spec.source.prefix.exclude: Too many: 33: must have at most 32 items",
        ),
        ("prefix-as-text", {"source": {"prefix": "holidays/"}}, 'must be of type object: "string"'),
        ("prefix-updated", of_prefix(operation="UPDATE"), 'supported values: "ADD", "DELETE"'),
        ("prefix-label-unnamed", of_prefix(customLabels={"": "x"}), A_LABEL),
        ("on-invalid-unknown", {"onInvalid": "Ignore"}, 'supported values: "Reject", "Skip"'),
        ("run-token-empty", {"runToken": ""}, "spec.runToken in body should be at least 1 chars long"),
        ("run-token-too-long", {"runToken": "t" * 129}, "may not be more than 128 bytes"),
        ("run-token-as-number", {"runToken": 2}, 'must be of type string: "integer"'),
        ("retry-empty", {"retry": {}}, "spec.retry.failedItems: Required value"),
        (
            "retry-token-empty",
            {"retry": {"failedItems": ""}},
            "spec.retry.failedItems in body should be at least 1 chars",
        ),
        ("retry-token-too-long", {"retry": {"failedItems": "t" * 129}}, "may not be more than 128 bytes"),
        ("retry-of-all", {"retry": {"failedItems": "1", "all": True}}, 'unknown field "spec.retry.all"'),
        ("retry-token-as-truth", {"retry": {"failedItems": True}}, 'must be of type string: "boolean"'),
        ("items-below-zero", {"maxItems": -1}, "should be greater than or equal to 0"),
        ("items-in-fractions", {"maxItems": 1.5}, 'must be of type integer: "number"'),
        ("failures-below-zero", {"maxFailedItems": -1}, "should be greater than or equal to 0"),
        ("failures-in-per-cent", {"maxFailedItems": "10%"}, 'must be of type integer: "string"'),
        ("timeout-too-short", {"resultTimeout": "9s"}, "spec.resultTimeout is at least 10s and at most 24h"),
        ("timeout-too-long", {"resultTimeout": "24h1s"}, "spec.resultTimeout is at least 10s and at most 24h"),
        ("timeout-in-days", {"resultTimeout": "1d"}, A_DURATION),
        ("timeout-without-unit", {"resultTimeout": "900"}, A_DURATION),
        ("deadline-too-short", {"deadline": "1s"}, "spec.deadline is at least 10s and at most 720h"),
        ("deadline-too-long", {"deadline": "721h"}, "spec.deadline is at least 10s and at most 720h"),
        ("deadline-as-time", {"deadline": "2026-12-31T00:00:00Z"}, A_DURATION),
        ("deadline-empty", {"deadline": ""}, A_DURATION),
        ("mode-unknown", {"mode": "Plan"}, 'supported values: "Apply", "Observe", "DryRun"'),
        ("suspend-as-text", {"suspend": "yes"}, 'must be of type boolean: "string"'),
        ("interval-too-short", {"resyncInterval": "1s"}, "spec.resyncInterval is at least 10s and at most 168h"),
        ("deletion-policy", {"deletionPolicy": "Delete"}, 'unknown field "spec.deletionPolicy"'),
        ("binding-in-its-place", {"bucket": "my-photos"}, 'unknown field "spec.bucket"'),
        *admission_pictures.BAD,
    ],
}
GOOD: dict[str, list[tuple[str, Spec]]] = {
    "CloudAccount": [
        ("least", {}),
        (
            "every-field",
            {
                "resyncInterval": "10s",
                "endpoints": {
                    "imm": "https://imm-vpc.cn-hangzhou.aliyuncs.com",
                    "oss": "http://127.0.0.1:4666",
                    "mns": "https://mns.example.com",
                    "imageSearch": "https://imagesearch.cn-hangzhou.aliyuncs.com",
                },
                "workBucket": "my-work",
            },
        ),
        ("rrsa", {"credentials": {"rrsa": RRSA}}),
        ("ambient", {"credentials": {"ambient": {}}}),
        ("ambient-with-empty-addresses", {"credentials": {"ambient": {}}, "endpoints": {}}),
        ("region-abroad", {"region": "ap-southeast-1"}),
        ("account-of-five-digits", {"accountId": "12345"}),
        ("events", {"events": EVENTS}),
        ("events-left-by-name", {"events": EVENTS | {"foreignMessages": "Leave"}}),
        ("events-with-dead-letters", {"events": EVENTS | {"deadLetterQueue": "imm-events-dead-letters"}}),
        (
            "events-set-aside",
            {"events": EVENTS | {"deadLetterQueue": "D" * 120, "foreignMessages": "DeadLetter"}},
        ),
        ("events-of-ambient-rights", {"credentials": {"ambient": {}}, "events": {"topic": "0", "queue": "1-A"}}),
    ],
    "Dataset": [
        ("least", {}),
        (
            "every-field",
            MANAGED
            | {
                "templateId": "Official:ImageManagement",
                "description": "Holiday photos, 2019 to 2024",
                "quotas": {
                    "maxBindCount": 10,
                    "maxFileCount": 100_000_000,
                    "maxEntityCount": 1,
                    "maxRelationCount": 1,
                    "maxTotalFileSize": 90_000_000_000_000_000,
                },
            },
        ),
        ("longest-name", {"name": "_" + "a" * 127}),
        ("longest-description", {"description": "😀" * 256}),
        ("week-of-resync", {"resyncInterval": "168h"}),
    ],
    "DatasetBinding": [
        ("least", {}),
        ("every-field", MANAGED | {"maxObjects": 0, "recreatePolicy": "Always"}),
        ("dataset-by-its-own-names", {"dataset": {"project": "media", "name": "_Photos-1"}}),
        ("shortest-bucket", {"bucket": "a1b"}),
        ("longest-bucket", {"bucket": "b" * 63}),
        ("interval-in-three-parts", {"resyncInterval": "1h2m3s"}),
    ],
    "BatchImport": [
        ("least", {}),
        (
            "every-field",
            {
                "suspend": True,
                "mode": "DryRun",
                "resyncInterval": "10s",
                "onInvalid": "Skip",
                "runToken": "monday",
                "retry": {"failedItems": "2026-11-22"},
                "maxItems": 0,
                "maxFailedItems": 2**31,
                "resultTimeout": "24h",
                "deadline": "720h",
            }
            | to_dataset(project="media", name="_Photos-1", onExisting="UpdateLabels"),
        ),
        ("files-of-both-services", of_items("oss://a-b/ä b.jpg", DRIVE, "oss://a1b/photos//x/")),
        ("file-of-a-drive", of_items(DRIVE, fileHash="h" * 256, ossUri="oss://my-photos/" + "k" * 1084)),
        ("names-of-a-drive", of_items("pds://domains/ä b/drives/%2F/files/?#/revisions/.", operation="DELETE")),
        (
            "two-hundred-files-of-a-drive",
            of_items(
                *(f"{DRIVE}{number}" for number in range(200)), fileHash="EA49", ossUri="oss://my-photos/" + "k" * 400
            ),
        ),
        (
            "files-with-everything",
            of_items(
                "oss://my-photos/a", operation="DELETE", customId="", customLabels={"jahr": "", "n" * 128: "x" * 512}
            ),
        ),
        (
            "two-hundred-files",
            of_items(
                *(f"oss://my-photos/{'k' * 400}{number}" for number in range(200)),
                customLabels={f"n{number}": "v" for number in range(32)},
            ),
        ),
        ("longest-file", of_items("oss://my-photos/" + "k" * 1084)),
        ("table", of_table()),
        (
            "table-with-everything",
            of_table(
                format="CSV",
                uriPrefix="oss://my-photos/",
                columns={
                    "uri": "Datei",
                    "operation": "was",
                    "customId": "Nr.",
                    "fileHash": "Prüfsumme",
                    "ossUri": "Objekt",
                    "labels": {"year": "Jahr"},
                },
            ),
        ),
        ("whole-bucket", of_prefix()),
        (
            "prefix-with-everything",
            of_prefix(
                prefix="2024/",
                include=["**/*.jpg"],
                exclude=["**/tmp/**", "?"],
                operation="DELETE",
                customLabels={"year": "2024"},
            ),
        ),
        ("shortest-times", {"resultTimeout": "10s", "deadline": "10s"}),
        ("longest-tokens", {"runToken": "😀" * 128, "retry": {"failedItems": " "}}),
        *admission_pictures.GOOD,
    ],
}
NAMED: Spec = {"dataset": {"project": "media", "name": "photos"}}
SECOND_ACCOUNT = "make a second CloudAccount"
SECOND_DATASET = "it names another dataset; make a second Dataset object for it"
SECOND_BINDING = "a binding is its bucket and dataset; make a second DatasetBinding"
SECOND_IMPORT = "its records lie with the account; make a second BatchImport"
# Kind, field, what it becomes (ABSENT: removed), the words, and what is stored before where that is not the base.
IMMUTABLE: list[tuple[str, str, Any, str, Spec]] = [
    ("CloudAccount", "region", "cn-beijing", SECOND_ACCOUNT, {}),
    ("CloudAccount", "region", ABSENT, "Required value", {}),
    ("CloudAccount", "accountId", "99999", SECOND_ACCOUNT, {}),
    ("CloudAccount", "accountId", ABSENT, "Required value", {}),
    ("Dataset", "accountRef", {"name": "other"}, SECOND_DATASET, {}),
    ("Dataset", "accountRef", ABSENT, "Required value", {}),
    ("Dataset", "project", "other", SECOND_DATASET, {}),
    ("Dataset", "project", ABSENT, "Required value", {}),
    ("Dataset", "name", "other", SECOND_DATASET, {}),
    ("Dataset", "name", ABSENT, "Required value", {}),
    ("DatasetBinding", "accountRef", {"name": "other"}, SECOND_BINDING, {}),
    ("DatasetBinding", "accountRef", ABSENT, "Required value", {}),
    ("DatasetBinding", "bucket", "other", SECOND_BINDING, {}),
    ("DatasetBinding", "bucket", ABSENT, "Required value", {}),
    ("DatasetBinding", "dataset", {"ref": "other"}, SECOND_BINDING, {}),
    ("DatasetBinding", "dataset", ABSENT, "Required value", {}),
    ("DatasetBinding", "dataset", {}, A_TARGET, {}),
    ("DatasetBinding", "dataset", NAMED["dataset"], SECOND_BINDING, {}),
    ("DatasetBinding", "dataset", {"ref": "photos"}, SECOND_BINDING, NAMED),
    ("DatasetBinding", "dataset", {"project": "media", "name": "other"}, SECOND_BINDING, NAMED),
    ("DatasetBinding", "dataset", {"project": "other", "name": "photos"}, SECOND_BINDING, NAMED),
    ("BatchImport", "accountRef", {"name": "other"}, SECOND_IMPORT, {}),
    ("BatchImport", "accountRef", ABSENT, "Required value", {}),
]
MUTABLE: list[tuple[str, str, Spec, Spec]] = [
    ("CloudAccount", "secret", {}, {"credentials": {"secretRef": {"name": "other"}}}),
    ("CloudAccount", "endpoint-added", {}, {"endpoints": {"oss": "https://oss.example.com"}}),
    ("CloudAccount", "work-bucket-added", {}, {"workBucket": "my-work"}),
    ("Dataset", "template-removed", {"templateId": "Official:ImageManagement"}, {}),
    ("Dataset", "quota-raised", {"quotas": {"maxBindCount": 1}}, {"quotas": {"maxBindCount": 2}}),
    ("DatasetBinding", "limit-removed", {"maxObjects": 5}, {}),
    ("DatasetBinding", "policy-changed", {}, {"deletionPolicy": "Delete", "recreatePolicy": "Always"}),
    ("CloudAccount", "events-added", {}, {"events": EVENTS}),
    ("CloudAccount", "events-moved", {"events": EVENTS}, {"events": {"topic": "other", "queue": "another"}}),
    ("CloudAccount", "events-removed", {"events": EVENTS}, {}),
    ("BatchImport", "target-changed", {}, to_dataset(project="media", name="photos")),
    ("BatchImport", "file-added", {}, of_items("oss://my-photos/a.jpg", "oss://my-photos/b.jpg")),
    ("BatchImport", "source-replaced", {}, of_prefix(prefix="2024/")),
    ("BatchImport", "labels-removed", of_items("oss://abc/a", customLabels={"a": "b"}), of_items("oss://abc/a")),
    ("BatchImport", "token-added", {}, {"runToken": "again"}),
    ("BatchImport", "token-removed", {"runToken": "again"}, {}),
    ("BatchImport", "retry-added", {}, {"retry": {"failedItems": "1"}}),
    ("BatchImport", "retry-removed", {"retry": {"failedItems": "1"}}, {}),
    ("BatchImport", "limits-removed", {"maxItems": 5, "maxFailedItems": 5, "deadline": "1h"}, {}),
    ("BatchImport", "paused", {}, {"suspend": True, "mode": "DryRun", "onInvalid": "Skip", "resultTimeout": "1h"}),
    *admission_pictures.MUTABLE,
]


@pytest.fixture(scope="module")
def home(installed: Kubectl) -> Iterator[str]:
    """A namespace for the objects of this file."""
    name = f"admission-{uuid.uuid4().hex[:8]}"
    installed("create", "namespace", name)
    yield name
    installed("delete", "namespace", name, "--wait=false")


def manifest(kind: str, home: str, change: Spec, name: str = "x") -> str:
    """An object with the base spec and a change to it."""
    spec = {key: value for key, value in (BASE[kind] | change).items() if value is not ABSENT}
    metadata = {"name": name, "namespace": home}
    return json.dumps({"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec})


def refusal(kubectl: Kubectl, text: str) -> str:
    """What kubectl says when the API server refuses, on one line."""
    with pytest.raises(ProgramError) as refused:
        kubectl("apply", "--dry-run=server", "--filename=-", text=text)
    return " ".join(str(refused.value).split())


def rows(table: dict[str, list[Any]]) -> list[Any]:
    """The rows of a table by kind, with ids."""
    return [
        pytest.param(kind, *row[1:], id=f"{kind.lower()}-{row[0]}")
        for kind, entries in table.items()
        for row in entries
    ]


@pytest.mark.parametrize(("kind", "change", "said"), rows(BAD))
def test_a_bad_spec_is_refused_in_words(installed: Kubectl, home: str, kind: str, change: Spec, said: str) -> None:
    """Before it is stored, with the field and what to write in its place."""
    refused = refusal(installed, manifest(kind, home, change))
    assert said in refused
    assert any(f"spec.{field}" in refused or f"spec: Invalid value: {said}" in refused for field in change)


@pytest.mark.parametrize("kind", list(BASE))
def test_an_object_without_a_spec_is_refused(installed: Kubectl, home: str, kind: str) -> None:
    """There is nothing to default it from."""
    body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "x", "namespace": home}}
    assert "spec: Required value" in refusal(installed, json.dumps(body))


@pytest.mark.parametrize(("kind", "change"), rows(GOOD))
def test_a_good_spec_is_accepted(installed: Kubectl, home: str, kind: str, change: Spec) -> None:
    """The least that is needed, every field, and the values at the bounds."""
    said = installed("apply", "--dry-run=server", "--filename=-", text=manifest(kind, home, change))
    assert f"{kind.lower()}.{GROUP}/x created (server dry run)" == said.strip()


@pytest.mark.parametrize(
    ("kind", "field", "becomes", "said", "before"),
    IMMUTABLE,
    ids=[f"{row[0].lower()}-{row[1]}-{number}" for number, row in enumerate(IMMUTABLE)],
)
def test_an_immutable_field_of_a_stored_object_is_kept(
    installed: Kubectl, home: str, kind: str, field: str, becomes: Any, said: str, before: Spec
) -> None:
    """Changed, removed or replaced by its alternative: refused, with the way out where there is one."""
    name = f"kept-{uuid.uuid4().hex[:8]}"
    installed("apply", "--filename=-", text=manifest(kind, home, before, name))
    refused = refusal(installed, manifest(kind, home, before | {field: becomes}, name))
    assert f"spec.{field}" in refused
    assert said in refused
    if said.endswith((SECOND_ACCOUNT, SECOND_DATASET, SECOND_BINDING, SECOND_IMPORT)):
        assert f"spec.{field} cannot be changed: " in refused


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [pytest.param(kind, before, after, id=f"{kind.lower()}-{name}") for kind, name, before, after in MUTABLE],
)
def test_everything_else_can_be_edited(installed: Kubectl, home: str, kind: str, before: Spec, after: Spec) -> None:
    """A rule that refused too much would force a delete-and-recreate."""
    name = f"edited-{uuid.uuid4().hex[:8]}"
    installed("apply", "--filename=-", text=manifest(kind, home, before, name))
    said = installed("apply", "--dry-run=server", "--filename=-", text=manifest(kind, home, after, name))
    assert f"{kind.lower()}.{GROUP}/{name} configured (server dry run)" == said.strip()


@pytest.mark.parametrize("kind", list(BASE))
def test_an_object_nobody_has_looked_at_is_in_progress_for_kstatus(installed: Kubectl, home: str, kind: str) -> None:
    """It reads as behind its generation from the first moment, even if its manifest brings a status of its own."""
    body = json.loads(manifest(kind, home, {}, "fresh")) | {"status": {"observedGeneration": 1, "conditions": []}}
    installed("apply", "--filename=-", text=json.dumps(body))
    stored = json.loads(installed("get", kind, "fresh", f"--namespace={home}", "--output=json"))
    assert {"observedGeneration": -1} == stored["status"]
    assert 1 == stored["metadata"]["generation"]


@pytest.mark.parametrize("kind", crd.ALL, ids=lambda kind: kind.kind())
def test_the_tables_cover_every_field(kind: type[Kind]) -> None:
    """A new field needs a good row, and a new immutable one a row for its change."""
    spec = crd.definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    name = kind.kind()
    written = set[str]()
    for _, change in GOOD[name]:
        written |= leaves(BASE[name] | change, spec)
    assert fields(spec) == written
    bad = set[str]().union(*(leaves(change, spec) for _, change, _ in BAD[name]))
    assert set() == fields(spec) - bad
    frozen = {
        field
        for field, schema in spec["properties"].items()
        if any("oldSelf" in rule["rule"] for rule in schema.get("x-kubernetes-validations", ()))
    }
    assert frozen == {row[1] for row in IMMUTABLE if row[0] == name}
    # A rule on an optional field would not see it added or removed: its parent had to have that rule.
    assert frozen <= set(spec["required"])
    assert [] == [path for path in transitions(spec) if path.count(".") > 1]


def transitions(schema: dict[str, Any], path: str = "") -> list[str]:
    """Paths of the rules that compare with what was stored."""
    own = [path for rule in schema.get("x-kubernetes-validations", ()) if "oldSelf" in rule["rule"]]
    children = schema.get("properties", {}).items()
    return own + [found for name, child in children for found in transitions(child, f"{path}.{name}")]


def fields(schema: dict[str, Any], path: str = "") -> set[str]:
    """Paths of a schema's leaves; a map is one."""
    if "properties" in schema.get("items", {}):
        return fields(schema["items"], f"{path}[]")
    if "properties" not in schema:
        return {path}
    return set[str]().union(*(fields(child, f"{path}.{name}") for name, child in schema["properties"].items()))


def leaves(value: Any, schema: dict[str, Any], path: str = "") -> set[str]:
    """Paths of a value's leaves, as `fields` has them; it need not fit the schema."""
    match value:
        case dict() if "properties" in schema:
            known = schema["properties"]
            parts = [leaves(child, known.get(name, {}), f"{path}.{name}") for name, child in value.items()]
        case list() if "properties" in schema.get("items", {}):
            parts = [leaves(child, schema["items"], f"{path}[]") for child in value]
        case _:
            return {path}
    return set[str]().union(*parts)
