"""SimpleQuery and FuzzyQuery over a dataset's entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.aggregations import MAX_GROUPS, aggregate
from emulator.imm.conditions import condition_of
from emulator.imm.kept import shown_files, wanted_fields
from emulator.imm.lookup import dataset_of
from emulator.imm.matching import words
from emulator.imm.ordering import page_of, sort_of, uri_of
from emulator.imm.paging import DEFAULT_PAGE
from emulator.imm.texts import words_of

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.conditions import Condition
    from emulator.imm.state import Dataset, IndexedFile
    from emulator.state import Cloud

SERVED = Operations("imm")
MAX_SIMPLE_PAGE = 100
MAX_FUZZY_PAGE = 200
MAX_FUZZY_QUERY = 1024 * 1024  # bytes


@SERVED.serves(
    "SimpleQuery",
    "ProjectName", "DatasetName", "Query", "Sort", "Order", "MaxResults", "NextToken", "Aggregations", "WithFields",
    "WithoutTotalHits",
)  # fmt: skip
def simple_query(cloud: Cloud, call: Call) -> Reply:
    """Files, or aggregations, that meet logical conditions. api-imm-2020-09-30-simplequery."""
    _, dataset = dataset_of(cloud, call)
    condition = condition_of(params.structure(call, "Query") or {})
    aggregations = params.structures(call, "Aggregations") or []
    size = params.integer(call, "MaxResults", 0, MAX_GROUPS if aggregations else MAX_SIMPLE_PAGE) or DEFAULT_PAGE
    sort = sort_of(call, rest="desc")
    wanted = wanted_fields(call)
    found = _matching(dataset, condition)
    hits: dict[str, object] = {} if params.boolean(call, "WithoutTotalHits") else {"TotalHits": len(found)}
    if aggregations:
        found.sort(key=uri_of)  # a sum of the same fractions is the same, however they were found
        return Reply({"Aggregations": [aggregate(found, asked, size) for asked in aggregations], **hits})
    chosen, token = page_of(found, sort, call.params.get("NextToken", ""), size)
    return Reply({"Files": shown_files(chosen, wanted), "NextToken": token, **hits})


def _matching(dataset: Dataset, condition: Condition) -> list[IndexedFile]:
    """The files that meet a condition, in no order."""
    found, files = condition.narrow(dataset.look_up), dataset.files
    if found is None:
        return [item for item in files.values() if condition.holds(item.meta)]
    candidates = [files[uri] for uri in found.uris]
    return candidates if found.exact else [item for item in candidates if condition.holds(item.meta)]


@SERVED.serves(
    "FuzzyQuery",
    "ProjectName", "DatasetName", "Query", "Sort", "Order", "MaxResults", "NextToken", "WithFields",
)  # fmt: skip
def fuzzy_query(cloud: Cloud, call: Call) -> Reply:
    """Files whose texts or labels hold words of a query, most words first. api-imm-2020-09-30-fuzzyquery."""
    _, dataset = dataset_of(cloud, call)
    query = params.text(call, "Query")
    if len(query.encode()) > MAX_FUZZY_QUERY:
        raise refusals.malformed("Query")
    size = params.integer(call, "MaxResults", 0, MAX_FUZZY_PAGE) or DEFAULT_PAGE
    sort = sort_of(call, rest="asc")
    wanted = wanted_fields(call)
    asked = set(words(query))
    scores = {uri: len(asked & words_of(item)) for uri, item in dataset.files.items()}
    found = [item for uri, item in dataset.files.items() if scores[uri]]
    relevance = None if sort else (lambda item: scores[str(item.meta["URI"])])
    chosen, token = page_of(found, sort, call.params.get("NextToken", ""), size, relevance)
    return Reply({"Files": shown_files(chosen, wanted), "NextToken": token, "TotalHits": len(found)})
