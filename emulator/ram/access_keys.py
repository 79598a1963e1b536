"""Access keys of RAM users. A new key signs requests at once; the real service takes a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from emulator.call import Call, Reply
from emulator.ram.ids import new_access_key_id, new_secret
from emulator.ram.parameters import absent, date, required
from emulator.ram.registry import serves
from emulator.ram.state import AccessKey
from emulator.ram.users import find_user
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.state import Cloud

_MOST = 2


@serves("CreateAccessKey", "UserName")
def create_access_key(cloud: Cloud, call: Call) -> Reply:
    """Make a key; its secret is shown this one time."""
    user = find_user(cloud, call)
    if len(user.access_keys) >= _MOST:
        message = f"The count of access keys of the user {user.name} is beyond the current limit: {_MOST}."
        raise Refusal(409, "LimitExceeded.User.AccessKey", message)
    key = AccessKey(new_access_key_id(), new_secret(), cloud.clock.now())
    user.access_keys[key.access_key_id] = key
    return Reply({"AccessKey": {**_shown(key), "AccessKeySecret": key.secret}})


@serves("ListAccessKeys", "UserName")
def list_access_keys(cloud: Cloud, call: Call) -> Reply:
    """The user's keys without their secrets."""
    keys = find_user(cloud, call).access_keys.values()
    return Reply({"AccessKeys": {"AccessKey": [_shown(key) for key in keys]}})


@serves("UpdateAccessKey", "UserName", "UserAccessKeyId", "Status")
def update_access_key(cloud: Cloud, call: Call) -> Reply:
    """Switch a key on or off; a key that is off does not sign."""
    status = required(call, "Status")
    if status not in {"Active", "Inactive"}:
        raise Refusal(400, "InvalidParameter.Status", f"The Status must be Active or Inactive, not {status}.")
    _find(cloud, call).status = cast("Literal['Active', 'Inactive']", status)
    return Reply({})


@serves("DeleteAccessKey", "UserName", "UserAccessKeyId")
def delete_access_key(cloud: Cloud, call: Call) -> Reply:
    """Remove a key."""
    key = _find(cloud, call)
    del find_user(cloud, call).access_keys[key.access_key_id]
    return Reply({})


def _find(cloud: Cloud, call: Call) -> AccessKey:
    key = find_user(cloud, call).access_keys.get(required(call, "UserAccessKeyId"))
    if key is None:
        raise absent("User.AccessKey", call.params["UserAccessKeyId"])
    return key


def _shown(key: AccessKey) -> dict[str, object]:
    return {"AccessKeyId": key.access_key_id, "CreateDate": date(key.created), "Status": key.status}
