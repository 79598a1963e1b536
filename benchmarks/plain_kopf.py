"""What one writes first: Kopf as it comes, CreateBinding in a creation handler, a GetBinding timer for each object.

Where somebody asks for a look by annotation, a field handler makes one and echoes that, as the operator does. The
benchmarks run it beside the operator, on the same objects and the same cloud. Run as a program of its own.

It is spared what would only make it look bad. Kopf retries a timer that failed by its back-off; here a look that failed
waits for the next one, as retries of a thousand looks together keep the project throttled for good.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from functools import cache
from typing import Any

import kopf
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client

from controller.api.fields import RECONCILE_REQUESTED_AT
from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config

PAUSE = 5.0  # seconds until a create, or a look that was asked for, is tried again after it was throttled
KIND = ("imm-operator.dev", "v1alpha1", "datasetbindings")
STARTED, PASSED = "started", "handled its first object"  # what it says on its output, once each


def run() -> None:
    """Watch every namespace until a signal."""
    keys = Credentials(os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
    client: Any = Client(client_config(keys, region=os.environ["REGION"], endpoint=os.environ["EMULATOR_URL"]))
    registry = kopf.OperatorRegistry()

    def create(spec: kopf.Spec, **_: Any) -> None:
        try:
            client.create_binding(models.CreateBindingRequest(**_place(spec)))
        except Exception as error:
            if getattr(error, "code", "") != "ResourceAlreadyExists":
                raise kopf.TemporaryError(str(error), delay=PAUSE) from error
        _say(PASSED)

    def look(spec: kopf.Spec, status: kopf.Status, patch: kopf.Patch, meta: kopf.Meta, **_: Any) -> None:
        try:
            found = client.get_binding(models.GetBindingRequest(**_place(spec))).body.binding
        except Exception as error:
            raise kopf.TemporaryError(str(error), delay=PAUSE) from error
        ready = (found.state, found.phase) == ("Running", "IncrementalScanning")
        if ready and status.get("phase") != found.phase:
            patch.status["phase"] = found.phase
            patch.status["conditions"] = [_ready(meta)]
        _say(PASSED)

    def look_now_and_then(**object_: Any) -> None:
        try:
            look(**object_)
        except kopf.TemporaryError:  # whatever it was, the next look comes
            return

    def look_as_asked(**change: Any) -> None:
        look(**change)
        change["patch"].status["lastHandledReconcileAt"] = change["new"]

    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    kopf.on.startup(registry=registry)(lambda **_: _say(STARTED))
    kopf.on.login(registry=registry)(kopf.login_with_kubeconfig)
    kopf.on.create(*KIND, registry=registry)(create)
    kopf.on.field(*KIND, field=("metadata", "annotations", RECONCILE_REQUESTED_AT), registry=registry)(look_as_asked)
    kopf.timer(*KIND, registry=registry, interval=float(os.environ["INTERVAL"]))(look_now_and_then)
    kopf.run(registry=registry, settings=settings, clusterwide=True, standalone=True)


@cache
def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _place(spec: kopf.Spec) -> dict[str, str]:
    dataset = spec["dataset"]
    return {"project_name": dataset["project"], "dataset_name": dataset["name"], "uri": f"oss://{spec['bucket']}"}


def _ready(meta: kopf.Meta) -> dict[str, Any]:
    return {
        "type": "Ready",
        "status": "True",
        "reason": "Succeeded",
        "message": "",
        "observedGeneration": meta["generation"],
        "lastTransitionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


if __name__ == "__main__":
    run()
