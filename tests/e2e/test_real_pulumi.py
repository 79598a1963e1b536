"""The project's stack by Pulumi's own engine and the vendor's own provider, against the local cloud.

Both are programs that no package registry carries; docs/infrastructure.md says how they come on PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import oss2
import pytest
import yaml
from alibabacloud_imm20200930.client import Client as ImmClient
from alibabacloud_imm20200930.models import UpdateProjectRequest
from alibabacloud_mns_open20220119.client import Client as MnsClient
from alibabacloud_mns_open20220119.models import DeleteTopicRequest, SetQueueAttributesRequest
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_ram20150501.models import DetachPolicyFromRoleRequest
from alibabacloud_sts20150401.client import Client as StsClient
from pulumi import automation as auto

from controller.api.handover import Handover
from emulator.testing import LocalCloud, cloud
from tests.docs_commands_pages import KEY_URN
from tests.emulator.conftest import bucket_of, oss_session, rpc_config

__all__ = ["bucket_of", "cloud", "oss_session"]

ROOT = Path(__file__).parents[2]
POLICIES = [str(ROOT / "infra" / "policy")]
PROGRAMS = ("pulumi", "pulumi-language-python", "pulumi-resource-alicloud")
MISSING = [program for program in PROGRAMS if shutil.which(program) is None]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        bool(MISSING), reason=f"the real engine and provider are not here: {', '.join(MISSING)} not on PATH"
    ),
]

FULL = """
config:
  imm-operator:emulator: true
  imm-operator:prefix: imm-full
  imm-operator:mediaBuckets: [full-photos, full-films]
  imm-operator:existingBuckets: [full-archive]
  imm-operator:workBucket: full-work
  imm-operator:storage: {redundancy: ZRS, noncurrentDays: 90, accessLog: {bucket: full-work}}
  imm-operator:work: {expireDays: 365}
  imm-operator:tags: {team: media-platform}
  imm-operator:shards: [default, second]
  imm-operator:operator: {credentialsUser: true}
  imm-operator:imageSearch: {instances: [catalogue]}
  imm-operator:projects:
    - {name: media, description: Media, quotas: {maxDatasetCount: 100, maxFileCount: 5000}, datasets: [{name: photos}]}
    - {name: archive, templateId: 'Official:ImageManagement'}
