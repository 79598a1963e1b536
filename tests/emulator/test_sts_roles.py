"""AssumeRole, and temporary keys in every protocol: verified with their token, and over when their time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import oss2
import pytest
from alibabacloud_imm20200930 import models as imm_models
from alibabacloud_imm20200930.client import Client as ImmClient
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401.client import Client as StsClient
from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import Message, QueueMeta

from emulator.instance import Config as EmulatorConfig
from emulator.testing import running
from tests.emulator.role_room import Pair, assume, config_as, new_role, new_user, pair_of, refused, trust, trust_of

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.testing import LocalCloud

ASSUMER = "AliyunSTSAssumeRoleAccess"
EVERYTHING = "AdministratorAccess"


@pytest.fixture
def user(cloud: LocalCloud) -> Pair:
    """A user that may assume what trusts it."""
    return new_user(cloud, "alice", ASSUMER)


def root_of(cloud: LocalCloud) -> str:
    """How a trust policy names the whole account."""
    return f"acs:ram::{cloud.account_id}:root"


def session(cloud: LocalCloud, user: Pair, **details: Any) -> Pair:
    """A temporary key of a role that may do everything."""
    arn = new_role(cloud, "Operator", trust(Principal={"RAM": [root_of(cloud)]}), EVERYTHING)
    return pair_of(assume(StsClient(config_as(cloud, user)), arn, **details))


def test_the_answer_names_key_role_and_end(cloud: LocalCloud, user: Pair) -> None:
    """Its parts are what SDKs read; the default is an hour on the emulator's clock."""
    arn = new_role(cloud, "Operator", trust(Principal={"RAM": [root_of(cloud)]}))
    answer = assume(StsClient(config_as(cloud, user)), arn, "night-shift")
    assert answer.credentials.access_key_id.startswith("STS.")
    role_id = RamClient(config_as(cloud)).get_role(ram_models.GetRoleRequest(role_name="Operator")).body.role.role_id
    assert f"{role_id}:night-shift" == answer.assumed_role_user.assumed_role_id
    assert f"acs:ram::{cloud.account_id}:role/operator/night-shift" == answer.assumed_role_user.arn
    end = oss2.utils.iso8601_to_unixtime(answer.credentials.expiration.replace("Z", ".000Z"))
    assert 3600 - 2 <= end - cloud.now() <= 3600


@pytest.mark.parametrize("old", [False, True])
def test_a_session_is_told_who_it_is(cloud: LocalCloud, user: Pair, old: bool) -> None:  # noqa: FBT001 - a parameter
    """GetCallerIdentity of an assumed role, by both RPC signatures."""
    sts = StsClient(config_as(cloud, session(cloud, user, session="night-shift"), old=old))
    identity = sts.get_caller_identity().body
    assert f"acs:ram::{cloud.account_id}:assumed-role/operator/night-shift" == identity.arn
    assert ("AssumedRoleUser", None) == (identity.identity_type, identity.user_id)
    assert f"{identity.role_id}:night-shift" == identity.principal_id


@pytest.mark.parametrize("v4", [True, False])
def test_oss_takes_a_temporary_key(
    cloud: LocalCloud,
    user: Pair,
    oss_session: oss2.Session,
    v4: bool,  # noqa: FBT001 - a parameter
) -> None:
    """In the header and in a signed address, by both signatures; not with a foreign token, without one, or late."""
    key_id, secret, token = session(cloud, user)
    provider = oss2.credentials.StaticCredentialsProvider(key_id, secret, token)
    auth = (oss2.ProviderAuthV4 if v4 else oss2.ProviderAuth)(provider)
    bucket = oss2.Bucket(auth, cloud.url, "pictures", session=oss_session, region=cloud.region)
    bucket.create_bucket()
    bucket.put_object("a b", b"text")
    assert b"text" == bucket.get_object("a b").read()
    address = bucket.sign_url("GET", "a b", 600)
    assert b"text" == oss_session.do_request(oss2.http.Request("GET", address), 10).read()

    def code_with(other: str | None) -> tuple[int, str]:
        provider.credentials.security_token = other
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.list_objects()
        return caught.value.status, caught.value.code

    assert (403, "InvalidSecurityToken") == code_with("another")
    assert (403, "InvalidAccessKeyId") == code_with(None)
    cloud.advance(3599)
    provider.credentials.security_token = token
    assert ["a b"] == [found.key for found in bucket.list_objects().object_list]
    cloud.advance(1)
    assert (403, "SecurityTokenExpired") == code_with(token)


