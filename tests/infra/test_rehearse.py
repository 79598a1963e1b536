"""The rehearsal against the local cloud: the project's own program, and small programs that go beyond it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import oss2
import pytest
import yaml

from controller.api.handover import Handover
from emulator.testing import LocalCloud
from sandbox.programs import ProgramError, run

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(400)  # each rehearsal is a process that loads all of Pulumi
READS = ("Get", "List", "Head")


@dataclass(slots=True)
class Stage:
    """A project folder, a state file, and the local cloud it is rehearsed on."""

    root: Path
    state: Path
    cloud: LocalCloud
    lines: list[str] = field(default_factory=list)

    def rehearse(self, verb: str, *options: str) -> str:
        """What `python -m sandbox rehearse` prints."""
        return run(self.command(verb, *options), cwd=self.root, env=self.environment, seconds=200)

    def command(self, verb: str, *options: str) -> list[str]:
        return [sys.executable, "-m", "sandbox", "rehearse", verb, "--state", str(self.state), *options]

    @property
    def environment(self) -> dict[str, str]:
        """What `python -m emulator env` prints, and PATH."""
        return {
            "PATH": os.environ["PATH"],
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.cloud.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.cloud.access_key_secret,
            "ALIBABA_CLOUD_ACCOUNT_ID": self.cloud.account_id,
            "EMULATOR_URL": self.cloud.url,
        }

    def up(self, *options: str) -> None:
        """`lines` holds the plan that was printed."""
        self.lines = [line.strip() for line in self.rehearse("up", *options).splitlines()]

    def destroy(self) -> None:
        """Likewise."""
        self.lines = [line.strip() for line in self.rehearse("destroy").splitlines()]

    @property
    def steps(self) -> set[tuple[str, str]]:
        """Verb and short type of each step."""
        return {(line.split()[0], line.split()[1].rpartition(":")[2]) for line in self.lines}

    def handover(self) -> Handover:
        """The last run's."""
        return Handover.model_validate_json(self.rehearse("output"))

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

    def bucket(self, name: str) -> Any:
        """A bucket, as anybody with the key sees it."""
        auth = oss2.AuthV4(self.cloud.access_key_id, self.cloud.access_key_secret)
        return oss2.Bucket(auth, self.cloud.url, name, region="cn-hangzhou")

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
                "users": set(ram.users),
                "projects": set(instance.cloud.imm(account, "cn-hangzhou").projects),
            }

        return self.cloud.run(look)

    def change(self, by_hand: Callable[[Any], None]) -> None:
        """Change the cloud's own state of the account, behind the rehearsal's back."""
        account = self.cloud.account_id
        self.cloud.run(
            lambda instance: by_hand(
                {
                    "mns": instance.cloud.mns(account, "cn-hangzhou"),
                    "ram": instance.cloud.accounts[account].ram,
                    "imm": instance.cloud.imm(account, "cn-hangzhou"),
                }
            )
        )


@pytest.fixture
def project(tmp_path: Path, cloud: LocalCloud) -> Stage:
    """The project itself, with a stack file to change."""
    (tmp_path / "infra").symlink_to(ROOT / "infra")
    (tmp_path / "Pulumi.yaml").symlink_to(ROOT / "Pulumi.yaml")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "Pulumi.local.yaml").write_text(STACK)
    return Stage(tmp_path, tmp_path / "made" / "state.json", cloud)


