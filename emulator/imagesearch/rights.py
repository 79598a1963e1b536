"""What each operation of Image Search needs: an action of its own name, on all resources.

From the operations' own pages and their common table (api-imagesearch-2020-12-14-ram), which give "all resources" for
each. The guide on RAM users has resources of single instances too (acs:imagesearch:region:account:instance/name); a
policy on those alone is refused here, because the pages do not say that it is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.rights import Need, Table

if TYPE_CHECKING:
    from emulator.call import Call


def _everything(_: Call) -> tuple[str, ...]:
    return ("*",)


NEEDS: Table = {
    name: (Need(f"imagesearch:{name}", _everything),)
    for name in (
        "Detail",
        "AddImage",
        "DeleteImage",
        "UpdateImage",
        "CheckImageExists",
        "SearchImageByPic",
        "SearchImageByName",
        "SearchImageByFilter",
        "SearchImageByText",
        "IncreaseInstance",
        "IncreaseList",
        "DumpMeta",
        "DumpMetaList",
    )
}
