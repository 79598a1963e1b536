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


# CreateProject, "Default value" of each; that of files is above the largest value that the same line allows.
DEFAULTS = {
    "project_max_dataset_count": 1_000_000_000,
    "dataset_max_bind_count": 10,
    "dataset_max_file_count": 100_000_000,
    "dataset_max_entity_count": 10_000_000_000,
    "dataset_max_relation_count": 100_000_000_000,
    "dataset_max_total_file_size": 90_000_000_000_000_000,
}
# What each is called in a stack file.
KEYS = {
    "template_id": "templateId",
    "description": "description",
    "project_max_dataset_count": "quotas.maxDatasetCount",
    "dataset_max_bind_count": "quotas.maxBindCount",
    "dataset_max_file_count": "quotas.maxFileCount",
    "dataset_max_entity_count": "quotas.maxEntityCount",
    "dataset_max_relation_count": "quotas.maxRelationCount",
    "dataset_max_total_file_size": "quotas.maxTotalFileSize",
}


def impossible(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each property that no update brings from the old value to the new one, with the reason and the way out.

    UpdateProject leaves unchanged what it is not told, so nothing is ever taken back by leaving it out.
    """
    if any(olds.get(key) != news.get(key) for key in REPLACING):
        return
    for key, name in KEYS.items():
        if olds.get(key) is not None and news.get(key) is None:
            value = f"{DEFAULTS[key]}, a new project's own" if key in DEFAULTS else "another value"
            kept = f"UpdateProject cannot unset it, so {_whole(olds[key])!r} would silently stay"
            yield key, f"{kept}: give {name} of project {news['name']} a value ({value})"


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value


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
