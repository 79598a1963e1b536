"""What a page may presume: each scene builds on what is in the room already."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime

import oss2
import pytest
import yaml

from controller.cloud.credentials import Credentials
from controller.cloud.imm import Imm
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.limiter import Limiter
from controller.core.facts import QuotaFacts
from controller.core.ownership import Owner, Subject, address, record
from emulator.commands import DEFAULT_PORT
from sandbox.demo import media as corpus
from sandbox.demo.operator_key import create_key
from tests.deploy.upstream_programs import helm_program
from tests.docs_commands_room import Room, Scene
from tests.unit.odd_pictures import made

JPEG = made("JPEG")
LINES = """\
{"OperationType": "ADD", "ProductId": "1000", "PicName": "girl_cloth1.jpg", "CustomContent": "k1:v1"}
"""
WRONG = """\
{"OperationType": "ADD", "ProductId": "1000", "PicName": "/girl_cloth2.jpg", "CustomContent": "k1:v1"}
{"OperationType": "ADD", "ProductId": "1001", "PicName": "girl_cloth3.jpg", "CustomContent": "k", \
"Region": "20,40,60,80", "Crop": false}
{"OperationType": "DELETE", "ProductId": "1005"}
"""


def cloud(room: Room) -> None:
    """The local cloud runs, and is where every stack is made."""
    assert room.cloud.url
    for file in (room.folder / "environments").glob("Pulumi.*.yaml"):
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
        settings["config"]["imm-operator:emulator"] = True
        file.write_text(yaml.safe_dump(settings), encoding="utf-8")


def free_port(_room: Room) -> None:
    """No other emulator runs where one does by default."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", DEFAULT_PORT)) == 0:
            pytest.skip(f"something listens on port {DEFAULT_PORT}, where the page starts an emulator")


def cluster(room: Room) -> None:
    """A cluster with a node, and nothing of ours."""
    assert room.cluster.url


def helm(room: Room) -> None:
    """Helm is on PATH."""
    (room.out / "programs" / "helm").symlink_to(helm_program())


def definitions(room: Room) -> None:
    """The definitions are there."""
    room.type("kubectl apply --server-side --filename crds")
    room.type("kubectl wait --for=condition=Established --filename crds --timeout=60s")


def installed(room: Room) -> None:
    """The operator as `docs/guides/install.md` installs it with kustomize."""
    cluster(room)
    definitions(room)
    room.type("kubectl apply --server-side --kustomize deploy/kustomize/base")
    room.type("kubectl --namespace imm-operator rollout status deployment/imm-operator --timeout=120s")


def provisioned(*stacks: str) -> Scene:
    """Stacks that are up already."""

    def provision(room: Room) -> None:
        for stack in stacks:
            room.type(f"pulumi up --stack {stack}")

    return provision


def namespaces(*names: str) -> Scene:
    """Namespaces that are there already."""

    def make(room: Room) -> None:
        for name in names:
            room.kubectl("create", "namespace", name)

    return make


def sharded(stack: str, *names: str) -> Scene:
    """A stack with an operator shard for each name."""

    def share(room: Room) -> None:
        file = room.folder / "environments" / f"Pulumi.{stack}.yaml"
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
        settings["config"]["imm-operator:shards"] = [*names]
        file.write_text(yaml.safe_dump(settings), encoding="utf-8")

    return share


def released(room: Room) -> None:
    """The operator as a release of Helm."""
    cluster(room)
    helm(room)
    room.type("helm install imm-operator deploy/helm/imm-operator --namespace imm-operator --create-namespace")
    room.type("kubectl wait --for=condition=Established --filename crds --timeout=60s")
    room.type("kubectl --namespace imm-operator rollout status deployment/imm-operator --timeout=120s")


def account(room: Room) -> None:
    """The stack `local`, its files and its account in the namespace that kubectl looks at; nothing is bound."""
    cloud(room)
    installed(room)
    _account(room)


def account_of_release(room: Room) -> None:
    """The same beside a release of Helm."""
    cloud(room)
    released(room)
    _account(room)


def _account(room: Room) -> None:
    room.type("pulumi up --stack local")
    for dataset, files in corpus.corpus().items():
        corpus.upload(bucket(room, f"imm-local-{dataset}"), files)
    room.kubectl("create", "namespace", "media")
    key = create_key(_root(room), region=room.cloud.region, url=room.cloud.url)
    held = {"accessKeyId": key.access_key_id, "accessKeySecret": key.access_key_secret}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "alibaba-cloud"}, "stringData": held}
    room.kubectl("apply", "--namespace=media", "--filename=-", text=json.dumps(secret))
    room.type("pulumi stack output handover --json --stack local | imm-operator render - | kubectl apply --filename -")
    room.type("kubectl config set-context --current --namespace media")
    room.type("kubectl wait cloudaccounts,datasets --all --for=condition=Ready --timeout=120s")


def media(room: Room) -> None:
    """The demo's bindings, Ready: what `make demo` has by then."""
    account(room)
    bound(room)


def bound(room: Room) -> None:
    """The demo's bindings, Ready."""
    room.type("kubectl apply --filename examples/manifests/bindings.yaml")
    room.type("kubectl wait datasetbindings --all --for=condition=Ready --timeout=120s")


def made_by_hand(room: Room) -> None:
    """A dataset with a binding that no object speaks of."""
    limiter = Limiter("scene", rate=50, burst=50)
    calls = ImmCalls(_root(room), region=room.cloud.region, endpoint=room.cloud.url, limiter_of=lambda _: limiter)
    imm = Imm(calls)
    words = "made in the console"
    imm.create_dataset("media", "archive", template_id=None, description=words, quotas=QuotaFacts())
    imm.create_binding("media", "archive", "imm-local-documents")


