"""BatchImport with the operator as a process: sources, verdicts, and what stays done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.import_room import DATASET, FILES, IMPORT, WORK, ImportRoom, drive, uri
from tests.integration.import_truth import fates
from tests.integration.world import PROJECT, World

PICTURE = Path(__file__).parents[2] / "examples" / "media" / "photos" / "dune.jpg"


@pytest.fixture(scope="module")
def room(world: World) -> ImportRoom:
    """Everything an import needs."""
    made = ImportRoom(world)
    made.open()
    return made


class TestSources:
    """Each of the three, into the same dataset."""

    def test_inline_files_are_indexed_with_their_labels(self, room: ImportRoom) -> None:
        """The vendor's guide, "Index multiple files": two pictures, each with a label."""
        room.put("test-object1.jpg", "test-object2.jpg", data=PICTURE.read_bytes())
        source = {
            "items": [
                {"uri": uri("test-object1.jpg"), "customLabels": {"category": "Persons"}},
                {"uri": uri("test-object2.jpg"), "customId": "two", "customLabels": {"category": "Pets"}},
            ]
        }
        room.apply("inline", source)
        room.world.await_ready(IMPORT, "inline")
        status = room.status("inline")
        assert status["phase"] == "Complete"
        assert (status["totals"]["submitted"], status["totals"]["succeeded"]) == (2, 2)
        held = room.indexed()
        assert held[uri("test-object1.jpg")]["CustomLabels"] == {"category": "Persons"}
        assert held[uri("test-object2.jpg")]["CustomLabels"] == {"category": "Pets"}
        assert held[uri("test-object2.jpg")]["CustomId"] == "two"

    def test_a_table_of_json_lines_with_its_own_column_names(self, room: ImportRoom) -> None:
        """Columns are mapped, keys get their bucket, labels come from columns."""
        room.put("t/1.txt", "t/2.txt")
        source = room.table(
            "tables/files.jsonl",
            [
                json.dumps({"file": "t/1.txt", "nr": "1", "kind": "note"}),
                json.dumps({"file": "t/2.txt", "nr": "2", "kind": "memo"}),
            ],
        )
        source["table"] |= {
            "uriPrefix": f"oss://{FILES}/",
            "columns": {"uri": "file", "customId": "nr", "labels": {"genre": "kind"}},
        }
        room.apply("jsonl", source)
        room.world.await_ready(IMPORT, "jsonl")
        held = room.indexed()
        assert (held[uri("t/2.txt")]["CustomId"], held[uri("t/2.txt")]["CustomLabels"]) == ("2", {"genre": "memo"})

    def test_a_csv_table_may_add_and_remove(self, room: ImportRoom) -> None:
        """DELETE removes the metadata and leaves the object."""
        room.put("c/stays.txt", "c/goes.txt")
        room.apply("before", room.items("c/goes.txt"))
        room.world.await_ready(IMPORT, "before")
        assert uri("c/goes.txt") in room.indexed()
        source = room.table(
            "tables/files.csv", ["uri,operation", f"{uri('c/stays.txt')},", f"{uri('c/goes.txt')},DELETE"]
        )
        source["table"] |= {"format": "CSV"}
        room.apply("csv", source)
        room.world.await_ready(IMPORT, "csv")
        held = room.indexed()
        assert uri("c/stays.txt") in held
        assert uri("c/goes.txt") not in held
        assert room.world.bucket(FILES).object_exists("c/goes.txt")

    def test_a_prefix_with_globs(self, room: ImportRoom) -> None:
        """Only what an include fits and no exclude does."""
        room.put("p/a.txt", "p/b.md", "p/deep/c.txt", "p/deep/draft.txt", "elsewhere/d.txt")
        room.apply(
            "globs", {"prefix": {"bucket": FILES, "prefix": "p/", "include": ["**/*.txt"], "exclude": ["**/draft*"]}}
        )
        room.world.await_ready(IMPORT, "globs")
        found = {one for one in room.indexed() if one.startswith((uri("p/"), uri("elsewhere/")))}
        assert found == {uri("p/a.txt"), uri("p/deep/c.txt")}