@pytest.fixture
def program(tmp_path: Path, cloud: LocalCloud) -> Callable[..., Stage]:
    """Makes a project of one small program; `cloud` is its provider."""

    def make(body: str, config: str = "small:emulator: true") -> Stage:
        (tmp_path / "Pulumi.yaml").write_text(
            "{name: small, runtime: python, main: program, config: {'alicloud:region': {value: cn-hangzhou}}}"
        )
        (tmp_path / "Pulumi.local.yaml").write_text(f"config: {{{config}}}\n")
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
BLOCK = "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock"
PREAMBLE = """
import pulumi
import pulumi_alicloud as alicloud
cloud = alicloud.Provider("cloud", region="cn-hangzhou")
opts = pulumi.ResourceOptions(provider=cloud)
"""
TRUST = """
trust = pulumi.Output.json_dumps({"Version": "1", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["imm.aliyuncs.com"]}}]})
"""
KEY = """
user = alicloud.ram.User("u", name="u", comments="a comment", opts=opts)
key = alicloud.ram.AccessKey("k", user_name=user.name, opts=opts)
pulumi.export("handover", {"id": key.id})
pulumi.export("key", pulumi.Output.secret({"id": key.id, "secret": key.secret}))
"""


def test_up_makes_everything_and_a_second_up_does_nothing(project: Stage) -> None:
    """The strongest single test of program, rehearsal and local cloud together."""
    project.up()
    first = project.handover()
    assert project.holdings() == {
        "buckets": {"imm-local-media", "imm-local-work"},
        "topics": {"imm-events"},
        "queues": {"imm-events", "imm-events-dead-letters"},
        "roles": {"imm-media"},
        "policies": {"imm-media", "imm-operator"},
        "users": set(),
        "projects": {"media"},
    }
    assert {step for step, _ in project.steps} == {"create"}
    assert [item.name for item in first.projects[0].datasets] == ["photos", "documents"]
    written = project.writes()
    project.up()
    assert project.lines == []
    assert project.writes() == written
    assert project.handover() == first


def test_buckets_and_queues_have_what_the_program_asks_for(project: Stage) -> None:
    """Each setting reaches OSS, and the structured input of an RPC call reaches MNS."""
    project.up()
    bucket = project.bucket("imm-local-media")
    assert bucket.get_bucket_versioning().status == "Enabled"
    assert bucket.get_bucket_encryption().sse_algorithm == "AES256"
    assert bucket.get_bucket_acl().acl == "private"
    assert bucket.get_bucket_public_access_block().block_public_access
    assert bucket.get_bucket_tagging().tag_set.tagging_rule["managed-by"] == "pulumi"
    (rule,) = bucket.get_bucket_lifecycle().rules
    assert rule.status == "Enabled"
    assert rule.noncurrent_version_expiration.noncurrent_days > 0
    assert rule.abort_multipart_upload.days > 0
    policies: list[Any] = []
    project.change(lambda held: policies.append(held["mns"].queues["imm-events"].dlq_policy))
    assert policies == [{"Enabled": True, "DeadLetterTargetQueue": "imm-events-dead-letters", "MaxReceiveCount": 16}]


def test_preview_writes_and_keeps_nothing_and_prints_what_up_does(project: Stage) -> None:
    """Before the first run, and after a change."""
    project.up("--preview")
    planned = sorted(project.lines)
    assert not project.state.exists()
    assert {"sts": {"GetCallerIdentity": 1}} == project.cloud.counts()
    project.up()
    assert planned == sorted(project.lines)
    project.configure(mediaBuckets=["imm-local-media", "imm-local-films"])
    kept, written = project.state.read_text(), project.writes()
    project.up("--preview")
    planned = sorted(line.partition("(")[0] for line in project.lines)
    assert (kept, written) == (project.state.read_text(), project.writes())
    project.up()
    assert planned == sorted(line.partition("(")[0] for line in project.lines)


def test_a_changed_input_is_updated_in_place_or_replaced(project: Stage) -> None:
    """A bucket more changes the policy; another topic name replaces the topic and what hangs on it."""
    project.up()
    project.configure(mediaBuckets=["imm-local-media", "imm-local-films"], topic="other-events")
    project.up()
    assert {
        ("create", "Bucket"),
        ("update", "Policy"),
        ("delete", "ServiceTopic"),
        ("create", "ServiceTopic"),
        ("create", "ServiceSubscription"),
    } <= project.steps
    assert project.holdings()["topics"] == {"other-events"}
    assert "imm-local-films" in project.holdings()["buckets"]
    project.up()
    assert project.lines == []


