"""OSS events into MNS: every change of an object that a rule wants becomes a message in a topic or queue.

The message's shape is documented (help.aliyun.com/document_detail/122379.html), and so is that it is base64. Assumed:
the source address is the loopback's, a lifecycle rule's deletions raise no event, and removing a delete marker is a
removal, whatever it brings back.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from emulator.mns.delivery import deliver
from emulator.mns.event_rules import EVENT_OF_OPERATION, EventRule, names_of
from emulator.mns.publish import publish

if TYPE_CHECKING:
    from emulator.mns.state import MnsState
    from emulator.oss.state import ObjectChange
    from emulator.state import Cloud


def on_object_change(cloud: Cloud, change: ObjectChange) -> None:
    """Send the change to the endpoint of every rule, in the bucket's account and region, that wants it."""
    event = EVENT_OF_OPERATION.get(change.cause.operation, "")
    account = cloud.accounts.get(change.owner)
    region = cloud.oss.buckets[change.bucket].region
    mns = None if account is None else account.mns.get(region)
    if not event or mns is None:
        return
    names = names_of(region, change.owner, change.bucket, change.key)
    for rule in mns.event_rules.values():
        if rule.wants(event, names):
            text = b64encode(json.dumps(message(change, event, region, rule, cloud.clock.now())).encode()).decode()
            _send(cloud, mns, change.owner, region, rule, text)


def message(change: ObjectChange, event: str, region: str, rule: EventRule, now: float) -> dict[str, object]:
    """The event as OSS words it, one to a message."""
    about = {
        "deltaSize": change.delta,
        "eTag": change.etag,
        "key": change.key,
        "size": change.size,
    }
    bucket = {
        "arn": f"acs:oss:{region}:{change.owner}:{change.bucket}",
        "name": change.bucket,
        "ownerIdentity": change.owner,
        "virtualBucket": "",
    }
    when = datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    one = {
        "eventName": event,
        "eventSource": "acs:oss",
        "eventTime": when,
        "eventVersion": "1.0",
        "oss": {"bucket": bucket, "object": about, "ossSchemaVersion": "1.0", "ruleId": rule.name},
        "region": region,
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"requestId": change.cause.request_id},
        "userIdentity": {"principalId": change.cause.principal},
    }
    return {"events": [one]}


def _send(cloud: Cloud, mns: MnsState, account: str, region: str, rule: EventRule, text: str) -> None:
    """Put the message where the rule says; an endpoint that is gone gets nothing, and OSS does not mind."""
    now = cloud.clock.now()
    if rule.endpoint_type == "topic":
        publish(cloud, account, region, rule.endpoint_name, text, now)
    elif rule.endpoint_name in mns.queues:
        deliver(cloud, mns.queues[rule.endpoint_name], text, now)
