"""The rehearsal against the local cloud: the project's own program, and small programs that go beyond it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api.handover import Handover
from emulator.testing import LocalCloud
from sandbox.rehearse import RehearsalFailed, rehearse
from sandbox.rehearse.start import ROOT

READS = ("Get", "List", "Head")


@dataclass(slots=True)
class Stage:
    """A project folder, a state file, and the local cloud it is rehearsed on."""

    root: Path
    state: Path
    cloud: LocalCloud
    lines: list[str] = field(default_factory=list)

    def run(self, **how: bool) -> dict[str, Any]:
        """Rehearse; `lines` holds what was reported."""
        self.lines = []
        environment = {
            "PATH": os.environ["PATH"],
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.cloud.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.cloud.access_key_secret,
            "ALIBABA_CLOUD_ACCOUNT_ID": self.cloud.account_id,
            "EMULATOR_URL": self.cloud.url,
        }
        return rehearse("local", self.state, environment, report=self.lines.append, root=self.root, **how)

    def writes(self) -> list[str]:
        """Operations since the start that change something."""
        asked = [f"{entry['service']}:{entry['operation']}" for entry in self.cloud.requests()]
        return [name for name in asked if not name.partition(":")[2].startswith(READS)]

    def configure(self, **changes: Any) -> None:
        """Change keys of the stack's file."""
        file = self.root / "environments" / "Pulumi.local.yaml"
        body = yaml.safe_load(file.read_text())
        body["config"] |= {f"imm-operator:{key}": value for key, value in changes.items()}
        file.write_text(yaml.safe_dump(body))

    def holdings(self) -> dict[str, set[str]]:
        """Names of what the account holds, by kind."""
        account = self.cloud.account_id

        def look(instance: Any) -> dict[str, set[str]]:
            mns = instance.cloud.mns(account, "cn-hangzhou")
            ram = instance.cloud.accounts[account].ram
            return {
                "buckets": set(instance.cloud.oss.buckets),
                "topics": set(mns.topics),
                "queues": set(mns.queues),
                "roles": set(ram.roles),
                "policies": set(ram.policies),
                "projects": set(instance.cloud.imm(account, "cn-hangzhou").projects),
            }

        return self.cloud.run(look)


@pytest.fixture
def project(tmp_path: Path, cloud: LocalCloud) -> Stage:
    """The project itself, with a stack file to change."""
    (tmp_path / "infra").symlink_to(ROOT / "infra")
    (tmp_path / "Pulumi.yaml").symlink_to(ROOT / "Pulumi.yaml")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "Pulumi.local.yaml").write_text(STACK)
    return Stage(tmp_path, tmp_path / "state.json", cloud)


@pytest.fixture
def program(tmp_path: Path, cloud: LocalCloud) -> Callable[[str], Stage]:
    """Makes a project of one small program; `cloud` is its provider."""

    def make(body: str) -> Stage:
        (tmp_path / "Pulumi.yaml").write_text("name: small\nruntime: python\nmain: program\n")
        (tmp_path / "Pulumi.local.yaml").write_text("config: {}\n")
        (tmp_path / "program").mkdir(exist_ok=True)
        (tmp_path / "program" / "__main__.py").write_text(PREAMBLE + body)
        return Stage(tmp_path, tmp_path / "state.json", cloud)

    return make


STACK = """
config:
  imm-operator:emulator: true
  imm-operator:mediaBuckets: [imm-local-media]
  imm-operator:workBucket: imm-local-work
  imm-operator:projects:
    - name: media
      description: Sandbox media
      datasets: [{name: photos, templateId: Official:ImageManagement}, {name: documents}]
"""
PREAMBLE = """
import os
import pulumi
import pulumi_alicloud as alicloud
host = os.environ["EMULATOR_URL"].removeprefix("http://")
endpoints = [alicloud.ProviderEndpointArgs(oss=host, ram=host, mns_open=host)]
cloud = alicloud.Provider("cloud", region="cn-hangzhou", protocol="HTTP", endpoints=endpoints)
opts = pulumi.ResourceOptions(provider=cloud)
"""


def test_up_makes_everything_and_a_second_up_writes_nothing(project: Stage) -> None:
    """The strongest single test of program, rehearsal and local cloud together."""
    first = Handover.model_validate(project.run()["handover"])
    assert project.holdings() == {
        "buckets": {"imm-local-media", "imm-local-work"},
        "topics": {"imm-events"},
        "queues": {"imm-events"},
        "roles": {"imm-media"},
        "policies": {"imm-media"},
        "projects": {"media"},
    }
    assert (first.stack, first.endpoints.imm) == ("local", project.cloud.url)
    assert [item.name for item in first.projects[0].datasets] == ["photos", "documents"]
    written = project.writes()
    assert Handover.model_validate(project.run()["handover"]) == first
    assert project.lines == ["11 same"]
    assert project.writes() == written


