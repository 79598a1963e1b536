"""SemanticQuery, as far as it can be had without a model: a match of words, and it says so.

The cloud compares meanings: "a dog on a beach" finds a photo nobody has labelled. Here a file is found only if its
labels, title, name or text hold a word of the query, so results tell something about the caller's code and nothing
about the cloud's answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.kept import check_file_uri, shown_files, wanted_fields
from emulator.imm.lookup import dataset_of
from emulator.imm.matching import words
from emulator.imm.paging import DEFAULT_PAGE
from emulator.imm.texts import texts_of

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.state import IndexedFile
    from emulator.state import Cloud

SERVED = Operations("imm")
MAX_PAGE = 100
MEDIA_TYPES = frozenset({"image", "video", "audio", "document"})


@SERVED.serves(
    "SemanticQuery",
    "ProjectName", "DatasetName", "Query", "SourceURI", "MediaTypes", "MaxResults", "NextToken", "WithFields",
    provenance="assumed",
)  # fmt: skip
def semantic_query(cloud: Cloud, call: Call) -> Reply:
    """Files whose labels and texts share words with the query, most words first. api-imm-2020-09-30-semanticquery.

    No page follows (NextToken is no longer provided), and a query by picture (SourceURI) is refused.
    """
    _, dataset = dataset_of(cloud, call)
    query, source = call.params.get("Query", ""), call.params.get("SourceURI", "")
    if source:
        check_file_uri(source)
        raise refusals.not_served("SemanticQuery by SourceURI")
    if not query:
        raise refusals.invalid_argument("Either Query or SourceURI must be specified.")
    media_types = set(params.texts(call, "MediaTypes") or [])
    if media_types - MEDIA_TYPES:
        raise refusals.malformed("MediaTypes")
    size = params.integer(call, "MaxResults", 1, MAX_PAGE) or DEFAULT_PAGE
    wanted = wanted_fields(call)
    asked = _terms(query)
    scored = [
        (_score(item, asked), item)
        for item in dataset.files.values()
        if not media_types or item.meta.get("MediaType") in media_types
    ]
    found = sorted((pair for pair in scored if pair[0]), key=lambda pair: (-pair[0], str(pair[1].meta["URI"])))
    return Reply({"Files": shown_files([item for _, item in found[:size]], wanted)})


def _terms(query: str) -> set[str]:
    """Words; a run of Chinese, which parts no words, counts by its pairs of characters."""
    found = set()
    for word in words(query):
        if word.isascii():
            found.add(word)
        else:
            found |= {word[begin : begin + 2] for begin in range(max(1, len(word) - 1))}
    return found


def _score(item: IndexedFile, asked: set[str]) -> int:
    texts = [text.lower() for text in texts_of(item)]
    own = {word for text in texts for word in words(text)}
    return sum(term in own if term.isascii() else any(term in text for text in texts) for term in asked)