def test_mns_takes_a_temporary_key(cloud: LocalCloud, user: Pair) -> None:
    """A message there and back; late it does not."""
    key_id, secret, token = session(cloud, user)
    account = Account(cloud.url, key_id, secret, token)
    queue = account.get_queue("q")
    queue.set_encoding(False)
    queue.create(QueueMeta(30))
    queue.send_message(Message("hello"))
    assert "hello" == queue.receive_message().message_body
    cloud.advance(3600)
    with pytest.raises(MNSServerException) as caught:
        queue.get_attributes()
    assert "SecurityTokenExpired" == caught.value.type
    account.mns_client.close_connection()


@pytest.mark.parametrize("old", [False, True])
def test_imm_takes_a_temporary_key(cloud: LocalCloud, user: Pair, old: bool) -> None:  # noqa: FBT001 - a parameter
    """By both RPC signatures; with a foreign token, without one and late it does not."""
    key_id, secret, token = session(cloud, user)

    def client(with_token: str | None) -> ImmClient:
        return ImmClient(config_as(cloud, (key_id, secret, with_token), old=old))

    ask = imm_models.ListProjectsRequest()
    assert [] == (client(token).list_projects(ask).body.projects or [])
    mismatch = (400, "InvalidSecurityToken.MismatchWithAccessKey")
    assert mismatch == refused(client("another").list_projects, ask)
    assert (400, "MissingSecurityToken") == refused(client(None).list_projects, ask)
    root = (cloud.access_key_id, cloud.access_key_secret, token)
    assert mismatch == refused(ImmClient(config_as(cloud, root, old=old)).list_projects, ask)
    cloud.advance(3600)
    assert (400, "InvalidSecurityToken.Expired") == refused(client(token).list_projects, ask)


def test_who_may_assume(cloud: LocalCloud, user: Pair) -> None:
    """Account, user and role as principals; a service is never a caller, and a denial wins."""
    prefix = f"acs:ram::{cloud.account_id}:"
    first = new_role(cloud, "first", trust(Principal={"RAM": [f"{prefix}user/alice"]}), ASSUMER)
    sts, other = StsClient(config_as(cloud, user)), StsClient(config_as(cloud, new_user(cloud, "bob", ASSUMER)))
    chained = StsClient(config_as(cloud, pair_of(assume(sts, first))))
    no = (403, "NoPermission")
    assert no == refused(assume, other, first)
    second = new_role(cloud, "second", trust(Principal={"RAM": f"{prefix}role/First"}))
    assert assume(chained, second).assumed_role_user.arn.endswith(":role/second/tests")
    assert no == refused(assume, sts, second)
    served = new_role(cloud, "served", trust(Principal={"Service": ["imm.aliyuncs.com"]}))
    assert no == refused(assume, sts, served)
    elsewhere = new_role(cloud, "elsewhere", trust(Principal={"RAM": ["acs:ram::99:root"]}))
    assert no == refused(assume, sts, elsewhere)
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [f"{prefix}root"]}}
    deny = {"Effect": "Deny", "Action": "sts:*", "Principal": {"RAM": [f"{prefix}user/alice"]}}
    denied = new_role(cloud, "denied", trust_of(allow, deny))
    assert no == refused(assume, sts, denied)
    assert assume(other, denied).assumed_role_user.arn.endswith(":role/denied/tests")


def test_the_account_itself_may_not(cloud: LocalCloud) -> None:
    """The vendor's rule, whatever the role's trust policy says."""
    arn = new_role(cloud, "Operator", trust(Principal={"RAM": [root_of(cloud)]}))
    assert (403, "NoPermission") == refused(assume, StsClient(config_as(cloud)), arn)


def test_a_user_of_another_account_may(cloud: LocalCloud) -> None:
    """A role may trust a whole other account; the session belongs to the role's account."""
    theirs = cloud.add_account("99", "LTAIother", "other-secret")
    stranger = new_user(theirs, "carol", ASSUMER)
    arn = new_role(cloud, "shared", trust(Principal={"RAM": ["acs:ram::99:root"]}))
    pair = pair_of(assume(StsClient(config_as(cloud, stranger)), arn))
    assert cloud.account_id == StsClient(config_as(cloud, pair)).get_caller_identity().body.account_id


