"""Pages of tasks: PageNumber counts from 1, PageSize is 10 unless said; beyond the last page there is nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from emulator.imagesearch import params
from emulator.imagesearch.refusals import bad_request

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

T = TypeVar("T")
DEFAULT_SIZE = 10


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """What is on a page, and what an answer says of it."""

    items: list[T]
    facts: dict[str, object]


def page_of(cloud: Cloud, call: Call, found: list[T], largest: int) -> Page[T]:
    """The page that a call asks for of `found`, which comes oldest first.

    Raises:
        Refusal: BadRequest for a page that cannot be.
    """
    number = params.integer(call, "PageNumber")
    size = params.integer(call, "PageSize")
    number, size = 1 if number is None else number, DEFAULT_SIZE if size is None else size
    if number < 1:
        raise bad_request(f"PageNumber is {number}; it counts from 1.")
    if not 1 <= size <= largest:
        raise bad_request(f"PageSize is {size}; 1 to {largest} is taken.")
    ordered = found if cloud.switches.increment_list_order == "oldest" else found[::-1]
    facts: dict[str, object] = {"PageNumber": number, "PageSize": size, "TotalCount": len(found)}
    return Page(ordered[(number - 1) * size : number * size], facts)