def lost_cluster(room: Room) -> None:
    """A binding that another cluster has recorded as its own, and that is no more."""
    owner = Owner("00000000-0000-0000-0000-000000000000", "media", "photos")
    now = datetime.now(UTC)
    binding = Subject(room.cloud.account_id, room.cloud.region, "media", "photos", "imm-local-photos")
    bucket(room, "imm-local-work").put_object(address("", binding).key, record(owner, now).encode())
    room.type("kubectl apply --filename examples/manifests/bindings.yaml")
    room.type("kubectl delete immb documents")
    room.type("kubectl wait immb/photos --for=jsonpath={.status.conditions[0].reason}=OwnershipConflict --timeout=60s")


def nobody_works(room: Room) -> None:
    """Objects are being deleted, and the operator has been removed first."""
    room.type("kubectl delete deployment imm-operator --namespace imm-operator")
    holder = "kubectl get lease imm-operator -n imm-operator -o jsonpath={.spec.holderIdentity}"
    room.type(f'until [ -z "$({holder})" ]; do sleep 0.2; done')
    room.type("kubectl delete datasetbindings --all --wait=false")


def foreign(folder: str, *names: str) -> Scene:
    """The kinds of other projects that a folder has objects of, as loosely as can be: theirs are in `tests/deploy`."""

    def define(room: Room) -> None:
        for name in names:
            room.kubectl("create", "namespace", name)
        made = yaml.safe_load_all(room.kubectl("kustomize", str(room.folder / folder)))
        found = {(*body["apiVersion"].split("/"), body["kind"]) for body in made if "." in body["apiVersion"]}
        for group, version, kind in sorted(found):
            loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": loose}}
            plural = f"{kind.lower()}s".replace("ys", "ies")
            spec = {
                "group": group,
                "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                "scope": "Namespaced",
                "versions": [served],
            }
            metadata = {"name": f"{plural}.{group}"}
            body = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
            room.kubectl("apply", "--filename=-", text=json.dumps(body | {"metadata": metadata, "spec": spec}))
            room.kubectl("wait", "--for=condition=Established", f"crd/{plural}.{group}")

    return define


def argo(room: Room) -> None:
    """Argo CD's namespace and settings."""
    room.kubectl("create", "namespace", "argocd")
    room.kubectl("create", "configmap", "argocd-cm", "--namespace=argocd")


def shop(room: Room) -> None:
    """An instance of Image Search, and a list beside a picture in OSS."""
    room.cloud.image_search_instance("shop")
    photos = bucket(room, "imm-local-photos")
    photos.put_object("spring/increment.meta", LINES.encode())
    photos.put_object("spring/girl_cloth1.jpg", JPEG)


def imported(room: Room) -> None:
    """The demo's import into the dataset, Complete."""
    room.type("kubectl apply --filename examples/manifests/import.yaml")
    room.type("kubectl wait batchimport/excursions --for=condition=Ready --timeout=120s")


def leaving(*names: str) -> Scene:
    """Bindings with the policy Delete that somebody has deleted: their stand-ins wait for the grace period."""

    def leave(room: Room) -> None:
        for name in names:
            policy = """{"spec": {"deletionPolicy": "Delete"}}"""
            room.type(f"kubectl patch immb {name} --type=merge --patch '{policy}'")
            room.type(f"kubectl wait immb/{name} --for=condition=Ready --timeout=60s")
            room.type(f"kubectl delete immb {name}")
            room.type(f"until kubectl get immb -o name | grep {name}-leaving; do sleep 0.2; done")

    return leave


def catalogue(room: Room) -> None:
    """Pictures and lists of them, on this machine and in OSS, and instances of Image Search."""
    for instance in ("catalogue", "shop"):
        room.cloud.image_search_instance(instance)
    here = {
        "spring/increment.meta": LINES.encode(),
        "list.csv": b"sku,file,note\n1000,a.jpg,k\n",
        "a.jpg": JPEG,
        "pictures/hats/b.jpg": JPEG,
        "spring/girl_cloth1.jpg": JPEG,
        "import.yaml": IMPORT.encode(),
    }
    for name, content in here.items():
        (room.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (room.folder / name).write_bytes(content)
    for name in ("my-pictures", "my-photos"):
        for key in ("spring/increment.meta", "spring/girl_cloth1.jpg"):
            bucket(room, name).put_object(key, here[key])


def wrong_list(room: Room) -> None:
    """A list with two wrong lines, and its pictures."""
    (room.folder / "increment.meta").write_text(LINES + WRONG)
    for number in (1, 3):
        (room.folder / f"girl_cloth{number}.jpg").write_bytes(JPEG)


def torn_apart(room: Room) -> None:
    """The account in another shard than what refers to it."""
    room.type("kubectl label cloudaccount media imm-operator.dev/shard=b")
    room.type("kubectl wait immb/photos --for=condition=Ready=false --timeout=60s")


IMPORT = """\
apiVersion: imm-operator.dev/v1alpha1
kind: BatchImport
metadata: {name: spring, namespace: shop}
spec:
  accountRef: {name: main}
  target: {imageSearch: {instanceName: catalogue, bucket: my-pictures, path: spring/}}
  source: {manifest: {key: spring/increment.meta}}
"""


def bucket(room: Room, name: str) -> oss2.Bucket:
    """A bucket of the account, made where it is not there."""
    root = _root(room)
    auth = oss2.AuthV4(root.access_key_id, root.access_key_secret)
    found = oss2.Bucket(auth, room.cloud.url, name, region=room.cloud.region)
    found.create_bucket()
    return found


def _root(room: Room) -> Credentials:
    return Credentials(room.cloud.access_key_id, room.cloud.access_key_secret)
