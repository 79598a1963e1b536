"""What a seed says: a YAML file or a folder tree, as the requests that bring it about.

A folder is buckets with their files; a YAML file names everything else too. Both become `Step`s, one request each, that
go through the same functions as a client's, so a seed can say nothing that the services would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_STRICT = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
Name = Annotated[str, Field(min_length=1)]


class SeedError(Exception):
    """A seed cannot be read or does not fit; the message says where and what to do."""


class Owned(BaseModel):
    """What every entry may say: whose it is and where; by default the emulator's own account and region."""

    model_config = _STRICT
    account: str = ""
    region: str = ""


class AccountSeed(BaseModel):
    """An account with its root keys."""

    model_config = _STRICT
    id: Name
    keys: dict[Name, Name] = Field(min_length=1)  # AccessKeyId: secret


class BucketSeed(Owned):
    """A bucket, with the files of `folder` (relative to the YAML file) if one is named."""

    name: Name
    folder: Path | None = None
    acl: Literal["private", "public-read", "public-read-write"] = "private"


class QueueSeed(Owned):
    """A queue; `attributes` by their names in the API (VisibilityTimeout, DelaySeconds, …)."""

    name: Name
    attributes: dict[str, str] = {}


class TopicSeed(Owned):
    """A topic, likewise."""

    name: Name
    attributes: dict[str, str] = {}


class SubscriptionSeed(Owned):
    """A queue that gets what is published on a topic."""

    topic: Name
    queue: Name
    name: str = ""  # by default the queue's
    format: Literal["XML", "JSON", "SIMPLIFIED"] = "SIMPLIFIED"
    filter_tag: str = ""


class Described(Owned):
    """What projects and datasets have in common."""

    name: Name
    template: str = ""
    description: str = ""


class ProjectSeed(Described):
    """An IMM project."""

    service_role: str = ""


class DatasetSeed(Described):
    """A dataset of a project."""

    project: Name


class BindingSeed(Owned):
    """A dataset that follows a bucket."""

    project: Name
    dataset: Name
    bucket: Name


class ImageSearchInstanceSeed(Owned):
    """An instance of Image Search: its plan, and whether it works. Bought in the console, so no operation makes one."""

    name: Annotated[str, Field(min_length=1, max_length=20)]
    service_type: Annotated[int, Field(ge=0, le=7)] = 0  # 0 product search, 1 generic; see Detail's page for the others
    capacity: Annotated[int, Field(ge=1)] = 2_500_000  # pictures
    qps: Annotated[int, Field(ge=1)] = 5  # of searches
    status: Literal["NORMAL", "UNAVAILABLE"] = "NORMAL"
    authorized: bool = True  # the console's "Confirm the authorization" to read OSS was clicked


class Seed(BaseModel):
    """A whole YAML file."""

    model_config = _STRICT
    accounts: list[AccountSeed] = []
    buckets: list[BucketSeed] = []
    queues: list[QueueSeed] = []
    topics: list[TopicSeed] = []
    subscriptions: list[SubscriptionSeed] = []
    projects: list[ProjectSeed] = []
    datasets: list[DatasetSeed] = []
    bindings: list[BindingSeed] = []
    image_search_instances: list[ImageSearchInstanceSeed] = []