"""
MEDIA = {"name": "media", "description": "Media", "quotas": {"maxDatasetCount": 100, "maxFileCount": 5000}}
ARCHIVE = {"name": "archive", "templateId": "Official:ImageManagement"}
TOLD_LESS = """
import os, pulumi, pulumi_alicloud as alicloud
host = os.environ["EMULATOR_URL"].removeprefix("http://")
endpoints = [alicloud.ProviderEndpointArgs(sts=host, bssopenapi=host, location=host)]
cloud = alicloud.Provider("cloud", region="cn-hangzhou", protocol="HTTP", endpoints=endpoints)
pulumi.export("account", alicloud.get_account(opts=pulumi.InvokeOptions(provider=cloud)).id)
"""
RRSA = {"provider": "ack-rrsa-full", "issuer": "https://oidc.example.com/full"}


@dataclass(frozen=True, slots=True)
class Stage:
    """A copy of the project, whose stack file a run may write into, and the cloud it works on."""

    stack: auto.Stack
    file: Path
    cloud: LocalCloud
    environment: dict[str, str]

    def up(self, **options: Any) -> Mapping[auto.OpType, int]:
        """Run `pulumi up` under the policy pack; how many resources had which change."""
        done = self.stack.up(policy_packs=POLICIES, on_output=print, color="never", **options)
        return done.summary.resource_changes or {}

    def settled(self) -> None:
        """Neither the program nor the cloud differs from the state, or Pulumi fails."""
        self.stack.preview(expect_no_changes=True, policy_packs=POLICIES, on_output=print, color="never")
        self.stack.refresh(expect_no_changes=True, on_output=print, color="never")

    def planned(self, **options: Any) -> dict[str, str]:
        """What a preview would change: the name of each resource that is not left alone, and how."""
        steps: dict[str, str] = {}

        def note(event: auto.EngineEvent) -> None:
            step = event.resource_pre_event and event.resource_pre_event.metadata
            kind, name = step.urn.split("::")[2:] if step else ("", "")
            if step and step.op not in {"same", "refresh", "read"} and not kind.startswith("pulumi:providers:"):
                steps[f"{kind.rpartition('$')[2].rpartition(':')[2]} {name}"] = step.op.value

        self.stack.preview(on_event=note, **options)
        return steps

    def run(self, *arguments: str) -> str:
        """What a Python program of the project writes, with the stack's environment, in the stack's folder."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.file.parents[1],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stdout + done.stderr
        return done.stdout

    def change(self, **keys: Any) -> None:
        """Change keys of the stack's file."""
        body = yaml.safe_load(self.file.read_text())
        body["config"] |= {f"imm-operator:{key}": value for key, value in keys.items()}
        self.file.write_text(yaml.safe_dump(body))

    def holdings(self) -> dict[str, list[str]]:
        """Names of what the account holds, by kind."""
        account = self.cloud.account_id

        def look(instance: Any) -> dict[str, list[str]]:
            mns, ram = instance.cloud.mns(account, "cn-hangzhou"), instance.cloud.accounts[account].ram
            kinds = {
                "buckets": instance.cloud.oss.buckets,
                "topics": mns.topics,
                "queues": mns.queues,
                "users": ram.users,
                "roles": ram.roles,
                "policies": ram.policies,
                "projects": instance.cloud.imm(account, "cn-hangzhou").projects,
            }
            return {kind: sorted(held) for kind, held in kinds.items() if held}

        return self.cloud.run(look)


@pytest.fixture
def make(tmp_path: Path, cloud: LocalCloud) -> Callable[[str], Stage]:
    """Makes the stack `local` with a file's text."""
    return lambda config: prepare(tmp_path, cloud, config)


def prepare(folder: Path, cloud: LocalCloud, config: str) -> Stage:
    """The stack `local` of a project in a folder of its own, where a run may write the stack's file and its state."""
    (folder / "infra").symlink_to(ROOT / "infra")
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (folder / "environments").mkdir()
    file = folder / "environments" / "Pulumi.local.yaml"
    file.write_text(config)
    return Stage(stack_in(folder, environment_of(cloud, folder)), file, cloud, environment_of(cloud, folder))


def stack_in(folder: Path, environment: dict[str, str]) -> auto.Stack:
    """A new stack `local` of the project in a folder."""
    workspace = auto.LocalWorkspace(work_dir=str(folder), pulumi_home=str(folder / "home"), env_vars=environment)
    return auto.Stack.create("local", workspace)


