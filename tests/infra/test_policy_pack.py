"""The policy pack as Pulumi runs it: over its own protocol, and under the real CLI where that is on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc  # type: ignore[import-untyped] # no stubs installed
import pytest
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped] # generated code, no stubs installed
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from infra.policy.buckets import ACL, BLOCK, BUCKET
from infra.policy.rights import POLICY
from infra.policy.rules import RULES, STACK_RULES

ROOT = Path(__file__).resolve().parents[2]
PACK = ROOT / "infra" / "policy"
URN = "urn:pulumi:prod::imm-operator::alicloud:oss/bucket:Bucket::photos"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # how the engine sends a text that only an update will tell
PROGRAM = """
import pulumi

class Stand(pulumi.ComponentResource):  # has a resource's type, inputs and options, and needs no provider
    def __init__(self, kind, name, props, opts=None):
        super().__init__(kind, name, props, opts)
        self.register_outputs(props)

kept = pulumi.ResourceOptions(protect=%(protect)s)
Stand("alicloud:oss/bucket:Bucket", "photos", {
    "bucket": "photos-2025",
    "versioning": {"status": "Enabled"},
    "serverSideEncryptionRule": {"sseAlgorithm": "AES256"},
}, kept)
Stand("alicloud:oss/bucketAcl:BucketAcl", "photos", {"bucket": "photos-2025", "acl": "private"})
if %(block)s:
    Stand("alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock", "photos",
          {"bucket": "photos-2025", "blockPublicAccess": True})
"""


@pytest.fixture
def pack() -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """The pack in a process of its own, started as `pulumi-language-python` starts it, for the stack `prod`."""
    environment = os.environ | {"PULUMI_PROJECT": "imm-operator", "PULUMI_STACK": "prod", "PULUMI_DRY_RUN": "true"}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(PACK)],
        cwd=PACK,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
                yield analyzer_pb2_grpc.AnalyzerStub(channel)
        finally:
            process.kill()


def request(kind: str, properties: Mapping[str, object], *, protect: bool = False) -> analyzer_pb2.AnalyzeRequest:
    """A resource `photos` as it travels before it is touched."""
    made = analyzer_pb2.AnalyzeRequest(type=kind, urn=URN, name="photos")
    made.properties.update(properties)
    made.options.protect = protect
    return made


def whole(*resources: tuple[str, Mapping[str, object]]) -> analyzer_pb2.AnalyzeStackRequest:
    """A stack as it travels; every resource is called `photos`."""
    made = analyzer_pb2.AnalyzeStackRequest()
    for kind, properties in resources:
        made.resources.add(type=kind, urn=f"{URN}-{len(made.resources)}", name="photos").properties.update(properties)
    return made


def test_the_pack_offers_every_rule_and_all_are_mandatory(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    """An advisory finding would let the update go on."""
    info = pack.GetAnalyzerInfo(Empty())
    names = [*(rule.name for rule in RULES), *(rule.name for rule in STACK_RULES)]
    assert names == [policy.name for policy in info.policies]
    assert {analyzer_pb2.MANDATORY} == {policy.enforcementLevel for policy in info.policies}


def test_a_resource_at_fault_is_reported_before_it_is_touched(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    """The pack knows the stack's name and the resource's options."""
    bare = {"bucket": "photos-2025", "versioning": {"status": "Enabled"}}
    said = {found.policyName: found.message for found in pack.Analyze(request(BUCKET, bare)).diagnostics}
    assert {"bucket-encrypted", "protected-in-prod"} == set(said)
    assert "protected-in-prod: Bucket photos is not protected in prod" in said["protected-in-prod"]
    protected = pack.Analyze(request(BUCKET, bare, protect=True))
    assert ["bucket-encrypted"] == [found.policyName for found in protected.diagnostics]


def test_what_is_not_known_yet_is_said_and_does_not_stop_the_preview(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    """The update judges it again, with the value, before the resource is made."""
    (said,) = pack.Analyze(request(POLICY, {"policyDocument": UNKNOWN})).diagnostics
    assert said.enforcementLevel == analyzer_pb2.ADVISORY
    assert "can't be known during preview" in said.message


def test_a_rule_about_the_whole_stack_marks_the_resource_at_fault(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    """A bucket whose public access block is missing."""
    acl: tuple[str, Mapping[str, object]] = (ACL, {"bucket": "photos-2025", "acl": "private"})
    (said,) = pack.AnalyzeStack(whole(acl, (BUCKET, {"bucket": "photos-2025"}))).diagnostics
    assert (said.policyName, said.urn) == ("bucket-guarded", f"{URN}-1")
    assert "public access block" in said.message
    guarded = whole(acl, (BUCKET, {"bucket": "photos-2025"}), (BLOCK, {"bucket": "photos-2025"}))
    assert [] == list(pack.AnalyzeStack(guarded).diagnostics)


def test_no_module_of_the_pack_hides_another() -> None:
    """Its folder is first on the import path: a `resource.py` there would be everybody's."""
    assert set() == {path.stem for path in PACK.glob("*.py")} & sys.stdlib_module_names


@pytest.mark.skipif(
    not all(map(shutil.which, ("pulumi", "pulumi-language-python"))), reason="the pulumi CLI is not on PATH"
)
def test_the_real_cli_refuses_what_the_pack_refuses(tmp_path: Path) -> None:
    """A preview for production fails while its bucket is neither protected nor blocked."""
    (tmp_path / "Pulumi.yaml").write_text("name: pack\nruntime: python\n")
    (tmp_path / "state").mkdir()
    refused = preview(tmp_path, protect=False, block=False)
    assert refused.returncode != 0
    assert "[mandatory]  protected-in-prod" in refused.stdout
    assert "[mandatory]  bucket-guarded" in refused.stdout
    passed = preview(tmp_path, protect=True, block=True)
    assert (0, "") == (passed.returncode, passed.stderr), passed.stdout
    assert "imm-operator@v0.1.0" in passed.stdout
    assert "[mandatory]" not in passed.stdout


def preview(folder: Path, *, protect: bool, block: bool) -> subprocess.CompletedProcess[str]:
    """`pulumi preview` of the small program with the pack, as the stack `prod`."""
    (folder / "__main__.py").write_text(PROGRAM % {"protect": protect, "block": block})
    environment = os.environ | {
        "PULUMI_BACKEND_URL": f"file://{folder}/state",
        "PULUMI_CONFIG_PASSPHRASE": "only-for-this-test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_PYTHON_CMD": sys.executable,
    }
    run = ["pulumi", "--non-interactive", "--color", "never", "--cwd", str(folder)]
    subprocess.run([*run, "stack", "select", "--create", "prod"], env=environment, capture_output=True, check=True)
    command = [*run, "preview", "--stack", "prod", "--policy-pack", str(PACK)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=100)
