"""For each alert: what makes it fire, and what looks like it and must not.

Series are in promtool's notation, one sample a minute: `0x30` is thirty-one zeros, `0+2x30` a counter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

POD = 'job="imm-operator", instance="10.0.0.1:8080", namespace="imm-operator", pod="one"'
OTHER = 'job="imm-operator", instance="10.0.0.2:8080", namespace="imm-operator", pod="two"'
SHARD = 'job="imm-operator-b-metrics", instance="10.0.0.3:8080", namespace="imm-operator", pod="three"'
FOREIGN = 'job="another", instance="10.0.0.9:8080", namespace="another"'
FOREIGN_TOO = 'job="another", instance="10.0.0.8:8080", namespace="another"'
OURS = {f"imm_operator_build_info{{{POD}}}": "1x400", f"imm_operator_build_info{{{OTHER}}}": "1x400"}
IMPORT = 'customresource_kind="BatchImport", namespace="team", name="photos"'
BINDING = 'customresource_kind="DatasetBinding", namespace="team", name="photos"'
ACCOUNT = 'customresource_kind="CloudAccount", namespace="team", name="prod"'


@dataclass(frozen=True)
class Case:
    """Minutes after which the alert stands with these labels, and series with which it does not, at the same time."""

    series: dict[str, str]
    after: int
    labels: dict[str, str]
    silent: dict[str, str]
    ours: dict[str, str] = field(default_factory=lambda: OURS)

    @property
    def firing(self) -> dict[str, str]:
        """With what says which series are ours."""
        return self.ours | self.series

    @property
    def quiet(self) -> dict[str, str]:
        """Likewise."""
        return OURS | self.silent


def condition(of: str, kind: str, status: str, reason: str) -> str:
    """A series of kube-state-metrics."""
    return f'imm_operator_resource_condition{{{of}, type="{kind}", status="{status}", reason="{reason}"}}'


def leader(of: str) -> str:
    """Whether a process leads."""
    return f'leader_election_master_status{{{of}, name="imm-operator"}}'


def passes(result: str, of: str = POD) -> str:
    """Passes of one kind by result."""
    return f'controller_runtime_reconcile_total{{{of}, controller="dataset", result="{result}"}}'


def of_kind(name: str, of: str = POD, kind: str = "dataset") -> str:
    """A series that a kind has."""
    return f'{name}{{{of}, name="{kind}", controller="{kind}"}}'


def phase(name: str, of: str = IMPORT) -> str:
    """The phase of an import."""
    return f'imm_operator_batchimport_phase{{{of}, phase="{name}"}}'


def of_count(name: str) -> str:
    """A count of the import."""
    return f'imm_operator_batchimport_items{{{IMPORT}, count="{name}"}}'


def served(of: str, kind: str) -> str:
    """How many objects a process has."""
    return f'imm_operator_objects{{{of}, kind="{kind}", ready="True", reason="Succeeded"}}'


def info(of: str, mode: str, suspend: str) -> str:
    """How an object is treated."""
    return f'imm_operator_resource_info{{{of}, mode="{mode}", suspend="{suspend}"}}'


def requests(code: str, of: str = POD) -> str:
    """Requests to the API server."""
    return f'rest_client_requests_total{{{of}, code="{code}", method="GET", host="10.0.0.1"}}'


def calls(outcome: str) -> str:
    """Cloud calls."""
    return (
        f'imm_operator_cloud_api_requests_total{{{POD}, service="imm", operation="ListBindings", outcome="{outcome}"}}'
    )


def silence(of: str, kind: str) -> str:
    """Since the last word of a watch."""
    return f'imm_operator_watch_silence_seconds{{{of}, kind="{kind}", watched=""}}'


def messages(disposition: str) -> str:
    """Messages of a queue."""
    return f'imm_operator_messages_total{{{POD}, queue="1/cn-hangzhou/results", disposition="{disposition}"}}'


LEASE = {"namespace": "imm-operator", "name": "imm-operator"}
DATASET = {"namespace": "imm-operator", "controller": "dataset"}
QUEUE = {"namespace": "imm-operator", "queue": "1/cn-hangzhou/results"}
PHOTOS = {"namespace": "team", "name": "photos"}
PROD = {"namespace": "team", "name": "prod"}
LAG = f'imm_operator_consumer_lag_seconds{{{POD}, queue="1/cn-hangzhou/results"}}'
WAITING = f'imm_operator_queue_backlog_messages{{{POD}, queue="1/cn-hangzhou/results", state="waiting"}}'
SCOPE = "imm/1234567890123456/cn-hangzhou/media"
THROTTLED = f'imm_operator_rate_limiter_throttled_total{{{POD}, scope="{SCOPE}"}}'
PANICS = f'controller_runtime_reconcile_panics_total{{{POD}, controller="dataset"}}'
ERRORS = f'controller_runtime_reconcile_errors_total{{{POD}, controller="dataset"}}'
APPLIED = info(IMPORT, "Apply", "false")
SUBMITTED = of_count("submitted")
PAUSED, OBSERVING, OVER = (IMPORT.replace("photos", name) for name in ("paused", "observing", "over"))
GENERATION = f"imm_operator_resource_generation{{{BINDING}}}"
OBSERVED = f"imm_operator_resource_observed_generation{{{BINDING}}}"
LEAVING = BINDING.replace("photos", "leaving")
GOING = f"imm_operator_resource_deletion_timestamp_seconds{{{BINDING}}}"

CASES = {
    "ImmOperatorAbsent": Case(
        {"up": "1x30"}, 10, {}, {"imm_operator_build_info": "1x30"}, ours={}
    ),
    "ImmOperatorOneAbsent": Case(
        {f"imm_operator_build_info{{{SHARD}}}": "1x10 _x60"}, 25,
        {"namespace": "imm-operator", "job": "imm-operator-b-metrics"},
        {f"imm_operator_build_info{{{POD.replace('one', 'old')}}}": "1x10 _x60", f"up{{{SHARD}}}": "1x60"},
    ),
    "ImmOperatorNoLeader": Case(
        {leader(POD): "1x9 0x20", leader(OTHER): "0x30", leader(FOREIGN): "1x30"}, 15, LEASE,
        {leader(POD): "1x9 0x20", leader(OTHER): "0x10 1x20", leader(FOREIGN): "0x30"},
    ),
    "ImmOperatorTwoLeaders": Case(
        {leader(POD): "1x20", leader(OTHER): "1x20"}, 3, LEASE,
        {leader(POD): "1x20", leader(OTHER): "0x20", leader(FOREIGN): "1x20", leader(FOREIGN_TOO): "1x20"},
    ),
    "ImmOperatorRestarting": Case(
        {f"process_start_time_seconds{{{POD}}}": "100 100 200 300 400 500x10"}, 5,
        {"job": "imm-operator", "instance": "10.0.0.1:8080", "namespace": "imm-operator", "pod": "one"},
        {f"process_start_time_seconds{{{POD}}}": "100 200 300 400 400x10",
         f"process_start_time_seconds{{{FOREIGN}}}": "100 100 200 300 400 500x10"},
    ),
    "ImmOperatorReconcileErrors": Case(
        {ERRORS: "0+6x40", passes("error"): "0+6x40", passes("success"): "0+4x40"}, 16, DATASET,
        {ERRORS: "0+4x40", passes("error"): "0+4x40", passes("success"): "0+6x40",
         ERRORS.replace(POD, FOREIGN): "0+6x40", passes("error", FOREIGN): "0+6x40"},
    ),
    "ImmOperatorPassBroken": Case({PANICS: "0x5 1x20"}, 6, DATASET,
                                     {PANICS: "1x20", PANICS.replace(POD, FOREIGN): "0x5 1x20"}),
    "ImmOperatorPassStuck": Case(
        {of_kind("workqueue_longest_running_processor_seconds"): "0+60x40"}, 21, DATASET,
        {of_kind("workqueue_longest_running_processor_seconds"): "0+60x15 0+60x15",
         of_kind("workqueue_longest_running_processor_seconds", FOREIGN): "0+60x40"},
    ),
    "ImmOperatorQueueBacklog": Case(
        {of_kind("workqueue_depth"): "101x60"}, 30, DATASET,
        {of_kind("workqueue_depth"): "500x20 90 500x40", of_kind("workqueue_depth", FOREIGN): "101x60"},
    ),
    "ImmOperatorApiServerRefuses": Case(
        {requests("403"): "0+2x60"}, 21, {"namespace": "imm-operator", "code": "403"},
        {requests("200"): "0+20x60", requests("404"): "0+20x60", requests("409"): "0+2x60",
         requests("500"): "0x10 0+0.5x50", requests("403", FOREIGN): "0+2x60"},
    ),
    "ImmOperatorWatchSilent": Case(
        {silence(POD, "Dataset"): "0+60x60", silence(OTHER, "Dataset"): "0x60"}, 16,
        {"namespace": "imm-operator", "kind": "Dataset"},
        {silence(POD, "Dataset"): "0+60x9 0+60x9 0+60x9", silence(POD, "CloudAccount"): "600x60"},
    ),
    "ImmOperatorThrottled": Case(
        {THROTTLED: "0+2x60"}, 26, {"namespace": "imm-operator", "scope": SCOPE}, {THROTTLED: "0+1x60"}
    ),
    "ImmOperatorCloudUnavailable": Case(
        {calls("TimedOut"): "0+6x60", calls("ok"): "0+4x60"}, 16, {"namespace": "imm-operator", "service": "imm"},
        {calls("TimedOut"): "0+4x60", calls("Denied"): "0+3x60", calls("ok"): "0+3x60"},
    ),
    "ImmOperatorDrift": Case(
        {f'imm_operator_drifted_objects{{{POD}, kind="Dataset"}}': "2x60"}, 30,
        {"namespace": "imm-operator", "kind": "Dataset"},
        {f'imm_operator_drifted_objects{{{POD}, kind="Dataset"}}': "2x20 0 2x20"},
    ),
    "ImmOperatorOrphaned": Case(
        {f'imm_operator_retained_total{{{POD}, kind="Dataset", reason="Orphaned"}}': "0x5 1x20"}, 6,
        {"namespace": "imm-operator", "kind": "Dataset"},
        {f'imm_operator_retained_total{{{POD}, kind="Dataset", reason="Retained"}}': "0x5 1x20",
         f'imm_operator_retained_total{{{POD}, kind="Dataset", reason="Orphaned"}}': "3x20"},
    ),
    "ImmOperatorConsumerLag": Case(
        {LAG: "601x30", WAITING: "5x30"}, 15, QUEUE,
        {LAG: "601x30", WAITING: "0x30", WAITING.replace("waiting", "in_work"): "5x30"}
    ),
    "ImmOperatorMessagesLeft": Case(
        {messages("left"): "0+10x60"}, 41, QUEUE, {messages("left"): "0+5x60", messages("deleted"): "0+100x60"}
    ),
    "ImmOperatorMessagesSetAside": Case(
        {messages("set_aside"): "0x5 1x20"}, 6, QUEUE, {messages("set_aside"): "7x20", messages("deleted"): "0+9x20"}
    ),
    "ImmOperatorCredentialsRefused": Case(
        {condition(ACCOUNT, "Stalled", "True", "CredentialsRejected"): "1x20"}, 5,
        PROD | {"reason": "CredentialsRejected"},
        {condition(ACCOUNT, "Reconciling", "True", "CredentialsRejected"): "1x20",
         condition(BINDING, "Stalled", "True", "CredentialsUnavailable"): "1x20",
         condition(ACCOUNT, "Stalled", "True", "SpecInvalid"): "1x20"},
    ),
    "ImmOperatorAccessDenied": Case(
        {condition(ACCOUNT, "Permitted", "False", "AccessDenied"): "0x20"}, 10, PROD,
        {condition(ACCOUNT, "Permitted", "Unknown", "AccessDenied"): "0x20",
         condition(BINDING, "Permitted", "False", "AccessDenied"): "0x20",
         condition(ACCOUNT, "Ready", "False", "AccessDenied"): "0x20"},
    ),
    "ImmOperatorBindingDown": Case(
        {condition(BINDING, "Stalled", "True", "BindingStopped"): "1x20"}, 10, PHOTOS | {"reason": "BindingStopped"},
        {condition(BINDING, "Stalled", "True", "QuotaExceeded"): "1x20",
         condition(BINDING, "Reconciling", "True", "BindingFailed"): "1x20",
         condition(IMPORT, "Stalled", "True", "BindingFailed"): "1x20"},
    ),
    "ImmOperatorImportFailed": Case(
        {phase("Failed"): "0x3 1x20", phase("Complete"): "0x20"}, 4, PHOTOS | {"phase": "Failed"},
        {phase("Failed"): "0x20", phase("Rejected"): "0x20", phase("Complete"): "1x20"},
    ),
    "ImmOperatorImportStuck": Case(
        {phase("Waiting"): "1x390", APPLIED: "1x390", SUBMITTED: "0+1x20 20x370", of_count("resent"): "0+1x390"}, 379,
        PHOTOS,
        {phase("Waiting"): "1x390", APPLIED: "1x390", SUBMITTED: "0x170 1x170 2x50",
         phase("Waiting", PAUSED): "1x390", info(PAUSED, "Apply", "true"): "1x390",
         info(PAUSED.replace("BatchImport", "Dataset"), "Apply", "false"): "1x390",
         phase("Waiting", OBSERVING): "1x390", info(OBSERVING, "Observe", "false"): "1x390",
         phase("Complete", OVER): "1x390", info(OVER, "Apply", "false"): "1x390"},
    ),
    "ImmOperatorObjectStalled": Case(
        {condition(IMPORT, "Stalled", "True", "EventsMissing"): "1x30", phase("Waiting"): "1x30",
         phase("Failed"): "0x30"}, 15, PHOTOS | {"customresource_kind": "BatchImport", "reason": "EventsMissing"},
        {condition(BINDING, "Reconciling", "True", "Creating"): "1x30",
         condition(IMPORT, "Stalled", "True", "PartiallyFailed"): "1x30", phase("Failed"): "1x30",
         condition(BINDING, "Stalled", "True", "Planned"): "1x30",
         condition(ACCOUNT, "Stalled", "True", "CredentialsRejected"): "1x30"},
    ),
    "ImmOperatorObjectNotReady": Case(
        {condition(BINDING, "Ready", "False", "Creating"): "0x40 _x60",
         condition(BINDING, "Ready", "False", "Confirming"): "_x40 0x60",
         condition(BINDING, "Reconciling", "True", "Confirming"): "1x90"}, 60,
        PHOTOS | {"customresource_kind": "DatasetBinding"},
        {condition(BINDING, "Ready", "False", "Indexing"): "0x90",
         condition(ACCOUNT, "Ready", "False", "AccessDenied"): "0x90",
         condition(ACCOUNT, "Stalled", "True", "AccessDenied"): "1x90",
         condition(ACCOUNT.replace("prod", "ready"), "Permitted", "False", "AccessDenied"): "0x90",
         condition(LEAVING, "Ready", "False", "Deleting"): "0x90", GOING.replace(BINDING, LEAVING): "0x90",
         condition(IMPORT, "Ready", "False", "Submitting"): "0x90"},
    ),
    "ImmOperatorObjectIgnored": Case(
        {GENERATION: "2x60", OBSERVED: "1x60", info(BINDING, "Apply", "false"): "1x60"}, 30,
        PHOTOS | {"customresource_kind": "DatasetBinding"},
        {GENERATION: "1x20 2x60", OBSERVED: "1x25 2x60",
         f"imm_operator_resource_generation{{{IMPORT}}}": "2x60",
         f"imm_operator_resource_observed_generation{{{IMPORT}}}": "1x60",
         info(IMPORT, "Apply", "true"): "1x60"},
    ),
    "ImmOperatorObjectsUnserved": Case(
        {leader(POD): "1x60", served(POD, "Dataset"): "1x60", GENERATION: "1x60"}, 30, {"kind": "DatasetBinding"},
        {leader(POD): "1x60", leader(SHARD): "1x60", leader(OTHER): "0x60", GENERATION: "1x60",
         GENERATION.replace("photos", "films"): "1x60", served(POD, "DatasetBinding"): "1x60",
         served(SHARD, "DatasetBinding"): "1x60"},
    ),
    "ImmOperatorObjectsServedTwice": Case(
        {leader(POD): "1x60", leader(SHARD): "1x60", served(POD, "DatasetBinding"): "2x60",
         served(SHARD, "DatasetBinding"): "1x60", GENERATION: "1x60", GENERATION.replace("photos", "films"): "1x60"},
        15, {"kind": "DatasetBinding"},
        {leader(POD): "1x60", leader(OTHER): "0x60", served(POD, "DatasetBinding"): "1x60",
         served(OTHER, "DatasetBinding"): "1x60", GENERATION: "1x60"},
    ),
    "ImmOperatorObjectTerminating": Case(
        {GOING: "60x90"}, 62, PHOTOS | {"customresource_kind": "DatasetBinding"}, {GOING: "1800x90"}
    ),
    "ImmOperatorObjectMetricsAbsent": Case(
        {f'imm_operator_objects{{{POD}, kind="Dataset", ready="True", reason="Succeeded"}}': "3x60"}, 30, {},
        {f'imm_operator_objects{{{POD}, kind="Dataset", ready="True", reason="Succeeded"}}': "3x60",
         f"imm_operator_resource_info{{{BINDING}}}": "1x60"},
    ),
}  # fmt: skip