class TestDrives:
    """Files of Drive and Photo Service beside those in OSS."""

    def test_files_of_both_services_are_added_and_removed(self, room: ImportRoom) -> None:
        """From the object that each is kept in; one without fails by its name, and none of the others with it."""
        room.put("drive/kept.jpg", data=PICTURE.read_bytes())
        room.put("drive/goes.txt", "drive/comes.txt")
        kept = {"ossUri": uri("drive/kept.jpg")}
        before = [{"uri": uri("drive/goes.txt")}, {"uri": drive("goes")} | kept]
        room.apply("drives-before", room.table("tables/drives.jsonl", map(json.dumps, before)))
        room.world.await_ready(IMPORT, "drives-before")
        assert {one["uri"] for one in before} <= room.indexed().keys()
        labels = {"customId": "17", "customLabels": {"album": "spring"}}
        items: list[dict[str, Any]] = [
            {"uri": uri("drive/comes.txt")} | labels,
            {"uri": drive("kept"), "fileHash": "EA4942AA"} | kept | labels,
            {"uri": drive("lost")} | labels,
            {"uri": uri("drive/goes.txt"), "operation": "DELETE"},
            {"uri": drive("goes"), "operation": "DELETE"},
        ]
        room.apply("drives", {"items": items})
        room.world.await_reason(IMPORT, "drives", "PartiallyFailed")
        status = room.status("drives")
        [failure] = status["failures"]
        assert (failure["item"], "not exist" in failure["error"]) == (drive("lost"), True)
        verdicts = {one["uri"]: "failed" if one["uri"] == drive("lost") else "succeeded" for one in items}
        assert fates(room, status["run"]) == verdicts
        totals = status["totals"]
        assert (totals["items"], totals["succeeded"], totals["failed"], totals["unknown"]) == (5, 4, 1, 0)
        held = room.indexed()
        gone = {drive("lost"), drive("goes"), uri("drive/goes.txt"), uri("drive/kept.jpg")}
        assert gone.isdisjoint(held)
        for one in (drive("kept"), uri("drive/comes.txt")):
            assert (held[one]["CustomId"], held[one]["CustomLabels"]) == ("17", {"album": "spring"})
        meta = held[drive("kept")]
        assert (meta["OSSURI"], meta["FileHash"], meta["MediaType"]) == (kept["ossUri"], "EA4942AA", "image")
        assert room.world.bucket(FILES).object_exists("drive/goes.txt")


class TestVerdicts:
    """Every file has one."""

    def test_a_file_that_is_not_there_is_named(self, room: ImportRoom) -> None:
        """The message says Success: true, and the file's own Error counts."""
        room.put("v/there.txt")
        room.apply("missing", room.items("v/there.txt", "v/not-there.txt"))
        room.world.await_reason(IMPORT, "missing", "PartiallyFailed")
        status = room.status("missing")
        assert status["phase"] == "Failed"
        totals = status["totals"]
        assert (totals["items"], totals["succeeded"], totals["failed"], totals["unknown"]) == (2, 1, 1, 0)
        assert totals["submitted"] == totals["succeeded"] + totals["failed"] + totals["unknown"]
        [failure] = status["failures"]
        assert failure["item"] == uri("v/not-there.txt")
        assert "not exist" in failure["error"]
        key = status["report"].removeprefix(f"oss://{WORK}/")
        report = room.world.bucket(WORK).get_object(key).read().decode().splitlines()
        assert [uri("v/not-there.txt") in line for line in report] == [True]

    def test_a_retry_sends_what_failed_once(self, room: ImportRoom) -> None:
        """A new token retries; the same one does not."""
        room.put("r/first.txt")
        room.apply("again", room.items("r/first.txt", "r/second.txt"))
        room.world.await_reason(IMPORT, "again", "PartiallyFailed")
        room.put("r/second.txt")
        billed = room.billed()
        room.apply("again", room.items("r/first.txt", "r/second.txt"), retry={"failedItems": "one"})
        room.world.await_ready(IMPORT, "again")
        status = room.status("again")
        assert (status["lastRetry"], status["totals"]["succeeded"]) == ("one", 2)
        assert room.billed() == billed + 1
        room.world.request(IMPORT, "again", "look")
        assert room.billed() == billed + 1

    def test_max_failed_items_decides_afterwards_too(self, room: ImportRoom) -> None:
        """It steers the verdict and is no work: nothing runs again."""
        room.apply("lenient", room.items("v/there.txt", "l/none.txt"))
        room.world.await_reason(IMPORT, "lenient", "PartiallyFailed")
        billed = room.billed()
        room.apply("lenient", room.items("v/there.txt", "l/none.txt"), maxFailedItems=1)
        room.world.await_ready(IMPORT, "lenient")
        assert room.status("lenient")["phase"] == "Complete"
        assert room.billed() == billed

    def test_a_bad_line_is_named_and_nothing_is_sent(self, room: ImportRoom) -> None:
        """All lines are checked, not just up to the first that is wrong."""
        room.put("b/good.txt")
        lines = [json.dumps({"uri": uri("b/good.txt")}), "{", json.dumps({"uri": "https://example.com/x.jpg"})]
        billed = room.billed()
        room.apply("bad", room.table("tables/bad.jsonl", lines))
        status = room.await_phase("bad", "Rejected")
        message = room.world.condition(IMPORT, "bad", "Stalled")["message"]
        assert "2" in message
        named = json.dumps(status["failures"])
        assert "line 2" in named
        assert "line 3" in named
        assert room.billed() == billed
        room.apply("bad", room.table("tables/bad.jsonl", lines), onInvalid="Skip")
        room.world.await_ready(IMPORT, "bad")
        totals = room.status("bad")["totals"]
        assert (totals["items"], totals["skipped"], totals["succeeded"]) == (1, 2, 1)


