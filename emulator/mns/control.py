"""The RPC control plane (Mns-open 2022-01-19), which the console and the Pulumi provider use.

Every answer has the envelope `{Code, Status, Success, Message, Data, RequestId}`.
"""

from __future__ import annotations

from emulator.call import Operations
from emulator.mns import control_destinations, control_subscriptions, event_control

OPERATIONS = Operations("mns-open")
for room in (control_destinations, control_subscriptions, event_control):
    OPERATIONS.by_name.update(room.SERVED.by_name)
