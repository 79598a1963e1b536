"""BatchImport into Image Search with the operator as a process: the five sources, and what stands before a submit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.guide_manifest import GUIDE
from tests.integration.import_room import IMPORT, WORK
from tests.integration.picture_room import PICTURES, PictureRoom, inline, line, own, target, text_of
from tests.integration.world import World

ADDED = [(one["ProductId"], one["PicName"]) for one in map(json.loads, GUIDE.splitlines()[:7])]


@pytest.fixture(scope="module")
def room(world: World) -> PictureRoom:
    """Everything an import into Image Search needs."""
    made = PictureRoom(world)
    made.open()
    return made


@pytest.fixture(autouse=True)
def defaults(room: PictureRoom) -> Iterator[None]:
    """A test's pace and readings end with it."""
    yield
    room.calm()


class TestGuide:
    """The vendor's own example, in the root of a bucket."""

    def test_the_nine_lines(self, room: PictureRoom) -> None:
        """Rejected without the permission for its last line; with it, what the guide promises is so."""
        room.instance("guide")
        images = room.images("guide")
        room.draw(*(name for _, name in ADDED))
        before = [("1004", "fengyi.jpg"), ("1004", "stays.jpg"), ("1005", "a.jpg"), ("1005", "b.jpg")]
        room.draw(*(name for _, name in before))
        first = {"pictures": [{"productId": one, "picName": name, "customContent": "old"} for one, name in before]}
        room.apply("guide-before", first, target=target("guide"))
        room.world.await_ready(IMPORT, "guide-before", 40)
        assert set(before) == room.held("guide")
        room.remove("increment.meta")
        etag = room.write("increment.meta", GUIDE)
        source = {"manifest": {"key": "increment.meta"}}
        room.apply("guide", source, target=target("guide"))
        room.world.await_reason(IMPORT, "guide", "WholeProductDelete", 40)
        assert "Rejected" == room.status("guide")["phase"]
        assert "1 line of the source has DELETE without PicName" in room.said("guide")
        assert 1 == room.submits("guide")
        room.apply("guide", source, target=target("guide"), allowWholeProductDelete=True)
        room.world.await_ready(IMPORT, "guide", 40)
        status = room.status("guide")
        assert ("Complete", 9, (9, 0, 0, 0)) == (status["phase"], status["totals"]["items"], room.counts("guide"))
        assert ("Succeeded", "success", "guide") == (
            status["task"]["state"], status["task"]["message"], status["instance"],
        )  # fmt: skip
        assert {*ADDED, ("1004", "stays.jpg")} == room.held("guide")
        assert etag == room.world.bucket(PICTURES).head_object("increment.meta").etag
        assert 2 == room.submits("guide")
        found = [images.exists(*one) for one in (ADDED[0], ("1004", "fengyi.jpg"), ("1005", "a.jpg"), before[1])]
        assert [True, False, False, True] == found
        [best, *_] = images.by_name("1006", "girlCloth/girl_cloth10.jpg")
        assert ("1006", "k1:v1,k2:v2,k3:v3") == (best["ProductId"], best["CustomContent"])
        [best, *_] = images.by_name("1000", "girl_cloth2.jpg")
        assert ("girl_cloth2.jpg", 0, 0, "value2") == (
            best["PicName"], best["CategoryId"], best["IntAttr"], best["StrAttr"],
        )  # fmt: skip


