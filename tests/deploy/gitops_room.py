"""What a GitOps tool syncs in tests: the example of deploy/argocd, at home in a local cloud with all it needs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integration.import_room import ImportRoom
from tests.integration.world import World

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "argocd" / "example"
BUCKET = "example-media-photos"
PHOTO = Path(__file__).resolve().parents[2] / "examples" / "media" / "photos" / "dune.jpg"
Body = dict[str, Any]


@dataclass
class GitOpsRoom:
    """A world with an account that works, and the cloud's side of the example."""

    world: World
    room: ImportRoom = field(init=False)

    def __post_init__(self) -> None:
        self.room = ImportRoom(self.world)
        self.room.open()
        bucket = self.world.bucket(BUCKET)
        bucket.put_object_from_file("excursions/dresden.jpg", str(PHOTO))

    def in_git(self) -> list[Body]:
        """The example's objects: of this namespace, and its account that of the local cloud."""
        made = []
        for body in yaml.safe_load_all(self.world.kubectl("kustomize", str(EXAMPLE))):
            if body["kind"] == "Namespace":
                continue
            body["metadata"]["namespace"] = self.world.namespace
            if body["kind"] == "CloudAccount":
                spec = (self.world.get("cloudaccount", "main") or {})["spec"]
                body["spec"] = spec | {"credentials": {"secretRef": {"name": "media-key"}}}
            self.world.user.grant(body.get("spec", {}))
            made.append(body)
        return made

    def key(self) -> None:
        """The Secret that the account names."""
        key = self.world.user.key
        self.world.secret("media-key", accessKeyId=key.access_key_id, accessKeySecret=key.access_key_secret)

    def live(self, bodies: list[Body]) -> list[Body]:
        """The objects as the cluster has them now, with what is known of who wrote what."""
        words = [f"{body['kind'].lower()}/{body['metadata']['name']}" for body in bodies]
        own = (f"--namespace={self.world.namespace}", "--output=json", "--show-managed-fields")
        shown = json.loads(self.world.kubectl("get", *words, *own))
        return list(shown["items"])

    def settle(self, bodies: list[Body]) -> None:
        """Wait until the operator has looked at each of them as it is now."""
        kinds = {"CloudAccount", "Dataset", "DatasetBinding", "BatchImport"}
        for body in (body for body in bodies if body["kind"] in kinds):
            self._await_look(body["kind"], body["metadata"]["name"])

    def _await_look(self, kind: str, name: str) -> None:
        self.world.until(f"{kind} {name} to be looked at", lambda: bool(self.world.condition(kind, name, "Ready")))


def steered(bodies: list[Body], kind: str, **spec: Any) -> list[Body]:
    """The same objects, with more said in the spec of one kind."""
    return [body | {"spec": body["spec"] | spec} if body["kind"] == kind else body for body in bodies]
