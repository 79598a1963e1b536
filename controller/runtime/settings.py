"""The operator's own settings, read once at the composition root from `IMM_OPERATOR_…` variables."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from controller.api.fields import DEFAULT_SHARD, SHARD
from controller.cloud.ports import CALL_TIMEOUT

# The call's time-out has to fit into what is left of the Lease, or nothing could ever be submitted.
SHORTEST_LEASE = int(CALL_TIMEOUT) + 4
# What the kubelet puts into a pod's environment for each Service of its namespace; ours may be called imm-operator-….
SERVICE_LINK = re.compile(r"_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$")

NEAR = 0.85  # of 1: how like a known name a mistyped one is, the prefix that both have included

LEASE = "imm-operator"
LONGEST_SHARD = 63 - len(f"{LEASE}-")  # its Lease is named after it


def lease_of(shard: str) -> str:
    """The Lease of a shard's operators, where no other is named."""
    return f"{LEASE}-{shard}" if shard else LEASE


class Settings(BaseSettings):
    """Operator settings. Tenants cannot change them; durations are in seconds."""

    model_config = SettingsConfigDict(env_prefix="IMM_OPERATOR_", extra="forbid", frozen=True)

    namespaces: Annotated[
        str,
        Field(
            pattern=r"^ *([a-z0-9]([-a-z0-9]*[a-z0-9])?)?( *, *[a-z0-9]([-a-z0-9]*[a-z0-9])?)* *$",
            description="Namespaces to watch, by name, comma separated; empty means all.",
        ),
    ] = ""
    shard: Annotated[
        str,
        AfterValidator(lambda name: "" if name == DEFAULT_SHARD else name),
        Field(
            pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$",
            max_length=LONGEST_SHARD,
            description=f"Serve only objects whose label {SHARD} says this; empty or default: those without the label.",
        ),
    ] = ""
    workers: Annotated[int, Field(ge=2, le=256, description="Objects reconciled at the same time.")] = 16
    edit_workers: Annotated[int, Field(ge=1, description="Workers that only serve people's edits.")] = 4
    import_workers: Annotated[
        int, Field(ge=1, le=256, description="Calls of imports at the same time, apart from the workers.")
    ] = 16
    poll_interval: Annotated[float, Field(gt=0, description="Listing of a project where something is under way.")] = 5.0
    settled_poll_interval: Annotated[float, Field(gt=0, description="Listing of a settled project.")] = 60.0
    relist_interval: Annotated[float, Field(gt=0, description="Full LIST of our kinds, to heal lost events.")] = 600.0
    imm_rate: Annotated[float, Field(gt=0, description="IMM calls a second per project.")] = 90.0
    image_check_rate: Annotated[
        float,
        Field(gt=0, description="Look-ups of pictures a second per Image Search instance, of the searches it may do."),
    ] = 1.0
    imm_request_bytes: Annotated[
        int,
        Field(ge=1024, description="Longest address of a call of an import: IMM's parameters travel in it."),
    ] = 7168
    imm_form_body: Annotated[
        bool,
        Field(description="Send file metadata in the request's body: for a gateway that refuses long addresses."),
    ] = False
    sts_endpoint: Annotated[str | None, Field(description="STS address, http(s)://host[:port]. Never a tenant's.")] = (
        None
    )
    sts_ca_file: Annotated[
        str | None, Field(description="Certificates of the authority behind the STS address; empty: the public ones.")
    ] = None
    allow_ambient: Annotated[
        bool, Field(description="Lend the operator's own rights to every CloudAccount that says `ambient`.")
    ] = False
    callback_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
            max_length=256,
            description="Address where Image Search reaches the operator when a batch is over; none: no callback.",
        ),
    ] = None
    callback_port: Annotated[
        int, Field(ge=0, le=65535, description="Where callbacks arrive, behind an ingress that ends TLS.")
    ] = 8081
    lease_name: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
            default_factory=lambda known: lease_of(known.get("shard", "")),
            description="Lease of the leader election; operators that watch different namespaces need different ones. "
            "If left out, imm-operator or imm-operator-SHARD.",
        ),
    ]
    lease_namespace: Annotated[
        str | None,
        Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", description="Its namespace; in a pod the pod's own."),
    ] = None
    lease_duration: Annotated[
        int, Field(ge=SHORTEST_LEASE, le=600, description="Without renewal another replica takes over after it.")
    ] = 20
    orphan_after: Annotated[
        float,
        Field(
            ge=0,
            allow_inf_nan=False,
            description="How long a deleted object that nobody can sign in for holds up its terminating namespace.",
        ),
    ] = 86400.0
    revision: Annotated[
        str, Field(max_length=64, description="The commit the image was made from, for the metrics; the image sets it.")
    ] = "unknown"
    watch_timeout: Annotated[
        float,
        Field(ge=1, allow_inf_nan=False, description="A watch that brings nothing for so long is opened anew."),
    ] = 70.0
    stuck_after: Annotated[
        float,
        Field(gt=0, allow_inf_nan=False, description="A pass that gets nowhere for so long makes /healthz fail."),
    ] = 600.0
    http_host: Annotated[str, Field(description="Where probes and metrics listen.")] = "0.0.0.0"  # noqa: S104 - the kubelet asks
    http_port: Annotated[int, Field(ge=0, le=65535, description="Probes and metrics; 0 picks a free port.")] = 8080
    log_format: Annotated[Literal["json", "plain"], Field(description="A line of the log.")] = "json"
    verbose: Annotated[bool, Field(description="Log on level DEBUG.")] = False

    @model_validator(mode="before")
    @classmethod
    def _know_every_variable(cls, values: dict[str, object]) -> dict[str, object]:
        """A mistyped variable would otherwise leave its default in force, unseen."""
        prefix = cls.model_config["env_prefix"]
        known = sorted(f"{prefix}{name.upper()}" for name in cls.model_fields)
        given = {name for name in os.environ if name.startswith(prefix) and not SERVICE_LINK.search(name)}
        if unknown := sorted(given.difference(known)):
            near = {one: None for name in unknown for one in get_close_matches(name, known, 1, cutoff=NEAR)}
            meant = f"did you mean {' and '.join(near)}? There" if near else "there"
            raise ValueError(f"{', '.join(unknown)}: no such setting; {meant} are {', '.join(known)}")
        return values

    @property
    def watched(self) -> tuple[str, ...]:
        """The namespaces to watch; none means all."""
        return tuple(part.strip() for part in self.namespaces.split(",") if part.strip())