def test_the_project_is_updated_in_place(project: Stage) -> None:
    """Our own dynamic provider, loaded from its pickle."""
    project.up()
    project.configure(projects=[{"name": "media", "description": "Changed", "datasets": []}])
    project.up()
    assert project.lines == ["update pulumi-python:dynamic/imm:Project media (description)"]
    found: list[str] = []
    project.change(lambda held: found.append(held["imm"].projects["media"].description))
    assert found == ["Changed"]


def test_what_update_project_cannot_unset_is_refused(project: Stage) -> None:
    """The description would silently stay; with another one the run goes on."""
    project.up()
    written = project.writes()
    project.configure(projects=[{"name": "media"}])
    with pytest.raises(
        ProgramError, match="description: UpdateProject cannot unset it, so 'Sandbox media' would silent"
    ):
        project.up()
    assert written == project.writes()


def test_a_key_of_another_account_makes_nothing(project: Stage) -> None:
    """The program asks before it declares anything, also in a preview."""
    project.up()
    written, environment = project.writes(), project.environment
    other = project.cloud.add_account("9999999999999999", "LTAIother", "other-secret")
    environment |= {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIother", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "other-secret"}
    said = f"imm-operator:accountId of stack local is {project.cloud.account_id}, but STS says that the key"
    for account_id, message in ((project.cloud.account_id, said), (other.account_id, "this stack was made in account")):
        environment["ALIBABA_CLOUD_ACCOUNT_ID"] = account_id
        for options in ((), ("--preview",)):
            with pytest.raises(ProgramError, match=message):
                run(project.command("up", *options), cwd=project.root, env=environment, seconds=200)
    assert written == project.writes()


def test_a_stack_that_is_not_there_is_refused_with_those_there_are(project: Stage) -> None:
    """Not with a traceback."""
    with pytest.raises(ProgramError, match=r"no environments/Pulumi\.nope\.yaml; there are: local$"):
        project.up("--stack", "nope")


def test_a_setting_that_is_no_longer_asked_for_is_taken_back(program: Callable[..., Stage]) -> None:
    """The access log is switched off again, the rest stays."""
    body = 'alicloud.oss.Bucket("b", bucket="a-bucket", {log} tags={{"a": "b&c"}}, opts=opts)\n'
    stage = program(body.format(log='logging=alicloud.oss.BucketLoggingArgs(target_bucket="a-bucket"),'))
    stage.up()
    assert stage.bucket("a-bucket").get_bucket_logging().target_bucket == "a-bucket"
    program(body.format(log=""))
    stage.up()
    assert stage.lines == ["update alicloud:oss/bucket:Bucket b (logging)"]
    assert not stage.bucket("a-bucket").get_bucket_logging().target_bucket
    assert stage.bucket("a-bucket").get_bucket_tagging().tag_set.tagging_rule == {"a": "b&c"}


def test_drift_made_by_hand_is_seen_and_mended(project: Stage) -> None:
    """Every setting is watched; the preview says what drifted, a run mends it, and the next has nothing to do."""

    def by_hand(held: Any) -> None:
        held["ram"].roles["imm-media"].attachments.clear()
        held["ram"].roles["imm-media"].description = "by hand"
        held["mns"].queues["imm-events"].visibility_timeout = 5
        held["imm"].projects["media"].description = "by hand"

    project.up()
    project.change(by_hand)
    bucket = project.bucket("imm-local-media")
    bucket.put_bucket_public_access_block(block_public_access=False)
    bucket.put_bucket_acl("public-read")
    bucket.delete_bucket_lifecycle()
    project.up("--preview")
    planned = sorted(project.lines)
    assert planned == [
        "create alicloud:ram/rolePolicyAttachment:RolePolicyAttachment imm (gone from the cloud)",
        "update alicloud:message/serviceQueue:ServiceQueue events (visibilityTimeout was changed by hand)",
        "update alicloud:oss/bucket:Bucket imm-local-media (lifecycleRules was changed by hand)",
        "update alicloud:oss/bucketAcl:BucketAcl imm-local-media (acl was changed by hand)",
        f"update {BLOCK} imm-local-media (blockPublicAccess was changed by hand)",
        "update alicloud:ram/role:Role imm (description was changed by hand)",
        "update pulumi-python:dynamic/imm:Project media (description was changed by hand)",
    ]
    project.up()
    assert sorted(project.lines) == planned
    assert bucket.get_bucket_acl().acl == "private"
    assert len(bucket.get_bucket_lifecycle().rules) == 1
    project.up()
    assert project.lines == []


def test_what_is_no_longer_declared_is_deleted(project: Stage) -> None:
    """A renamed project is another project: the new one first, then the old one goes."""
    project.up()
    project.configure(projects=[{"name": "films"}])
    project.up()
    assert project.holdings()["projects"] == {"films"}
    assert ("delete", "Project") in project.steps


def test_destroy_leaves_the_cloud_empty_and_a_second_one_has_nothing_to_do(project: Stage) -> None:
    """In reverse order, or the cloud would refuse; the operator's user and its key are gone as well."""
    project.configure(operator={"credentialsUser": True})
    project.up()
    assert project.holdings()["users"] == {"imm-operator"}
    project.destroy()
    assert not any(project.holdings().values())
    project.destroy()
    assert project.lines == []
    assert project.rehearse("output").strip() == "null"


def test_a_project_with_datasets_is_not_deleted(project: Stage) -> None:
    """The datasets are the operator's; the message says how they go."""
    from emulator.imm.state import Dataset  # noqa: PLC0415 - the local cloud's own state, for this test alone

    project.up()

    def add(held: Any) -> None:
        held["imm"].projects["media"].datasets["photos"] = Dataset("photos", created=0.0, updated=0.0)

    project.change(add)
    with pytest.raises(ProgramError, match=r"IMM project media still holds 1 dataset\(s\), e\.g\. photos"):
        project.destroy()
    assert project.holdings()["projects"] == {"media"}


def test_what_another_made_is_not_taken_over(project: Stage) -> None:
    """What this stack did not make, it must never delete: no bucket, queue, role nor IMM project."""
    project.up()
    written = project.writes()
    project.state.unlink()
    with pytest.raises(ProgramError, match="it exists already and does not belong to this stack"):
        project.up()
    assert project.writes() == written
    project.destroy()
    assert project.holdings()["projects"] == {"media"}


def test_protected_resources_are_not_destroyed(project: Stage) -> None:
    """Nothing is deleted when anything is protected; a right to the new topic may be granted by then."""
    project.configure(protect=True)
    project.up()
    before = Counter(project.writes())
    with pytest.raises(ProgramError, match="protected, so neither deleted nor replaced"):
        project.destroy()
    project.configure(topic="other-events")
    with pytest.raises(ProgramError, match="protected, so neither deleted nor replaced"):
        project.up()
    assert {*(Counter(project.writes()) - before)} <= {"ram:CreatePolicyVersion"}


def test_a_cloud_that_forgot_everything_is_filled_again(project: Stage) -> None:
    """The state file outlives a local cloud that keeps nothing."""
    project.up()
    project.cloud.reset()
    project.up()
    assert "create alicloud:oss/bucket:Bucket imm-local-media (gone from the cloud)" in project.lines
    assert all(held for kind, held in project.holdings().items() if kind != "users")
    project.up()
    assert project.lines == []


def test_a_run_that_failed_half_way_is_continued(project: Stage) -> None:
    """What was made stands in the state and is not made twice; a bucket is wholly made or not at all."""
    error = {"status": 403, "code": "AccessDenied"}
    refused: dict[str, object] = {"service": "oss", "operation": "PutBucketEncryption", "error": error}
    project.cloud.fault(refused)
    with pytest.raises(ProgramError, match=r"alicloud:oss/bucket:Bucket imm-local-\w+: .*AccessDenied"):
        project.up()
    assert project.holdings()["buckets"] == set()
    project.cloud.fault()
    project.up()
    assert ("create", "Bucket") in project.steps
    assert len(project.lines) < len(json.loads(project.state.read_text())["made"])
    project.up()
    assert project.lines == []


def test_a_refused_configuration_makes_nothing(project: Stage) -> None:
    """The program's own words reach the caller whole."""
    project.configure(mediaBuckets=["Bad_Name"], workBucket="x")
    with pytest.raises(ProgramError) as caught:
        project.up()
    assert "imm-operator:mediaBuckets[0] of stack local is 'Bad_Name': a bucket name is" in str(caught.value)
    assert "imm-operator:workBucket of stack local is 'x'" in str(caught.value)
    assert project.cloud.requests() == []


def test_an_unknown_type_is_refused_with_the_place_to_add_it_to(program: Callable[..., Stage]) -> None:
    """Nothing is pretended."""
    stage = program('alicloud.vpc.Network("net", cidr_block="10.0.0.0/8", opts=opts)\n')
    with pytest.raises(ProgramError, match="vpc/network:Network net: a rehearsal does not know this type: add"):
        stage.up()


@pytest.mark.parametrize("last", ['alicloud.vpc.Network("net", opts=opts)', 'raise ValueError("no")'])
def test_the_message_of_a_failure_is_the_last_thing_said(program: Callable[..., Stage], last: str) -> None:
    """Python ends without a word about a loop that Pulumi or we left open, which would push it out of sight."""
    stage = program(f'for name in "abcdef":\n    alicloud.ram.User(name, name=name, opts=opts)\n{last}\n')
    environment = stage.environment | {"PYTHONWARNINGS": "always::ResourceWarning"}
    with pytest.raises(ProgramError) as caught:
        run(stage.command("up"), cwd=stage.root, env=environment, seconds=200)
    assert str(caught.value).splitlines()[-1].startswith("  error: ")


RULE = 'lifecycle_rules=[alicloud.oss.BucketLifecycleRuleArgs(id="r", enabled=True, tags={"a": "b"})]'


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('alicloud.oss.Bucket("b", bucket="a-bucket", force_destroy=True, opts=opts)', "forceDestroy: an unknown"),
        ('alicloud.ram.Role("r", role_name="r", force=True, opts=opts)', "force: an unknown input"),
        (f'alicloud.oss.Bucket("b", bucket="a-bucket", {RULE}, opts=opts)', "of a lifecycle rule, a rehearsal knows"),
    ],
)
def test_an_unknown_input_is_refused(program: Callable[..., Stage], body: str, named: str) -> None:
    """An input that were ignored would be a lie."""
    stage = program(body)
    with pytest.raises(ProgramError, match=named):
        stage.up()
    assert stage.holdings()["buckets"] | stage.holdings()["roles"] == set()


