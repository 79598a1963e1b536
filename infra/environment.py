"""What comes from the environment of whoever runs Pulumi: the account, its key, and the local cloud's address.

These never stand in a stack file nor in the state, so a repository and its state can be shared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pulumi import RunError

from controller.cloud.credentials import Credentials

ACCESS_KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"
ACCESS_KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"  # noqa: S105 - the variable's name, not a secret
SECURITY_TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN"  # noqa: S105 - the variable's name, not a secret
ACCOUNT_ID = "ALIBABA_CLOUD_ACCOUNT_ID"
EMULATOR_URL = "EMULATOR_URL"

WAY_OUT = 'export it, or for the local cloud run: eval "$(python -m emulator env)"'


def credentials(environment: Mapping[str, str]) -> Credentials:
    """The AccessKey that creates the resources.

    Raises:
        pulumi.RunError: a variable is missing.
    """
    return Credentials(
        require(environment, ACCESS_KEY_ID),
        require(environment, ACCESS_KEY_SECRET),
        environment.get(SECURITY_TOKEN) or None,
    )


def emulator_url(environment: Mapping[str, str]) -> str:
    """The address of the local cloud, `http://host[:port]`.

    Raises:
        pulumi.RunError: the variable is missing or no such address.
    """
    url = require(environment, EMULATOR_URL).rstrip("/")
    if not re.fullmatch(r"http://[A-Za-z0-9.-]+(:[0-9]+)?", url):
        raise RunError(f"{EMULATOR_URL} is {url!r}, but must look like http://127.0.0.1:4666: {WAY_OUT}")
    return url


def require(environment: Mapping[str, str], name: str) -> str:
    """The value of a variable that must be there.

    Raises:
        pulumi.RunError: it is missing or empty.
    """
    value = environment.get(name, "").strip()
    if not value:
        raise RunError(f"{name} is not set: {WAY_OUT}")
    return value