def test_preview_calls_nothing_and_keeps_nothing(project: Stage) -> None:
    """Before the first run everything would be created."""
    assert project.run(preview=True) == {}
    assert project.lines[-1] == "would be: 11 create"
    assert project.cloud.requests() == []
    assert not project.state.exists()


def test_a_changed_input_is_updated_in_place_or_replaced(project: Stage) -> None:
    """A bucket more changes the policy; another topic name replaces the topic and what hangs on it."""
    project.run()
    project.configure(mediaBuckets=["imm-local-media", "imm-local-films"], topic="other-events")
    project.run()
    steps = {tuple(line.split()[:2]) for line in project.lines[:-1]}
    assert ("create", "alicloud:oss/bucket:Bucket") in steps
    assert ("update", "alicloud:ram/policy:Policy") in steps
    assert ("replace", "alicloud:message/serviceTopic:ServiceTopic") in steps
    assert ("replace", "alicloud:message/serviceSubscription:ServiceSubscription") in steps
    assert project.holdings()["topics"] == {"other-events"}
    assert "imm-local-films" in project.holdings()["buckets"]
    project.run()
    assert project.lines == ["13 same"]


def test_the_project_is_updated_in_place(project: Stage) -> None:
    """Our own dynamic provider, loaded from its pickle."""
    project.run()
    project.configure(projects=[{"name": "media", "description": "Changed", "datasets": []}])
    project.run(preview=True)
    assert project.lines[-1] == "would be: 10 same, 1 update"
    project.run()
    assert "  update   pulumi-python:dynamic/imm:Project media (description)" in project.lines
    account = project.cloud.account_id
    described = project.cloud.run(lambda it: it.cloud.imm(account, "cn-hangzhou").projects["media"].description)
    assert described == "Changed"


def test_what_is_no_longer_declared_is_deleted(project: Stage) -> None:
    """A renamed project is another project: the new one first, then the old one goes."""
    project.run()
    project.configure(projects=[{"name": "films"}])
    project.run()
    assert project.holdings()["projects"] == {"films"}
    assert project.lines[-1] == "1 create, 1 delete, 10 same"


def test_destroy_leaves_the_cloud_empty_and_a_second_one_has_nothing_to_do(project: Stage) -> None:
    """In reverse order, or the cloud would refuse."""
    project.run()
    project.run(destroy=True)
    assert not any(project.holdings().values())
    assert project.run(destroy=True) == {}
    assert project.lines == ["nothing to do"]


def test_a_project_with_datasets_is_not_deleted(project: Stage) -> None:
    """The datasets are the operator's; the message says how they go."""
    project.run()
    account = project.cloud.account_id

    def add(instance: Any) -> None:
        from emulator.imm.state import Dataset  # noqa: PLC0415 - the local cloud's own state, in its own thread

        made = Dataset("photos", created=0.0, updated=0.0)
        instance.cloud.imm(account, "cn-hangzhou").projects["media"].datasets["photos"] = made

    project.cloud.run(add)
    with pytest.raises(RehearsalFailed, match=r"IMM project media still holds 1 dataset\(s\), e\.g\. photos"):
        project.run(destroy=True)
    assert project.holdings()["projects"] == {"media"}


def test_what_another_made_is_not_taken_over(project: Stage) -> None:
    """What this stack did not make, it must never delete: neither a bucket nor an IMM project."""
    project.run()
    project.state.unlink()
    with pytest.raises(RehearsalFailed, match="bucket imm-local-media exists already and does not belong to this"):
        project.run()
    project.configure(mediaBuckets=["media-2"], workBucket="work-2", topic="t-2", queue="q-2", role="r-2")
    with pytest.raises(RehearsalFailed, match="IMM project media exists already in cn-hangzhou and does not belong"):
        project.run()
    project.run(destroy=True)
    assert project.holdings()["projects"] == {"media"}


def test_protected_resources_are_not_destroyed(project: Stage) -> None:
    """Nothing is deleted when anything is protected."""
    project.configure(protect=True)
    project.run()
    before = project.writes()
    with pytest.raises(RehearsalFailed, match="protected, so it is neither deleted nor replaced"):
        project.run(destroy=True)
    assert project.writes() == before


def test_a_cloud_that_forgot_everything_is_filled_again(project: Stage) -> None:
    """The state file outlives a local cloud that keeps nothing."""
    project.run()
    project.cloud.reset()
    project.run()
    gone = "  gone     alicloud:oss/bucket:Bucket imm-local-media: it is in the state but not in the cloud"
    assert gone in project.lines
    assert all(project.holdings().values())
    project.run()
    assert project.lines == ["11 same"]


