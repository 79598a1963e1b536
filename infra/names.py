"""Names of what only the Pulumi program creates, with the vendor's rules; shared ones are in controller.api.fields."""

from __future__ import annotations

from typing import Annotated

from controller.api.fields import spelled

# The tag of a bucket whose objects are written once and never overwritten.
HOLDS, RECORDS = "holds", "operator-records"
# RAM CreateRole (1-64, letters, digits, `.` and `-`), CreatePolicy (1-128, letters, digits and `-`) and CreateUser: a
# role's policy has the role's name, so all three rules hold.
RoleName = Annotated[
    str, spelled("a role name is 1 to 64 letters, digits and hyphens", r"^[a-zA-Z0-9-]+$", max_length=64)
]
# What topic, queue, roles and user are called after. Whatever is appended to it is legal for all of them.
Prefix = Annotated[
    str,
    spelled(
        "a prefix is 1 to 32 lower-case letters, digits and hyphens, starting and ending alphanumeric",
        r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        max_length=32,
    ),
]
ShardName = Annotated[
    str,
    spelled(
        "a shard name is 1 to 24 lower-case letters, digits and hyphens, starting and ending alphanumeric",
        r"^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$",
        max_length=24,
    ),
]
# PutBucketLogging takes any prefix; the console's rule for it is kept to.
LogPrefix = Annotated[
    str,
    spelled(
        "a prefix of log objects is 1 to 32 letters, digits, -, _ and /, and starts with a letter",
        r"^[a-zA-Z][a-zA-Z0-9/_-]*$",
        max_length=32,
    ),
]
KmsKeyId = Annotated[
    str,
    spelled(
        "a KMS key id is key-… or 36 characters of hexadecimal digits and hyphens, not an ARN or an alias",
        r"^(key-[a-zA-Z0-9]+|[0-9a-f-]{36})$",
        max_length=64,
    ),
]
OidcProviderName = Annotated[
    str,
    spelled(
        "an OIDC provider is named as RAM lists it, e.g. ack-rrsa-c1234, without account and acs:ram",
        r"^[a-zA-Z0-9._-]+$",
        max_length=128,
    ),
]
IssuerUrl = Annotated[
    str,
    spelled(
        "an issuer is https:// and an address, exactly as the cluster's tokens say it in iss",
        r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
        max_length=253,
    ),
]
# Image Search 2020-12-14, InstanceName: at most 20 characters. It is the name, not the instance's id.
InstanceName = Annotated[
    str,
    spelled("an Image Search instance is called by its name of at most 20 characters", r"^[^\s/]+$", max_length=20),
]
# Tags of OSS and IMM have one rule here, the narrower of both.
TagKey = Annotated[
    str,
    spelled(
        "a tag's key is 1 to 64 letters, digits, -, _ and ., and starts with a letter",
        r"^[a-zA-Z][a-zA-Z0-9._-]*$",
        max_length=64,
    ),
]
TagValue = Annotated[
    str,
    spelled("a tag's value is up to 128 letters, digits, -, _, ., @ and /", r"^[a-zA-Z0-9._@/-]*$", max_length=128),
]
