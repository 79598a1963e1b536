"""The limits and texts that projects and datasets share: their request parameters, ranges and response fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.imm import params, refusals

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.state import Quotas
    from emulator.state import Cloud

# parameter → attribute of Quotas, largest value (vendor: CreateProject, CreateDataset)
QUOTA_PARAMS = {
    "DatasetMaxBindCount": ("bind_count", 10),
    "DatasetMaxFileCount": ("file_count", 100_000_000),
    "DatasetMaxEntityCount": ("entity_count", 10_000_000_000),
    "DatasetMaxRelationCount": ("relation_count", 100_000_000_000),
    "DatasetMaxTotalFileSize": ("total_file_size", 90_000_000_000_000_000),
}
# The vendor publishes no full list of templates; `Official:…` and a project's own ids are what its samples show.
TEMPLATE = re.compile(r"(Official:)?[A-Za-z0-9_-]{1,128}")
SEEN_TEMPLATES = frozenset({"Official:ImageManagement", "Official:AllFunction"})


def given_quotas(call: Call) -> dict[str, object]:
    """The quotas that the call sets, as `quotas.<attribute>` → value.

    Raises:
        Refusal: `LimitExceededError` if a value is above what the service allows, `Invalid{Param}` if it is no count.
    """
    found: dict[str, object] = {}
    for name, (attribute, largest) in QUOTA_PARAMS.items():
        value = params.integer(call, name, 1, 2**63 - 1)
        if value is None:
            continue
        if value > largest:
            raise refusals.limit_exceeded(f"The quota {name} is too large: {value}, at most {largest}.")
        found[f"quotas.{attribute}"] = value
    return found


def given_texts(cloud: Cloud, call: Call) -> dict[str, object]:
    """TemplateId and Description, where the call sets them.

    Raises:
        Refusal: InvalidTemplateId, InvalidDescription; InvalidArgument for a template never seen, if switched so.
    """
    found: dict[str, object] = {}
    template = call.params.get("TemplateId")
    if template is not None:
        if template and not TEMPLATE.fullmatch(template):
            raise refusals.malformed("TemplateId")
        if template and template not in SEEN_TEMPLATES and cloud.switches.template_unknown != "accepted":
            raise refusals.invalid_argument(f"The template {template} does not exist.")
        found["template_id"] = template
    described = params.description(call)
    if described is not None:
        found["description"] = described
    return found


def shown_quotas(held: Quotas) -> dict[str, object]:
    """The response form of quotas."""
    return {name: getattr(held, attribute) for name, (attribute, _) in QUOTA_PARAMS.items()}
