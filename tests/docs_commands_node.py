"""A node for the sandbox's cluster, which has none: what runs a Deployment of ours when somebody applies it.

Its pods are objects that the API server believes to run here; behind them is one operator, as its service account and
with the settings of the Deployment, on this machine. So the chart's image and probes are not tried. The API server asks
this node for logs as it asks any kubelet.
"""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from sandbox import ports
from sandbox.apiserver.certificates import certificates
from sandbox.apiserver.cluster import Cluster
from sandbox.apiserver.operator_identity import service_account_kubeconfig
from sandbox.demo.services import Service, answers, start
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError

NAME = "here"
OURS = "app.kubernetes.io/name=imm-operator"
INSTANCE = "app.kubernetes.io/instance"
LOOK = 0.5
READY_SECONDS = 60
Body = dict[str, Any]


@dataclass
class Node:
    """It works from `with` to its end; `sts` is where its operators exchange tokens."""

    cluster: Cluster
    directory: Path
    sts: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    running: dict[str, tuple[Body, Service]] = field(default_factory=dict)
    failure: BaseException | None = None

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.kubectl = Kubectl(self.cluster.kubeconfig)
        self._kubelet = _kubelet(self)
        threading.Thread(target=self._kubelet.serve_forever, daemon=True).start()
        self._register(self._kubelet.server_port)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._kubelet.shutdown()
        self._kubelet.server_close()
        for _body, service in self.running.values():
            service.stop()

    def log_of(self, pod: str) -> bytes:
        """What the operator behind a pod has said."""
        owner = pod.rpartition("-")[0]
        return self.running[owner][1].log.read_bytes()

    def _register(self, port: int) -> None:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME}}
        self.kubectl("apply", "--filename=-", text=json.dumps(node))
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        self._report("node", NAME, status)

    def _report(self, kind: str, name: str, status: Body, *words: str) -> None:
        patch = json.dumps({"status": status})
        self.kubectl("patch", kind, name, "--subresource=status", "--type=merge", f"--patch={patch}", *words)

    def _work(self) -> None:
        while not self._ended.wait(LOOK):
            try:
                self._look()
            except ProgramError as error:  # a page may take definitions or namespaces away under our hands
                self.failure = error

    def _look(self) -> None:
        shown = self.kubectl("get", "deployments", "--all-namespaces", f"--selector={OURS}", "--output=json")
        found = {body["metadata"]["name"]: body for body in json.loads(shown)["items"]}
        for name in [name for name in self.running if name not in found or not found[name]["spec"]["replicas"]]:
            body, service = self.running.pop(name)
            service.stop()
            own = (f"--namespace={body['metadata']['namespace']}", f"--selector={INSTANCE}={_instance(body)}")
            self.kubectl("delete", "pods", *own, "--ignore-not-found", "--grace-period=0", "--force")
        for name, body in found.items():
            if not body["spec"]["replicas"]:
                continue
            if name in self.running:
                before, service = self.running[name]
                if before["metadata"]["generation"] == body["metadata"]["generation"]:
                    continue
                service.stop()
            self.running[name] = (body, self._start(body))
            try:
                self._pods(body)
            except ProgramError:  # the next look begins anew: else nobody would ever be told of it
                self.running.pop(name)[1].stop()
                raise

    def _start(self, body: Body) -> Service:
        name, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
        pod = body["spec"]["template"]["spec"]
        kubeconfig = self.directory / f"{name}.kubeconfig"
        service_account_kubeconfig(self.cluster.kubeconfig, namespace, pod["serviceAccountName"], kubeconfig)
        port = ports.reserve()
        settings = {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"] if "value" in entry}
        settings |= {
            "KUBECONFIG": str(kubeconfig),
            "IMM_OPERATOR_HTTP_HOST": "127.0.0.1",
            "IMM_OPERATOR_HTTP_PORT": str(port),
            "IMM_OPERATOR_LEASE_NAMESPACE": namespace,
            "IMM_OPERATOR_POLL_INTERVAL": "1",
            **({"IMM_OPERATOR_STS_ENDPOINT": self.sts} if self.sts else {}),
            **self.settings,
        }
        service = start(name, ["controller"], self.directory / f"{name}.log", settings)
        service.await_ready(lambda: self._ended.is_set() or answers(f"http://127.0.0.1:{port}/readyz"), READY_SECONDS)
        return service

    def _pods(self, body: Body) -> None:
        name, namespace = body["metadata"]["name"], f"--namespace={body['metadata']['namespace']}"
        count = body["spec"]["replicas"]
        template = body["spec"]["template"]
        for number in range(count):
            pod = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"{name}-{number}", "labels": template["metadata"]["labels"]},
                "spec": {**template["spec"], "nodeName": NAME},
            }
            self.kubectl("delete", "pod", f"{name}-{number}", namespace, "--ignore-not-found", "--grace-period=0")
            self.kubectl("create", namespace, "--filename=-", text=json.dumps(pod))
            self._report("pod", f"{name}-{number}", {"phase": "Running"}, namespace)
        told = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count)
        told["observedGeneration"] = body["metadata"]["generation"]
        self._report("deployment", name, told, namespace)


def _instance(body: Body) -> str:
    return str(body["spec"]["selector"]["matchLabels"][INSTANCE])


def _kubelet(node: Node) -> ThreadingHTTPServer:
    """`/containerLogs/NAMESPACE/POD/CONTAINER`, and nothing else."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path).path.split("/")
            known = parts[1] == "containerLogs" and len(parts) == 5
            text = node.log_of(parts[3]) if known else b""
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    pair = certificates(node.cluster.directory / "pki").serving
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server
