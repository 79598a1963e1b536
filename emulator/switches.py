"""Facts that no account has confirmed: one field of `Switches` each, with its question, readings and source beside it.

The default is the reading we find most plausible; a client must work under every other one too. `docs/unverified.md` is
generated from this module, so a fact cannot be switched without being explained, nor explained without being switched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from emulator.facts import Bounds, Fact
from emulator.imagesearch.batch_switches import BatchSwitches
from emulator.imagesearch.picture_switches import PictureSwitches

ERRORS = "the vendor's error table (document_detail/477131) gives the generic code only"


@dataclass
class Switches(BatchSwitches, PictureSwitches):
    """The readings in force."""

    # bindings
    duplicate_binding_code: Annotated[
        Literal["ResourceAlreadyExists", "ResourceAlreadyExists.Binding", "InvalidArgument", "accepted"],
        Fact("What does a second CreateBinding of the same bucket answer?", "adoption after a lost answer", ERRORS),
    ] = "ResourceAlreadyExists"
    delete_binding_seconds: Annotated[
        float,
        Bounds(0, 3600),
        Fact(
            "How long after DeleteBinding's answer is the binding still there, unchanged and following?",
            "waiting for the end of a binding; deleting its dataset",
            "DeleteBinding's page does not say whether it is synchronous",
        ),
    ] = 0.0
    delete_binding_leaves_deleted: Annotated[
        bool,
        Fact(
            "Does a deleted binding stay visible with State Deleted?",
            "recognising absence",
            "struct Binding lists the state Deleted; no page shows such a binding",
        ),
    ] = False
    delete_binding_again: Annotated[
        Literal["ResourceNotFound", "accepted"],
        Fact("What does DeleteBinding answer where there is no binding (any more)?", "repeating a delete", ERRORS),
    ] = "ResourceNotFound"
    lost_bucket_state: Annotated[
        Literal["Failed", "Retrying", "Running"],
        Fact(
            "What becomes of a binding whose bucket is deleted?",
            "health of a binding",
            "struct Binding names Failed and Retrying for a creation only",
        ),
    ] = "Failed"
    stop_resume_served: Annotated[
        bool,
        Fact(
            "Does the service still accept StopBinding and ResumeBinding?",
            "pausing a binding",
            "the Python SDK has both up to 2.1.15 and neither from 3.0.0 on",
        ),
    ] = False

    # projects and datasets
    not_found_code: Annotated[
        Literal["plain", "suffixed"],
        Fact(
            "Is absence always ResourceNotFound, or does the code name the kind (ResourceNotFound.Binding)?",
            "recognising absence",
            ERRORS,
        ),
    ] = "plain"
    nonempty_delete_code: Annotated[
        Literal["InvalidArgument", "OperationDenied", "ResourceInUse"],
        Fact(
            "With what code is the delete of a project or dataset refused that is not empty?",
            "the order of deletes",
            "DeleteDataset and DeleteProject demand emptiness and name no code",
        ),
    ] = "InvalidArgument"
    update_delay_seconds: Annotated[
        float,
        Bounds(0, 300),
        Fact(
            "How long until UpdateProject or UpdateDataset is in force, and read back?",
            "comparing what is wanted with what is read",
            "both pages say: up to five minutes",
        ),
    ] = 0.0
    statistics_unasked: Annotated[
        Literal["zero", "exact"],
        Fact(
            "What are FileCount and TotalFileSize without WithStatistics?",
            "progress and statistics",
            "GetDataset: they may be 0 or wrong; what they really are is not said",
        ),
    ] = "zero"
    legacy_project_usable: Annotated[
        bool,
        Fact(
            "Can a project of the 2017-09-06 API (PutProject) be used by the 2020-09-30 one?",
            "projects made by the Pulumi or Terraform provider",
            "no page says",
        ),
    ] = False
    service_role_unknown: Annotated[
        Literal["InvalidArgument", "ResourceNotFound", "accepted"],
        Fact(
            "What happens to a ServiceRole that does not exist in RAM?",
            "order of provisioning",
            "CreateProject and CreateBatch: create the role in RAM first; the caller must hold its permissions"
            " (Configure a service role); no code is named",
        ),
    ] = "InvalidArgument"
    pass_role_needed: Annotated[
        bool,
        Fact(
            "Does it take ram:PassRole to give a project or a batch its service role?",
            "the policy of whoever provisions",
            "the sample of 'Custom permissions for image processing' has it, with acs:Service; no page demands it",
        ),
    ] = True
    service_role_denied: Annotated[
        Literal["Failed", "NoPermission", "InvalidArgument"],
        Fact(
            "What becomes of a binding whose project's service role may not list the bucket or does not trust IMM: is"
            " it made and then Failed, or is CreateBinding refused, with what code?",
            "order of provisioning; health of a binding",
            "Configure a service role: IMM takes the role on to read OSS; no page says when that is found out",
        ),
    ] = "Failed"
    no_permission_code: Annotated[
        Literal["NoPermission", "Forbidden.RAM", "Forbidden", "AccessDenied"],
        Fact(
            "With what code do IMM and Mns-open refuse a call that RAM's policies do not allow?",
            "telling a missing right from other errors",
            "the help pages name NoPermission, Forbidden.RAM and NotAuthorized for all services together; IMM's part of"
            " the error table cannot be read",
        ),
    ] = "NoPermission"
    template_unknown: Annotated[
        Literal["accepted", "InvalidArgument"],
        Fact(
            "What happens to a TemplateId other than Official:ImageManagement and Official:AllFunction?",
            "typing errors in a template",
            "those two are all the samples show; no operation lists templates",
        ),
    ] = "accepted"

    # files
    batch_update_files_max: Annotated[
        int,
        Bounds(1, 1000),
        Fact(
            "How many files does one BatchUpdateFileMeta take?",
            "size of chunks",
            "BatchIndexFileMeta's page says 100, this one's nothing",
        ),
    ] = 100
    custom_labels_max: Annotated[
        int,
        Bounds(1, 10_000),
        Fact("How many CustomLabels does one file take?", "labelling files", "struct InputFile states no limit"),
    ] = 100
    custom_label_max_length: Annotated[
        int,
        Bounds(1, 65_536),
        Fact(
            "How long, in characters, may a key or value of CustomLabels be?",
            "labelling files",
            "struct InputFile states no limit",
        ),
    ] = 1024
    object_status: Annotated[
        Literal["Success/Failed", "Succeeded/Failed", "Normal/Abnormal", "absent"],
        Fact(
            "What is ObjectStatus of a file that was read well, and of one that was not?",
            "finding files that could not be read",
            "struct File lists the field and no values",
        ),
    ] = "Success/Failed"

    # messages, tasks and batches
    notification_enveloped: Annotated[
        bool,
        Fact(
            "Is IMM's message an event whose content is the message, or the message alone?",
            "reading results of index calls",
            "alone in the indexing guide, in an event in document_detail/2743997",
        ),
    ] = False
    notification_base64: Annotated[
        bool,
        Fact("Does IMM publish its messages base64-encoded?", "reading results of index calls", "no page says"),
    ] = False
    notification_user_data: Annotated[
        Literal["given", "always", "file", "absent"],
        Fact(
            "Where is UserData in an index message: at the top if given, at the top always, in each file, nowhere?",
            "matching a message to its call",
            "BatchIndexFileMeta says it is returned; the sample messages of index calls do not show it",
        ),
    ] = "given"
    notification_request_id: Annotated[
        Literal["own", "call"],
        Fact(
            "Is a message's RequestId its own, or that of the index call?",
            "matching a message to its call",
            "they differ in the indexing guide",
        ),
    ] = "own"
    envelope_id: Annotated[
        Literal["event_id", "own"],
        Fact(
            "Is the id of an event the EventId that the index call answered?",
            "matching a message to its call",
            "both have the same shape in the samples",
        ),
    ] = "event_id"
    topic_missing: Annotated[
        Literal["lost", "InvalidArgument"],
        Fact(
            "Is a Notification to a topic that does not exist refused, or is the message lost?",
            "typing errors in a topic's name",
            "struct Notification does not say",
        ),
    ] = "lost"
    event_id_is_task: Annotated[
        bool,
        Fact(
            "Can GetTask and ListTasks see an index call, under its EventId?",
            "following an index call without a queue",
            "GetTask takes a TaskId that a Create…Task call returned",
        ),
    ] = False
    batch_notification: Annotated[
        Literal["batch", "file"],
        Fact(
            "Does a batch send one message at its end, or one per file?",
            "reading results of batches",
            "events imm:Batch:Notification and imm:Task:* exist; CreateBatch does not say which it sends when",
        ),
    ] = "batch"
    batch_state_code: Annotated[
        Literal["InvalidArgument", "OperationDenied"],
        Fact(
            "With what code is an operation refused that a batch's state does not allow?",
            "suspending, resuming, updating and deleting batches",
            "the pages list the allowed states and no code",
        ),
    ] = "InvalidArgument"

    # events of OSS in queues and topics
    event_rule_family: Annotated[
        Literal["any", "group", "star", "none"],
        Fact(
            "How may an event rule name a whole family of events: ObjectCreatedGroup, ObjectCreated:*, or not at all?",
            "rules for every put or every delete",
            "OSS's page on event notifications lists ObjectCreatedGroup and ObjectRemovedGroup for some regions;"
            " CreateEventRule shows single events only",
        ),
    ] = "any"
    event_rule_again: Annotated[
        Literal["EventRuleAlreadyExist", "InvalidArgument", "accepted"],
        Fact(
            "What does CreateEventRule answer for a name that is taken, without the first call's client token?",
            "adoption after a lost answer",
            "CreateEventRule's page names no code",
        ),
    ] = "EventRuleAlreadyExist"
    event_rule_absent_code: Annotated[
        Literal["EventRuleNotExist", "EventRuleNotExisted", "ResourceNotFound"],
        Fact(
            "With what code is absence of an event rule answered?",
            "recognising absence",
            "GetEventRule's page names no code",
        ),
    ] = "EventRuleNotExist"

    # the data plane of MNS
    mns_wrong_digest: Annotated[
        Literal["InvalidDegist", "InvalidDigest", "accepted"],
        Fact(
            "With what code does MNS refuse a body that has not the digest of its Content-MD5, or does it take it?",
            "telling a message that was damaged on its way from other errors",
            "the error table (doc-detail/27501) spells it InvalidDegist; no page says whether the header is checked;"
            " base64 of the digest and of its hexadecimal text, which the Python SDK sends, are both taken",
        ),
    ] = "InvalidDegist"

    # the gateway in front of IMM and the other RPC services
    request_target_max: Annotated[
        int,
        Bounds(1024, 262_144),
        Fact(
            "How many bytes may a request's path and query have?",
            "size of chunks: a hundred files are 30 KB of query",
            "no page says",
        ),
    ] = 262_144
    request_target_refusal: Annotated[
        Literal["414-html", "414-json", "400-json"],
        Fact("How is a request refused that is longer than that?", "size of chunks", "no page says"),
    ] = "414-html"
    throttling_code: Annotated[
        Literal["Throttling.User", "Throttling", "Throttling.Api"],
        Fact(
            "With what code is a call refused that exceeds the project's rate?",
            "slowing down",
            "the gateway's error codes (document_detail/434846) list all three",
        ),
    ] = "Throttling.User"
    throttling_status: Annotated[
        Literal[400, 429, 503],
        Fact("With what HTTP status?", "slowing down", "400 in most pages, 503 in some, 429 by the standard"),
    ] = 400
    throttling_retry_after_ms: Annotated[
        int,
        Bounds(0, 60_000),
        Fact(
            "What does the header x-acs-retry-after say then, in milliseconds? 0: there is none.",
            "slowing down",
            "the SDK reads the header; no page shows it",
        ),
    ] = 0
    server_error_body: Annotated[
        Literal["json", "html", "empty"],
        Fact("What is the body of a 5xx answer?", "telling outages apart", "the error table's 5xx part has no sample"),
    ] = "json"
    unknown_key_status: Annotated[
        Literal[404, 400],
        Fact("With what status is InvalidAccessKeyId.NotFound answered?", "telling errors apart", "pages differ"),
    ] = 404
    bad_signature_status: Annotated[
        Literal[400, 403],
        Fact("With what status is SignatureDoesNotMatch answered?", "telling errors apart", "pages differ"),
    ] = 400
