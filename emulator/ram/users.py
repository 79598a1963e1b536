"""RAM users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.ram.ids import new_numeric_id
from emulator.ram.parameters import absent, conflict, date, exists, name_of, page, ram_of, required
from emulator.ram.registry import serves
from emulator.ram.state import User

if TYPE_CHECKING:
    from emulator.state import Cloud

_DETAILS = {"DisplayName": "display_name", "Comments": "comments", "Email": "email", "MobilePhone": "mobile_phone"}


def find_user(cloud: Cloud, call: Call) -> User:
    """The user the call names, or EntityNotExist.User."""
    name = required(call, "UserName")
    user = ram_of(cloud, call).users.get(name)
    if user is None:
        raise absent("User", name)
    return user


def _shown(user: User) -> dict[str, object]:
    return {
        "Comments": user.comments,
        "CreateDate": date(user.created),
        "DisplayName": user.display_name,
        "Email": user.email,
        "MobilePhone": user.mobile_phone,
        "UserId": user.user_id,
        "UserName": user.name,
    }


@serves("CreateUser", "UserName", *_DETAILS)
def create_user(cloud: Cloud, call: Call) -> Reply:
    """Make a user without any key or policy."""
    ram, name = ram_of(cloud, call), name_of(call, "UserName")
    if name in ram.users:
        raise exists("User", name)
    now = cloud.clock.now()
    user = User(name=name, user_id=new_numeric_id(), created=now, updated=now)
    for parameter, field in _DETAILS.items():
        setattr(user, field, call.params.get(parameter, getattr(user, field)))
    ram.users[name] = user
    return Reply({"User": _shown(user)})


@serves("GetUser", "UserName")
def get_user(cloud: Cloud, call: Call) -> Reply:
    """One user."""
    user = find_user(cloud, call)
    return Reply({"User": {**_shown(user), "UpdateDate": date(user.updated)}})


@serves("UpdateUser", "UserName", "NewUserName", *(f"New{name}" for name in _DETAILS))
def update_user(cloud: Cloud, call: Call) -> Reply:
    """Change what is given, the name included; keys and policies stay with the user."""
    ram, user = ram_of(cloud, call), find_user(cloud, call)
    if call.params.get("NewUserName", user.name) != user.name:
        name = name_of(call, "NewUserName")
        if name in ram.users:
            raise exists("User", name)
        ram.users[name] = ram.users.pop(user.name)
        user.name = name
    for parameter, field in _DETAILS.items():
        setattr(user, field, call.params.get(f"New{parameter}", getattr(user, field)))
    user.updated = cloud.clock.now()
    return Reply({"User": {**_shown(user), "UpdateDate": date(user.updated)}})


@serves("DeleteUser", "UserName")
def delete_user(cloud: Cloud, call: Call) -> Reply:
    """Remove a user that holds neither keys nor policies."""
    user = find_user(cloud, call)
    if user.access_keys:
        raise conflict("User.AccessKey", f"The user {user.name} still has access keys; delete them first.")
    if user.attachments:
        raise conflict("User.Policy", f"The user {user.name} still holds policies; detach them first.")
    del ram_of(cloud, call).users[user.name]
    return Reply({})


@serves("ListUsers", "Marker", "MaxItems")
def list_users(cloud: Cloud, call: Call) -> Reply:
    """Users in order of name."""
    users = ram_of(cloud, call).users
    names, paging = page(call, list(users))
    listed = [{**_shown(users[name]), "UpdateDate": date(users[name].updated)} for name in names]
    return Reply({"Users": {"User": listed}, **paging})
