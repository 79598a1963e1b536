"""RAM users and roles through the official SDKs: what their policies allow is done, everything else is refused.

Every service has its own way of refusing (OSS: `test_ram_enforcement_oss.py`), and the journal says which rights a run
has used.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any

import oss2
import pytest
from alibabacloud_imm20200930 import models as imm_models
from alibabacloud_imm20200930.client import Client as ImmClient
from alibabacloud_mns_open20220119 import models as mns_models
from alibabacloud_mns_open20220119.client import Client as MnsOpenClient
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401 import models as sts_models
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.exceptions import ClientException
from mns.account import Account
from mns.mns_exception import MNSServerException

from emulator.rights import Right
from emulator.testing import LocalCloud
from tests.emulator.conftest import rpc_config
from tests.emulator.ram_room import BucketOf, People, Statement, arn, denied, document, refusal


@pytest.fixture
def people(cloud: LocalCloud, ram: Any) -> People:
    """Whoever the test needs."""
    return People(cloud, ram)


@pytest.fixture
def imm_of() -> Callable[[LocalCloud], Any]:
    """Make IMM's official client."""
    return lambda cloud: ImmClient(rpc_config(cloud))


PLACE = {"project_name": "media", "dataset_name": "all"}
BIND = imm_models.CreateBindingRequest(**PLACE, uri="oss://pictures")


@pytest.fixture
def dataset(cloud: LocalCloud, imm_of: Callable[[LocalCloud], Any], bucket: oss2.Bucket) -> str:
    """A project, a dataset and a bucket; the dataset's name in policies."""
    imm_of(cloud).create_project(imm_models.CreateProjectRequest(project_name="media"))
    imm_of(cloud).create_dataset(imm_models.CreateDatasetRequest(**PLACE))
    return f"acs:imm:{cloud.region}:{cloud.account_id}:project/media/dataset/all"