def test_a_run_that_failed_half_way_is_continued(project: Stage) -> None:
    """What was made stands in the state, and is not made twice."""
    project.cloud.fault({"service": "ram", "operation": "CreateRole", "error": {"status": 403, "code": "NoPermission"}})
    with pytest.raises(RehearsalFailed, match="cannot create alicloud:ram/role:Role imm: create_role: NoPermission"):
        project.run()
    project.cloud.fault()
    project.run()
    assert project.writes().count("oss:PutBucket") == 2
    project.run()
    assert project.lines == ["11 same"]


def test_a_refused_configuration_makes_nothing(project: Stage) -> None:
    """The program's own words reach the caller whole."""
    project.configure(mediaBuckets=["Bad_Name"], workBucket="x")
    with pytest.raises(RehearsalFailed) as caught:
        project.run()
    assert "imm-operator:mediaBuckets[0] of stack local is 'Bad_Name': a bucket name is" in str(caught.value)
    assert "imm-operator:workBucket of stack local is 'x'" in str(caught.value)
    assert project.cloud.requests() == []


def test_an_unknown_type_is_refused_with_the_file_to_add_it_to(program: Callable[[str], Stage]) -> None:
    """Nothing is pretended."""
    stage = program('alicloud.vpc.Network("net", cidr_block="10.0.0.0/8", opts=opts)\n')
    with pytest.raises(RehearsalFailed) as caught:
        stage.run()
    assert "does not know the resource type alicloud:vpc/network:Network" in str(caught.value)
    assert "sandbox/rehearse/registry.py" in str(caught.value)


def test_an_unknown_input_is_refused(program: Callable[[str], Stage]) -> None:
    """An input that were ignored would be a lie."""
    stage = program('alicloud.oss.Bucket("b", bucket="a-bucket", force_destroy=True, opts=opts)\n')
    with pytest.raises(RehearsalFailed, match=r"does not know the input\(s\) forceDestroy of alicloud:oss/bucket"):
        stage.run()
    assert stage.writes() == []


def test_a_cloud_that_is_not_local_is_refused(program: Callable[[str], Stage]) -> None:
    """Without an address of its own the provider means Alibaba Cloud."""
    stage = program('alicloud.oss.Bucket("b", bucket="a-bucket")\n')
    with pytest.raises(RehearsalFailed, match="this would go to Alibaba Cloud"):
        stage.run()


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (
            'alicloud.oss.Bucket("b", bucket="a-b", opts=pulumi.ResourceOptions(provider=cloud, import_="a-b"))\n',
            "import_",
        ),
        ("alicloud.get_account(opts=pulumi.InvokeOptions(provider=cloud))\n", "Invoke"),
    ],
)
def test_what_a_rehearsal_does_not_do_is_refused_by_name(
    program: Callable[[str], Stage], body: str, named: str
) -> None:
    """Options and data sources alike."""
    with pytest.raises(RehearsalFailed, match=f"uses {named}, which a rehearsal does not do: use the pulumi CLI"):
        program(body).run()


def test_a_secret_stays_secret_and_a_changed_one_is_seen(program: Callable[[str], Stage]) -> None:
    """It reaches the cloud, and neither the report nor the state nor the outputs."""
    body = """
role = alicloud.ram.Role("r", role_name="r", description=pulumi.Output.secret("{secret}"), opts=opts,
    assume_role_policy_document=pulumi.Output.json_dumps({{"Version": "1", "Statement": [
        {{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"Service": ["imm.aliyuncs.com"]}}}}]}}))
pulumi.export("told", role.description)
pulumi.export("name", role.role_name)
"""
    stage = program(body.format(secret="open-sesame"))
    outputs = stage.run()
    account = stage.cloud.account_id
    described = stage.cloud.run(lambda it: it.cloud.accounts[account].ram.roles["r"].description)
    assert described == "open-sesame"
    assert outputs["name"] == "r"
    assert "digest" in outputs["told"]
    assert "open-sesame" not in stage.state.read_text() + json.dumps(outputs) + "\n".join(stage.lines)
    stage.run()
    assert stage.lines == ["1 same"]
    program(body.format(secret="another-word")).run()
    assert stage.cloud.run(lambda it: it.cloud.accounts[account].ram.roles["r"].description) == "another-word"


def test_a_state_of_another_stack_is_refused(project: Stage) -> None:
    """Two stacks in one file would delete each other."""
    project.state.write_text(json.dumps({"version": 1, "project": "x", "stack": "y", "resources": []}))
    with pytest.raises(RehearsalFailed, match="is the state of x/y: name another file"):
        project.run()
