"""Which resource types a rehearsal knows. A new one is written in the module of its service and listed here."""

from __future__ import annotations

from sandbox.rehearse import mns, oss, ram
from sandbox.rehearse.kinds import Kind, Refused

PROVIDER_TYPE = "pulumi:providers:alicloud"

KINDS = {
    "alicloud:message/serviceQueue:ServiceQueue": mns.QUEUE,
    "alicloud:message/serviceSubscription:ServiceSubscription": mns.SUBSCRIPTION,
    "alicloud:message/serviceTopic:ServiceTopic": mns.TOPIC,
    "alicloud:oss/bucket:Bucket": oss.BUCKET,
    "alicloud:oss/bucketAcl:BucketAcl": oss.BUCKET_ACL,
    "alicloud:ram/policy:Policy": ram.POLICY,
    "alicloud:ram/role:Role": ram.ROLE,
    "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment": ram.ATTACHMENT,
}


def kind_of(resource_type: str) -> Kind:
    """The kind of a type.

    Raises:
        Refused: it is not known here.
    """
    kind = KINDS.get(resource_type)
    if kind is None:
        raise Refused(
            f"a rehearsal does not know the resource type {resource_type}: add it in sandbox/rehearse/registry.py, "
            "or run the stack with the pulumi CLI"
        )
    return kind
