"""What the account has bought: nothing. Clients ask to learn which of the two sites the account belongs to.

Each site sells products of its own, and asking for one of the other site's is refused with NotApplicable: by that the
Terraform provider, whose `account_type` is empty, tells the sites apart (its `getAccountType`). The emulator's accounts
belong to the Chinese site ("Domestic").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Operations, Reply
from emulator.ram.parameters import number_of
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.state import Cloud

OPERATIONS = Operations("bssopenapi")
_FILTERS = ("Region", "SubscriptionType", "InstanceIDs", "RenewStatus", "OwnerId")
_TIMES = ("CreateTimeStart", "CreateTimeEnd", "EndTimeStart", "EndTimeEnd")
_INTERNATIONAL = "_intl"  # how product types of the international site end: cfw_pre_intl


@OPERATIONS.serves(
    "QueryAvailableInstances", "PageNum", "PageSize", "ProductCode", "ProductType", *_FILTERS, *_TIMES, provenance="sdk"
)
def query_available_instances(_: Cloud, call: Call) -> Reply:
    """An empty page, or NotApplicable for a product of the international site."""
    kind = call.params.get("ProductType", "")
    if kind.endswith(_INTERNATIONAL):
        message = f"This API is not applicable for caller: the product type {kind} is the international site's."
        raise Refusal(400, "NotApplicable", message)
    number = number_of(call, "PageNum", 1, 1, 10**6)
    size = number_of(call, "PageSize", 20, 1, 300)
    page = {"PageNum": number, "PageSize": size, "TotalCount": 0, "InstanceList": []}
    return Reply({"Success": True, "Code": "Success", "Message": "Successful!", "Data": page})