@pytest.mark.parametrize("config", ["", "small:emulator: false"])
def test_a_stack_that_is_not_local_is_refused(program: Callable[..., Stage], config: str) -> None:
    """A rehearsal never goes to Alibaba Cloud, whatever the program's provider says."""
    stage = program('alicloud.oss.Bucket("b", bucket="a-bucket", opts=opts)\n', config)
    with pytest.raises(ProgramError, match=r"is not for the local cloud \(emulator: true\): use the pulumi CLI"):
        stage.up()


OWN = 'alicloud.oss.Bucket("b", bucket="a-b", opts=pulumi.ResourceOptions(provider=cloud, {}))'


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (OWN.format('import_="a-b"'), "importId"),
        (OWN.format('ignore_changes=["tags"]'), "ignoreChanges"),
        (OWN.format("retain_on_delete=True"), "retainOnDelete"),
        (OWN.format('aliases=[pulumi.Alias(name="x")]'), "aliases"),
        ("alicloud.get_account(opts=pulumi.InvokeOptions(provider=cloud))", "ResourceInvokeRequest"),
        ('alicloud.oss.Bucket.get("b", "a-b", opts=opts)', "ReadResourceRequest"),
        ('for _ in "ab":\n    alicloud.ram.User("u", name="u", opts=opts)', "a second resource of one name"),
    ],
)
def test_what_a_rehearsal_does_not_do_is_refused_by_name(program: Callable[..., Stage], body: str, named: str) -> None:
    """Options, data sources and resources of others alike."""
    with pytest.raises(ProgramError, match=f"a rehearsal does not do this: {named}"):
        program(body).up()


