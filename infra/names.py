"""Names of what only the Pulumi program creates, with the vendor's rules; shared ones are in controller.api.fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

# Terraform provider's documents of mns_topic and mns_queue.
MnsName = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9-]*$")]
# RAM CreateRole (1-64, letters, digits, `.` and `-`) and CreatePolicy (1-128, letters, digits and `-`): the role's
# policy has the role's name, so both rules hold.
RoleName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9-]+$")]