def test_an_external_id_must_be_known(cloud: LocalCloud, user: Pair) -> None:
    """The condition key sts:ExternalId, against confused deputies."""
    condition = {"StringEquals": {"sts:ExternalId": "tenant-7"}}
    arn = new_role(cloud, "guarded", trust(Principal={"RAM": [root_of(cloud)]}, Condition=condition))
    sts = StsClient(config_as(cloud, user))
    assert assume(sts, arn, external_id="tenant-7").credentials.security_token
    assert (403, "NoPermission") == refused(assume, sts, arn)
    assert (403, "NoPermission") == refused(assume, sts, arn, external_id="tenant-8")


@pytest.mark.parametrize(
    ("details", "refusal"),
    [
        ({"duration_seconds": 899}, (400, "InvalidParameter.DurationSeconds")),
        ({"duration_seconds": 7201}, (400, "InvalidParameter.DurationSeconds")),
        ({"session": "a"}, (400, "InvalidParameter.RoleSessionName")),
        ({"session": "not allowed"}, (400, "InvalidParameter.RoleSessionName")),
        ({"policy": "{}"}, (400, "InvalidParameter.PolicyGrammar")),
        ({"policy": "x" * 2049}, (400, "InvalidParameter.PolicySize")),
    ],
)
def test_parameters_are_checked(
    cloud: LocalCloud, user: Pair, details: dict[str, Any], refusal: tuple[int, str]
) -> None:
    """Bounds and forms as documented; the longest session is the role's own."""
    arn = new_role(cloud, "Operator", trust(Principal={"RAM": [root_of(cloud)]}), longest=7200)
    sts = StsClient(config_as(cloud, user))
    assert refusal == refused(assume, sts, arn, **details)
    assert assume(sts, arn, duration_seconds=7200).credentials.security_token


def test_a_role_must_exist(cloud: LocalCloud, user: Pair) -> None:
    """And be spelled as a role's resource name."""
    sts = StsClient(config_as(cloud, user))
    missing = f"acs:ram::{cloud.account_id}:role/missing"
    assert (404, "EntityNotExist.Role") == refused(assume, sts, missing)
    assert (404, "EntityNotExist.Role") == refused(assume, sts, "acs:ram::98:role/missing")
    new_user(cloud, "admin", EVERYTHING)
    admin = StsClient(config_as(cloud, new_user(cloud, "chief", EVERYTHING)))
    assert (400, "InvalidParameter.RoleArn") == refused(assume, admin, "missing")


def test_a_session_outlives_a_restart_and_still_ends(tmp_path: Path) -> None:
    """Temporary keys are kept with the rest of the state."""
    data, config = tmp_path / "data", EmulatorConfig(virtual_clock=True)
    with running(config, data=data) as cloud:
        pair = session(cloud, new_user(cloud, "alice", ASSUMER))
    with running(config, data=data) as cloud:
        sts = StsClient(config_as(cloud, pair))
        assert "AssumedRoleUser" == sts.get_caller_identity().body.identity_type
        cloud.advance(3600)
        assert (400, "InvalidSecurityToken.Expired") == refused(sts.get_caller_identity)


def test_ended_sessions_are_forgotten_after_a_day(cloud: LocalCloud, user: Pair) -> None:
    """The state does not grow with each refresh of a client that runs for months."""
    arn = new_role(cloud, "Operator", trust(Principal={"RAM": [root_of(cloud)]}))
    sts = StsClient(config_as(cloud, user))
    for _ in range(3):
        assume(sts, arn)
        cloud.advance(3600)
    cloud.advance(24 * 3600 + 1)
    assume(sts, arn)
    assert 1 == cloud.run(lambda instance: len(instance.cloud.accounts[cloud.account_id].sts.sessions))


def test_no_page_shows_a_temporary_secret(cloud: LocalCloud, user: Pair) -> None:
    """Neither the state's dump nor the journal holds a session's secret or token."""
    from emulator.dump import dump_state  # noqa: PLC0415 - used here alone

    key_id, secret, token = session(cloud, user)
    StsClient(config_as(cloud, (key_id, secret, token), old=True)).get_caller_identity()
    shown = str(cloud.run(lambda instance: dump_state(instance.cloud))) + str(cloud.requests())
    assert key_id in shown
    assert not {secret, str(token)} & set(shown.replace("'", " ").split())