class TestImm:
    """Projects, datasets and bindings."""

    def test_an_operator_without_create_binding_gets_the_services_own_refusal(
        self, people: People, imm_of: Callable[[LocalCloud], Any], dataset: str
    ) -> None:
        """403 with the action, the resource and AccessDeniedDetail; with the right, the binding is made."""
        mine = imm_of(people.user("ann", {"Action": ["imm:GetBinding", "imm:ListBindings"], "Resource": dataset}))
        with pytest.raises(ClientException) as caught:
            mine.create_binding(BIND)
        error = caught.value
        assert (403, "NoPermission") == (error.status_code, error.code)
        assert f"imm:CreateBinding on the specified resource {dataset}" in error.message
        detail = error.data["AccessDeniedDetail"]
        assert ("imm:CreateBinding", "ImplicitDeny") == (detail["AuthAction"], detail["NoPermissionType"])
        assert [] == mine.list_bindings(imm_models.ListBindingsRequest(**PLACE)).body.bindings

        people.allow("ann", {"Action": "imm:*Binding", "Resource": dataset})
        mine.create_binding(BIND)
        assert "Ready" == mine.get_binding(imm_models.GetBindingRequest(**PLACE, uri=BIND.uri)).body.binding.state

    def test_a_right_to_one_dataset_is_none_to_another(
        self, people: People, imm_of: Callable[[LocalCloud], Any], dataset: str
    ) -> None:
        """Nor to its project, nor to the list of projects."""
        mine = imm_of(people.user("ann", {"Action": "imm:*", "Resource": dataset}))
        other = imm_models.GetDatasetRequest(project_name="media", dataset_name="other")
        mine.get_dataset(imm_models.GetDatasetRequest(**PLACE))
        for call in (
            lambda: mine.get_dataset(other),
            lambda: mine.get_project(imm_models.GetProjectRequest(project_name="media")),
            lambda: mine.list_datasets(imm_models.ListDatasetsRequest(project_name="media")),
            lambda: mine.list_projects(imm_models.ListProjectsRequest()),
        ):
            assert (403, "NoPermission") == refusal(call)[:2]

    def test_giving_a_project_a_role_takes_all_that_the_role_may(
        self, cloud: LocalCloud, people: People, imm_of: Callable[[LocalCloud], Any]
    ) -> None:
        """And ram:PassRole to IMM; the default role is free, as the vendor warns."""
        read = {"Action": "oss:GetObject", "Resource": "acs:oss:*:*:pictures/*"}
        people.role("imm-media", {"Service": ["imm.aliyuncs.com"]}, read)
        make = {"Action": "imm:CreateProject", "Resource": "*"}
        pass_on = {
            "Action": "ram:PassRole",
            "Resource": f"acs:ram:*:{cloud.account_id}:role/imm-media",
            "Condition": {"StringEquals": {"acs:Service": "imm.aliyuncs.com"}},
        }
        mine = imm_of(people.user("ann", make))
        wanted = imm_models.CreateProjectRequest(project_name="media", service_role="imm-media")
        assert "ram:PassRole" in refusal(lambda: mine.create_project(wanted))[2]
        people.allow("ann", make, pass_on)
        said = refusal(lambda: mine.create_project(wanted))
        assert (403, "NoPermission") == said[:2]
        assert "imm-media allows oss:GetObject on acs:oss:*:*:pictures/*, which you may not do" in said[2]
        people.allow("ann", make, pass_on, {"Action": "oss:Get*", "Resource": "acs:oss:*:*:pic*"})
        assert "imm-media" == mine.create_project(wanted).body.project.service_role
        people.allow("ann", make)
        mine.create_project(imm_models.CreateProjectRequest(project_name="free"))

    def test_imm_cannot_read_a_bucket_its_role_may_not_read(
        self, cloud: LocalCloud, people: People, imm_of: Callable[[LocalCloud], Any], bucket: oss2.Bucket
    ) -> None:
        """The binding fails with the reason; with the rights, another one runs. The rest: test_imm_service_roles.py."""
        bucket.put_object("k", b"x")
        publish = {"Action": "mns:PublishMessage", "Resource": "*"}
        people.role("imm-media", {"Service": ["imm.aliyuncs.com"]}, publish)
        imm = imm_of(cloud)
        imm.create_project(imm_models.CreateProjectRequest(project_name="media", service_role="imm-media"))
        imm.create_dataset(imm_models.CreateDatasetRequest(**PLACE))

        def bound() -> tuple[str, str]:
            imm.create_binding(BIND)
            cloud.advance(60)
            found = imm.get_binding(imm_models.GetBindingRequest(**PLACE, uri=BIND.uri)).body.binding
            imm.delete_binding(imm_models.DeleteBindingRequest(**PLACE, uri=BIND.uri))
            return found.state, found.reason or ""

        reason = f"The service role imm-media may not oss:ListObjects on {arn(cloud, 'pictures')}."
        assert ("Failed", reason) == bound()
        read = {"Action": ["oss:ListObjects", "oss:GetObject"], "Resource": "acs:oss:*:*:pictures*"}
        people.allow("imm-media", publish, read)
        assert ("Running", "") == bound()


class TestMns:
    """Queues and topics, on both planes."""

    @pytest.fixture
    def queues(self, cloud: LocalCloud) -> Iterator[Callable[[LocalCloud], Any]]:
        """A queue, as its SDK sees it for somebody."""
        made: list[Any] = []

        def make(somebody: LocalCloud) -> Any:
            made.append(Account(somebody.url, somebody.access_key_id, somebody.access_key_secret))
            queue = made[-1].get_queue("results")
            queue.set_encoding(False)
            return queue

        MnsOpenClient(rpc_config(cloud)).create_queue(mns_models.CreateQueueRequest(queue_name="results"))
        yield make
        for account in made:
            account.mns_client.close_connection()

    def test_receiving_is_allowed_by_its_own_action_only(
        self, cloud: LocalCloud, people: People, queues: Callable[[LocalCloud], Any]
    ) -> None:
        """ReceiveMessage is not BatchReceiveMessage, and neither deletes; the refusal is MNS's."""
        messages = f"acs:mns:{cloud.region}:{cloud.account_id}:/queues/results/messages"
        mine = queues(people.user("ann", {"Action": "mns:ReceiveMessage", "Resource": messages}))
        others: list[Callable[[], object]] = [
            lambda: mine.batch_receive_message(1),
            lambda: mine.delete_message("1-x"),
        ]
        for call in others:
            with pytest.raises(MNSServerException) as caught:
                call()
            assert ("AccessDenied", True) == (caught.value.type, "is forbidden for this operation" in str(caught.value))
        with pytest.raises(MNSServerException) as caught:
            mine.receive_message()
        assert "MessageNotExist" == caught.value.type
        people.allow("ann", {"Action": "mns:BatchReceiveMessage", "Resource": "acs:mns:*:*:/queues/other/messages"})
        with pytest.raises(MNSServerException, match="AccessDenied"):
            mine.batch_receive_message(1)

    def test_the_control_plane_has_the_same_resources(self, cloud: LocalCloud, people: People) -> None:
        """Refused in the RPC way."""
        topic = f"acs:mns:{cloud.region}:{cloud.account_id}:/topics/results"
        mine = MnsOpenClient(rpc_config(people.user("ann", {"Action": "mns:*", "Resource": topic})))
        mine.create_topic(mns_models.CreateTopicRequest(topic_name="results"))
        subscribe = mns_models.SubscribeRequest(
            topic_name="results",
            subscription_name="s",
            push_type="queue",
            endpoint=f"acs:mns:{cloud.region}:{cloud.account_id}:queues/q",
        )
        status, code, message = refusal(lambda: mine.subscribe(subscribe))
        assert (403, "NoPermission") == (status, code)
        assert f"mns:Subscribe on the specified resource {topic}/subscriptions/s" in message