class TestSources:
    """Everything else that lines come from."""

    def test_inline(self, room: PictureRoom) -> None:
        """Every field of a line, ADD and DELETE in one."""
        lines = room.shop("inline", 3)
        room.apply("inline-before", inline(lines[:1]), target=target("inline", "inline/"))
        room.world.await_ready(IMPORT, "inline-before", 40)
        rich = lines[1] | {"CategoryId": 3, "IntAttr": -7, "StrAttr": "rot", "Region": "10,60,20,80"}
        room.apply("inline", inline([line("p0", "000.jpg", "DELETE"), rich, lines[2] | {"Crop": False}]))
        room.world.await_ready(IMPORT, "inline", 40)
        assert {("p1", "001.jpg"), ("p2", "002.jpg")} == room.held("inline")
        [best, *_] = room.images("inline").by_name("p1", "001.jpg")
        assert (3, -7, "rot", "about 001.jpg") == tuple(
            best[name] for name in ("CategoryId", "IntAttr", "StrAttr", "CustomContent")
        )
        assert [rich, line("p0", "000.jpg", "DELETE")] == sorted(
            (one for one in room.lies("inline") if one["ProductId"] != "p2"), key=lambda one: one["OperationType"]
        )

    def test_a_csv_table_with_columns_of_its_own(self, room: PictureRoom) -> None:
        """Numbers and truths are read from texts."""
        lines = room.shop("csv", 2)
        rows = ["sku,file,town,action,n,whole", "p0,000.jpg,Berlin,,12,false", "p1,001.jpg,,delete,,"]
        room.apply("csv-before", inline(lines[1:]), target=target("csv", "csv/"))
        room.world.await_ready(IMPORT, "csv-before", 40)
        key = "lists/catalogue.csv"
        room.write(key, "\n".join(rows))
        columns = {
            "productId": "sku", "picName": "file", "customContent": "town", "operation": "action", "intAttr": "n",
            "crop": "whole",
        }  # fmt: skip
        table = {"bucket": PICTURES, "key": key, "format": "CSV", "pictureColumns": columns}
        room.apply("csv", {"table": table})
        room.world.await_ready(IMPORT, "csv", 40)
        assert {("p0", "000.jpg")} == room.held("csv")
        assert {"OperationType": "ADD", "ProductId": "p0", "PicName": "000.jpg", "CustomContent": "Berlin",
                "IntAttr": 12, "Crop": False} in room.lies("csv")  # fmt: skip

    def test_json_lines_under_the_manifests_own_names(self, room: PictureRoom) -> None:
        """So a manifest that lies elsewhere is a table, too."""
        lines = room.shop("jsonl", 4)
        room.write("lists/lines.jsonl", text_of(lines))
        room.apply("jsonl", {"table": {"bucket": PICTURES, "key": "lists/lines.jsonl"}})
        room.world.await_ready(IMPORT, "jsonl", 40)
        assert {(one["ProductId"], one["PicName"]) for one in lines} == room.held("jsonl")

    @pytest.mark.parametrize(
        ("rule", "products"),
        [
            ("FileName", {"shoe_1", "shoe_2", "hat"}),
            ("Folder", {"summer", "winter"}),
            ("BeforeSeparator", {"shoe", "hat"}),
        ],
    )
    def test_a_prefix(self, room: PictureRoom, rule: str, products: set[str]) -> None:
        """With globs, and the product's id from the name."""
        name = f"prefix-{rule.lower()}"[:20]
        room.instance(name)
        wanted = ["summer/shoe_1.jpg", "summer/shoe_2.jpg", "winter/hat.jpg"]
        room.draw(*(f"{name}/{one}" for one in [*wanted, "winter/draft_9.jpg"]))
        room.write(f"{name}/summer/notes.txt", "no picture")
        prefix = {
            "bucket": PICTURES, "prefix": f"{name}/", "include": ["**/*.jpg"], "exclude": ["**/draft*"],
            "pictures": {"productIdFrom": rule, "separator": "_", "strAttr": "2026"},
        }  # fmt: skip
        room.apply(name, {"prefix": prefix})
        room.world.await_ready(IMPORT, name, 40)
        assert (products, set(wanted)) == tuple(map(set, zip(*room.held(name), strict=True)))
        assert f"oss://{PICTURES}/{name}/{wanted[0]}" in {one["CustomContent"] for one in room.lies(name)}


