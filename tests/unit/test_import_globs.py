"""`controller.core.imports.globs`: which keys below a prefix are taken."""

from __future__ import annotations

from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcmatch import glob

from controller.core.imports.globs import selector


@pytest.mark.parametrize(
    ("pattern", "takes", "leaves"),
    [
        ("*.jpg", ["a.jpg", ".jpg", ".a.jpg", "a b.jpg"], ["a.JPG", "x/a.jpg", "a.jpg.txt", "a.jpeg"]),
        ("**/*.jpg", ["a.jpg", "x/a.jpg", "x/y/.z/a.jpg"], ["a.png", "x/a.jpg/b"]),
        ("2024/**", ["2024/a", "2024/x/y"], ["2024", "2024a/b", "x/2024/a"]),
        ("**", ["a", "x/y/z"], []),
        ("**/**", ["a", "x/y/z"], []),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "b", "a/b/c"]),
        ("**/raw/**", ["raw/a", "x/raw/a/b"], ["raw", "x/raw", "rawa/b"]),
        ("a**b", ["ab", "axxb"], ["a/b"]),
        ("?.jpg", ["a.jpg", "ä.jpg"], [".jpg", "ab.jpg", "/.jpg"]),
        ("[ab].jpg", ["a.jpg"], ["c.jpg", "ab.jpg"]),
        ("[!ab].jpg", ["c.jpg"], ["a.jpg"]),
        ("[*].jpg", ["*.jpg"], ["a.jpg"]),
        ("a.b+(c)|d{1}", ["a.b+(c)|d{1}"], ["aXb+(c)|d{1}"]),
        ("x//y", ["x//y"], ["x/y"]),
        ("*", ["a", "a\nb", ".", ".."], ["a/b"]),
        ("[", ["["], ["a"]),
    ],
)
def test_what_a_glob_fits(pattern: str, takes: list[str], leaves: list[str]) -> None:
    """A table of what people write."""
    fits = selector("", [pattern], [])
    assert (takes, []) == ([key for key in takes if fits(key)], [key for key in leaves if fits(key)])


def test_without_includes_every_key_is_taken() -> None:
    """But marks of folders."""
    takes = selector("photos/", [], [])
    assert [True, True, False, False] == [takes(key) for key in ("photos/a", "photos/x/b", "photos/x/", "photos/")]


def test_an_exclude_goes_before_an_include() -> None:
    """One that fits is enough, of either."""
    takes = selector("photos/", ["*.jpg", "**/*.png"], ["thumbs/**", "*.tmp.jpg"])
    keys = [
        "photos/a.jpg",
        "photos/x/a.png",
        "photos/x/a.jpg",
        "photos/thumbs/a.png",
        "photos/a.tmp.jpg",
        "photos/a.gif",
    ]
    assert ["photos/a.jpg", "photos/x/a.png"] == [key for key in keys if takes(key)]


@pytest.mark.parametrize("prefix", ["photos", "photos/"])
def test_globs_see_the_rest_of_the_key(prefix: str) -> None:
    """Whether or not the prefix ends with the slash."""
    takes = selector(prefix, ["2024/*"], [])
    assert [True, False] == [takes(key) for key in ("photos/2024/a", "photos/photos/2024/a")]


def test_a_mark_of_a_folder_is_never_taken() -> None:
    """Whatever is asked for."""
    takes = selector("", ["**", "x/", "*/"], [])
    assert [False, False] == [takes(key) for key in ("x/", "x/y/")]


@pytest.mark.parametrize("pattern", ["**/a/" * 50 + "b", "*a" * 120 + "b", "**/" * 80 + "b", "**/*a*/" * 36 + "b"])
def test_no_glob_takes_long(pattern: str) -> None:
    """One regular expression for all of it takes minutes, and every other object would wait."""
    takes = selector("", [pattern], [])
    before = thread_time()
    for key in ("a/" * 500 + "c", "a" * 1000, "b" + "a" * 1000):
        assert not takes(key)
    assert thread_time() - before < 1


PART = st.text("ab.", min_size=1, max_size=3).filter(lambda part: part not in {".", ".."})
KEY = st.lists(PART, min_size=1, max_size=5).map("/".join)
GLOB = st.lists(st.just("**") | st.text("ab.*?", min_size=1, max_size=3), min_size=1, max_size=5).map("/".join)


@given(KEY, GLOB.filter(lambda pattern: not {".", "..", "***"} & set(pattern.split("/"))))
def test_a_glob_means_what_a_well_known_matcher_says(key: str, pattern: str) -> None:
    """Where names are those of files, that is; the matcher itself is no option for its worst case."""
    flags = glob.GLOBSTAR | glob.DOTGLOB | glob.FORCEUNIX
    assert glob.globmatch(key, pattern, flags=flags) == selector("", [pattern], [])(key)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_glob(pattern: str, key: str) -> None:
    """None is refused, as none is by the API server."""
    assert selector("", [pattern], [])(key) in {True, False}
    assert not selector("", [], [pattern])(key) or not selector("", [pattern], [])(key)