class TestRamAndSts:
    """RAM itself, and roles."""

    def test_ram_is_governed_by_ram(self, cloud: LocalCloud, people: People) -> None:
        """Attaching takes the right on both the policy and the user; a system policy is the cloud's."""
        everyone = {"Action": "ram:AttachPolicyToUser", "Resource": f"acs:ram:*:{cloud.account_id}:user/*"}
        mine = RamClient(rpc_config(people.user("ann", everyone)))
        request = ram_models.AttachPolicyToUserRequest(
            policy_type="System", policy_name="AliyunOSSFullAccess", user_name="ann"
        )
        status, code, message = refusal(lambda: mine.attach_policy_to_user(request))
        assert (403, "NoPermission") == (status, code)
        assert "Resource: acs:ram:*:system:policy/AliyunOSSFullAccess Action: ram:AttachPolicyToUser" in message
        people.allow("ann", everyone, {"Action": "ram:AttachPolicyToUser", "Resource": "acs:ram:*:system:policy/*"})
        mine.attach_policy_to_user(request)
        assert (403, "NoPermission") == refusal(lambda: mine.list_users(ram_models.ListUsersRequest()))[:2]

    def test_a_policys_version_in_force_counts(self, cloud: LocalCloud, people: People, bucket_of: BucketOf) -> None:
        """Going back to an older one takes rights away again, and so does detaching it."""
        bucket_of(cloud).create_bucket()
        mine = bucket_of(people.user("ann", {"Action": "oss:GetObject", "Resource": "*"}))
        people.allow("ann", {"Action": "oss:PutObject", "Resource": "*"})
        mine.put_object("k", b"x")
        older = ram_models.SetDefaultPolicyVersionRequest(policy_name="ann", version_id="v1")
        people.ram.set_default_policy_version(older)
        assert "oss:PutObject" == denied(lambda: mine.put_object("k", b"x"))["AuthAction"]
        assert b"x" == mine.get_object("k").read()
        where = {"policy_type": "Custom", "policy_name": "ann", "user_name": "ann"}
        people.ram.detach_policy_from_user(ram_models.DetachPolicyFromUserRequest(**where))
        assert "oss:GetObject" == denied(lambda: mine.get_object("k"))["AuthAction"]

    def test_everybody_may_ask_who_they_are(self, people: People) -> None:
        """GetCallerIdentity needs no right."""
        who = StsClient(rpc_config(people.user("ann"))).get_caller_identity().body
        assert who.arn.endswith(":user/ann")

    def test_a_session_may_do_what_its_role_and_its_own_policy_allow(
        self, cloud: LocalCloud, people: People, oss_session: oss2.Session, bucket_of: BucketOf
    ) -> None:
        """Assuming takes a right on the role; the user's own rights do not come along."""
        bucket_of(cloud).create_bucket()
        role = people.role(
            "reader",
            {"RAM": [f"acs:ram::{cloud.account_id}:root"]},
            {"Action": ["oss:GetObject", "oss:ListObjects"], "Resource": "*"},
        )
        resource = f"acs:ram:*:{cloud.account_id}:role/reader"
        put = {"Action": "oss:PutObject", "Resource": "*"}
        user = people.user("ann", put)
        wanted = sts_models.AssumeRoleRequest(role_arn=role, role_session_name="run")
        status, code, message = refusal(lambda: StsClient(rpc_config(user)).assume_role(wanted))
        assert (403, "NoPermission", True) == (status, code, f"Resource: {resource}" in message)
        people.allow("ann", put, {"Action": "sts:AssumeRole", "Resource": resource})
        bucket_of(user).put_object("k", b"x")

        def bucket_as(policy: str | None) -> oss2.Bucket:
            asked = sts_models.AssumeRoleRequest(role_arn=role, role_session_name="run", policy=policy)
            held = StsClient(rpc_config(user)).assume_role(asked).body.credentials
            auth = oss2.StsAuth(held.access_key_id, held.access_key_secret, held.security_token)
            return oss2.Bucket(auth, cloud.url, "pictures", session=oss_session)

        whole = bucket_as(None)
        assert b"x" == whole.get_object("k").read()
        said = denied(lambda: whole.put_object("k", b"y"))
        assert ("AssumedRoleUser", "reader:run", "oss:PutObject") == (
            said["AuthPrincipalType"],
            said["AuthPrincipalDisplayName"],
            said["AuthAction"],
        )
        narrow = bucket_as(document({"Action": ["oss:GetObject", "oss:PutObject"], "Resource": "*"}))
        assert b"x" == narrow.get_object("k").read()
        assert "SessionPolicy" == denied(narrow.list_objects)["PolicyType"]
        assert "oss:PutObject" == denied(lambda: narrow.put_object("k", b"y"))["AuthAction"]