class TestChecked:
    """What is wrong is named before anything is paid for."""

    def bad(self, room: PictureRoom, name: str) -> str:
        """A manifest of good lines and bad ones, with pictures of every kind."""
        lines = room.shop(name, 3)
        room.world.cloud.put_objects(PICTURES, [(f"{name}/text.jpg", b"no picture" * 99)])
        bad: list[Any] = [
            lines[0], {"OperationType": "ADD", "ProductId": "x"}, lines[1] | {"StrAttr": "50%"},
            line("p9", "not-there.jpg"), line("p8", "text.jpg"), lines[1], lines[1], lines[2] | {"Region": "9,8,7,6"},
            lines[2] | {"CategoryId": 17}, lines[2] | {"IntAttr": "7"}, lines[2] | {"PicName": "/002.jpg"},
            lines[2] | {"price": 1}, lines[2],
        ]  # fmt: skip
        return text_of(bad) + "{\n"

    def test_every_bad_line_is_named_and_nothing_is_submitted(self, room: PictureRoom) -> None:
        """Line, field, value and rule of each in the report; the first ten in the status."""
        room.write("bad/increment.meta", self.bad(room, "bad"))
        room.apply("bad", own("bad"))
        room.world.await_reason(IMPORT, "bad", "SourceInvalid", 40)
        status, found = room.status("bad"), room.report("bad")
        assert "Rejected" == status["phase"]
        named = {(one["where"], one["field"]) for one in found}
        wanted = {
            ("line 2", "PicName"), ("line 2", "CustomContent"), ("line 3", "StrAttr"), ("line 4", "PicName"),
            ("line 5", "PicName"), ("line 8", "Region"), ("line 9", "CategoryId"), ("line 10", "IntAttr"),
            ("line 11", "PicName"), ("line 12", "price"), ("line 14", "line"),
        }  # fmt: skip
        assert wanted <= named, sorted(named)
        assert {"line 6", "line 7"} & {where for where, _ in named}
        assert not {"line 1", "line 13"} & {where for where, _ in named}
        assert all(one["rule"] for one in found)
        assert "50%" in next(one["value"] for one in found if one["field"] == "StrAttr")
        assert 10 == len(status["failures"])
        assert 0 == room.submits("bad")
        assert set() == room.held("bad")

    def test_skip_submits_the_rest(self, room: PictureRoom) -> None:
        """From a table, so that a manifest of its own is written."""
        room.write("lists/bad.jsonl", self.bad(room, "skip"))
        source = {"table": {"bucket": PICTURES, "key": "lists/bad.jsonl"}}
        room.apply("skip", source, onInvalid="Skip")
        room.await_phase("skip", "Complete", 40)
        status = room.status("skip")
        good = {(one["ProductId"], one["PicName"]) for one in room.lies("skip")}
        assert good == room.held("skip")
        assert ("p0", "000.jpg") in good
        assert ("p9", "not-there.jpg") not in good
        assert (len(good), 14 - len(good)) == (status["totals"]["succeeded"], status["totals"]["skipped"])
        assert "left out of the source" in room.said("skip")

    def test_a_manifest_of_the_users_own_is_replaced_only_where_that_is_allowed(self, room: PictureRoom) -> None:
        """Its bytes are kept first."""
        text = self.bad(room, "protected")
        room.write("protected/increment.meta", text)
        room.apply("protected", own("protected"), onInvalid="Skip")
        room.world.await_reason(IMPORT, "protected", "ManifestProtected", 40)
        assert 0 == room.submits("protected")
        assert text == room.world.bucket(PICTURES).get_object("protected/increment.meta").read().decode()
        room.apply("protected", own("protected"), onInvalid="Skip", allowManifestReplace=True)
        room.await_phase("protected", "Complete", 40)
        kept = room.world.bucket(WORK).get_object(f"runs/{room.status('protected')['run']}/original.meta").read()
        assert text == kept.decode()
        assert 1 == room.submits("protected")