class Step(BaseModel):
    """One request. `otherwise` is the operation that brings the same about if the thing is there already."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_bytes="base64", val_json_bytes="base64")
    service: str
    operation: str
    otherwise: str = ""
    account: str = ""
    region: str = ""
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    resource: tuple[str, ...] = ()
    body: bytes = b""

    @property
    def subject(self) -> str:
        """What the step is about, for messages."""
        return "/".join(self.resource) or " ".join(self.params.values())


def read_seed(path: Path) -> Seed:
    """The seed of a YAML file or a folder.

    Raises:
        SeedError: It cannot be read, or says something unknown.
    """
    if path.is_dir():
        return _folder_seed(path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        seed = Seed.model_validate(document or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SeedError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        raise SeedError(f"{path}: {_problems(error)}") from error
    buckets = [
        bucket if bucket.folder is None else bucket.model_copy(update={"folder": path.parent / bucket.folder})
        for bucket in seed.buckets
    ]
    return seed.model_copy(update={"buckets": buckets})


def steps_of(seed: Seed) -> Iterator[Step]:
    """The requests in an order that works: files before bindings, which then find them by their first scan.

    Raises:
        SeedError: A folder cannot be read.
    """
    for bucket in seed.buckets:
        place = {"account": bucket.account, "region": bucket.region}
        headers = {"x-oss-acl": bucket.acl}
        yield Step(service="oss", operation="PutBucket", resource=(bucket.name, ""), headers=headers, **place)
        for key, file in _files(bucket):
            yield Step(
                service="oss",
                operation="PutObject",
                resource=(bucket.name, key),
                body=_content(file),
                **place,
            )
    yield from _messaging(seed)
    yield from _indexing(seed)


def _messaging(seed: Seed) -> Iterator[Step]:
    for queue in seed.queues:
        params = {"QueueName": queue.name, **queue.attributes}
        yield _step("mns-open", "CreateQueue", queue, params, "SetQueueAttributes")
    for topic in seed.topics:
        params = {"TopicName": topic.name, **topic.attributes}
        yield _step("mns-open", "CreateTopic", topic, params, "SetTopicAttributes")
    for held in seed.subscriptions:
        params = {
            "TopicName": held.topic,
            "SubscriptionName": held.name or held.queue,
            "Endpoint": held.queue,
            "PushType": "queue",
            "NotifyContentFormat": held.format,
            "MessageTag": held.filter_tag,
        }
        yield _step("mns-open", "Subscribe", held, params)


def _indexing(seed: Seed) -> Iterator[Step]:
    for project in seed.projects:
        params = {"ProjectName": project.name, "ServiceRole": project.service_role, **_description(project)}
        yield _step("imm", "CreateProject", project, params, "UpdateProject")
    for dataset in seed.datasets:
        params = {"ProjectName": dataset.project, "DatasetName": dataset.name, **_description(dataset)}
        yield _step("imm", "CreateDataset", dataset, params, "UpdateDataset")
    for binding in seed.bindings:
        params = {
            "ProjectName": binding.project,
            "DatasetName": binding.dataset,
            "URI": f"oss://{binding.bucket}",
        }
        yield _step("imm", "CreateBinding", binding, params)


def _description(thing: Described) -> dict[str, str]:
    return {"TemplateId": thing.template, "Description": thing.description}


def _step(service: str, operation: str, owned: Owned, params: Mapping[str, str], otherwise: str = "") -> Step:
    given = {name: value for name, value in params.items() if value}
    return Step(
        service=service,
        operation=operation,
        otherwise=otherwise,
        account=owned.account,
        region=owned.region,
        params=given,
    )


def _folder_seed(folder: Path) -> Seed:
    entries = sorted(folder.iterdir())
    loose = [entry.name for entry in entries if not entry.is_dir()]
    if loose:
        raise SeedError(f"{folder / loose[0]} lies in no bucket: a seed's first level is folders named like buckets")
    return Seed(buckets=[BucketSeed(name=entry.name, folder=entry) for entry in entries])


def _files(bucket: BucketSeed) -> Iterable[tuple[str, Path]]:
    folder = bucket.folder
    if folder is None:
        return []
    if not folder.is_dir():
        raise SeedError(f"bucket {bucket.name}: {folder} is not a folder")
    return [(path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob("*")) if path.is_file()]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SeedError(f"{path} cannot be read: {error.strerror}") from error


def _problems(error: ValidationError) -> str:
    """Each problem with its place, one per line."""
    lines = []
    for problem in error.errors(include_url=False):
        place = ".".join(map(str, problem["loc"])) or "the file"
        unknown = problem["type"] == "extra_forbidden"
        lines.append(f"{place}: {'there is no such key' if unknown else problem['msg']}")
    return "\n  ".join(lines)
