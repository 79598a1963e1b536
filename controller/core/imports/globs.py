"""Which keys below a prefix an import takes: include and exclude globs on the rest of each key.

A glob is matched folder by folder with the set of places it can be at, so that its cost grows with its length and the
key's, whatever is written in it. One regular expression for a whole glob takes minutes over a few `**` that do not
fit, and holds up everybody else's objects meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate

Folder = Callable[[str], object] | None  # tells whether one part of a key fits; None is `**`
Glob = tuple[Folder, ...]


def selector(prefix: str, include: Iterable[str], exclude: Iterable[str]) -> Callable[[str], bool]:
    """Make the question whether a key that starts with `prefix` is taken.

    A glob sees what follows the prefix, without the `/` that may stand between the two. `*` and `?` stay within a
    folder, `**` as a whole part of the glob goes over any number of them, `[abc]` and `[!abc]` are one character.
    Upper and lower case differ, and a leading dot is nothing special. Without includes every key is taken; an exclude
    goes before an include. A key that ends in `/` marks a folder and is never taken.
    """
    taken, left_out = [_read(glob) for glob in include], [_read(glob) for glob in exclude]

    def takes(key: str) -> bool:
        if is_folder(key):
            return False
        parts = key[len(prefix) :].removeprefix("/").split("/")
        if taken and not any(_fits(glob, parts) for glob in taken):
            return False
        return not any(_fits(glob, parts) for glob in left_out)

    return takes


def is_folder(key: str) -> bool:
    """Whether a key is only the mark of a folder, as consoles make them."""
    return key.endswith("/")


def _read(glob: str) -> Glob:
    parts: list[Folder] = []
    for part in glob.split("/"):
        if part != "**":
            parts.append(re.compile(translate(part)).match)
        elif not parts or parts[-1] is not None:  # two in a row say nothing more than one
            parts.append(None)
    return tuple(parts)


def _fits(glob: Glob, parts: list[str]) -> bool:
    """Whether a glob can be used up by all parts of a key; a `**` at its end wants at least one part."""
    places = {0}
    for part in parts:
        onward: set[int] = set()
        for place in places - {len(glob)}:
            here = place
            if glob[place] is None:
                onward.add(place)
                here += 1
            if here == len(glob):
                onward.add(here)
            elif (folder := glob[here]) is not None and folder(part):
                onward.add(here + 1)
        places = onward
    return len(glob) in places