def test_an_access_key_is_a_secret_output_and_nowhere_in_clear(program: Callable[..., Stage]) -> None:
    """Neither the state nor anything that is printed has it, in this run or a later one; the key works."""
    stage = program(KEY)
    stage.up()
    printed = "\n".join(stage.lines) + stage.rehearse("output")
    keys: dict[str, str] = {}
    stage.change(
        lambda held: keys.update({it.access_key_id: it.secret for it in held["ram"].users["u"].access_keys.values()})
    )
    ((id_, secret),) = keys.items()
    assert json.loads(stage.rehearse("output")) == {"id": id_}
    outputs = json.loads(stage.state.read_text())["outputs"]
    assert list(outputs["key"].values())[1] == "[secret]"
    stage.up()
    assert stage.lines == []
    assert secret not in printed + stage.state.read_text() + stage.rehearse("output")
    stage.destroy()
    assert stage.holdings()["users"] == set()


def test_an_access_key_that_is_gone_is_made_again(program: Callable[..., Stage]) -> None:
    """The one of the state is looked for, not any."""
    stage = program(KEY)
    stage.up()
    stage.change(lambda held: held["ram"].users["u"].access_keys.clear())
    stage.up()
    assert stage.lines == ["create alicloud:ram/accessKey:AccessKey k (gone from the cloud)"]


