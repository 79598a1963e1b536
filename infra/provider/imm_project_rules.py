"""Properties of an IMM project and what the cloud takes for them; no call is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from controller.api.fields import ImmName, RegionId
from infra.names import TagKey, TagValue

REPLACING = ("name", "region")
TEXTS = ("service_role", "template_id", "description")
COUNTS = (
    "project_max_dataset_count",
    "dataset_max_bind_count",
    "dataset_max_file_count",
    "dataset_max_entity_count",
    "dataset_max_relation_count",
    "dataset_max_total_file_size",
)
IN_PLACE = (*TEXTS, *COUNTS, "tags")

_Count = Annotated[int, Field(ge=1)]
# CreateProject, 2020-09-30.
RULES: dict[str, TypeAdapter[Any]] = {
    "name": TypeAdapter(ImmName),
    "region": TypeAdapter(RegionId),
    "service_role": TypeAdapter(Annotated[str, Field(min_length=1, max_length=64)]),
    "template_id": TypeAdapter(Annotated[str, Field(min_length=1, max_length=128)]),
    "description": TypeAdapter(Annotated[str, Field(min_length=1, max_length=256)]),
    "project_max_dataset_count": TypeAdapter(Annotated[int, Field(ge=1, le=1_000_000_000)]),
    "dataset_max_bind_count": TypeAdapter(Annotated[int, Field(ge=1, le=10)]),
    "dataset_max_file_count": TypeAdapter(Annotated[int, Field(ge=1, le=100_000_000)]),
    "dataset_max_entity_count": TypeAdapter(_Count),
    "dataset_max_relation_count": TypeAdapter(_Count),
    "dataset_max_total_file_size": TypeAdapter(_Count),
    "tags": TypeAdapter(dict[TagKey, TagValue]),
}


def failures(props: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each property the cloud would refuse, with the reason; one that is absent or not known yet is passed over."""
    for key, rule in RULES.items():
        value = props.get(key)
        if value is None:
            continue
        try:
            rule.validate_python(value)
        except ValidationError as error:
            yield key, f"{value!r}: {error.errors()[0]['msg']}"
