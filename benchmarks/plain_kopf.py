"""What one writes first: Kopf as it comes, CreateBinding in a creation handler, a GetBinding timer for each object.

The benchmarks run it beside the operator, on the same objects and the same cloud. Run as a program of its own.

It is spared what would only make it look bad. Kopf retries a timer that failed by its back-off; here a look that failed
waits for the next one, as retries of a thousand looks together keep the project throttled for good.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import kopf
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client

from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config

INTERVAL = 15.0  # seconds between two looks at one object: a thousand of them stay below the rate a project has
PAUSE = 5.0  # seconds until a create that was throttled is tried again
KIND = ("imm-operator.dev", "v1alpha1", "datasetbindings")


def run() -> None:
    """Watch every namespace until a signal."""
    keys = Credentials(os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
    client: Any = Client(client_config(keys, region=os.environ["REGION"], endpoint=os.environ["EMULATOR_URL"]))
    registry = kopf.OperatorRegistry()

    def create(spec: kopf.Spec, **_: Any) -> None:
        place = _place(spec)
        try:
            client.create_binding(models.CreateBindingRequest(**place))
        except Exception as error:
            if getattr(error, "code", "") == "ResourceAlreadyExists":
                return
            raise kopf.TemporaryError(str(error), delay=PAUSE) from error

    def look(spec: kopf.Spec, status: kopf.Status, patch: kopf.Patch, meta: kopf.Meta, **_: Any) -> None:
        try:
            found = client.get_binding(models.GetBindingRequest(**_place(spec))).body.binding
        except Exception:  # noqa: BLE001 - whatever it was, the next look comes
            return
        ready = (found.state, found.phase) == ("Running", "IncrementalScanning")
        if ready and status.get("phase") != found.phase:
            patch.status["phase"] = found.phase
            patch.status["conditions"] = [_ready(meta)]

    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    kopf.on.login(registry=registry)(kopf.login_with_kubeconfig)
    kopf.on.create(*KIND, registry=registry)(create)
    kopf.timer(*KIND, registry=registry, interval=INTERVAL)(look)
    alive = os.environ["LIVENESS"]
    kopf.run(registry=registry, settings=settings, clusterwide=True, standalone=True, liveness_endpoint=alive)


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