def environment_of(cloud: LocalCloud, folder: Path) -> dict[str, str]:
    """What a person has set: the lines of `python -m emulator env`, and a backend for the state."""
    command = [sys.executable, "-m", "emulator", "env", "--url", cloud.url]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pairs = [line.removeprefix("export ").partition("=") for line in shown.splitlines()]
    (folder / "state").mkdir(exist_ok=True)
    return {name: value for name, _, value in pairs} | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "local",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def told_less(folder: Path, cloud: LocalCloud) -> dict[str, str]:
    """Writes a project whose provider knows neither its account's id nor its type; returns the environment for it."""
    (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    (folder / "__main__.py").write_text(TOLD_LESS)
    environment = environment_of(cloud, folder)
    del environment["ALIBABA_CLOUD_ACCOUNT_ID"], environment["ALIBABA_CLOUD_ACCOUNT_TYPE"]
    return environment


def test_the_local_stack_goes_up_once_and_comes_down_whole(make: Callable[[str], Stage], cloud: LocalCloud) -> None:
    """`environments/Pulumi.local.yaml` as it is; the hand-over is the one that a rehearsal makes."""
    stage = make((ROOT / "environments" / "Pulumi.local.yaml").read_text())
    assert {"create": 27} == stage.up()
    handover = stage.stack.outputs()["handover"].value
    assert handover == Handover.model_validate(handover).model_dump(mode="json", by_alias=True, exclude_none=True)
    written = [entry for entry in cloud.requests() if not str(entry["operation"]).startswith(("Get", "List"))]
    stage.settled()
    assert written == [entry for entry in cloud.requests() if not str(entry["operation"]).startswith(("Get", "List"))]
    stage.stack.destroy(on_output=print, color="never")
    assert {} == stage.holdings()


def test_a_rehearsal_hands_over_the_same(make: Callable[[str], Stage]) -> None:
    """Without the engine and the provider the cluster is given the same document."""
    stage = make((ROOT / "environments" / "Pulumi.local.yaml").read_text())
    stage.up()
    handover = stage.stack.outputs()["handover"].value
    stage.stack.destroy()
    for verb in ("up", "output"):
        done = stage.run("-m", "sandbox", "rehearse", verb, "--stack", "local", "--state", "rehearsed.json")
    assert handover == json.loads(done)


def test_a_full_stack_is_changed_replaced_and_deleted(make: Callable[[str], Stage], bucket_of: Any) -> None:
    """Several of everything; after each change neither a preview nor a refresh finds another."""
    stage = make(FULL)
    archive = bucket_of(stage.cloud, "full-archive")
    archive.create_bucket()
    archive.put_object("kept.txt", b"kept")
    stage.up()
    stage.settled()
    assert_access_key_is_secret(stage)

    storage = {"redundancy": "ZRS", "noncurrentDays": 60, "accessLog": {"bucket": "full-work"}}
    stage.change(projects=[MEDIA | {"description": "Changed"}, ARCHIVE], storage=storage, tags={"team": "archive"})
    buckets = {"Bucket full-photos", "Bucket full-films", "Bucket full-work"}
    assert dict.fromkeys({"Project media", "Project archive"} | buckets, "update") == stage.planned()
    stage.up()
    stage.settled()

    stage.change(topic="renamed", projects=[MEDIA | {"name": "films"}, ARCHIVE], operator={"rrsa": RRSA})
    assert "delete-replaced" == stage.planned()["ServiceTopic events"]  # the last step of a replacement
    stage.up()
    stage.settled()
    held = stage.holdings()
    assert ["archive", "films"] == held["projects"]
    assert ["renamed", "renamed-second"] == held["topics"]
    assert "users" not in held

    stage.stack.destroy(on_output=print, color="never")
    assert {"buckets": ["full-archive"]} == stage.holdings()
    assert b"kept" == archive.get_object("kept.txt").read()


def test_the_operators_key_is_replaced_by_its_name(make: Callable[[str], Stage]) -> None:
    """As environments/README.md has it; the new key works, and the old one is gone."""
    stage = make(FULL)
    stage.up()
    old = stage.stack.outputs()["operatorAccessKey"].value["accessKeyId"]
    urn = f"urn:pulumi:local::imm-operator::{KEY_URN.split('::', 2)[2]}"
    stage.stack.up(replace=[urn])
    assert_access_key_is_secret(stage)
    assert old != stage.stack.outputs()["operatorAccessKey"].value["accessKeyId"]
    stage.settled()


def written(cloud: LocalCloud) -> list[Mapping[str, object]]:
    """Every request so far that is no question."""
    return [entry for entry in cloud.requests() if not str(entry["operation"]).startswith(("Get", "List"))]


def test_another_accounts_key_makes_nothing_again(make: Callable[[str], Stage], cloud: LocalCloud) -> None:
    """It sees nothing of the stack; what a refresh lost of the state by it comes back with the state of before."""
    stage = make((ROOT / "environments" / "Pulumi.local.yaml").read_text())
    stage.up()
    before, kept = written(cloud), stage.stack.export_stack()
    other = cloud.add_account("9999999999999999", "LTAIother", "other-secret")
    key = {"ACCESS_KEY_ID": other.access_key_id, "ACCESS_KEY_SECRET": other.access_key_secret}
    strange = {f"ALIBABA_CLOUD_{name}": value for name, value in ({"ACCOUNT_ID": other.account_id} | key).items()}
    stage.stack.workspace.env_vars = stage.environment | strange
    for refresh in (True, False):
        with pytest.raises(auto.CommandError, match=f"this stack was made in account {cloud.account_id}"):
            stage.stack.up(refresh=refresh)
    assert before == written(cloud)
    stage.stack.workspace.env_vars = stage.environment
    stage.stack.import_stack(kept)
    stage.settled()


def assert_access_key_is_secret(stage: Stage) -> None:
    """The operator's key works, and stands in the state in no readable form."""
    output = stage.stack.outputs()["operatorAccessKey"]
    assert output.secret
    pair = {"access_key_id": output.value["accessKeyId"], "access_key_secret": output.value["accessKeySecret"]}
    named = StsClient(rpc_config(replace(stage.cloud, **pair))).get_caller_identity().body
    assert f"acs:ram::{stage.cloud.account_id}:user/imm-full-operator" == named.arn
    assert output.value["accessKeySecret"] not in next(stage.file.parents[1].glob("state/**/local.json")).read_text()


def test_what_was_changed_by_hand_is_seen_and_mended(make: Callable[[str], Stage], bucket_of: Any) -> None:
    """With official SDKs, as somebody in a hurry would."""
    stage = make(FULL)
    stage.up()
    photos, films = (bucket_of(stage.cloud, f"full-{name}") for name in ("photos", "films"))
    photos.delete_bucket_lifecycle()
    photos.delete_bucket_tagging()
    films.delete_bucket_public_access_block()
    films.put_bucket_acl("public-read")
    films.put_bucket_versioning(oss2.models.BucketVersioningConfig("Suspended"))
    photos.delete_bucket_logging()
    mns, ram, imm = (kind(rpc_config(stage.cloud)) for kind in (MnsClient, RamClient, ImmClient))
    mns.set_queue_attributes(SetQueueAttributesRequest(queue_name="imm-full-events", visibility_timeout=7))
    mns.delete_topic(DeleteTopicRequest(topic_name="imm-full-events-second"))
    ram.detach_policy_from_role(
        DetachPolicyFromRoleRequest(policy_name="imm-full-media", policy_type="Custom", role_name="imm-full-media")
    )
    imm.update_project(UpdateProjectRequest(project_name="media", description="Nobody asked"))
    drift = {
        "Bucket full-photos": "update",
        "Bucket full-films": "update",
        "BucketAcl full-films": "update",
        "BucketPublicAccessBlock full-films": "create",
        "Project media": "update",
        "RolePolicyAttachment imm": "create",
        "ServiceQueue events": "update",
        "ServiceSubscription events-second": "create",
        "ServiceTopic events-second": "create",
    }
    assert drift == stage.planned(refresh=True)
    stage.up(refresh=True)
    stage.settled()


def test_a_provider_that_is_told_less_asks_the_account_itself(tmp_path: Path, cloud: LocalCloud) -> None:
    """Without accountType it asks BssOpenApi which kind of account this is, without accountId STS whose it is."""
    stack = stack_in(tmp_path, told_less(tmp_path, cloud))
    assert cloud.account_id == stack.up().outputs["account"].value
    counts = cloud.counts()
    assert {"bssopenapi", "sts"} <= counts.keys(), counts
    assert {"QueryAvailableInstances", "GetCallerIdentity"} <= counts["bssopenapi"].keys() | counts["sts"].keys()