def test_a_secret_input_is_refused(program: Callable[..., Stage]) -> None:
    """A later run could not tell whether it changed without keeping it."""
    stage = program(
        TRUST + 'alicloud.ram.Role("r", role_name="r", assume_role_policy_document=trust, '
        'description=pulumi.Output.secret("open-sesame"), opts=opts)\n'
    )
    with pytest.raises(ProgramError, match="a rehearsal does not do this: a secret as description") as caught:
        stage.up()
    assert "open-sesame" not in str(caught.value)
    assert stage.holdings()["roles"] == set()


def test_a_state_of_another_stack_is_refused(project: Stage) -> None:
    """Two stacks in one file would delete each other."""
    project.state.parent.mkdir()
    project.state.write_text(json.dumps({"of": ["x", "y"], "made": {}, "outputs": {}}))
    with pytest.raises(ProgramError, match=r"is the state of \['x', 'y'\]: name another file"):
        project.up()


def test_a_second_rehearsal_waits_for_the_first(program: Callable[..., Stage]) -> None:
    """One process at a time holds the state."""
    stage = program('alicloud.ram.User("u", name="u", opts=opts)\n')
    with stage.state.with_name("state.json.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(stage.command("up"), cwd=stage.root, env=stage.environment) as second:
            with pytest.raises(subprocess.TimeoutExpired):
                second.wait(timeout=8)
            assert stage.cloud.requests() == []
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert second.wait(timeout=60) == 0
    assert stage.holdings()["users"] == {"u"}


def test_it_stays_small() -> None:
    """A rehearsal is no second Pulumi."""
    lines = sum(len(file.read_text().splitlines()) for file in (ROOT / "sandbox" / "rehearse").glob("*.py"))
    assert lines < 400