class TestModes:
    """What is only planned, and what is held back."""

    def test_dry_run_says_what_would_be_sent(self, room: ImportRoom) -> None:
        """Files and calls, and nothing is written to the cloud."""
        billed = room.billed()
        room.apply("dry", room.items("v/there.txt", "p/a.txt"), mode="DryRun")
        room.world.await_reason(IMPORT, "dry", "Planned")
        planned = room.status("dry")["plannedChanges"]
        assert any("2 files" in line for line in planned)
        assert room.billed() == billed

    def test_suspended_sends_nothing_until_it_is_not(self, room: ImportRoom) -> None:
        """The condition says Suspended."""
        billed = room.billed()
        room.apply("held", room.items("v/there.txt"), suspend=True)
        room.world.until("Suspended", lambda: room.world.condition(IMPORT, "held", "Suspended").get("status") == "True")
        assert room.billed() == billed
        room.apply("held", room.items("v/there.txt"), suspend=False)
        room.world.await_ready(IMPORT, "held")
        assert room.billed() == billed + 1

    def test_too_many_files_are_refused_before_they_are_paid_for(self, room: ImportRoom) -> None:
        """The message has both numbers."""
        billed = room.billed()
        room.apply("many", {"prefix": {"bucket": FILES, "prefix": "p/"}}, maxItems=2)
        room.world.until("a refusal", lambda: bool(room.world.condition(IMPORT, "many", "Stalled")))
        message = room.world.condition(IMPORT, "many", "Stalled")["message"]
        assert "4" in message
        assert "2" in message
        assert room.billed() == billed


@pytest.fixture(scope="module")
def done(room: ImportRoom) -> str:
    """A finished import."""
    room.put("d/1.txt", "d/2.txt")
    room.apply("done", room.items("d/1.txt", "d/2.txt"))
    room.world.await_ready(IMPORT, "done")
    return "done"


class TestStaysDone:
    """A finished import costs nothing again, whatever happens to its object."""

    def test_a_second_look_writes_and_asks_nothing(self, room: ImportRoom, done: str) -> None:
        """Neither the cloud nor Kubernetes, the echo apart."""
        before, asked = len(room.world.writes("batchimports", done)), room.world.cloud.counts().get("imm")
        room.world.request(IMPORT, done, "once-more")
        assert room.world.writes("batchimports", done)[before:] == ["update status"]
        assert room.world.cloud.counts().get("imm") == asked

    @pytest.mark.parametrize(
        "change",
        [
            {"suspend": True},
            {"mode": "Observe"},
            {"resultTimeout": "20m"},
            {"deadline": "1h"},
            {"resyncInterval": "1h"},
            {"maxFailedItems": 3},
            {"maxItems": 1000},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_field_that_is_no_work_makes_no_run(self, room: ImportRoom, done: str, change: dict[str, object]) -> None:
        """Toggled on and off again."""
        billed, run = room.billed(), room.status(done)["run"]
        for spec in (change, {}):
            room.apply(done, room.items("d/1.txt", "d/2.txt"), **spec)
            room.world.request(IMPORT, done, f"{change} {spec}"[:60])
        assert (room.billed(), room.status(done)["run"]) == (billed, run)

    def test_replace_force_and_a_lost_status_find_the_run(self, room: ImportRoom, done: str) -> None:
        """Deleted and made again, as `kubectl replace --force` and a restore without status do."""
        billed, status = room.billed(), room.status(done)
        room.world.delete(IMPORT, done)
        room.world.await_gone(IMPORT, done)
        room.apply(done, room.items("d/1.txt", "d/2.txt"))
        room.world.await_ready(IMPORT, done)
        again = room.status(done)
        assert room.billed() == billed
        assert (again["run"], again["totals"], again["phase"]) == (status["run"], status["totals"], "Complete")

    def test_a_changed_source_is_a_new_run_and_the_old_one_is_history(self, room: ImportRoom, done: str) -> None:
        """One call more, for the new content."""
        billed, run = room.billed(), room.status(done)["run"]
        room.apply(done, room.items("d/1.txt", "d/2.txt", customLabels={"year": "2026"}))
        room.world.until("the new run", lambda: room.status(done).get("run") not in {None, run})
        room.await_phase(done, "Complete")
        assert room.billed() == billed + 1
        assert room.status(done)["history"][0]["run"] == run
        assert room.indexed()[uri("d/1.txt")]["CustomLabels"] == {"year": "2026"}

    def test_labels_alone_are_written_without_indexing_again(self, room: ImportRoom, done: str) -> None:
        """UpdateLabels: the files are in the dataset, so nothing is read again."""
        billed = room.billed()
        target = {"dataset": {"project": PROJECT, "name": DATASET, "onExisting": "UpdateLabels"}}
        room.apply(done, room.items("d/1.txt", "d/2.txt", customLabels={"year": "2027"}), target=target)
        room.world.until("the labels", lambda: room.indexed()[uri("d/2.txt")].get("CustomLabels") == {"year": "2027"})
        room.await_phase(done, "Complete")
        assert room.billed() == billed