def test_the_journals_rights_over_a_run_equal_its_policy(
    cloud: LocalCloud, people: People, imm_of: Callable[[LocalCloud], Any], dataset: str, bucket_of: BucketOf
) -> None:
    """A run under its exact policy passes, the journal has used it whole, and each right left out stops the run."""
    whole = {
        Right("imm:CreateBinding", dataset),
        Right("imm:GetBinding", dataset),
        Right("oss:ListObjects", arn(cloud, "pictures")),
        Right("oss:PutObject", arn(cloud, "pictures", "k")),
    }

    def statements(rights: set[Right]) -> list[Statement]:
        return [{"Action": right.action, "Resource": right.resource} for right in sorted(rights)]

    user = people.user("operator", *statements(whole))

    def run() -> None:
        imm_of(user).create_binding(BIND)
        imm_of(user).get_binding(imm_models.GetBindingRequest(**PLACE, uri=BIND.uri))
        bucket_of(user).put_object("k", b"x")
        bucket_of(user).list_objects()
        StsClient(rpc_config(user)).get_caller_identity()

    run()
    entries = [entry for entry in cloud.requests() if str(entry["principal"]).endswith(":user/operator")]
    used = {Right(*right) for entry in entries for right in entry["rights"]}  # type: ignore[attr-defined]  # JSON-ready
    assert whole == used
    for left_out in whole:
        imm_of(cloud).delete_binding(imm_models.DeleteBindingRequest(**PLACE, uri=BIND.uri))
        people.allow("operator", *statements(whole - {left_out}))
        with pytest.raises((ClientException, oss2.exceptions.AccessDenied)):
            run()
        if left_out.action == "imm:CreateBinding":
            imm_of(cloud).create_binding(BIND)


def test_the_admin_page_shows_the_rights_of_requests(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """Of the account's own key too, although nothing was asked of it; who is nobody has none."""
    bucket.put_object("k", b"x")
    connection = http.client.HTTPConnection(cloud.host)
    connection.request("GET", "/pictures/k")
    assert 403 == connection.getresponse().status
    connection.close()
    connection.request("GET", "/_emulator/requests?service=oss")
    shown = json.loads(connection.getresponse().read())["requests"]
    connection.close()
    assert [
        ["PutBucket", [["oss:PutBucket", arn(cloud, "pictures")]]],
        ["PutObject", [["oss:PutObject", arn(cloud, "pictures", "k")]]],
        ["GetObject", []],
    ] == [[entry["operation"], entry["rights"]] for entry in shown]
